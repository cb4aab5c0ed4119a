"""Every sink against the same promises: it takes what happens at any time, never holds anybody up, and ends in time."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from streamer.analytics.age_groups import AgeGroups
from streamer.analytics.rules import Line, Rules
from streamer.config import StoreConfig
from streamer.integrations.board import Camera
from streamer.integrations.config import MqttConfig, WebhookConfig, WebhooksConfig
from streamer.integrations.mqtt import MqttSink
from streamer.integrations.webhook import WebhookSink
from streamer.monitoring.health import Health
from streamer.monitoring.metrics import Metrics
from streamer.sinks import Sink
from streamer.store import tables
from streamer.store.database import Database
from streamer.store.writer import StoreWriter
from streamer.types import CameraState, OccupancyMinute
from tests.made_up_events import crossing, encode, status, visit
from tests.postgres import Postgres
from tests.receiver import Receiver
from tests.stores import FOR_EVER, all_rows
from tests.system.mosquitto import Listener, Mosquitto
from tests.system.program import eventually


class Recipient(ABC):
    """Whoever a sink tells, which may come and go."""

    part: str  # its name in Health
    address = "127.0.0.1"  # what a trouble names

    def __init__(self) -> None:
        self.metrics = Metrics()
        self.health = Health(self.metrics)
        self.sink = self.make_sink()

    @abstractmethod
    def make_sink(self) -> Sink: ...

    @abstractmethod
    def come(self) -> None:
        """It can be reached from now on."""

    @abstractmethod
    def go(self) -> None:
        """It can't be reached any more."""

    @abstractmethod
    def heard(self) -> list[str]:
        """The keys of the events that it heard of, in order."""

    @abstractmethod
    def close(self) -> None:
        """Leave nothing behind."""


class Broker(Recipient):
    part = "mqtt"

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder)
        self.listeners: list[Listener] = []
        super().__init__()

    def make_sink(self) -> Sink:
        config = MqttConfig(host="127.0.0.1", port=self.broker.port)
        cameras = {"door": Camera("Front door", Rules((Line("entrance", (0, 0), (1, 1)),)))}
        return MqttSink(config, cameras, encode=encode, health=self.health, metrics=self.metrics)

    def come(self) -> None:
        self.broker.start()
        self.listeners.append(Listener(self.broker.port, "streamer/+/event").__enter__())

    def go(self) -> None:
        self.broker.kill()

    def heard(self) -> list[str]:
        return [json.loads(text)["key"] for found in self.listeners for text in found.payloads("streamer/door/event")]

    def close(self) -> None:
        for listener in self.listeners:
            listener.__exit__(None, None, None)
        self.broker.kill()


class Target(Recipient):
    part = "webhook shop"

    def __init__(self, folder: Path) -> None:
        self.receiver = Receiver()
        self.listening = False
        self.folder = folder
        super().__init__()

    def make_sink(self) -> Sink:
        targets = (WebhookConfig(name="shop", url=SecretStr(self.receiver.url)),)
        config = WebhooksConfig(queue_file=self.folder / "queue.sqlite", targets=targets)
        return WebhookSink(config, encode=encode, health=self.health, metrics=self.metrics)

    def come(self) -> None:
        self.receiver.__enter__()
        self.listening = True

    def go(self) -> None:
        if self.listening:
            self.receiver.__exit__(None, None, None)
        self.listening = False

    def heard(self) -> list[str]:
        return self.receiver.delivered

    def close(self) -> None:
        self.go()


class Kept(Recipient):
    """The store's database."""

    part = "store"

    def __init__(self, url: str) -> None:
        self.url = url
        self.reader = Database(url)
        super().__init__()

    def make_sink(self) -> Sink:
        return StoreWriter(
            Database(self.url),
            StoreConfig(retention=FOR_EVER),
            session="run",
            cameras=("door",),
            group_of=AgeGroups().of,
            metrics=self.metrics,
            health=self.health,
        )

    def heard(self) -> list[str]:
        self.reader.open()
        return [row["key"] for row in all_rows(self.reader, tables.events)]


class File(Kept):
    """SQLite's, in a folder that comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.here, self.away = folder / "here", folder / "away"
        self.address = str(self.here)
        self.here.touch()  # where the folder belongs
        self.away.mkdir()
        super().__init__(f"sqlite:///{self.here / 'store.sqlite3'}")

    def come(self) -> None:
        self.here.unlink()
        self.away.rename(self.here)

    def go(self) -> None:
        self.here.rename(self.away)
        self.here.touch()

    def close(self) -> None:
        self.reader.close()


class DatabaseServer(Kept):
    """PostgreSQL, which other tests want back as it was."""

    def __init__(self, server: Postgres) -> None:
        self.server = server
        url = server.new_database()
        self.address = url.partition("=")[2]
        self.runs = True
        self.go()
        super().__init__(url)

    def come(self) -> None:
        self.server.start()
        self.runs = True

    def go(self) -> None:
        self.server.stop()
        self.runs = False

    def close(self) -> None:
        self.reader.close()
        if not self.runs:
            self.server.start()


@pytest.fixture(params=[Broker, Target, File, DatabaseServer])
def recipient(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Recipient]:
    place = request.getfixturevalue("postgres") if request.param is DatabaseServer else tmp_path
    made: Recipient = request.param(place)
    yield made
    made.sink.stop(5)
    made.close()


def test_an_event_is_told(recipient: Recipient) -> None:
    recipient.come()
    recipient.sink.start()
    recipient.sink.event(crossing("1", time.time()))
    eventually("told", lambda: recipient.heard() == ["1"])


def test_events_of_many_threads_are_all_told(recipient: Recipient) -> None:
    recipient.come()
    recipient.sink.start()

    def happen(thread: int) -> None:
        for n in range(25):
            recipient.sink.event(crossing(f"{thread}-{n}", time.time()))

    threads = [threading.Thread(target=happen, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually("told", lambda: len(recipient.heard()) >= 100, 20)
    for one in range(4):
        assert [key for key in recipient.heard() if key.startswith(f"{one}-")] == [f"{one}-{n}" for n in range(25)]


def test_what_happened_before_anybody_listened_is_told_in_order_when_somebody_does(recipient: Recipient) -> None:
    recipient.sink.start()
    for n in range(3):
        recipient.sink.event(visit(str(n), time.time()))
    eventually("the trouble is told", lambda: recipient.part in recipient.health.degraded)
    assert recipient.address in recipient.health.degraded[recipient.part]
    recipient.come()
    eventually("told", lambda: recipient.heard() == ["0", "1", "2"])
    eventually("the trouble is over", lambda: recipient.health.degraded == {})


def test_a_recipient_that_goes_and_comes_back_misses_nothing(recipient: Recipient) -> None:
    recipient.come()
    recipient.sink.start()
    recipient.sink.event(crossing("before", time.time()))
    eventually("told", lambda: recipient.heard() == ["before"])
    recipient.go()
    recipient.sink.event(crossing("meanwhile", time.time()))
    eventually("the trouble is told", lambda: recipient.part in recipient.health.degraded)
    recipient.come()
    recipient.sink.event(crossing("after", time.time()))
    eventually("told", lambda: recipient.heard()[-2:] == ["meanwhile", "after"], 20)


def test_no_call_waits_for_a_recipient_that_is_gone(recipient: Recipient) -> None:
    recipient.sink.start()
    begin = time.monotonic()
    for n in range(3000):  # more than any queue in memory holds
        recipient.sink.event(crossing(str(n), time.time()))
        recipient.sink.status(status(CameraState.LIVE))
        recipient.sink.minute(OccupancyMinute("door", "", 60, 1.5, 2, 60.0))
    assert time.monotonic() - begin < 3


def test_stopping_is_bounded_and_quiet_whatever_the_recipient_does(recipient: Recipient) -> None:
    recipient.sink.start()
    recipient.sink.event(crossing("1", time.time()))
    eventually("the trouble is told", lambda: recipient.part in recipient.health.degraded)
    begin = time.monotonic()
    assert recipient.sink.stop(2)
    assert time.monotonic() - begin < 2
    recipient.sink.event(crossing("late", time.time()))  # nobody's fault, and nobody's business
    recipient.sink.status(status(CameraState.STOPPED))
    assert recipient.sink.stop(1)


def test_a_sink_that_was_never_started_can_be_stopped(recipient: Recipient) -> None:
    recipient.sink.event(crossing("1", time.time()))
    assert recipient.sink.stop(1)
