"""Session cookies: whose they are, and when they end."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from streamer.config import AuthConfig, ServerConfig
from streamer.errors import ConfigError
from streamer.server.access.authentication import Authenticator
from streamer.server.access.keyring import Keyring
from streamer.server.access.rights import Grant, Role
from streamer.server.access.sessions import SESSION_SECONDS, Sessions, key_from_token, stored_key
from streamer.server.access.signed_out import SignedOut
from streamer.server.access.tokens import TokenFile, WatchedTokens
from tests.file_modes import modes

TOKEN = "a-token-of-the-tests-0123456789"


def by_config(token: str, clock: float) -> tuple[Sessions, Grant]:
    keyring = Keyring(token, None, clock=lambda: clock)
    grant = keyring.of_config(token)
    assert grant is not None
    return Sessions(key_from_token(token), keyring, SignedOut(), clock=lambda: clock), grant


def test_a_session_ends_with_its_time_and_with_another_token() -> None:
    sessions, grant = by_config(TOKEN, 1_000_000.0)
    cookie = sessions.new_cookie(grant)
    found = sessions.grant(cookie)
    assert found is not None
    assert found.access.role is Role.ADMIN
    assert by_config(TOKEN, 1_000_000.0)[0].grant(cookie)  # also after a restart
    assert by_config(TOKEN + "!", 1_000_000.0)[0].grant(cookie) is None
    assert by_config(TOKEN, 1_000_000.0 + SESSION_SECONDS)[0].grant(cookie) is None


def test_a_session_of_a_stored_token_has_its_rights_and_ends_when_it_is_revoked_or_expires(tmp_path: Path) -> None:
    now = 1_000_000.0
    file = TokenFile(tmp_path / "tokens.json")
    token, _ = file.add(Role.VIEWER, cameras=["yard"], name="staff", expires=now + 60)
    keyring = Keyring(None, WatchedTokens(file), clock=lambda: now)
    sessions = Sessions(b"key", keyring, SignedOut(), clock=lambda: now)
    grant = keyring.of_file(token)
    assert grant is not None
    cookie = sessions.new_cookie(grant)
    found = sessions.grant(cookie)
    assert found is not None
    assert (found.access.role, found.access.cameras) == (Role.VIEWER, frozenset({"yard"}))
    assert found.holds()
    now += 61
    assert not found.holds()
    assert sessions.grant(cookie) is None
    now -= 61
    assert found.holds()
    file.revoke("staff")
    assert not found.holds()
    assert sessions.grant(cookie) is None
    # and stays ended when another of the same name is made
    file.add(Role.VIEWER, cameras=["yard"], name="staff")
    assert sessions.grant(cookie) is None


def test_an_open_stream_s_grant_ends_with_the_session_that_it_was_opened_with() -> None:
    now = 1_000_000.0
    keyring = Keyring(TOKEN, None, clock=lambda: now)
    sessions = Sessions(b"key", keyring, SignedOut(), clock=lambda: now)
    grant = keyring.of_config(TOKEN)
    assert grant is not None
    found = sessions.grant(sessions.new_cookie(grant))
    assert found is not None
    now += SESSION_SECONDS
    assert grant.holds()
    assert not found.holds()


@given(st.text())
def test_no_made_up_cookie_or_token_is_accepted(text: str) -> None:
    sessions, grant = by_config(TOKEN, 1_000_000.0)
    assert sessions.grant(text) is None
    assert sessions.grant(f"{text}.{sessions.new_cookie(grant).rpartition('.')[2]}") is None
    assert Keyring(TOKEN, None).of_config(text) is None
    assert Keyring(TOKEN, None).of_file(text) is None


def test_whose_session_it_is_can_t_be_changed_in_the_cookie() -> None:
    sessions, grant = by_config(TOKEN, 1_000_000.0)
    issued, token, number, signature = sessions.new_cookie(grant).split(".")
    assert sessions.grant(f"{issued}.{token}.{number}.{signature}")
    for changed in (
        f"{int(issued) + 1}.{token}.{number}",
        f"{issued}.{'0' * 64}.{number}",
        f"{issued}.{token}.{'0' * 32}",
        f"{issued}.{token}",
    ):
        assert sessions.grant(f"{changed}.{signature}") is None


def test_the_key_lies_beside_the_tokens_for_its_owner_only_and_outlasts_a_restart(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.json"
    key = stored_key(tokens)
    assert len(key) == 32
    assert modes(tmp_path) == {"tokens.key": 0o600}
    (tmp_path / "tokens.key").chmod(0o644)
    assert stored_key(tokens) == key
    assert modes(tmp_path) == {"tokens.key": 0o600}


def test_a_damaged_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "tokens.key").write_text("short")
    with pytest.raises(ConfigError, match=r"tokens\.key"):
        stored_key(tmp_path / "tokens.json")


def test_where_nothing_can_be_written_sessions_last_as_long_as_the_program(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(stored_key(tmp_path / "nowhere" / "tokens.json")) == 32
    assert "sign in again after each restart" in caplog.text


def test_another_token_in_the_configuration_ends_the_sessions_of_the_old_one_also_beside_a_file(tmp_path: Path) -> None:
    def started(token: str) -> Authenticator:
        return Authenticator(ServerConfig(auth=AuthConfig(token=SecretStr(token), file=tmp_path / "tokens.json")))

    grant = started(TOKEN).by_token(TOKEN, "127.0.0.1")
    assert grant is not None
    cookie = started(TOKEN).sessions.new_cookie(grant)
    assert started(TOKEN).sessions.grant(cookie)
    assert started(TOKEN + "!").sessions.grant(cookie) is None


def test_who_signs_out_ends_one_session_of_a_token_for_good_and_no_other(tmp_path: Path) -> None:
    def started() -> Authenticator:
        auth = AuthConfig(token=SecretStr(TOKEN), file=tmp_path / "tokens.json")
        return Authenticator(ServerConfig(auth=auth))

    running = started()
    grant = running.by_token(TOKEN, "127.0.0.1")
    assert grant is not None
    ended, other = (running.sessions.new_cookie(grant) for _ in range(2))
    opened_with = running.sessions.grant(ended)
    assert opened_with is not None
    asyncio.run(running.sessions.end(ended))
    assert not opened_with.holds()  # what it had opened ends
    for program in (running, started()):  # also after a restart
        assert program.sessions.grant(ended) is None
        assert program.sessions.grant(other)


def test_nothing_is_remembered_of_a_made_up_cookie() -> None:
    sessions, grant = by_config(TOKEN, 1_000_000.0)
    asyncio.run(sessions.end(sessions.new_cookie(grant)[:-1] + "x"))
    asyncio.run(sessions.end("1.config.1.00"))
    assert not sessions._signed_out._kept.ended
