"""What the engine makes of an excerpt, and how long it takes: python -m tests.benchmarks.speed CLIP [--frames 150].

The program's own offline path, from file to JPEG: every frame is followed and reported, drawn on, and encoded at the
clip's own size. Prints JSON; `tests.benchmarks.throughput` compares it with others.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args

from streamer.capture.files import read_file
from streamer.config import CameraConfig, Config, InferenceConfig, ModelsConfig
from streamer.monitoring.metrics import Metrics
from streamer.offline import AnalyzedFrame, OfflineAnalysis
from streamer.server.hub import Update
from streamer.server.pictures import Variant, render
from tests.benchmarks.machine import SHARED, model_store

__all__ = ["QUALITY", "EngineRun", "main", "speed_models"]

QUALITY = 80  # of the JPEGs, the page's own
_VARIANT = Variant.of("annotated", None, QUALITY)


Attributes = Literal["auto", "dlib", "faceres", "pair", "none"]


def speed_models(attributes: Attributes = "auto") -> ModelsConfig:
    """The nets and the runtime that the program takes by itself on this machine; attributes: but these for faces."""
    folders = (SHARED / "models",) if (SHARED / "models").is_dir() else ()
    return ModelsConfig(attributes=attributes, search_path=folders)


@dataclass
class EngineRun:
    """The engine, and what it made of the last excerpt."""

    inference: InferenceConfig = field(default_factory=InferenceConfig)
    attributes: Attributes = "auto"
    encoders: int = 1  # takes a third of a core; a second thread only disturbs the others
    boxes: list[list[list[float]]] = field(default_factory=list)  # of each frame's faces, confirmed or not
    looks: int = 0  # frames in which faces were looked for
    faces: int = 0  # faces reported, with or without a reading so far
    described: int = 0  # of these, with age and gender
    readings: int = 0  # looks of the attribute nets

    def __post_init__(self) -> None:
        config = Config(
            cameras=(CameraConfig(id="clip", source="clip"),),
            models=speed_models(self.attributes),
            inference=self.inference,
        )
        self.analysis = OfflineAnalysis(config, model_store())
        self._metrics = Metrics()

    def run(self, clip: Path, frames: int) -> float:
        """Seconds from opening the clip to the last JPEG."""
        self.boxes, self.looks, self.faces, self.described, self.readings = [], 0, 0, 0, 0
        samples: dict[int, int] = {}
        room = threading.Semaphore(2 * self.encoders)  # frames that wait for an encoder hold their pictures
        begin = time.perf_counter()
        with ThreadPoolExecutor(self.encoders) as encoders, read_file(clip, clip.stem) as reader:
            for analyzed in self.analysis.clip(islice(reader, frames), name=clip.stem):
                room.acquire()
                encoders.submit(self._encode, analyzed).add_done_callback(lambda _: room.release())
                self._take(analyzed, samples)
        seconds = time.perf_counter() - begin
        self.readings = sum(samples.values())
        return seconds

    def _encode(self, analyzed: AnalyzedFrame) -> None:
        render(Update(*analyzed, 0.0), _VARIANT, False, self._metrics)

    def _take(self, analyzed: AnalyzedFrame, samples: dict[int, int]) -> None:
        result, boxes = analyzed.result, analyzed.faces
        self.looks += "detect" in result.timings
        self.faces += len(boxes)
        self.described += sum(track.age is not None for track in result.tracks)
        samples |= {track.id: track.samples for track in result.tracks}
        self.boxes.append([[round(value, 1) for value in box] for box in boxes.tolist()])

    def report(self, seconds: float) -> dict[str, Any]:
        """Of the last excerpt."""
        frames = len(self.boxes)
        return {
            "fps": round(frames / seconds, 1),
            "frames": frames,
            "faces_per_frame": round(self.faces / frames, 2),
            "described_per_frame": round(self.described / frames, 2),
            "looks": self.looks,
            "readings": self.readings,
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints JSON, the boxes of every frame with it."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.speed", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--attributes", choices=get_args(Attributes), default="auto")
    parser.add_argument("--no-boxes", action="store_true", help="leave the boxes out")
    options = parser.parse_args(arguments)
    engine = EngineRun(InferenceConfig(workers=options.workers), options.attributes)
    engine.run(options.clip, options.frames)  # what the runtimes set up in their first calls of every size
    seconds = engine.run(options.clip, options.frames)
    print(json.dumps(engine.report(seconds) | ({} if options.no_boxes else {"boxes": engine.boxes})))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
