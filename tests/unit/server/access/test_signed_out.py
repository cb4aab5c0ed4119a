"""Which sessions were signed out of: what is remembered, for how long, and how much of it at most."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.server.access import signed_out
from streamer.server.access.signed_out import SESSION_SECONDS, Session, SignedOut
from tests.file_modes import modes

NOW = 1_764_072_000.0


def session(number: int, whose: str = "staff") -> Session:
    """The number-th, issued so many seconds after NOW."""
    return Session(int((NOW + number) * 1e6), whose, f"{number:032x}")


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 5))
def test_however_many_are_signed_out_of_none_comes_back_and_memory_is_bounded(numbers: list[int], most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signed_out, "_MOST", most)
        kept = SignedOut(clock=lambda: NOW + 100)
        for number in numbers:
            kept.add(session(number))
        assert all(session(number) in kept for number in numbers)
        assert session(31) not in kept  # who signs in later
        assert session(0, "office") not in kept  # with another token
        assert len(kept._kept.ended.get("staff", ())) <= most
        if len(set(numbers)) <= most:
            assert all((session(number) in kept) == (number in numbers) for number in range(31))


def test_they_are_forgotten_when_their_time_would_be_over(tmp_path: Path) -> None:
    now = NOW
    kept = SignedOut(tmp_path / "tokens.signed-out", clock=lambda: now)
    kept.add(session(0))
    now += SESSION_SECONDS
    kept.add(session(1, "office"))
    assert set(kept._kept.ended) == {"office"}


def test_they_are_found_again_after_a_restart_in_a_file_of_its_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "tokens.signed-out"
    kept = SignedOut(path, clock=lambda: NOW)
    for number in range(3):
        kept.add(session(number))
        kept.save()
    assert modes(tmp_path) == {path.name: 0o600}
    again = SignedOut(path, clock=lambda: NOW)
    assert [session(number) in again for number in range(4)] == [True, True, True, False]


def test_when_nobody_knows_any_more_who_signed_out_all_have_to_sign_in_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "tokens.signed-out"
    path.write_text('{"ended": {"staff": ')
    kept = SignedOut(path, clock=lambda: NOW)
    assert str(path) in caplog.text
    assert session(-1) in kept
    assert session(1) not in kept
    kept.add(session(1))
    kept.save()
    again = SignedOut(path, clock=lambda: NOW)  # and it stays so
    assert session(-1, "office") in again
    assert session(2, "office") not in again


def test_where_it_can_t_be_saved_they_are_signed_out_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = SignedOut(tmp_path / "nowhere" / "tokens.signed-out", clock=lambda: NOW)
    kept.add(session(0))
    kept.save()
    assert session(0) in kept
    assert "after a restart" in caplog.text
