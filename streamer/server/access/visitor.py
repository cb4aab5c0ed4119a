"""For a route that asks who asks."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from streamer.server.access.rights import Access, grant_of

__all__ = ["Visitor"]


def _visitor(request: Request) -> Access:
    return grant_of(request.scope).access


Visitor = Annotated[Access, Depends(_visitor)]
