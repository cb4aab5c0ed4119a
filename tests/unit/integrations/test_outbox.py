from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamer.errors import StoreError
from streamer.integrations.outbox import Outbox
from tests.file_modes import modes, no_umask, on_posix


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "webhooks.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with closing(Outbox(path, {"shop": 3, "office": 100})) as found:
        yield found


def waiting(outbox: Outbox, target: str) -> list[str]:
    """The keys that wait for a target, taken out in order."""
    keys = []
    while (delivery := outbox.first(target)) is not None:
        keys.append(delivery.key)
        outbox.remove(delivery)
    return keys


def test_each_target_has_a_queue_of_its_own_in_order(outbox: Outbox) -> None:
    outbox.put([("shop", "1", b"a"), ("office", "1", b"a"), ("shop", "2", b"b")])
    assert (outbox.waiting("shop"), outbox.waiting("office")) == (2, 1)
    assert waiting(outbox, "shop") == ["1", "2"]
    assert (outbox.waiting("shop"), outbox.waiting("office")) == (0, 1)


def test_the_oldest_make_room_and_are_counted(outbox: Outbox) -> None:
    assert outbox.put([("shop", str(n), b"") for n in range(5)]) == {"shop": 2}
    assert outbox.put([("shop", "5", b"")]) == {"shop": 1}
    assert outbox.waiting("shop") == 3
    assert waiting(outbox, "shop") == ["3", "4", "5"]


def test_an_event_that_waits_already_is_not_added_again(outbox: Outbox) -> None:
    outbox.put([("shop", "1", b"")])
    outbox.put([("shop", "1", b"")])
    assert outbox.waiting("shop") == 1
    assert waiting(outbox, "shop") == ["1"]


def test_a_delivery_that_had_to_make_room_while_it_was_sent_is_removed_without_harm(outbox: Outbox) -> None:
    outbox.put([("shop", "0", b"")])
    sent = outbox.first("shop")
    assert sent is not None
    outbox.put([("shop", str(n), b"") for n in range(1, 4)])
    outbox.remove(sent)
    assert outbox.waiting("shop") == 3


def test_what_waits_is_there_after_a_restart_but_for_targets_that_are_gone(path: Path, outbox: Outbox) -> None:
    outbox.put([("shop", "1", b"body"), ("office", "1", b"")])
    outbox.close()
    with closing(Outbox(path, {"shop": 3})) as again:
        first = again.first("shop")
        assert first is not None
        assert (first.key, first.body, again.waiting("shop")) == ("1", b"body", 1)
    with closing(Outbox(path, {"shop": 3, "office": 3})) as again:
        assert again.waiting("office") == 0


def test_what_was_put_is_there_after_the_process_was_killed(path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from streamer.integrations.outbox import Outbox\n"
        f"outbox = Outbox(Path({str(path)!r}), {{'shop': 1000}})\n"
        "for n in range(500): outbox.put([('shop', str(n), bytes(300))])\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, env={"PYTHONPATH": ":".join(sys.path)}).returncode
    with closing(Outbox(path, {"shop": 1000})) as again:
        assert waiting(again, "shop") == [str(n) for n in range(500)]


def test_a_second_process_is_told_that_the_file_is_taken(path: Path, outbox: Outbox) -> None:
    assert outbox.waiting("shop") == 0
    with pytest.raises(StoreError, match=r"webhooks\.queue_file.*another process"):
        Outbox(path, {"shop": 3})


def test_a_file_that_is_no_queue_is_left_alone_and_said(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"something precious" * 100)
    with pytest.raises(StoreError, match="move it away"):
        Outbox(path, {"shop": 3})
    assert path.read_bytes() == b"something precious" * 100


def test_a_queue_of_a_newer_version_is_left_alone_and_said(path: Path, outbox: Outbox) -> None:
    outbox.close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer version"):
        Outbox(path, {"shop": 3})


def test_a_folder_that_cant_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"webhooks\.queue_file"):
        Outbox(tmp_path / "file" / "queue", {"shop": 3})


def test_a_full_disk_costs_what_was_put_then_and_nothing_else(outbox: Outbox) -> None:
    outbox.put([("office", "1", b"")])
    outbox._database.execute(f"PRAGMA max_page_count = {outbox._database.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreError, match="full"):
        outbox.put([("office", str(n), bytes(10_000)) for n in range(2, 5)])
    assert outbox.waiting("office") == 1
    outbox._database.execute("PRAGMA max_page_count = 100000")
    outbox.put([("office", "2", b"")])
    assert waiting(outbox, "office") == ["1", "2"]


@on_posix
def test_the_files_are_their_owner_s_alone_also_those_of_before(path: Path) -> None:
    alone = {path.name: 0o600, f"{path.name}-wal": 0o600}
    with no_umask(), closing(Outbox(path, {"shop": 3})) as outbox:
        outbox.put([("shop", "1", b"")])
        assert modes(path.parent) == alone
    path.chmod(0o644)
    with closing(Outbox(path, {"shop": 3})):
        assert modes(path.parent) == alone
