"""Where things stand at the MQTT broker. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from streamer.analytics.rules import Rules

__all__ = ["Topics"]

_SPECIAL = re.compile(r"[%/+#\x00-\x1f\x7f]")  # % as well, so that no two names share a level


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics below `base`. Names of lines and zones are levels; what MQTT keeps for itself is percent-encoded."""

    base: str

    @property
    def status(self) -> str:
        """Whether streamer itself is there: `online`, `offline`."""
        return f"{self.base}/status"

    def state(self, camera: str) -> str:
        """A `CameraState`."""
        return f"{self.base}/{camera}/state"

    def visits(self, camera: str) -> str:
        """Today's visits."""
        return f"{self.base}/{camera}/visits"

    def crossings(self, camera: str, line: str, direction: Literal["in", "out"]) -> str:
        """Today's crossings of a line."""
        return f"{self.base}/{camera}/line/{_level(line)}/{direction}"

    def occupancy(self, camera: str, zone: str = "") -> str:
        """Counted people in sight now, or in a zone."""
        return f"{self.base}/{camera}/zone/{_level(zone)}/occupancy" if zone else f"{self.base}/{camera}/occupancy"

    def event(self, camera: str) -> str:
        """Events as they happen; nothing is retained here."""
        return f"{self.base}/{camera}/event"

    def occupancies(self, camera: str, rules: Rules) -> dict[str, str]:
        """The occupancy topics of a camera by zone, '' for the whole picture."""
        return {zone: self.occupancy(camera, zone) for zone in ("", *(zone.name for zone in rules.zones))}

    def figures(self, camera: str, rules: Rules) -> frozenset[str]:
        """Every topic of a camera under which a count or an occupancy is retained."""
        lines = (self.crossings(camera, line.name, way) for line in rules.lines for way in ("in", "out"))
        return frozenset({self.visits(camera), *lines, *self.occupancies(camera, rules).values()})


def _level(name: str) -> str:
    return _SPECIAL.sub(lambda found: quote(found[0], safe=""), name)
