"""What takes events and figures out of the program: the store, MQTT, webhooks."""

from __future__ import annotations

from typing import Protocol

from streamer.types import CameraStatus, Event, OccupancyMinute

__all__ = ["Sink"]


class Sink(Protocol):
    """Takes what happened, from any thread. No call blocks, raises, or calls back; what can't be kept is counted."""

    def start(self) -> None:
        """Begin to work; called once, before anything is handed over."""

    def event(self, event: Event) -> None:
        """Something happened once; `event.key` tells whether it is known already."""

    def minute(self, minute: OccupancyMinute) -> None:
        """How many were there in a minute that is over."""

    def status(self, status: CameraStatus) -> None:
        """Where a camera stands: at each change of state, and every few seconds besides."""

    def stop(self, timeout: float) -> bool:
        """Hand on what is still here, and end; False if that took longer than `timeout` seconds."""
