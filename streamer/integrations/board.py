"""All that an MQTT broker is to be told: figures in their newest state, events one by one. Pure but for its clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pydantic_core import from_json, to_json

from streamer.analytics.rules import Rules
from streamer.integrations.counts import CountsToday, DayCounts
from streamer.integrations.discovery import Discovery
from streamer.integrations.retained import Retained
from streamer.integrations.topics import Topics
from streamer.types import CameraState, CameraStatus, Event

__all__ = ["Board", "Camera", "Message"]

_UNKNOWN = "None"  # what Home Assistant takes for 'not known'


class Camera(NamedTuple):
    """What is told about a camera: its title, and what is counted at it."""

    title: str
    rules: Rules


class Message(NamedTuple):
    """What has to be published. Figures are retained by the broker, events are not."""

    topic: str
    payload: str
    retain: bool


class Board:
    """Takes what happens, gives out what has to be published. Not for two threads at a time."""

    def __init__(
        self,
        cameras: Mapping[str, Camera],
        counts: CountsToday,
        topics: Topics,
        discovery: Discovery | None,
        *,
        encode: Callable[[Event], str],
        most_events: int,
        clock: Callable[[], float],
        counts_known: bool = True,
    ) -> None:
        """encode: an event as JSON. most_events: that wait to be published. clock: UTC s.

        counts_known: False where those of earlier runs today have yet to be added by `restore`. Until then, or
        midnight, no count is told: a figure that is too small for a while would be taken for a meter's reset.
        """
        self._cameras = dict(cameras)
        self._counts = counts
        self._topics = topics
        self._discovery = discovery
        self._encode = encode
        self._most_events = most_events
        self._clock = clock
        self._counts_known = counts_known
        self._live: set[str] = set()
        self._retained = Retained()
        self._farewells: list[Message] = []  # said once, before the retained payload of the same topic
        self._events: deque[Message] = deque()
        for camera in self._cameras:
            self._describe(camera)

    # -- what happens --------------------------------------------------------------------------------------------

    def restore(self, counts: Mapping[str, DayCounts], since: float) -> None:
        """Add the counts of earlier runs since a midnight, unless another has passed by now."""
        if since == self._counts.midnight:
            self._counts.restore(counts)
        self._counts_known = True
        self._put_all_counts()

    def event(self, event: Event) -> int:
        """Something happened; returns how many older events had to make room."""
        self._turn_day()
        if self._counts.add(event):
            self._put_counts(event.camera)
        self._events.append(Message(self._topics.event(event.camera), self._encode(event), retain=False))
        return self._trim()

    def status(self, status: CameraStatus) -> bool:
        """Where a camera stands; returns whether that is news. Who is there is not known while it isn't live."""
        camera = status.camera
        news = self._retained.put(self._topics.state(camera), status.state.value)
        if status.state is CameraState.LIVE:
            self._live.add(camera)
        elif camera in self._live:
            self._live.discard(camera)
            for topic in self._occupancies(camera).values():
                self._retained.put(topic, _UNKNOWN)
        return news

    def occupancy(self, camera: str, counted: Mapping[str, int]) -> bool:
        """Who is in sight now, by zone, '' for the whole picture; returns whether that is news."""
        if camera not in self._live:  # a late frame of a camera that is gone by now
            return False
        topics = self._occupancies(camera)
        news = [self._retained.put(topics[zone], str(n)) for zone, n in counted.items() if zone in topics]
        return any(news)

    def set_rules(self, camera: str, rules: Rules) -> None:
        """A camera is counted by these from now on: topics and sensors come and go with them."""
        known = self._cameras.get(camera)
        if known is None:
            return
        self._cameras[camera] = known._replace(rules=rules)
        for topic in self._topics.figures(camera, known.rules) - self._topics.figures(camera, rules):
            self._retained.remove(topic)
        if self._discovery is not None:
            self._forget_components(camera, self._discovery.device(camera, *known), self._discovery)
        self._describe(camera)

    def hear(self, topic: str, payload: bytes) -> None:
        """What another program, or an earlier run of this one, has put under a topic of the discovery."""
        discovery = self._discovery
        if discovery is None or not payload:
            return
        if topic == discovery.birth:
            if payload == b"online":
                self.repeat()
            return
        try:
            known = from_json(payload)
            if not discovery.is_ours(known):
                return
        except (ValueError, AttributeError):  # another program's: no JSON, or no object
            return
        camera = next((camera for camera in self._cameras if discovery.topic(camera) == topic), None)
        if camera is None:
            self._farewells.append(Message(topic, "", retain=True))
        else:
            self._forget_components(camera, known, discovery)

    # -- what has to be published --------------------------------------------------------------------------------

    @property
    def next_midnight(self) -> float:
        """When the counts begin at 0 again, UTC s."""
        return self._counts.next_midnight

    def repeat(self) -> None:
        """Say everything that is retained again, to somebody who doesn't know it."""
        self._retained.repeat()

    def take(self) -> list[Message]:
        """What has to be published now, in this order. An empty payload takes away what stands under a topic."""
        self._turn_day()
        figures = [Message(topic, payload, retain=True) for topic, payload in self._retained.take()]
        messages = [*self._farewells, *figures, *self._events]
        self._farewells = []
        self._events.clear()
        return messages

    def put_back(self, messages: list[Message]) -> int:
        """These, the newest that were taken, have not got through; returns how many events had to make room.

        Only events wait: what is retained is repeated to the next broker anyway.
        """
        self._events.extendleft(message for message in reversed(messages) if not message.retain)
        return self._trim()

    def _trim(self) -> int:
        excess = max(0, len(self._events) - self._most_events)
        for _ in range(excess):
            self._events.popleft()
        return excess

    def _turn_day(self) -> None:
        if self._counts.turn(self._clock()):
            self._counts_known = True  # nothing of today was before this run
            self._put_all_counts()

    def _put_all_counts(self) -> None:
        for camera in self._cameras:
            self._put_counts(camera)

    def _put_counts(self, camera: str) -> None:
        known = self._cameras.get(camera)
        if known is None or not self._counts_known:
            return
        topics, counts = self._topics, self._counts.of(camera)
        self._retained.put(topics.visits(camera), str(counts.visits))
        for line in known.rules.lines:
            into, out = (counts.crossings.get((line.name, way), 0) for way in ("in", "out"))
            self._retained.put(topics.crossings(camera, line.name, "in"), str(into))
            self._retained.put(topics.crossings(camera, line.name, "out"), str(out))

    def _describe(self, camera: str) -> None:
        if self._discovery is not None:
            device = self._discovery.device(camera, *self._cameras[camera])
            self._retained.put(self._discovery.topic(camera), _json(device))
        self._put_counts(camera)

    def _forget_components(self, camera: str, known: Mapping[str, object], discovery: Discovery) -> None:
        """Have Home Assistant drop what it knows of a camera and what the camera has no more."""
        device = discovery.device(camera, *self._cameras[camera])
        farewell = discovery.farewell(known, device)
        if farewell is not None:
            topic = discovery.topic(camera)
            self._farewells.append(Message(topic, _json(farewell), retain=True))
            self._retained.remove(topic)  # so that it is said again, after the farewell
            self._retained.put(topic, _json(device))

    def _occupancies(self, camera: str) -> dict[str, str]:
        known = self._cameras.get(camera)
        return self._topics.occupancies(camera, known.rules) if known else {}


def _json(document: object) -> str:
    return to_json(document).decode()
