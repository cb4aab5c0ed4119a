"""Visits, ages and genders on real clips against the truth: python -m tests.benchmarks.tracks [CLIP…] [--json].

Runs the program's own pipeline over every frame, or every N-th (--every), with a share of the detections taken away at
random if asked (--drop), and says for each settled track what it is, when it was seen, how often its gender changed
after its first second, whether it was taken for a static picture, and how often its single looks were right.

--made-up: tracks of the labelled photographs beside the checkout, each seen shifted, blurred, darkened and compressed
anew every 0.4 s: what a single look gets right, what is settled on after several, and whether its confidence means what
it says; by cross-validation.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np

from streamer.config import InferenceConfig, TrackingConfig
from streamer.inference.attributes import AttributeModel, open_attribute_model
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.inference.pipeline import CameraPipeline
from streamer.monitoring.metrics import Metrics
from streamer.pictures.picture import DecodedPicture
from streamer.types import EventKind, FaceReading, Frame, Gender, Result, Track
from tests.benchmarks import made_up_tracks
from tests.benchmarks.machine import SHARED, Way, model_store, models_config


@dataclass(frozen=True)
class Truth:
    """What is to be seen in a clip: how many faces, how many more or fewer are let pass, and their genders."""

    visits: int
    tolerance: int = 0
    genders: tuple[Gender, ...] = ()  # from left to right where `ordered`
    ordered: bool = False


# README of the clips.
TRUTHS = {
    "three_people_540p": Truth(3, 0, ("female", "male", "female"), ordered=True),
    "school_group_walk_7p_720p": Truth(7, 1, ("female",) * 4 + ("male",) * 3),
    "franck_1p_200s": Truth(1, 0, ("male",)),
    "woman_single_360p": Truth(1, 0, ("female",)),
    "plaza_overhead_nofaces_720p": Truth(0),
}


@dataclass
class Visit:
    """One confirmed track, as it went by."""

    first_seen: float
    frames: int = 0
    unknown: int = 0
    changes: int = 0
    settled: Gender = "unknown"
    static: bool = False
    looks: list[FaceReading] = field(default_factory=list)
    x: float = 0.0  # of the box's centre, summed over the frames
    last: Track = field(init=False)

    def take(self, track: Track, at: float) -> None:
        """One frame of it."""
        self.frames += 1
        self.unknown += track.gender == "unknown"
        self.x += (track.box[0] + track.box[2]) / 2
        if track.gender != "unknown":
            if at - self.first_seen > 1 and self.settled not in ("unknown", track.gender):
                self.changes += 1
            self.settled = track.gender
        self.static = self.static or track.static
        if track.reading is not None and (not self.looks or track.reading is not self.looks[-1]):
            self.looks.append(track.reading)
        self.last = track

    def report(self) -> dict[str, Any]:
        """For people and programs."""
        track = self.last
        ages = (track.age, track.age_low, track.age_high)
        age, low, high = (None if years is None else round(years, 1) for years in ages)
        return {
            "id": track.id,
            "seen": [round(track.first_seen, 2), round(track.last_seen, 2)],
            "x": round(self.x / self.frames),
            "gender": track.gender,
            "confidence": round(track.gender_confidence, 3),
            "age": age,
            "age_range": [low, high],
            "samples": track.samples,
            "single_looks_female": [round(look.p_female, 2) for look in self.looks],
            "static": self.static,
            "gender_changes_after_1s": self.changes,
            "unknown_share": round(self.unknown / self.frames, 3),
        }


class ClipRun:
    """One clip, through the pipeline of one camera."""

    def __init__(self, clip: Path, detector: Detector, attributes: AttributeModel | None, tracking: TrackingConfig):
        self._clip = clip
        self._visits: dict[int, Visit] = {}
        self._times: list[tuple[int, float]] = []  # faces shown, ms in the tracker
        self._frames = 0
        self._pipeline = CameraPipeline(
            clip.stem,
            detector=detector,
            attributes=attributes,
            tracking=tracking,
            metrics=Metrics(),
            deliver=lambda _frame, result, _boxes: self._take(result),
        )

    def run(self, *, every: int, drop: float, seed: int) -> dict[str, Any]:
        """The report of the clip."""
        chance = np.random.default_rng(seed)
        for frame in islice(read_frames(self._clip), 0, None, every):
            found = self._pipeline.detect(frame)
            if drop and found.detections is not None:
                kept = found.detections.select(chance.random(len(found.detections)) >= drop)
                found = replace(found, detections=kept)
            followed = self._pipeline.follow(found)
            self._pipeline.report(followed, self._pipeline.read(followed))
            self._frames += 1
        return self._report()

    def _take(self, result: Result) -> None:
        for event in result.events:
            if event.kind is EventKind.VISIT_STARTED and event.track is not None:
                self._visits[event.track.id] = Visit(event.track.first_seen)
        for track in result.tracks:
            self._visits[track.id].take(track, result.captured_at)
        self._times.append((len(result.tracks), result.timings["track"]))

    def _report(self) -> dict[str, Any]:
        truth = TRUTHS.get(self._clip.stem)
        visits = sorted(self._visits.values(), key=lambda visit: visit.x / visit.frames)
        busiest = max(faces for faces, _ in self._times)
        times = [ms for faces, ms in self._times if faces == busiest]
        return {
            "clip": self._clip.stem,
            "frames": self._frames,
            "visits": len(visits),
            "visits_true": truth.visits if truth else None,
            "visits_right": abs(len(visits) - truth.visits) <= truth.tolerance if truth else None,
            "genders": [visit.last.gender for visit in visits],
            "genders_right": _right([visit.last.gender for visit in visits], truth) if truth else None,
            "genders_true": list(truth.genders) if truth else None,
            "gender_changes_after_1s": sum(visit.changes for visit in visits),
            "static": sum(visit.static for visit in visits),
            "single_looks": _single_looks(visits, truth) if truth else None,
            "unknown_share": round(sum(visit.unknown for visit in visits) / max(1, sum(v.frames for v in visits)), 3),
            "readings": sum(visit.last.samples for visit in visits),
            "tracker_ms": {
                "faces": busiest,
                "median": round(float(np.median(times)), 3),
                "p95": round(float(np.quantile(times, 0.95)), 3),
            },
            "tracks": [visit.report() for visit in visits],
        }


def _right(genders: Sequence[Gender], truth: Truth) -> int:
    """How many genders are right: place by place where their order is known, else as many as fit the true counts."""
    if truth.ordered and len(genders) == len(truth.genders):
        return sum(told == true for told, true in zip(genders, truth.genders, strict=True))
    return (Counter(genders) & Counter(truth.genders)).total()


def _single_looks(visits: Sequence[Visit], truth: Truth) -> dict[str, Any] | None:
    """How many single looks of gender are right, where it is known who is who; and how many settled tracks then."""
    if truth.ordered and len(visits) == len(truth.genders):
        true = list(truth.genders)
    elif len(set(truth.genders)) == 1:
        true = [truth.genders[0]] * len(visits)
    else:
        return None
    looks = [
        (look.p_female >= 0.5) == (gender == "female")
        for visit, gender in zip(visits, true, strict=True)
        for look in visit.looks
    ]
    settled = [visit.last.gender == gender for visit, gender in zip(visits, true, strict=True)]
    return {"looks": len(looks), "right": sum(looks), "tracks": len(settled), "settled_right": sum(settled)}


def read_frames(clip: Path) -> Iterator[Frame]:
    """Every frame of a clip, by media time."""
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        for seq, decoded in enumerate(container.decode(stream)):
            at = float(decoded.time or 0.0)
            yield Frame(clip.stem, seq, at, at, at, DecodedPicture(decoded))


def print_report(report: dict[str, Any]) -> None:
    """A line for the clip, a line for each track."""
    times = report["tracker_ms"]
    print(
        f"{report['clip']}: {report['visits']} visits (truth {report['visits_true']}), genders right "
        f"{report['genders_right']}, changed after 1 s {report['gender_changes_after_1s']}, "
        f"static {report['static']}, unknown {report['unknown_share']:.0%} of the time, {report['readings']} readings, "
        f"tracker {times['median']} ms (p95 {times['p95']}) with {times['faces']} faces"
    )
    if single := report["single_looks"]:
        print(
            f"  single looks right {single['right']} of {single['looks']}, settled tracks {single['settled_right']} of "
            f"{single['tracks']}"
        )
    for track in report["tracks"]:
        low, high = track["age_range"]
        years = "age unknown" if track["age"] is None else f"age {track['age']} ({low}-{high})"
        print(
            f"  {track['id']:>3}  x {track['x']:>5}  {track['seen'][0]:7.2f}-{track['seen'][1]:7.2f} s  "
            f"{track['gender']:7} {track['confidence']:.2f}  {years}, {track['samples']} samples"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when a count of visits is off."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.tracks", description=__doc__)
    parser.add_argument("clips", nargs="*", type=Path, metavar="CLIP", help="default: all clips with a known truth")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="look at every N-th frame only")
    parser.add_argument("--drop", type=float, default=0.0, metavar="SHARE", help="of the detections taken away, 0-1")
    parser.add_argument("--seed", type=int, default=0, help="of what is taken away")
    parser.add_argument("--detect-width", type=int, default=640)
    parser.add_argument("--detector", choices=["auto", "yunet", "centerface", "ssd-res10"], default="auto")
    parser.add_argument("--runtime", choices=["onnxruntime", "openvino", "opencv"], default="onnxruntime")
    parser.add_argument("--precision", choices=["float32", "bfloat16", "auto"], default="float32")
    parser.add_argument("--confirm-score", type=float, help="instead of the detector's own; 0: any score")
    parser.add_argument("--made-up", type=int, metavar="N", help="N tracks made of photographs instead of clips")
    parser.add_argument("--blur", type=float, default=0.0, metavar="SHARE", help="of a face's width; of made-up tracks")
    parser.add_argument("--no-attributes", action="store_true", help="tracks only")
    options = parser.parse_args(arguments)
    if options.made_up:
        return made_up_tracks.main(options.made_up, seed=options.seed, blur=options.blur, as_json=options.json)
    clips = options.clips or [SHARED / "clips" / f"{name}.mp4" for name in TRUTHS]
    config, store = models_config(Way(options.runtime, options.precision), detector=options.detector), model_store()
    inference = InferenceConfig(detect_width=options.detect_width)
    detector = open_detector(config, inference, store)
    attributes = None if options.no_attributes else open_attribute_model(config, store)
    reports = []
    for clip in clips:
        run = ClipRun(clip, detector, attributes, TrackingConfig(confirm_score=options.confirm_score))
        report = run.run(every=options.every, drop=options.drop, seed=options.seed)
        reports.append(report)
        if not options.json:
            print_report(report)
            sys.stdout.flush()
    if options.json:
        print(json.dumps({"every": options.every, "drop": options.drop, "clips": reports}, indent=2))
    return int(any(report["visits_right"] is False for report in reports))


if __name__ == "__main__":
    raise SystemExit(main())
