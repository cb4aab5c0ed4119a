"""What docs/operation.md tells people to do works: the copy of a database in use, and the service."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from streamer.analytics.age_groups import AgeGroups
from streamer.store import tables
from streamer.store.batch import write_rows
from streamer.store.database import Database
from streamer.store.rows import rows_of
from tests.stores import NOON, Story, all_rows

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = (REPOSITORY / "docs" / "operation.md").read_text("utf-8")


def test_the_copy_of_a_database_in_use_is_whole_and_its_owner_s_alone(tmp_path: Path) -> None:
    (line,) = re.findall(r"^umask 077; python3 .*VACUUM.*$", DOCUMENT, re.MULTILINE)
    used = Database(f"sqlite:///{tmp_path / 'streamer.sqlite3'}")
    for number in range(3):
        story = Story(f"v{number}")
        with used.write() as connection:
            items = [story.starts(NOON), story.ends(NOON + 5, NOON)]
            write_rows(connection, rows_of(items, session="run", group_of=AgeGroups().of))
    assert (tmp_path / "streamer.sqlite3-wal").stat().st_size > 0  # what `cp` would miss
    with used.write():  # as a running streamer does, now and then
        subprocess.run(
            ["/bin/sh", "-c", line.replace("python3", shlex.quote(sys.executable))], cwd=tmp_path, check=True
        )
    used.close()
    copy = tmp_path / "copy.sqlite3"
    assert copy.stat().st_mode & 0o077 == 0
    copied = Database(f"sqlite:///{copy}")
    copied.open()
    assert len(all_rows(copied, tables.visits)) == 3
    copied.close()


def test_the_service_keeps_everything_in_the_folder_that_the_document_sets_up() -> None:
    text = (REPOSITORY / "deploy" / "systemd" / "streamer.service").read_text("utf-8")
    service = dict(re.findall(r"^(\w+)=(.+)$", text, re.MULTILINE))
    folder = f"/var/lib/{service['StateDirectory']}"
    program, *words = service["ExecStart"].split()
    assert (words, service["WorkingDirectory"]) == (["run", "-c", f"{folder}/config.yaml"], folder)
    assert f"install -d -o {service['User']} -m {service['StateDirectoryMode'].lstrip('0')} {folder}\n" in DOCUMENT
    assert f"git clone ADDRESS {Path(program).parents[2]} " in DOCUMENT
