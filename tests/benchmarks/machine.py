"""What the benchmarks share: the weights, the photographs, every way to run the nets, and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import ModelsConfig
from streamer.errors import ModelError
from streamer.inference.model_store import ModelStore
from streamer.inference.runtime import available_runtimes, has_int8
from streamer.pictures.picture import Pixels
from tests.conftest import SHARED

__all__ = [
    "SHARED",
    "DetectorName",
    "Way",
    "box_overlap",
    "milliseconds",
    "model_store",
    "models_config",
    "read_picture",
    "ways",
]

REPOSITORY = Path(__file__).resolve().parents[2]


DetectorName = Literal["auto", "yunet", "centerface", "ssd-res10"]


class Way(NamedTuple):
    """One way to run a net."""

    runtime: Literal["onnxruntime", "openvino", "opencv"]
    precision: Literal["float32", "bfloat16", "auto"]

    def __str__(self) -> str:
        return f"{self.runtime} {self.precision}"


def models_config(way: Way | None = None, *, detector: DetectorName = "auto") -> ModelsConfig:
    """Weights from the shared folder where there is one, else fetched."""
    runtime, precision = way or Way("onnxruntime", "float32")
    folders = (SHARED / "models",) if (SHARED / "models").is_dir() else ()
    return ModelsConfig(detector=detector, runtime=runtime, precision=precision, search_path=folders)


def model_store() -> ModelStore:
    """The weights as the program would find them when started in the repository."""
    return ModelStore(models_config(), folder=REPOSITORY / "models")


def ways(*, int8: bool = False) -> Iterator[Way]:
    """Every runtime that is installed, in every precision that this processor has.

    int8: also `auto`, in which some nets compute in 8 bits where the processor has instructions for it.
    """
    for runtime in available_runtimes():
        yield Way(runtime, "float32")
        if runtime == "openvino" and _has_bfloat16():
            yield Way(runtime, "bfloat16")
        if int8 and runtime != "opencv" and has_int8():
            yield Way(runtime, "auto")


def _has_bfloat16() -> bool:
    from streamer.inference.runtimes.openvino_session import has_bfloat16

    return has_bfloat16()


def read_picture(path: Path) -> Pixels:
    """(height, width, 3) BGR. Raises ModelError where it can't be read."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise ModelError(f"{path}: not a picture")
    return picture.astype(np.uint8, copy=False)


def box_overlap(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of each box in a with each in b: (N, 4), (M, 4), x0 y0 x1 y1 → (N, M)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    area_a, area_b = (np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1) for boxes in (a, b))
    overlap: NDArray[np.float32] = shared / np.maximum(area_a[:, None] + area_b[None] - shared, 1e-9)
    return overlap


def milliseconds(work: Callable[[], object], *, runs: int = 15) -> float:
    """The median time of one call, after two that don't count."""
    times: list[float] = []
    for _ in range(runs + 2):
        begin = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begin))
    return round(_median(times[2:]), 2)


def _median(values: Sequence[float]) -> float:
    return float(np.median(values))
