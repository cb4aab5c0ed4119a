"""Tickets for the websocket, over HTTP."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, Field

from streamer.server.access.rights import grant_of
from streamer.server.access.tickets import TICKET_SECONDS, Tickets, TicketsOutError
from streamer.server.problems import problem_response

__all__ = ["TicketModel", "ticket_router"]

_TOO_MANY: dict[int | str, dict[str, Any]] = {429: problem_response("Too many tickets of this token are not used")}


class TicketModel(BaseModel):
    """Opens one websocket, with the rights of who asked for it."""

    ticket: str = Field(description="as in /ws?ticket=…; good for one use")
    expires_in: float = Field(description="seconds")


def ticket_router(tickets: Tickets) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["operation"])

    @router.post("/api/v1/ticket", response_model=TicketModel, responses=_TOO_MANY)
    async def new_ticket(request: Request) -> TicketModel:
        """A ticket for /ws, where no header can be sent: a token must never stand in a URL."""
        try:
            ticket = tickets.issue(grant_of(request.scope))
        except TicketsOutError:
            raise HTTPException(
                429, "too many tickets of this token are not used; use them", {"Retry-After": f"{TICKET_SECONDS:.0f}"}
            ) from None
        return TicketModel(ticket=ticket, expires_in=TICKET_SECONDS)

    return router
