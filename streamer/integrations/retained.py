"""What should stand at the MQTT broker, and what of it has yet to be said. Pure."""

from __future__ import annotations

__all__ = ["Retained"]


class Retained:
    """The newest payload of each topic; an older one that was not said yet is replaced. Not for two threads."""

    def __init__(self) -> None:
        self._payloads: dict[str, str] = {}
        self._unsaid: dict[str, None] = {}  # a set that keeps the order

    def put(self, topic: str, payload: str) -> bool:
        """Have this payload stand at a topic; returns whether that is news."""
        if self._payloads.get(topic) == payload:
            return False
        self._payloads[topic] = payload
        self._unsaid[topic] = None
        return True

    def remove(self, topic: str) -> None:
        """Have nothing stand there any more."""
        if self._payloads.pop(topic, None) is not None:
            self._unsaid[topic] = None

    def repeat(self) -> None:
        """Say everything again: to a broker that may have forgotten it, or to somebody who has just come."""
        self._unsaid = dict.fromkeys((*self._payloads, *self._unsaid))

    def take(self) -> list[tuple[str, str]]:
        """What has to be said now, topic and payload; an empty payload takes away what stands there."""
        said = [(topic, self._payloads.get(topic, "")) for topic in self._unsaid]
        self._unsaid.clear()
        return said

    def __contains__(self, topic: str) -> bool:
        return topic in self._payloads
