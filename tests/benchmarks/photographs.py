"""The labelled photographs: where they are, the truth about each, and which face in it is meant."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.machine import SHARED

__all__ = ["Label", "central", "photographs_parser", "read_labels"]


class Label(NamedTuple):
    """The truth about the central face of a photograph; age bands are inclusive, years."""

    age_min: float
    age_max: float
    gender: str

    @property
    def group(self) -> str:
        """Band and sex, for people to read."""
        return f"{self.age_min:.0f}-{self.age_max:.0f} {self.gender}"

    def distance(self, age: float) -> float:
        """Years above (positive) or below the band; 0 inside. A band of whole years ends where the next one begins."""
        return max(age - (self.age_max + 1), 0.0) - max(self.age_min - age, 0.0)


def photographs_parser(description: str | None) -> argparse.ArgumentParser:
    """For a program that looks at the photographs: with `--faces`, their folder, and `--json`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, default=SHARED / "faces", help="folder with photographs and labels.csv")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    return parser


def read_labels(folder: Path) -> dict[str, Label]:
    """labels.csv of a folder, by file name."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return {r["file"]: Label(float(r["age_min"]), float(r["age_max"]), r["gender"]) for r in csv.DictReader(file)}


def central(boxes: NDArray[np.float32], width: int, height: int) -> int:
    """Which of these boxes lies nearest to the middle of the picture."""
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2 - np.array([width / 2, height / 2])
    return int(np.argmin((middles**2).sum(axis=1)))
