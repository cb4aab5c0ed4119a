"""`streamer token`: what it says, what it makes, and how wrong asking is answered."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streamer.cli import main
from streamer.server.access.keyring import Keyring
from streamer.server.access.rights import Role
from streamer.server.access.tokens import TokenFile, WatchedTokens

Run = Callable[..., tuple[int, str, str]]

CONFIG = """
cameras:
  - {id: door, source: demo}
  - {id: yard, source: demo}
server: {auth: {file: tokens.json}}
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `streamer token` in a folder with a configuration; returns exit code, standard output, standard error."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["streamer", "token", *arguments])
        code: object = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        said = capsys.readouterr()
        return int(str(code or 0)), said.out, said.err

    return call


def test_a_token_is_printed_alone_once_and_works(run: Run, tmp_path: Path) -> None:
    keyring = Keyring(None, WatchedTokens(TokenFile(tmp_path / "tokens.json")))
    code, out, err = run("new", "--role", "viewer", "--cameras", "door, yard", "--name", "staff", "--expires", "90d")
    assert (code, out.count("\n")) == (0, 1)
    assert "'staff': viewer, door, yard, until 20" in err
    grant = keyring.of_file(out.strip())
    assert grant is not None
    assert (grant.access.role, grant.access.cameras) == (Role.VIEWER, frozenset({"door", "yard"}))
    assert grant.until == pytest.approx(time.time() + 90 * 86_400, abs=60)
    _, listed, _ = run("list")
    assert listed.split()[5:8] == ["staff", "viewer", "door,"]
    assert out.strip() not in listed
    assert run("revoke", "staff")[0] == 0
    assert keyring.of_file(out.strip()) is None
    assert "there are no tokens yet" in run("list")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("new", "--cameras", "cellar"), "no camera 'cellar'; it has door, yard"),
        (("new", "--cameras", "door", "--role", "admin"), "the role admin is for all cameras"),
        (("new", "--expires", "soon"), "--expires"),
        (("new", "--expires", "0d"), "--expires"),
        (("new", "--name", "a\tb"), "--name"),
        (("revoke", "nobody"), "no token 'nobody'"),
    ],
)
def test_wrong_asking_makes_nothing_and_says_what_is_wrong(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert not (tmp_path / "tokens.json").exists()


def test_without_a_file_in_the_configuration_it_says_what_to_write(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("cameras: [{id: door, source: demo}]\n")
    code, _, err = run("new")
    assert code == 2
    assert "server: {auth: {file: tokens.json}}" in err


@pytest.mark.parametrize("command", ["new", "list", "revoke"])
def test_each_teaches_what_it_is_for(run: Run, command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert f"Usage: streamer token {command}" in out
    if command == "new":
        assert all(role.value in out for role in Role)
        assert "--cameras door,yard" in out
