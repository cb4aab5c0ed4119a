"""Roles, and what somebody with one may see. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from streamer.monitoring.parts import camera_of, lack_of

__all__ = ["EVERYTHING", "Access", "Grant", "Role", "admit", "grant_of"]

_KEY = "streamer.grant"


class Role(StrEnum):
    """What a token is for. All but the last may watch; `streamer.server.access.table` says what else."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    METRICS = "metrics"  # a monitoring system's: sees figures of the program, and no page, picture or face

    @property
    def may_draw(self) -> bool:
        """Lines and zones."""
        return self in {Role.OPERATOR, Role.ADMIN}


@dataclass(frozen=True, slots=True)
class Access:
    """What somebody may do. name: of the token, '' where there is none. cameras: those to be seen; None: all."""

    name: str
    role: Role
    cameras: frozenset[str] | None = None

    def sees(self, camera: str) -> bool:
        """Whether this camera is there, for them; one that doesn't exist is for whoever sees all."""
        return self.cameras is None or camera in self.cameras

    def of(self, cameras: Iterable[str]) -> tuple[str, ...]:
        """Those of the cameras that they see, in the same order."""
        return tuple(camera for camera in cameras if self.sees(camera))

    def degraded(self, parts: dict[str, str]) -> dict[str, str]:
        """What is told them of parts that can't do their work, by part, of all of them with reasons.

        Reasons name brokers, targets and databases: a viewer hears only that the figures have a gap, and at which
        cameras something isn't analysed. Nobody hears of a camera that they don't see.
        """
        seen = {part: why for part, why in parts.items() if (camera := camera_of(part)) is None or self.sees(camera)}
        if self.role is not Role.VIEWER:
            return seen
        told = {part: lack_of(part) for part in seen if camera_of(part) is not None}
        return told | ({"store": "figures of this time may be missing"} if "store" in seen else {})


EVERYTHING = Access("", Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Grant:
    """An access that somebody has shown to be theirs.

    token: by which key of the keyring. until: UTC seconds. holds: whether it still does; a token may be revoked.
    """

    access: Access
    token: str = ""
    until: float = math.inf
    holds: Callable[[], bool] = lambda: True


def admit(scope: MutableMapping[str, Any], grant: Grant) -> None:
    """Note in an ASGI scope on whose behalf it is."""
    scope[_KEY] = grant


def grant_of(scope: Any) -> Grant:
    """On whose behalf a request or websocket is. Raises KeyError where no guard has looked at it."""
    found: Grant = scope[_KEY]
    return found
