"""The command line: what it says, and with which exit code."""

from __future__ import annotations

import csv
import io
import os
import stat
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from streamer import __version__
from streamer.analytics.age_groups import AgeGroups
from streamer.config_file import load_config
from streamer.store.batch import write_rows
from streamer.store.database import Database
from streamer.store.rows import rows_of
from tests.media import make_image, make_video
from tests.stores import NOON, Story
from tests.unit.cli.conftest import Run


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"streamer {__version__}\n", "")


HEAVY = ("cv2", "av", "onnxruntime", "openvino", "scipy", "sqlalchemy", "alembic", "fastapi", "starlette", "uvicorn")


def run_light(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in a process that fails where it imports any of what takes long to load."""
    script = f"import sys; sys.modules.update(dict.fromkeys({HEAVY})); from streamer.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=folder,
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wrong_configuration_is_told_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("cameras: []")
    for command in (["run"], ["check"], ["analyze", "config.yaml"]):
        done = run_light(tmp_path, *command)
        assert done.returncode == 2, done.stderr
        assert "cameras: " in done.stderr


def test_tokens_are_made_listed_and_revoked_without_loading_anything_heavy(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("cameras: [{id: door, source: demo}]\nserver: {auth: {file: tokens.json}}\n")
    for command in (["new", "--name", "staff"], ["list"], ["revoke", "staff"]):
        done = run_light(tmp_path, "token", *command)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["run", "check", "probe", "analyze", "watch", "health", "init", "models", "token"])
def test_every_command_explains_itself(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "Usage: streamer" in out
    assert command in run("--help")[1]


def test_init_writes_a_valid_file_for_its_owner_only_and_overwrites_nothing(run: Run, tmp_path: Path) -> None:
    assert run("init")[0] == 0
    path = tmp_path / "config.yaml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_config(path).cameras[0].source == "demo"
    path.write_text("mine", encoding="utf-8")
    code, _, err = run("init")
    assert (code, path.read_text(encoding="utf-8")) == (2, "mine")
    assert "exists already" in err


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_broken_configuration_is_explained_with_exit_code_2(run: Run, tmp_path: Path, command: str) -> None:
    (tmp_path / "config.yaml").write_text("cameras: [{id: A, sorce: x}]\nlog: {level: loud}", encoding="utf-8")
    code, _, err = run(command)
    assert code == 2
    assert "4 problems" in err
    assert "cameras[0].sorce: unknown key; did you mean source?" in err
    assert "Traceback" not in err


def test_a_named_configuration_that_is_missing_is_an_error(run: Run) -> None:
    code, _, err = run("check", "-c", "nowhere.yaml")
    assert code == 2
    assert "nowhere.yaml: no such file" in err


def test_check_tells_of_good_and_bad_cameras_at_once(run: Run, tmp_path: Path) -> None:
    make_video(tmp_path / "good.mp4")
    (tmp_path / "config.yaml").write_text(
        "cameras: [{id: good, source: good.mp4}, {id: gone, source: 'rtsp://me:marked-pw@127.0.0.1:9/x'}, "
        "{id: lost, source: lost.mp4}]",
        encoding="utf-8",
    )
    code, out, err = run("check", "--timeout", "3")
    assert code == 2
    assert "320x240" in out
    assert "2 of 3 cameras can't be used" in err
    assert "camera gone: rtsp://127.0.0.1:9/x: nothing answers there" in err
    assert "camera lost: " in err
    assert "marked-pw" not in out + err


def test_probe_says_what_a_source_sends_and_what_to_write_into_the_configuration(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("probe", make_video(tmp_path / "clip.mp4"))
    assert code == 0
    assert "h264, 320x240, 25 fps" in out
    assert "- id: camera" in out


@pytest.mark.parametrize("name", ["clip.mp4", "picture.jpg"])
def test_analyze_never_writes_over_its_input(run: Run, tmp_path: Path, name: str) -> None:
    path = (make_video if name.endswith("mp4") else make_image)(tmp_path / name)
    before = path.read_bytes()
    code, _, err = run("analyze", path, "--out", path)
    assert code == 2
    assert "that is the input" in err
    assert path.read_bytes() == before


def test_models_that_do_not_exist_are_named(run: Run) -> None:
    code, _, err = run("models", "verify", "no-such-net")
    assert code == 2
    assert "no model is called no-such-net" in err


RANGE = ("--from", "2025-11-25T12:00+00:00", "--to", "2025-11-25T14:00")


@pytest.fixture
def kept(tmp_path: Path) -> None:
    """A configuration in the folder, and a store beside it with two visits an hour apart, and one two days later."""
    (tmp_path / "config.yaml").write_text("cameras: [{id: door, source: demo}]")
    database = Database(f"sqlite:///{tmp_path / 'streamer.sqlite3'}")
    begun = {"v1": NOON, "v2": NOON + 3600, "v3": NOON + 2 * 86400}
    items = [event for key, at in begun.items() for event in (Story(key).starts(at), Story(key).ends(at + 9.5, at))]
    with database.write() as connection:
        write_rows(connection, rows_of(items, session="run", group_of=AgeGroups().of))
    database.close()


@pytest.mark.usefixtures("kept")
def test_figures_are_exported_as_csv_and_as_parquet(run: Run, tmp_path: Path) -> None:
    assert run("export", "--what", "visits", *RANGE, "--out", "visits.parquet")[0] == 0
    code, _, said = run("export", "--what", "visits", *RANGE, "--out", "visits.csv")
    assert (code, "2 visits written" in said) == (0, True)
    table = pq.read_table(tmp_path / "visits.parquet").to_pylist()
    text = (tmp_path / "visits.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["key"] for row in table] == [row["key"] for row in rows] == ["v1", "v2"]
    assert table[0]["started_at"].timestamp() == NOON
    assert rows[0]["started_at"] == "2025-11-25T12:00:00.000+00:00"
    assert (table[0]["age"], rows[0]["age"], rows[0]["age_group"]) == (30.0, "30.0", "25-34")


@pytest.mark.usefixtures("kept")
def test_no_name_in_an_exported_table_is_run_as_a_formula(run: Run, tmp_path: Path) -> None:
    names = ("=1+1", "+1", "-1", "@SUM(1)", "'=1", "door")
    database = Database(f"sqlite:///{tmp_path / 'streamer.sqlite3'}")
    items = [Story("v").crosses(NOON + number, name) for number, name in enumerate(names)]
    with database.write() as connection:
        write_rows(connection, rows_of(items, session="run", group_of=AgeGroups().of))
    database.close()
    text = run("export", "--what", "crossings", *RANGE, "--out", "-")[1]
    lines = [row["line"] for row in csv.DictReader(io.StringIO(text))]
    assert lines == ["'=1+1", "'+1", "'-1", "'@SUM(1)", "'=1", "door"]
    run("export", "--what", "crossings", *RANGE, "--out", "crossings.parquet")
    assert [row["line"] for row in pq.read_table(tmp_path / "crossings.parquet").to_pylist()] == list(names)


@pytest.mark.usefixtures("kept")
def test_an_export_that_fails_leaves_the_file_that_was_there(run: Run, tmp_path: Path) -> None:
    code, _, said = run("export", "--what", "visits", *RANGE, "--out", "nowhere/visits.csv")
    assert (code, "--out nowhere/visits.csv: No such file or directory" in said) == (2, True)
    code, _, said = run("export", "--what", "visits", "--from", "monday", "--to", "2026-01-01", "--out", "v.csv")
    assert (code, "--from monday: not ISO 8601" in said) == (2, True)
    assert not (tmp_path / "v.csv").exists()


@pytest.mark.usefixtures("kept")
def test_a_purge_removes_a_range_of_time_and_nothing_else(run: Run) -> None:
    code, _, said = run("purge", *RANGE, "--yes")
    assert (code, "removed 2 visits, 4 events" in said) == (0, True)
    assert "nothing" in run("purge", *RANGE, "--yes")[2]
    code, left, _ = run("export", "--what", "visits", "--from", "2025-01-01", "--to", "2026-01-01", "--out", "-")
    assert (code, [row["key"] for row in csv.DictReader(io.StringIO(left))]) == (0, ["v3"])


def test_a_configuration_without_a_store_has_nothing_to_export(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("cameras: [{id: door, source: demo}]\nstore: {url: none}")
    code, _, said = run("export", "--what", "visits", *RANGE, "--out", "v.csv")
    assert (code, "keeps no figures" in said) == (2, True)


WANTED = (
    ("export", "--what", "visits", *RANGE, "--out", "v.csv"),
    ("purge", *RANGE, "--yes"),
)


@pytest.mark.parametrize("command", WANTED, ids=lambda command: command[0])
@pytest.mark.parametrize("config", ["", "cameras: [{id: door, source: demo}]"], ids=["built-in", "its own"])
def test_where_no_figures_are_none_are_made(run: Run, tmp_path: Path, command: tuple[str, ...], config: str) -> None:
    if config:
        (tmp_path / "config.yaml").write_text(config)
    code, _, said = run(*command)
    assert (code, f"nothing is kept at {tmp_path / 'streamer.sqlite3'}: name the configuration" in said) == (2, True)
    assert ("taking the built-in one" in said) == (not config)
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"] * bool(config)


@pytest.mark.parametrize("command", WANTED, ids=lambda command: command[0])
def test_a_store_that_can_not_be_looked_for_is_told_without_a_traceback(
    run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "config.yaml").write_text(
        "cameras: [{id: door, source: demo}]\nstore: {url: 'sqlite:///file/streamer.sqlite3'}"
    )
    code, _, said = run(*command)
    assert (code, f"{tmp_path / 'file' / 'streamer.sqlite3'}: Not a directory" in said) == (2, True)
