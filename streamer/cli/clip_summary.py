"""What was counted in a clip, summed up for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from streamer.analytics.age_groups import UNKNOWN, AgeGroups
from streamer.analytics.rules import Rules
from streamer.types import Event, EventKind, Track

__all__ = ["ClipSummary", "count_of"]

Groups = Counter[tuple[str, str]]
"""How many, by gender and age group."""


class ClipSummary:
    """Takes the events of a clip. Crossings count by what is known of their visits in the end."""

    def __init__(self, rules: Rules, age_groups: AgeGroups) -> None:
        self._rules = rules
        self._age_groups = age_groups
        self._ended: dict[str, Event] = {}  # by the key of the visit
        self._crossings: list[Event] = []
        self._stays: list[Event] = []

    def take(self, events: Sequence[Event]) -> None:
        """What happened in a frame, or at the end."""
        for event in events:
            if event.kind is EventKind.VISIT_ENDED:
                self._ended[event.visit] = event
            elif event.kind is EventKind.LINE_CROSSED:
                self._crossings.append(event)
            elif event.kind is EventKind.ZONE_LEFT:
                self._stays.append(event)

    @property
    def visits(self) -> list[Track]:
        """Those that count, as they were when they ended."""
        return [event.track for event in self._ended.values() if event.track and not event.data.get("static")]

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "visits": {"count": len(self.visits), "by": _listed(self._groups(self.visits))},
            "lines": {line.name: self._line(line.name) for line in self._rules.lines},
            "zones": {zone.name: self._zone(zone.name) for zone in self._rules.zones},
        }

    def lines(self) -> list[str]:
        """For people."""
        said = []
        for line in self._rules.lines:
            counts = {way: self._groups(self._crossed(line.name, way)) for way in ("in", "out")}
            labels = {"in": line.in_label, "out": line.out_label}
            said.append(f"{line.name}: " + ", ".join(f"{labels[way]} {n.total()}" for way, n in counts.items()))
            said += [f"  {labels[way]}: {_described(groups)}" for way, groups in counts.items() if groups]
        for zone in self._rules.zones:
            figures = self._zone(zone.name)
            dwell = f", {figures['mean_dwell']:.1f} s on average" if figures["entries"] else ""
            said.append(f"{zone.name}: entered {figures['entries']}{dwell}")
        return said

    def _line(self, name: str) -> dict[str, Any]:
        crossed = {way: self._crossed(name, way) for way in ("in", "out")}
        return {way: {"count": len(tracks), "by": _listed(self._groups(tracks))} for way, tracks in crossed.items()}

    def _zone(self, name: str) -> dict[str, Any]:
        dwells = [float(e.data["dwell"]) for e in self._stays if e.rule == name and self._counts(e)]
        return {"entries": len(dwells), "mean_dwell": round(sum(dwells) / len(dwells), 3) if dwells else None}

    def _crossed(self, line: str, direction: str) -> list[Track]:
        """Those who crossed a line, as their visits ended."""
        ends = [
            self._ended[event.visit].track
            for event in self._crossings
            if event.rule == line and event.direction == direction and self._counts(event)
        ]
        return [track for track in ends if track]

    def _counts(self, event: Event) -> bool:
        ended = self._ended.get(event.visit)
        return ended is not None and not ended.data.get("static")

    def _groups(self, tracks: Sequence[Track]) -> Groups:
        return Counter((track.gender, self._age_groups.of(track.age)) for track in tracks)


def count_of(number: int, what: str) -> str:
    """`1 frame`, `2 frames`."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _listed(groups: Groups) -> list[dict[str, Any]]:
    return [{"gender": gender, "age_group": ages, "count": n} for (gender, ages), n in sorted(groups.items())]


def _described(groups: Groups) -> str:
    return ", ".join(
        f"{n} {gender} {'age ' if ages == UNKNOWN else ''}{ages}" for (gender, ages), n in sorted(groups.items())
    )
