"""What reading age and gender of a face costs: python -m tests.benchmarks.reading_costs [--rounds 15] [--json].

Milliseconds of processor time of a face read alone, and of each of eight read together, with cutting them out: the
least of so many calls, all models on all runtimes taken in turn. Other work on the machine makes them larger all the
same, as it takes the caches and half of a core's units: what stands beside one another compares, little else does.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence

import cv2

from streamer.config import ModelsConfig
from streamer.inference.attributes import AttributeModel, open_attribute_model, read_pictures
from streamer.pictures.picture import Pixels
from streamer.types import Detections
from tests.benchmarks.looks import MODELS
from tests.benchmarks.machine import SHARED, Way, model_store, models_config, ways
from tests.benchmarks.parity import central_faces

_TOGETHER = 8

Faces = Sequence[tuple[Pixels, Detections]]


def opened(name: str, way: Way) -> AttributeModel:
    """An attribute model on one runtime."""
    config = ModelsConfig.model_validate({**models_config(way).model_dump(), "attributes": name})
    model = open_attribute_model(config, model_store())
    assert model is not None
    return model


def measure(faces: Faces, rounds: int) -> dict[str, dict[str, tuple[float, float]]]:
    """By model and way: ms for a face alone, and for each of those read together."""
    jobs = [(name, way, opened(name, way)) for name in MODELS for way in ways(int8=True)]
    least: dict[tuple[str, Way], tuple[float, float]] = {}
    for _ in range(rounds):
        for name, way, model in jobs:
            alone = _processor_ms(lambda model=model: read_pictures(model, faces[:1]))  # type: ignore[misc]
            together = _processor_ms(lambda model=model: read_pictures(model, faces)) / len(faces)  # type: ignore[misc]
            before = least.get((name, way), (alone, together))
            least[name, way] = min(before[0], alone), min(before[1], together)
    costs: dict[str, dict[str, tuple[float, float]]] = {name: {} for name in MODELS}
    for (name, way), (alone, together) in least.items():
        costs[name][str(way)] = round(alone, 1), round(together, 1)
    return costs


def _processor_ms(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return 1000 * (time.process_time() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true", help="print JSON only")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    costs = measure(central_faces(SHARED / "faces")[:_TOGETHER], options.rounds)
    if options.json:
        print(json.dumps(costs, indent=2))
        return
    for name, row in costs.items():
        print(f"{name:8} " + "; ".join(f"{way}: {alone} / {together} ms" for way, (alone, together) in row.items()))


if __name__ == "__main__":
    main()
