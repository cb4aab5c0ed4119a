"""`streamer token`: what it says, what it makes, and how wrong asking is answered."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import pytest

from streamer.server.access.keyring import Keyring
from streamer.server.access.rights import Role
from streamer.server.access.tokens import TokenFile, WatchedTokens
from tests.unit.cli.conftest import Run

CONFIG = """
cameras:
  - {id: door, source: demo}
  - {id: yard, source: demo}
server: {auth: {file: tokens.json}}
"""


@pytest.fixture
def token(run: Run, tmp_path: Path) -> Run:
    """Runs `streamer token` in a folder with a configuration; returns as `run`."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    return partial(run, "token")


def test_a_token_is_printed_alone_once_and_works(token: Run, tmp_path: Path) -> None:
    keyring = Keyring(None, WatchedTokens(TokenFile(tmp_path / "tokens.json")))
    code, out, err = token("new", "--role", "viewer", "--cameras", "door, yard", "--name", "staff", "--expires", "90d")
    assert (code, out.count("\n")) == (0, 1)
    assert "'staff': viewer, door, yard, until 20" in err
    grant = keyring.of_file(out.strip())
    assert grant is not None
    assert (grant.access.role, grant.access.cameras) == (Role.VIEWER, frozenset({"door", "yard"}))
    assert grant.until == pytest.approx(time.time() + 90 * 86_400, abs=60)
    _, listed, _ = token("list")
    assert listed.split()[5:8] == ["staff", "viewer", "door,"]
    assert out.strip() not in listed
    assert token("revoke", "staff")[0] == 0
    assert keyring.of_file(out.strip()) is None
    assert "there are no tokens yet" in token("list")[2]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("new", "--cameras", "cellar"), "no camera 'cellar'; it has door, yard"),
        (("new", "--cameras", "door", "--role", "admin"), "the role admin is for all cameras"),
        (("new", "--cameras", ""), "--cameras names no camera"),
        (("new", "--cameras", " , "), "--cameras names no camera"),
        (("new", "--expires", ""), "--expires"),
        (("new", "--expires", "soon"), "--expires"),
        (("new", "--expires", "0d"), "--expires"),
        (("new", "--name", "a\tb"), "--name"),
        (("revoke", "nobody"), "no token 'nobody'"),
    ],
)
def test_wrong_asking_makes_nothing_and_says_what_is_wrong(
    token: Run, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = token(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert not (tmp_path / "tokens.json").exists()


def test_without_a_file_in_the_configuration_it_says_what_to_write(token: Run, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("cameras: [{id: door, source: demo}]\n")
    code, _, err = token("new")
    assert code == 2
    assert "server: {auth: {file: tokens.json}}" in err


@pytest.mark.parametrize("command", ["new", "list", "revoke"])
def test_each_teaches_what_it_is_for(token: Run, command: str) -> None:
    code, out, _ = token(command, "--help")
    assert code == 0
    assert f"Usage: streamer token {command}" in out
    if command == "new":
        assert all(role.value in out for role in Role)
        assert "--cameras door,yard" in out
