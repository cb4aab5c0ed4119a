"""The bridge: nothing is lost that must not be, nothing waits, and a closed loop harms nobody."""

from __future__ import annotations

import asyncio
import logging
import threading
import time

import numpy as np
import pytest

from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import ArrayPicture
from streamer.server.hub import Hub, Update
from streamer.types import Event, EventKind, Frame, Result, Track
from tests.server_harness import until

PICTURE = ArrayPicture(np.zeros((4, 4, 3), np.uint8))


def publish(hub: Hub, camera: str, seq: int, *tracks: Track) -> None:
    frame = Frame(camera, seq, 0.0, float(seq), 0.0, PICTURE)
    hub.publish(frame, Result(camera, seq, 0.0, float(seq), 0.0, (4, 4), tracks))


def event(number: int) -> Event:
    return Event(EventKind.CAMERA_UP, "a", float(number))


def dropped(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("streamer_events_dropped_total", {"queue": "hub"}) or 0.0


def test_latest_is_the_newest_of_its_camera() -> None:
    hub = Hub(Metrics())
    assert hub.latest("a") is None
    publish(hub, "a", 1)
    publish(hub, "a", 2)
    publish(hub, "b", 7)
    found = hub.latest("a")
    assert found is not None
    assert (found[0].seq, found[1].seq, hub.published("a"), hub.published("c")) == (2, 2, 2, 0)


def test_many_threads_wake_the_loop_once_and_lose_no_event() -> None:
    hub, updates, events = Hub(Metrics(), event_capacity=10_000), list[Update](), list[Event]()
    wakeups = 0

    async def listen() -> None:
        nonlocal wakeups
        loop = asyncio.get_running_loop()
        original = loop.call_soon_threadsafe

        def counting(*args: object, **kwargs: object) -> asyncio.Handle:
            nonlocal wakeups
            wakeups += 1
            return original(*args, **kwargs)  # type: ignore[arg-type]

        loop.call_soon_threadsafe = counting  # type: ignore[method-assign]
        hub.attach(loop)
        hub.listen(updates.append, events.append)

        def work(camera: str) -> None:
            for seq in range(500):
                publish(hub, camera, seq)
                hub.publish_event(event(seq))

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:  # the loop stands still: only one wake-up may pile up
            thread.join()
        assert wakeups == 1
        await until(lambda: len(events) == 2000)
        hub.detach()

    asyncio.run(listen())
    newest = {update.frame.camera: update.frame.seq for update in updates}
    assert newest == dict.fromkeys("abcd", 499)
    assert len(updates) == 4  # what the loop could not see in time was replaced, not queued


def test_every_camera_reaches_a_running_loop_in_order_and_ends_with_its_newest() -> None:
    hub, seen = Hub(Metrics()), dict[str, list[int]]()

    async def listen() -> None:
        hub.attach(asyncio.get_running_loop())
        hub.listen(lambda update: seen.setdefault(update.frame.camera, []).append(update.frame.seq), lambda _: None)

        def work(name: str) -> None:
            for seq in range(300):
                publish(hub, name, seq)

        await asyncio.gather(*(asyncio.to_thread(work, name) for name in "ab"))
        await until(lambda: all(seen.get(name, [0])[-1] == 299 for name in "ab"))
        hub.detach()

    asyncio.run(listen())
    assert all(numbers == sorted(set(numbers)) for numbers in seen.values())


def test_a_full_event_queue_drops_the_oldest_counts_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    hub, events = Hub(metrics, event_capacity=3), list[Event]()
    with caplog.at_level(logging.WARNING):
        for number in range(10):
            hub.publish_event(event(number))
    assert dropped(metrics) == 7
    assert len([record for record in caplog.records if "event queue" in record.getMessage()]) == 1

    async def listen() -> None:
        hub.listen(lambda _: None, events.append)
        hub.attach(asyncio.get_running_loop())  # what waited is delivered on attaching
        await until(lambda: len(events) == 3)
        hub.detach()

    asyncio.run(listen())
    assert [each.at for each in events] == [7, 8, 9]


def test_publishing_to_a_closed_loop_goes_on_and_another_loop_takes_over() -> None:
    hub, updates = Hub(Metrics()), list[Update]()

    async def attach_only() -> None:
        hub.attach(asyncio.get_running_loop())

    asyncio.run(attach_only())  # closed without detaching
    publish(hub, "a", 1)
    hub.publish_event(event(1))
    publish(hub, "a", 2)

    async def listen() -> None:
        hub.listen(updates.append, lambda _: None)
        hub.attach(asyncio.get_running_loop())
        await until(lambda: bool(updates))
        hub.detach()

    asyncio.run(listen())
    assert [update.frame.seq for update in updates] == [2]


def test_a_failing_listener_costs_the_others_nothing() -> None:
    hub, updates = Hub(Metrics()), list[Update]()

    def fail(_: Update) -> None:
        raise RuntimeError("on purpose")

    async def listen() -> None:
        hub.attach(asyncio.get_running_loop())
        hub.listen(fail, lambda _: None)
        end = hub.listen(updates.append, lambda _: None)
        publish(hub, "a", 1)
        await until(lambda: len(updates) == 1)
        end()
        end()  # twice is fine
        publish(hub, "a", 2)
        await asyncio.sleep(0)
        hub.detach()

    asyncio.run(listen())
    assert len(updates) == 1


def test_publishing_does_not_wait_for_a_blocked_loop() -> None:
    hub = Hub(Metrics())

    async def listen() -> None:
        hub.attach(asyncio.get_running_loop())
        before = time.monotonic()
        for seq in range(2000):  # on the loop itself, which can't run meanwhile
            publish(hub, "a", seq)
        assert time.monotonic() - before < 2.0
        hub.detach()

    asyncio.run(listen())


def test_blurring_gets_the_tracks_and_every_other_face() -> None:
    hub = Hub(Metrics())
    track = Track(1, (0.0, 0.0, 2.0, 2.0), np.zeros((5, 2), np.float32), 0.9, 0.0, 1.0)
    publish(hub, "a", 1, track)
    newest = hub.newest("a")
    assert newest is not None
    assert newest.faces.tolist() == [[0, 0, 2, 2]]
    frame, result = newest.frame, newest.result
    hub.publish(frame, result, np.array([[1, 1, 3, 3]], np.float32))
    newest = hub.newest("a")
    assert newest is not None
    assert newest.faces.tolist() == [[0, 0, 2, 2], [1, 1, 3, 3]]
