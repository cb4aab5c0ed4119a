from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.analytics.rules import Line, Rules, Zone
from streamer.config import TrackingConfig
from streamer.inference.effort import Effort
from streamer.inference.pipeline import CameraPipeline, Found
from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import ArrayPicture
from streamer.types import EventKind, FaceReading, Frame, Result
from tests.scripted import ScriptedAttributes, ScriptedDetector, go_on

PICTURE = ArrayPicture(np.zeros((360, 640, 3), np.uint8))
READING = FaceReading(30.0, 4.0, 0.98, 0.8)  # a woman of 30


class Camera:
    """A pipeline driven frame by frame, 25 a second."""

    def __init__(
        self, tracking: TrackingConfig | None = None, rules: Rules | None = None, *, look_interval: float | None = 0.0
    ) -> None:
        self.metrics = Metrics()
        self.detector, self.attributes = ScriptedDetector(), ScriptedAttributes(READING)
        self.results: list[Result] = []
        self.faces: list[NDArray[np.float32]] = []
        self.pipeline = CameraPipeline(
            "door",
            detector=self.detector,
            attributes=self.attributes,
            tracking=tracking or TrackingConfig(),
            metrics=self.metrics,
            deliver=self._deliver,
            rules=rules,
            look_interval=look_interval,
        )
        self.picture = PICTURE

    def _deliver(self, _: Frame, result: Result, faces: NDArray[np.float32]) -> None:
        self.results.append(result)
        self.faces.append(faces)

    def see(self, *boxes: tuple[float, float, float, float], frames: int = 1) -> Result:
        self.detector.boxes = list(boxes)
        for _ in range(frames):
            seq = len(self.results)
            frame = Frame("door", seq, seq / 25, 1000 + seq / 25, 1.8e9 + seq / 25, self.picture)
            go_on(self.pipeline, self.pipeline.detect(frame))
        return self.results[-1]

    @property
    def looked(self) -> list[int]:
        """The frames in which faces were looked for."""
        return [result.seq for result in self.results if "detect" in result.timings]

    def events(self, kind: EventKind) -> list[tuple[int, float]]:
        return [(e.track.id, e.at) for r in self.results for e in r.events if e.kind is kind and e.track]


def test_a_face_is_followed_read_and_reported_as_one_visit() -> None:
    camera = Camera()
    result = camera.see((100, 100, 180, 200), frames=50)
    assert [t.id for t in result.tracks] == [1]
    track = result.tracks[0]
    assert (track.gender, round(track.age or 0)) == ("female", 30)
    assert track.reading == READING
    assert {stage for r in camera.results for stage in r.timings} == {"detect", "track", "attributes"}
    camera.see(frames=100)
    assert camera.results[-1].tracks == ()
    (started,), (ended,) = camera.events(EventKind.VISIT_STARTED), camera.events(EventKind.VISIT_ENDED)
    assert started == pytest.approx((1, 1.8e9), abs=1e-3)  # when it was first seen, not when it was confirmed
    assert ended == pytest.approx((1, 1.8e9 + 49 / 25), abs=1e-3)  # when it was last seen, not when it was given up


def test_readings_become_rarer_the_longer_a_face_is_known() -> None:
    camera = Camera()
    camera.see((100, 100, 180, 200), frames=50)
    early = len(camera.attributes.shown)
    camera.see((100, 100, 180, 200), frames=50)
    assert 2 <= early <= 10
    assert len(camera.attributes.shown) - early < early


def test_a_crowd_that_appears_at_once_is_read_a_few_at_a_time() -> None:
    camera = Camera()
    crowd = [(20.0 + 75 * i, 100.0, 80.0 + 75 * i, 180.0) for i in range(8)]
    camera.see(*crowd, frames=25)
    assert max(camera.attributes.shown) <= 4
    assert all(track.samples for track in camera.results[-1].tracks)


def test_what_is_known_of_an_ended_visit_is_freed() -> None:
    camera = Camera()
    for i in range(20):
        camera.see((10.0 + 20 * i, 100, 90.0 + 20 * i, 200), frames=15)
        camera.see(frames=60)
    assert len(camera.pipeline._reporting) == 0
    assert len(camera.events(EventKind.VISIT_ENDED)) == 20


def test_visits_are_told_though_the_attribute_net_fails(caplog: pytest.LogCaptureFixture) -> None:
    camera = Camera()
    camera.attributes.error = RuntimeError("the net is ill")
    camera.see((100, 100, 180, 200), frames=50)
    camera.see(frames=100)
    assert len(camera.results) == 150
    assert len(camera.events(EventKind.VISIT_STARTED)) == len(camera.events(EventKind.VISIT_ENDED)) == 1
    assert [record.message for record in caplog.records].count(
        "camera door: reading faces failed in 1 frame(s); the last error"
    ) == 1


def test_faces_not_confirmed_yet_are_handed_over_for_blurring() -> None:
    camera = Camera()
    result = camera.see((100, 100, 180, 200))
    assert result.tracks == ()
    assert camera.faces[-1].tolist() == [[100, 100, 180, 200]]


def test_the_visit_of_a_picture_is_taken_back_and_its_face_left_out_of_the_counts() -> None:
    camera = Camera()
    result = camera.see((100, 100, 180, 200), frames=25 * 30)  # the scripted landmarks never move
    assert [(track.id, track.static, track.counted) for track in result.tracks] == [(1, True, False)]
    camera.see(frames=100)
    ended = [e for r in camera.results for e in r.events if e.kind is EventKind.VISIT_ENDED]
    assert len(camera.events(EventKind.VISIT_STARTED)) == 1
    assert [(e.track.id, dict(e.data)) for e in ended if e.track] == [(1, {"started_at": 1.8e9, "static": True})]
    assert ended[0].at == pytest.approx(1.8e9 + 21.5, abs=1.5)
    camera.see((100, 100, 180, 200), frames=50)  # found again: no visit at all
    assert len(camera.events(EventKind.VISIT_STARTED)) == 1
    values = camera.metrics.registry.get_sample_value
    assert values("streamer_visits_total", {"camera": "door"}) == 1
    assert values("streamer_visits_static_total", {"camera": "door"}) == 1
    assert values("streamer_tracks", {"camera": "door"}) == 0


def test_pictures_count_where_the_configuration_asks_for_them() -> None:
    camera = Camera(TrackingConfig(count_static=True))
    result = camera.see((100, 100, 180, 200), frames=25 * 30)
    assert [(track.static, track.counted) for track in result.tracks] == [(True, True)]
    camera.see(frames=100)
    (ended,) = [e for r in camera.results for e in r.events if e.kind is EventKind.VISIT_ENDED]
    assert ended.at == pytest.approx(1.8e9 + 30, abs=0.1)
    assert dict(ended.data) == {"started_at": 1.8e9}


GATE = Line("gate", (0.5, 1.0), (0.5, 0.0))
RULES = Rules((GATE,), (Zone("hall", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))),))


def test_lines_and_zones_are_counted_as_faces_go_by() -> None:
    camera = Camera(rules=RULES)
    for k in range(50):
        result = camera.see((100.0 + 8 * k, 100, 180.0 + 8 * k, 200))
        assert result.occupancy == {"": len(result.tracks), "hall": int(bool(result.tracks) and k < 26)}, k
    kinds = [event.kind.value for r in camera.results for event in r.events]
    assert kinds == ["visit_started", "zone_entered", "zone_left", "line_crossed"]
    crossings = camera.metrics.registry.get_sample_value(
        "streamer_crossings_total", {"camera": "door", "line": "gate", "direction": "in"}
    )
    assert crossings == 1


def test_rules_change_while_frames_go_by() -> None:
    camera = Camera()
    camera.see((100, 100, 180, 200), frames=20)
    camera.pipeline.set_rules(RULES)
    assert camera.see((100, 100, 180, 200)).occupancy == {"": 1, "hall": 1}


def test_a_camera_that_sends_no_frames_any_more_ends_its_visits_in_bounded_time() -> None:
    camera = Camera(rules=RULES)
    camera.see((100, 100, 180, 200), frames=50)
    last = 1000 + 49 / 25
    assert camera.pipeline.idle(last + 2.0) is None  # a frame may still be on its way
    outcome = camera.pipeline.idle(last + 2.6)
    assert outcome is not None
    assert [event.kind.value for event in outcome.events] == ["zone_left", "visit_ended"]
    assert outcome.events[-1].at == pytest.approx(1.8e9 + 49 / 25, abs=1e-3)
    assert len(camera.pipeline._reporting) == 0
    again = camera.pipeline.idle(last + 3.6)
    assert again is not None
    assert again.events == ()


def test_what_is_under_way_is_told_at_the_end() -> None:
    camera = Camera(rules=RULES)
    assert camera.pipeline.close().events == ()
    camera.see((100, 100, 180, 200), frames=51)
    outcome = camera.pipeline.close()
    assert [event.kind.value for event in outcome.events] == ["zone_left", "visit_ended"]
    assert {(m.zone, m.peak, round(m.observed, 2)) for m in outcome.minutes} == {("", 1, 2.0), ("hall", 1, 2.0)}


def test_a_change_of_resolution_is_no_new_visit_and_no_crossing() -> None:
    camera = Camera(rules=RULES)
    camera.see((100, 100, 180, 200), (400, 100, 480, 200), frames=25)
    camera.picture = ArrayPicture(np.zeros((720, 1280, 3), np.uint8))
    result = camera.see((200, 200, 360, 400), (800, 200, 960, 400), frames=50)
    assert [track.id for track in result.tracks] == [1, 2]
    assert result.tracks[0].box == pytest.approx((200, 200, 360, 400), abs=1)
    kinds = [event.kind.value for r in camera.results for event in r.events]
    assert sorted(kinds) == ["visit_started", "visit_started", "zone_entered"]


def test_between_looks_faces_are_carried_on_and_the_result_of_every_frame_is_told() -> None:
    camera = Camera(look_interval=None)
    for k in range(100):
        camera.see((100 + 2 * k, 100, 180 + 2 * k, 200))
    assert len(camera.results) == 100
    assert len(camera.looked) == len(camera.detector.widest) < 40  # and nothing was looked at in vain
    assert set(np.diff(camera.looked[-5:])) == {5}
    assert all(len(boxes) == 1 for boxes in camera.faces)
    for result in camera.results[20:]:
        (track,) = result.tracks
        assert track.box[0] == pytest.approx(100 + 2 * result.seq, abs=6)
        assert track.last_seen == result.captured_at  # it is not out of sight
        assert track.samples


def test_a_face_counts_as_a_visit_no_later_for_being_looked_at_seldom() -> None:
    every, some = Camera(), Camera(look_interval=None)
    for camera in (every, some):
        camera.see(frames=100)
        camera.see((100, 100, 180, 200), frames=30)
    (first,) = [k for k, r in enumerate(every.results) if any(e.kind is EventKind.VISIT_STARTED for e in r.events)]
    (later,) = [k for k, r in enumerate(some.results) if any(e.kind is EventKind.VISIT_STARTED for e in r.events)]
    assert 0 <= later - first <= 5  # the frames until it was looked for


def test_a_look_that_nobody_foresaw_is_made_when_it_is_its_turn() -> None:
    camera = Camera(look_interval=None)
    camera.see(frames=98)
    dark, light = (ArrayPicture(np.full((360, 640, 3), grey, np.uint8)) for grey in (0, 200))
    camera.detector.boxes = [(100, 100, 180, 200)]
    ahead = [Frame("door", k, k / 25, 1000 + k / 25, 1.8e9, light if k == 99 else dark) for k in range(98, 101)]
    found = [camera.pipeline.detect(frame) for frame in ahead]  # the last look was in frame 97, the next is due in 102
    assert [each.detections for each in found] == [None] * 3
    for each in found:
        go_on(camera.pipeline, each)
    assert [len(faces) for faces in camera.faces[-3:]] == [0, 1, 1]


def test_results_do_not_depend_on_how_far_the_workers_ran_ahead() -> None:
    def results(ahead: int) -> list[list[float]]:
        camera = Camera(look_interval=None)
        camera.detector.boxes = [(100, 100, 180, 200)]
        waiting: list[Found] = []
        for k in range(120):
            waiting.append(camera.pipeline.detect(Frame("door", k, k / 25, k / 25, 1.8e9, PICTURE)))
            if len(waiting) > ahead:
                go_on(camera.pipeline, waiting.pop(0))
        for left in waiting:
            go_on(camera.pipeline, left)
        return [[result.seq, *track.box] for result in camera.results for track in result.tracks]

    assert results(0) == results(1) == results(5)


def test_effort_can_be_lowered_while_frames_come() -> None:
    camera = Camera()
    crowd = [(20.0 + 75 * i, 100.0, 80.0 + 75 * i, 180.0) for i in range(8)]
    camera.pipeline.set_effort(Effort(look_interval=0.1, detect_width=320, most_readings=1))
    camera.see(*crowd, frames=40)
    assert set(camera.detector.widest) == {320}
    assert max(camera.attributes.shown) == 1
    camera.pipeline.set_effort(Effort())
    camera.see(*crowd, frames=40)
    assert camera.detector.widest[-1] is None


def test_looks_are_made_rarer_by_effort_down_to_five_a_second() -> None:
    camera = Camera(look_interval=None)
    camera.pipeline.set_effort(Effort(look_interval=1.0))
    for k in range(100):  # jumps about: without that, it would be looked at in every frame
        x = 100 if k % 2 else 300
        camera.see((x, 100, x + 80, 200))
    assert set(np.diff(camera.looked[2:])) == {5}


def painted(*people: tuple[int, tuple[int, int, int, int]]) -> ArrayPicture:
    """Faces of a pattern of their own in an empty picture."""
    pixels = np.full((480, 640, 3), 96, np.uint8)
    for who, (x0, y0, x1, y1) in people:
        pattern = np.random.default_rng(who).integers(40, 220, (4, 4, 3), np.uint8)
        pixels[y0:y1, x0:x1] = cv2.resize(pattern, (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST)
    return ArrayPicture(pixels)


def step_before(camera: Camera) -> tuple[int, int, int, int]:
    """One stands for two seconds, and is hidden by another in the end; returns where that one stays."""
    behind = (300, 200, 350, 250)
    for k in range(50):
        left = 320 + 8 * max(0, 25 - k)
        before = (left, 195, left + 75, 270)
        camera.picture = painted((1, behind), (2, before))
        camera.see(*([behind] if left > 335 else []), before)
    return before


@pytest.mark.parametrize(("again", "started"), [(1, [1, 2]), (3, [1, 2, 3])])
def test_who_was_hidden_is_known_again_in_the_picture(again: int, started: list[int]) -> None:
    camera, aside = Camera(), (200, 200, 250, 250)
    before = step_before(camera)
    camera.see(before, frames=40)  # 2.5 s hidden in all
    camera.picture = painted((2, before), (again, aside))
    camera.see(before, aside, frames=38)
    assert [track for track, _ in camera.events(EventKind.VISIT_STARTED)] == started


def test_a_visit_that_waits_behind_somebody_ends_with_the_camera() -> None:
    camera = Camera()
    camera.see(step_before(camera), frames=50)
    assert camera.events(EventKind.VISIT_ENDED) == []
    ended = [event.track.id for event in camera.pipeline.close().events if event.track]
    assert sorted(ended) == [1, 2]
