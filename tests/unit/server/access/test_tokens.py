"""The file of tokens: what stands in it, who may read it, and that a running program follows it."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path

import pytest

from streamer.errors import ConfigError
from streamer.server.access.keyring import Keyring
from streamer.server.access.rights import Role
from streamer.server.access.tokens import TokenFile, WatchedTokens
from tests.file_modes import modes, on_posix


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json", clock=lambda: 1_000_000.0)


def test_only_the_hash_of_a_token_is_kept_and_only_its_owner_may_read_that(file: TokenFile) -> None:
    token, stored = file.add(Role.VIEWER, cameras=["door", "yard"], expires=2_000_000.0)
    text = file.path.read_text()
    assert token.removeprefix("streamer_") not in text
    assert len(token.removeprefix("streamer_")) >= 43  # 256 bits
    assert json.loads(text) == [
        {
            "name": "viewer-1",
            "role": "viewer",
            "cameras": ["door", "yard"],
            "sha256": hashlib.sha256(token.encode()).hexdigest(),
            "created": 1_000_000.0,
            "expires": 2_000_000.0,
        }
    ]
    assert file.read() == (stored,)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    file.add(Role.ADMIN)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [path.name for path in file.path.parent.iterdir()] == ["tokens.json"]


def test_names_differ_and_are_given_where_none_is(file: TokenFile) -> None:
    assert [file.add(role)[1].name for role in (Role.VIEWER, Role.VIEWER, Role.ADMIN)] == [
        "viewer-1",
        "viewer-2",
        "admin-1",
    ]
    file.revoke("viewer-1")
    assert file.add(Role.VIEWER)[1].name == "viewer-1"
    with pytest.raises(ConfigError, match="there is a token 'viewer-2'"):
        file.add(Role.OPERATOR, name="viewer-2")
    with pytest.raises(ConfigError, match="--name"):
        file.add(Role.OPERATOR, name="line\nbreak")
    with pytest.raises(ConfigError, match="no token 'nobody'"):
        file.revoke("nobody")
    assert len(file.read()) == 3  # and nothing was left half done


def test_two_commands_at_once_don_t_undo_each_other_s_work(file: TokenFile) -> None:
    file.path.with_name("tokens.json.new").touch()
    with pytest.raises(ConfigError, match="another `streamer token` is at work"):
        file.add(Role.VIEWER)


def test_a_running_program_follows_the_file(file: TokenFile) -> None:
    keyring = Keyring(None, WatchedTokens(file))
    token, _ = file.add(Role.VIEWER, cameras=["yard"])
    grant = keyring.of_file(token)
    assert grant is not None
    assert (grant.access.sees("yard"), grant.access.sees("lobby")) == (True, False)
    other, _ = file.add(Role.ADMIN)
    assert grant.holds()
    file.revoke("viewer-1")
    assert not grant.holds()
    assert keyring.of_file(token) is None
    assert keyring.of_file(other) is not None


def test_a_grant_ends_when_what_it_allows_changes(file: TokenFile) -> None:
    keyring = Keyring(None, WatchedTokens(file))
    token, _ = file.add(Role.VIEWER, cameras=["yard", "door"])
    grant = keyring.of_file(token)
    assert grant is not None
    file.path.write_text(file.path.read_text().replace('"door"', '"lobby"'))
    assert not grant.holds()
    changed = keyring.of_file(token)
    assert changed is not None
    assert changed.access.sees("lobby")


@pytest.mark.parametrize("text", ["", "[", "{}", '[{"name": "x"}]', '[{"name": "a", "role": "god"}]', "\x00"])
def test_a_damaged_file_lets_nobody_in_and_is_named(
    file: TokenFile, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    token, _ = file.add(Role.ADMIN)
    keyring = Keyring(None, WatchedTokens(file))
    assert keyring.of_file(token)
    good = file.path.read_text()
    file.path.write_text(text)
    assert keyring.of_file(token) is None
    assert str(file.path) in caplog.text
    with pytest.raises(ConfigError, match=str(file.path)):
        WatchedTokens(file)
    file.path.write_text(good)
    assert keyring.of_file(token)
    file.path.unlink()
    assert keyring.of_file(token) is None


@on_posix
def test_a_file_that_others_could_read_is_closed_to_them(file: TokenFile) -> None:
    file.add(Role.ADMIN)
    file.path.chmod(0o644)
    WatchedTokens(file)
    assert modes(file.path.parent) == {file.path.name: 0o600}


def test_the_digest_in_the_file_is_no_token(file: TokenFile) -> None:
    _, stored = file.add(Role.ADMIN)
    keyring = Keyring("the token of the config", WatchedTokens(file))
    for wrong in (stored.sha256, stored.name, "config", ""):
        assert keyring.of_file(wrong) is None
        assert keyring.of_config(wrong) is None
