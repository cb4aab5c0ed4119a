"""Fifty configurations that can't be used, each with what the answer has to name."""

from __future__ import annotations

from typing import Final

__all__ = ["BROKEN", "FRAGMENTS", "SECRET"]

SECRET: Final = "marked-secret-hunter2"
FRAGMENTS: Final = ("marked-s", "secret-h", "hunter2")  # by which it is known where it was cut off

_CAMERA: Final = "cameras: [{id: door, source: demo}]\n"
_URL: Final = f"rtsp://me:{SECRET}@cam/1"


def _camera(more: str) -> str:
    return f"cameras: [{{id: door, source: '{_URL}', {more}}}]"


BROKEN: Final[tuple[tuple[str, str], ...]] = (
    # no configuration at all
    ("", "cameras"),
    ("cameras: [", "line 1"),
    ("a: b: c", "line 1"),
    ("- a", "cameras"),
    ("cameras: door", "cameras"),
    ("cameras: []", "cameras"),
    ("inference: {}", "cameras"),
    ("cameras: [{id: door}]", "cameras[0].source"),
    ("cameras: [{source: demo}]", "cameras[0].id"),
    (f"cameras: {{password: {SECRET}}}", "cameras"),
    # cameras
    ("cameras: [{id: Front Door, source: demo}]", "cameras[0].id"),
    ("cameras: [{id: a, source: demo}, {id: a, source: demo}]", "cameras"),
    ("cameras: [{id: a, source: 'ftp://cam/1'}]", "cameras[0].source"),
    ("cameras: [{id: a, source: 'file:///etc/passwd'}]", "cameras[0].source"),
    (f"cameras: [{{id: a, source: demo, password: {SECRET}}}]", "cameras[0]"),
    (f"cameras: [{{id: a, source: demo, username: [], password: {SECRET}}}]", "cameras[0].username"),
    (_camera("max_fps: -1"), "cameras[0].max_fps"),
    (_camera("transport: http"), "cameras[0].transport"),
    (_camera("open_timeout: soon"), "cameras[0].open_timeout"),
    (_camera("stall_timeout: 0"), "cameras[0].stall_timeout"),
    (_camera("reconnect_max: 0.5"), "cameras[0]"),
    (_camera("priority: high"), "cameras[0].priority"),
    (_camera("loop: maybe"), "cameras[0].loop"),
    (_camera("colour: red"), "cameras[0].colour"),
    (_camera("lines: [{name: x, start: [0, 0]}]"), "cameras[0].lines[0].end"),
    (_camera("lines: [{name: x, start: [0, 0], end: [0, 0]}]"), "cameras[0].lines[0]"),
    (_camera("lines: [{name: x, start: [0, 0], end: [2, 0]}]"), "cameras[0].lines[0].end"),
    (_camera("zones: [{name: x, points: [[0, 0], [1, 1]]}]"), "cameras[0].zones[0].points"),
    # the rest
    (_CAMERA + "inference: {workers: 0}", "inference.workers"),
    (_CAMERA + "inference: {detect_width: 10}", "inference.detect_width"),
    (_CAMERA + "inference: {tiles: 3}", "inference.tiles"),
    (_CAMERA + "inference: {queue_size: 0}", "inference.queue_size"),
    (_CAMERA + "inference: {hang_after: 0}", "inference.hang_after"),
    (_CAMERA + "inference: fast", "inference"),
    (_CAMERA + "models: {detector: best}", "models.detector"),
    (_CAMERA + "models: {runtime: cuda}", "models.runtime"),
    (_CAMERA + "tracking: {confirm_hits: 0}", "tracking.confirm_hits"),
    (_CAMERA + "tracking: {min_gender_confidence: 2}", "tracking.min_gender_confidence"),
    (_CAMERA + "footfall: {age_groups: [3, 1]}", "footfall.age_groups"),
    (_CAMERA + "server: {port: 70000}", "server.port"),
    (_CAMERA + "server: {host: 0.0.0.0}", "server"),
    (_CAMERA + f"server: {{auth: {{token: {SECRET}, x: 1}}}}", "server.auth"),
    (_CAMERA + "server: {auth: {token: short}}", "server.auth"),
    (_CAMERA + "server: {max_viewers: 0}", "server.max_viewers"),
    (_CAMERA + "images: {quality: 200}", "images.quality"),
    (_CAMERA + "store: {url: 'mysql://h/d'}", "store.url"),
    (_CAMERA + "store: {retention: {visits: 0}}", "store.retention.visits"),
    (_CAMERA + f"mqtt: {{password: {SECRET}}}", "mqtt.host"),
    (_CAMERA + "privacy: please", "privacy"),
    (_CAMERA + "log: {level: '${NOT_SET_ANYWHERE}'}", "log.level"),
)
