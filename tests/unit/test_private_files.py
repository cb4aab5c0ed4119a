from __future__ import annotations

import errno
from pathlib import Path

import pytest

from streamer.private_files import keep_private, make_private
from tests.file_modes import modes, no_umask, on_posix

pytestmark = on_posix


def test_a_new_file_is_its_owner_s_alone_also_where_a_link_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "linked")
    with no_umask():
        make_private(tmp_path / "new")
        make_private(tmp_path / "link")
    assert modes(tmp_path) == {"new": 0o600, "link": 0o600, "linked": 0o600}


def test_one_that_is_there_is_left_as_it_is_until_it_is_known_to_be_ours(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("kept")
    path.chmod(0o664)
    make_private(path)
    assert (path.read_text(), modes(tmp_path)) == ("kept", {"file": 0o664})
    keep_private(path)
    assert (path.read_text(), modes(tmp_path)) == ("kept", {"file": 0o600})


def test_a_mode_that_is_narrower_is_not_widened(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(0o440)
    keep_private(path)
    assert modes(tmp_path) == {"file": 0o400}


def test_where_it_can_t_be_done_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_private(tmp_path / "nowhere" / "file")
    keep_private(tmp_path / "nowhere" / "file")
    assert not caplog.text

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    path = tmp_path / "file"
    path.touch()
    path.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    keep_private(path)
    assert "others than its owner may read it" in caplog.text
