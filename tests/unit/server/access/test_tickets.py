"""Tickets: each for one use, soon, and not too many."""

from __future__ import annotations

import dataclasses

import pytest

from streamer.server.access.rights import EVERYTHING, Grant
from streamer.server.access.tickets import TICKET_SECONDS, Tickets, TicketsOutError

GRANT = Grant(EVERYTHING, "one")


def test_a_ticket_opens_once() -> None:
    tickets = Tickets()
    ticket = tickets.issue(GRANT)
    assert tickets.redeem(ticket) is GRANT
    assert tickets.redeem(ticket) is None
    assert tickets.redeem("") is None


def test_a_ticket_ends_soon_and_with_its_token() -> None:
    now = 0.0
    tickets = Tickets(clock=lambda: now)
    late, revoked = tickets.issue(GRANT), tickets.issue(dataclasses.replace(GRANT, holds=lambda: False))
    assert tickets.redeem(revoked) is None
    now = TICKET_SECONDS
    assert tickets.redeem(late) is None


def test_one_token_s_tickets_are_limited_and_cost_no_other_s() -> None:
    now = 0.0
    tickets = Tickets(clock=lambda: now)
    other = dataclasses.replace(GRANT, token="two")
    kept = tickets.issue(other)
    for _ in range(32):
        tickets.issue(GRANT)
    with pytest.raises(TicketsOutError):
        tickets.issue(GRANT)
    assert tickets.redeem(kept) is other
    now = TICKET_SECONDS
    assert tickets.issue(GRANT)
