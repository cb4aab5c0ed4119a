"""The queue between a camera and the inference pool."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.capture.frame_queue import FrameQueue
from streamer.pictures.picture import ArrayPicture
from streamer.types import Frame

PICTURE = ArrayPicture(np.zeros((2, 2, 3), np.uint8))


def frame(seq: int) -> Frame:
    return Frame("cam", seq, 0.0, 0.0, 0.0, PICTURE)


def taken(queue: FrameQueue) -> list[int]:
    return [found.seq for found in iter(queue.take, None)]


def test_queue_full_evicts_the_oldest_frame() -> None:
    queue = FrameQueue(2)
    assert [queue.put(frame(n)) for n in range(2)] == [None, None]
    evicted = queue.put(frame(2))
    assert evicted is not None
    assert evicted.seq == 0
    assert taken(queue) == [1, 2]
    assert queue.take() is None


@given(st.integers(1, 8), st.lists(st.booleans(), max_size=100))
def test_queue_keeps_its_bound_and_order_and_accounts_for_every_frame(size: int, puts: list[bool]) -> None:
    queue = FrameQueue(size)
    seq, evicted, out = 0, [], []
    for put in puts:
        if put:
            if (gone := queue.put(frame(seq))) is not None:
                evicted.append(gone.seq)
            seq += 1
        elif (found := queue.take()) is not None:
            out.append(found.seq)
        assert len(queue) <= size
    rest = taken(queue)
    assert out == sorted(out)
    assert sorted(evicted + out + rest) == list(range(seq))


def test_closed_queue_gives_what_it_has_and_takes_no_more() -> None:
    queue = FrameQueue(2)
    queue.put(frame(0))
    queue.close()
    late = frame(1)
    assert queue.put(late) is late
    assert not queue.drained
    assert taken(queue) == [0]
    assert queue.drained


def test_lossless_queue_waits_for_room_and_loses_nothing() -> None:
    queue = FrameQueue(2, lossless=True)

    def put_all() -> None:
        for n in range(100):
            queue.put(frame(n))
        queue.close()

    thread = threading.Thread(target=put_all)
    arrived = threading.Event()
    queue._on_put = arrived.set
    thread.start()
    out: list[int] = []
    while not queue.drained:
        arrived.wait(0.05)
        arrived.clear()
        out += taken(queue)
        assert len(queue) <= 2
    thread.join()
    assert out == list(range(100))


def test_close_lets_go_whoever_waits_to_put() -> None:
    queue = FrameQueue(1, lossless=True)
    queue.put(frame(0))
    refused: list[Frame | None] = []
    thread = threading.Thread(target=lambda: refused.append(queue.put(frame(1))))
    thread.start()
    queue.close()
    thread.join(5)
    assert [found.seq for found in refused if found] == [1]


def test_every_put_is_announced_once_and_outside_the_lock() -> None:
    seen: list[int] = []
    queue = FrameQueue(2, on_put=lambda: seen.append(len(queue)))
    for n in range(4):
        queue.put(frame(n))
    assert seen == [1, 2, 2, 2]


def test_queue_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        FrameQueue(0)
