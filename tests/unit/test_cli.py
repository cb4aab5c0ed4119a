"""The command line: what it says, and with which exit code."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from streamer import __version__
from streamer.cli import main
from streamer.config_file import load_config
from tests.media import make_image, make_video

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs a command in an empty folder; returns exit code, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["streamer", *map(str, arguments)])
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return int(str(code or 0)), said.out, said.err

    return call


def test_version(run: Run) -> None:
    assert run("--version") == (0, f"streamer {__version__}\n", "")


@pytest.mark.parametrize("command", ["run", "check", "probe", "analyze", "watch", "init", "models"])
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
