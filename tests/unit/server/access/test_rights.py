from __future__ import annotations

import pytest

from streamer.monitoring.parts import camera_part, faces_part
from streamer.server.access.rights import Access, Role

PARTS = {
    "store": "db.example is gone",
    "webhook till": "no answer from shop.example",
    camera_part("door"): "none of its frames is analysed: bad weights in /srv/models",
    camera_part("yard"): "none of its frames is analysed: bad weights in /srv/models",
    faces_part("door"): "no age and gender is read: bad weights in /srv/models",
    faces_part("yard"): "no age and gender is read: bad weights in /srv/models",
}


def test_a_viewer_hears_of_which_of_their_cameras_something_is_not_analyzed_and_no_reason() -> None:
    told = Access("", Role.VIEWER, frozenset({"door"})).degraded(PARTS)
    assert told == {
        "camera door": "none of its frames is analysed",
        "faces of door": "no age and gender is read",
        "store": "figures of this time may be missing",
    }


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_nobody_hears_of_a_camera_that_they_do_not_see(role: Role) -> None:
    told = Access("", role, frozenset({"door"})).degraded(PARTS)
    assert told == {part: reason for part, reason in PARTS.items() if "yard" not in part}
    assert Access("", role).degraded(PARTS) == PARTS
