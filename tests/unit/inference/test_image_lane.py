from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import numpy as np
import pytest

from streamer.config import ImagesConfig, TrackingConfig
from streamer.inference.image_lane import ImageJob, ImageLane, ImageOptions, Outcome
from streamer.inference.pool import InferencePool
from streamer.inference.still import StillAnalyzer
from streamer.monitoring.metrics import Metrics
from streamer.pictures.image_files import read_header
from streamer.pictures.picture import Picture
from streamer.server.encoding import result_object
from streamer.types import FaceReading, Result
from tests.scripted import ScriptedAttributes, ScriptedDetector

JSON = ImageOptions("json")
READING = FaceReading(30.0, 5.0, 0.95, 0.9)


def image(width: int = 320, height: int = 240) -> bytes:
    return cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8))[1].tobytes()


class Answers:
    """Keeps what becomes of jobs, and lets a test wait for a number of outcomes."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        self._changed = threading.Condition()

    def __call__(self, outcome: Outcome) -> None:
        with self._changed:
            self.outcomes.append(outcome)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[Outcome]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.outcomes) >= count, 5)
        return self.outcomes


class Bench:
    """A lane with a detector that finds one face, and a pool of one worker that serves it."""

    def __init__(self, act: Callable[[Picture], None] = lambda _: None, *, blur: bool = False, **config: float) -> None:
        self.metrics = Metrics()
        self.pool = InferencePool(workers=1, metrics=self.metrics)
        self.attributes = ScriptedAttributes(READING)
        detector = ScriptedDetector(act)
        detector.boxes = [(20.0, 20.0, 60.0, 70.0)]
        self.answers = Answers()
        self.alone = True

        def encode(result: Result) -> dict[str, object]:
            return result_object(result, "scripted")

        self.lane = ImageLane(
            StillAnalyzer(detector, self.attributes, TrackingConfig()),
            ImagesConfig.model_validate({"max_images": 1, "queue_size": 8, **config}),
            blur=blur,
            workers=1,
            is_alone=lambda: self.alone,
            encode_result=encode,
            metrics=self.metrics,
            wake=self.pool.wake,
        )
        self.pool.add("images", self.lane)

    def job(self, data: bytes, options: ImageOptions = JSON, wanted: Callable[[], bool] = lambda: True) -> ImageJob:
        return ImageJob(data, read_header(data), options, self.answers, wanted)

    def count(self, outcome: str) -> float:
        return self.metrics.registry.get_sample_value("streamer_images_total", {"outcome": outcome}) or 0.0


@contextmanager
def running(bench: Bench) -> Iterator[Bench]:
    bench.pool.start()
    try:
        yield bench
    finally:
        assert bench.pool.stop()


def test_a_full_queue_takes_nothing_and_a_group_goes_in_whole_or_not_at_all() -> None:
    bench = Bench(queue_size=3)
    jobs = [bench.job(image()) for _ in range(4)]
    assert not bench.lane.submit(jobs)
    assert bench.lane.submit(jobs[:2])
    assert not bench.lane.submit(jobs[2:])
    assert bench.lane.submit(jobs[2:3])


def test_one_damaged_image_does_not_touch_the_others_of_its_batch() -> None:
    bench = Bench()
    good = image()
    bench.lane.submit([bench.job(good), bench.job(good[:-200]), bench.job(good)])
    with running(bench):
        outcomes = bench.answers.wait_for(3)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ImageError", "bytes", "bytes"]
    assert (bench.count("analyzed"), bench.count("refused")) == (2, 1)


def test_a_failing_net_fails_the_batch_and_not_the_lane(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.attributes.error = RuntimeError("weights gone")
    bench.lane.submit([bench.job(image()), bench.job(image())])
    with running(bench):
        assert all(isinstance(outcome, RuntimeError) for outcome in bench.answers.wait_for(2))
        bench.attributes.error = None
        bench.lane.submit([bench.job(image())])
        assert isinstance(bench.answers.wait_for(3)[2], bytes)
    assert caplog.messages == ["the analysis of an image failed"]


def test_what_nobody_waits_for_is_skipped_before_work_is_spent_on_it() -> None:
    seen: list[Picture] = []
    bench = Bench(seen.append)
    bench.lane.submit([bench.job(image(), wanted=lambda: False), bench.job(image())])
    with running(bench):
        bench.answers.wait_for(1)
    assert len(seen) == 1
    assert bench.count("skipped") == 1


def test_an_unfilled_batch_is_held_only_while_others_arrive() -> None:
    bench = Bench(batch_wait=0.05, batch_size=2)
    bench.lane.submit([bench.job(image())])
    assert bench.lane.waiting
    bench.lane.arriving = 1
    assert bench.lane.held
    assert not bench.lane.waiting
    bench.lane.submit([bench.job(image())])
    assert bench.lane.waiting  # full


@pytest.mark.parametrize(("alone", "sizes"), [(True, [4, 2]), (False, [2, 2, 2])])
def test_beside_cameras_a_turn_is_short(alone: bool, sizes: list[int]) -> None:
    bench = Bench()
    bench.alone = alone
    bench.lane.submit([bench.job(image()) for _ in range(6)])
    taken = []
    while (work := bench.lane.take()) is not None:
        before = len(bench.answers.outcomes)
        answer = work.give_up(threading.current_thread())
        assert answer is not None
        answer()
        taken.append(len(bench.answers.outcomes) - before)
    assert taken == sizes


def test_stopping_answers_what_waits() -> None:
    bench = Bench()
    bench.lane.submit([bench.job(image())])
    bench.pool.stop()
    assert isinstance(bench.answers.wait_for(1)[0], RuntimeError)
    assert not bench.lane.submit([bench.job(image())])


@pytest.mark.parametrize("width", [None, 640, 100_000])
def test_a_picture_comes_back_in_its_own_size_or_narrower(width: int | None) -> None:
    bench = Bench()
    bench.lane.submit([bench.job(image(3000, 2000), ImageOptions("jpeg", width))])
    with running(bench):
        (outcome,) = bench.answers.wait_for(1)
    assert isinstance(outcome, bytes)
    picture = cv2.imdecode(np.frombuffer(outcome, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == ((427, 640, 3) if width == 640 else (2000, 3000, 3))


def test_coordinates_are_of_the_image_as_it_was_sent() -> None:
    bench = Bench()
    bench.lane.submit([bench.job(image(3840, 2160))])  # decoded at half its size, which is 1080p
    with running(bench):
        (outcome,) = bench.answers.wait_for(1)
    assert isinstance(outcome, bytes)
    result = json.loads(outcome)
    assert result["resolution"] == {"width": 3840, "height": 2160}
    assert [result["objects"][0][key] for key in "xywh"] == [40, 40, 80, 100]
