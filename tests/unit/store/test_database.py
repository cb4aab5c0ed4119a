from __future__ import annotations

from pathlib import Path

from streamer.store.database import Database
from tests.file_modes import modes, no_umask, on_posix

ALONE = {"figures.sqlite3": 0o600, "figures.sqlite3-wal": 0o600, "figures.sqlite3-shm": 0o600}


def opened(folder: Path) -> Database:
    database = Database(f"sqlite:///{folder / 'figures.sqlite3'}")
    with no_umask():
        database.open()
    return database


@on_posix
def test_sqlite_s_files_are_their_owner_s_alone(tmp_path: Path) -> None:
    database = opened(tmp_path)
    assert modes(tmp_path) == ALONE
    database.close()


@on_posix
def test_files_of_before_that_others_could_read_are_closed_to_them(tmp_path: Path) -> None:
    writing = opened(tmp_path)  # so that the files beside it are there, too
    for file in tmp_path.iterdir():
        file.chmod(0o664)
    opened(tmp_path).close()
    assert modes(tmp_path) == ALONE
    with writing.write():
        pass  # whoever has it open goes on
    writing.close()
