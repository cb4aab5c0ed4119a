"""What `streamer watch` shows."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from streamer.client import EventMessage, Hello, ResultMessage, Stats

__all__ = ["View"]

_COLOURS = {"live": "green", "connecting": "yellow", "stalled": "yellow", "reconnecting": "yellow", "failed": "red"}


class View:
    """What was last heard of each camera."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._statistics: list[Mapping[str, Any]] = []
        self._results: dict[str, ResultMessage] = {}
        self._events: deque[str] = deque(maxlen=6)

    def take(self, message: object) -> None:
        """A message of the stream."""
        if isinstance(message, (Hello, Stats)):
            self._statistics = [dict(camera) for camera in message.cameras]
        elif isinstance(message, ResultMessage):
            self._results[message.camera] = message
        elif isinstance(message, EventMessage):
            at = time.strftime("%H:%M:%S", time.localtime(message.timestamp))
            face = f" #{message.object['id']}" if message.object else ""
            self._events.append(f"{at}  {message.camera}  {message.kind.replace('_', ' ')}{face}")

    def render(self) -> Group:
        """The tables."""
        if not self._statistics:
            return Group(Text(f"waiting for {self._url} …", style="dim"))
        cameras = Table("camera", "state", "fps", "frame age", "faces", box=None, header_style="bold", expand=True)
        faces = Table("camera", "id", "gender", "age", "looks", "since", box=None, header_style="bold", expand=True)
        for statistic in self._statistics:
            name, state = str(statistic["id"]), str(statistic.get("state", "?"))
            result = self._results.get(name)
            fresh = result is not None and time.time() - result.timestamp < 3
            cameras.add_row(
                name,
                Text(state, style=_COLOURS.get(state, "")),
                f"{statistic.get('fps_analyzed', statistic.get('fps', 0)):.1f}",
                f"{result.age_ms:.0f} ms" if result and fresh else "-",
                str(len(result.objects)) if result and fresh else "-",
            )
            for face in result.objects if result and fresh else ():
                faces.add_row(*_face_row(name, face))
        events = [Text(line, style="dim") for line in self._events]
        return Group(cameras, Text(""), faces, Text(""), *events)


def _face_row(camera: str, face: Mapping[str, Any]) -> tuple[str, ...]:
    age, gender = face["age"], face["gender"]
    sure = "" if gender["label"] == "unknown" else f" {gender['confidence']:.0%}"
    return (
        camera,
        f"#{face['id']}",
        gender["label"] + sure,
        f"{age['label']} years" if age else "-",
        str(age["samples"]) if age else "0",
        f"{max(0.0, time.time() - face['since']):.0f} s",
    )
