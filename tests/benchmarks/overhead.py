"""Where the time of a frame goes, and how much of it is our own Python.

    python -m tests.benchmarks.overhead [CLIP…] [--json] [--frames 300]

Processor time of the whole process while a clip is analysed (`speed`), divided among the frames. What the decoder's and
the runtime's own threads take is the process's time less that of its Python threads; on the Python threads, what does
nothing but call into native code is clocked piece by piece (`Ledger`), and all else, from the pool's bookkeeping to the
tracker, is overhead. It is processor time, so waiting counts for nothing, and other programs disturb little.

The clocks themselves cost about a microsecond a call and are counted as overhead, which is thus told too high rather
than too low. The decoder's threads are told from the runtime's by decoding the excerpt once more, alone. Page faults
stand for allocation: each is 4 KiB that a frame's buffers take from the system anew.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2

from streamer.capture.files import FileReader
from streamer.capture.frame_queue import FrameQueue
from streamer.drawing.canvas import Canvas
from streamer.inference import boxes, nets
from streamer.inference.calibrated import CalibratedAttributes
from streamer.inference.camera_lane import CameraLane
from streamer.inference.looking import Looking
from streamer.inference.pipeline import CameraPipeline
from streamer.inference.pool import InferencePool
from streamer.inference.runtimes.onnxruntime_session import OnnxRuntimeSession
from streamer.inference.runtimes.opencv_session import OpenCvSession
from streamer.inference.runtimes.openvino_session import OpenVinoSession
from streamer.inference.yunet import YuNet
from streamer.pictures.picture import DecodedPicture
from streamer.server import pictures
from streamer.tracking.tracker import Tracker
from tests.benchmarks import speed
from tests.benchmarks.excerpts import default_clips, excerpt
from tests.benchmarks.ledger import Ledger
from tests.benchmarks.speed import EngineRun

__all__ = ["main", "measure"]

_Places = dict[str, list[tuple[Any, str]]]

# Native work on Python threads. Reading a frame is a loop around PyAV's demuxer and decoder, clocked in `measure`.
_READ = "demux and decode"
_NATIVE: _Places = {
    "inference": [(session, "run") for session in (OnnxRuntimeSession, OpenVinoSession, OpenCvSession)],
    "resize": [
        *((DecodedPicture, name) for name in ("pixels", "planes", "luma")),
        *((cv2, name) for name in ("warpAffine", "resize")),
        (boxes, "_planar"),
    ],
    "draw": [(pictures, "draw_frame")],
    "encode": [(Canvas, "jpeg")],
}
_BENCHMARK = "the benchmark's own counting"
# Everything else, by what it is for.
_OURS: _Places = {
    "queue": [(FrameQueue, "put")],
    "pool": [(InferencePool, "_next"), (CameraLane, "take")],
    "when to look": [(Looking, "guess"), (Looking, "due"), (Looking, "looked")],
    "detect (letterbox, decoding, suppression)": [(YuNet, "detect")],
    "track": [(Tracker, "update"), (Tracker, "coast")],
    "attributes (chips, calibration)": [(CalibratedAttributes, "read_batch"), (nets.DlibNets, "say")],
    "pipeline (records, smoothing, events)": [
        (CameraPipeline, step) for step in ("detect", "follow", "read", "report")
    ],
    "render": [(speed, "render")],
}


def measure(engine: EngineRun, clip: Path, frames: int) -> dict[str, Any]:
    """Milliseconds of processor time per frame."""
    ledger = Ledger()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    begin = time.process_time()
    read = FileReader.__iter__
    with (
        ledger.watching(_NATIVE | _OURS | {_BENCHMARK: [(EngineRun, "_take")]}),
        patch.object(FileReader, "__iter__", lambda reader: ledger.timed_steps(_READ, read(reader))),
    ):
        engine.run(clip, frames)
    process = time.process_time() - begin - ledger.seconds[_BENCHMARK]
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    count = len(engine.boxes)

    def of(stage: str) -> float:
        return round(1000 * ledger.seconds[stage] / count, 3)

    ours = {stage: of(stage) for stage in _OURS}
    python_threads = ledger.python_seconds - ledger.seconds[_BENCHMARK]
    booked = sum(ledger.seconds[stage] for stage in (_READ, *_NATIVE, *_OURS))
    ours["the rest of the Python threads"] = round(1000 * (python_threads - booked) / count, 3)
    native = {stage: of(stage) for stage in (_READ, *_NATIVE)}
    decoder = min(_decode_alone(clip, count) - ledger.seconds[_READ], process - python_threads)
    native["the decoder's threads"] = round(1000 * decoder / count, 3)
    native["the nets, in the runtime's threads"] = round(1000 * (process - python_threads - decoder) / count, 3)
    total, overhead = 1000 * process / count, sum(ours.values())
    return {
        "clip": clip.stem,
        "frames": count,
        "looks": engine.looks,
        "readings": engine.readings,
        "ms_per_frame": round(total, 2),
        "overhead_ms": round(overhead, 2),
        "overhead_share": round(overhead / total, 3),
        "page_faults_per_frame": round(faults / count),
        "native": native,
        "overhead": ours,
    }


def _decode_alone(clip: Path, frames: int) -> float:
    """Seconds of processor time."""
    begin = time.process_time()
    for _ in excerpt(clip, frames, threads=2):
        pass
    return time.process_time() - begin


def print_report(report: dict[str, Any]) -> None:
    """The shares of a clip, largest first."""
    print(
        f"{report['clip']}: {report['ms_per_frame']} ms a frame, of which our Python {report['overhead_ms']} "
        f"({report['overhead_share']:.1%}); {report['page_faults_per_frame']} page faults"
    )
    for kind in ("native", "overhead"):
        for stage, milliseconds in sorted(report[kind].items(), key=lambda item: -item[1]):
            print(f"  {kind:9}{milliseconds:8.3f}  {stage}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a list, or one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.overhead", description=__doc__)
    parser.add_argument(
        "clips", nargs="*", type=Path, metavar="CLIP", help="default: all shared clips, one at 1080p too"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--frames", type=int, default=300, metavar="N", help="of each clip, from its beginning")
    options = parser.parse_args(arguments)
    engine, reports = EngineRun(), []
    for clip in options.clips or default_clips():
        engine.run(clip, options.frames)  # what the runtimes set up in their first calls of every size
        reports.append(measure(engine, clip, options.frames))
        if not options.json:
            print_report(reports[-1])
    if options.json:
        print(json.dumps({"clips": reports}, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
