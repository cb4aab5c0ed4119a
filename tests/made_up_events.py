"""Events and camera states as the program makes them, for tests of what is told to others."""

from __future__ import annotations

from types import MappingProxyType
from typing import Literal

from streamer.server.protocol import encode_event
from streamer.types import CameraState, CameraStatus, Event, EventKind

__all__ = ["crossing", "encode", "status", "visit"]


def encode(event: Event) -> str:
    """As the program does it, with no net to name."""
    return encode_event(event, model="")


def visit(key: str, at: float, *, began: float | None = None, static: bool = False, camera: str = "door") -> Event:
    """A visit that is over."""
    data = {"started_at": at - 5 if began is None else began, **({"static": True} if static else {})}
    return Event(EventKind.VISIT_ENDED, camera, at, data=MappingProxyType(data), key=key, visit=key)


def crossing(
    key: str, at: float, direction: Literal["in", "out"] = "in", *, line: str = "entrance", camera: str = "door"
) -> Event:
    """Somebody crossed a line."""
    data = MappingProxyType({"label": f"went {direction}"})
    return Event(EventKind.LINE_CROSSED, camera, at, rule=line, direction=direction, data=data, key=key, visit="v")


def status(state: CameraState, camera: str = "door") -> CameraStatus:
    """A camera's reader."""
    return CameraStatus(camera, "Front door", "rtsp://camera/1", state, 0.0)
