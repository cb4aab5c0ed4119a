"""`streamer analyze` on real clips, as its user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
import yaml

from streamer.inference.model_store import ModelStore
from tests.media import make_image, make_video
from tests.system.program import weights

pytestmark = [pytest.mark.system, pytest.mark.models, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the program runs: a configuration that finds the weights."""
    path = tmp_path_factory.mktemp("analyze")
    config = {"cameras": [{"id": "demo", "source": "demo"}], "models": weights()}
    (path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def analyze(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streamer", "analyze", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=380,
        check=False,
    )


def results(folder: Path, *arguments: str | Path) -> list[dict[str, Any]]:
    done = analyze(folder, *arguments, "--json", "-")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def lives(lines: list[dict[str, Any]]) -> Counter[int]:
    """Frames in which each track was seen."""
    return Counter(o["id"] for line in lines for o in line["objects"])


def told_after_a_second(lines: list[dict[str, Any]]) -> dict[int, set[str]]:
    """The genders of each track from its first second on, unless unknown."""
    began: dict[int, float] = {}
    told: dict[int, set[str]] = {}
    for line in lines:
        for o in line["objects"]:
            if line["pts"] - began.setdefault(o["id"], line["pts"]) > 1 and o["gender"]["label"] != "unknown":
                told.setdefault(o["id"], set()).add(o["gender"]["label"])
    return told


def test_three_people_are_three_visits_settled_as_female_male_female(folder: Path, shared: Path) -> None:
    lines = results(folder, shared / "clips" / "three_people_540p.mp4")
    assert [line["seq"] for line in lines] == list(range(len(lines)))  # no frame dropped, all in order
    seen = lives(lines)
    assert len(seen) == 3
    assert all(frames > 0.9 * len(lines) for frames in seen.values())
    last = sorted(lines[-1]["objects"], key=lambda o: float(o["x"]))
    assert [o["gender"]["label"] for o in last] == ["female", "male", "female"]
    assert all(len(genders) == 1 for genders in told_after_a_second(lines).values())


def test_people_seen_from_above_without_faces_are_no_visits(folder: Path, shared: Path) -> None:
    assert not lives(results(folder, shared / "clips" / "plaza_overhead_nofaces_720p.mp4"))


def test_one_man_talking_for_200_seconds_is_one_visit(folder: Path, shared: Path) -> None:
    lines = results(folder, shared / "clips" / "franck_1p_200s.mp4")
    assert len(lives(lines)) == 1
    assert lines[-1]["objects"][0]["gender"]["label"] == "male"
    assert list(told_after_a_second(lines).values()) == [{"male"}]
    assert not any(o["static"] for line in lines for o in line["objects"])


# The line lies across the middle of the picture. Looked at frame by frame, this is when the middle of a face passes it:
# first the girl with plaits, then the fair one and the boy with glasses, then the two girls with knots, side by side.
# The tall boy leaves the picture on the right, above the line, and the man stays above it to the end.
PASSED = (126, 182, 184, 206, 206)


def test_seven_people_walk_up_and_five_of_them_cross_the_line(folder: Path, shared: Path) -> None:
    across = {"name": "across", "start": [0, 0.5], "end": [1, 0.5], "in_label": "came up"}
    front = {"name": "front", "points": [[0, 0.5], [1, 0.5], [1, 1], [0, 1]]}
    hall = {"id": "hall", "source": "demo", "lines": [across], "zones": [front]}
    (folder / "hall.yaml").write_text(yaml.safe_dump({"cameras": [hall], "models": weights()}), encoding="utf-8")
    clip = shared / "clips" / "school_group_walk_7p_720p.mp4"
    done = analyze(folder, clip, "-c", "hall.yaml", "--json", "-")
    assert done.returncode == 0, done.stderr
    *lines, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert abs(summary["visits"]["count"] - 7) <= 1
    crossed = summary["lines"]["across"]
    assert (crossed["in"]["count"], crossed["out"]["count"]) == (5, 0)
    assert sum(group["count"] for group in crossed["in"]["by"]) == 5
    assert summary["zones"]["front"]["entries"] == 5
    assert "across: came up 5, out 0" in done.stderr
    events = [event for line in [*lines, summary] for event in line["events"]]
    times = [event["timestamp"] for event in events if event["kind"] == "line_crossed"]
    assert sorted(times) == pytest.approx([frame / 25 for frame in PASSED], abs=0.3)
    assert len({event["key"] for event in events}) == len(events)


def test_a_camera_that_the_configuration_does_not_have_is_said(folder: Path, tmp_path: Path) -> None:
    done = analyze(folder, make_image(tmp_path / "a.jpg"), "--camera", "door")
    assert done.returncode == 2
    assert "--camera door: no camera of the configuration has this id; it has demo" in done.stderr


def test_the_photograph_of_five_people_is_read_and_annotated(folder: Path) -> None:
    photograph = ModelStore(_models()).path("demo-crowd")
    out = folder / "annotated.jpg"
    (line,) = results(folder, photograph, "--out", out)
    assert line["type"] == "result"
    assert line["file"] == photograph.name
    assert len(line["objects"]) == 5
    assert all(0 < o["age"]["years"] < 80 and 0 <= o["raw"]["p_female"] <= 1 for o in line["objects"])
    before, after = cv2.imread(str(photograph)), cv2.imread(str(out))
    assert before is not None
    assert after is not None
    assert before.shape == after.shape
    x, y = (round(line["objects"][0][k]) for k in "xy")
    assert np.abs(before[y : y + 3, x : x + 40].astype(int) - after[y : y + 3, x : x + 40]).mean() > 20  # a box


def _models() -> Any:
    from streamer.config import ModelsConfig

    return ModelsConfig.model_validate(weights())


def test_each_nth_frame_and_an_annotated_clip(folder: Path, tmp_path: Path) -> None:
    clip, out = make_video(tmp_path / "clip.mp4"), tmp_path / "out.mp4"
    with av.open(str(clip)) as container:
        frames = sum(1 for _ in container.decode(video=0))
    lines = results(folder, clip, "--every", "5", "--out", out)
    assert [line["seq"] for line in lines] == list(range(0, frames, 5))
    with av.open(str(out)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(lines)


def test_a_damaged_picture_is_told_and_does_not_hold_up_the_others(folder: Path, tmp_path: Path) -> None:
    make_image(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8 not a picture")
    make_image(tmp_path / "c.png")
    done = analyze(folder, tmp_path, "--json", "-")
    assert done.returncode == 2
    assert "b.jpg: not a picture that can be read" in done.stderr
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == ["a.jpg", "c.png"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: None, "no such file or folder"),
        (lambda path: path.mkdir(), "no pictures in it"),
        (lambda path: path.write_bytes(b"nothing but text, again and again " * 50), "not a video"),
        (lambda path: path.write_bytes(b""), "not a video"),
    ],
)
def test_what_cannot_be_analysed_is_named_with_exit_code_2(
    folder: Path, tmp_path: Path, make: Any, message: str
) -> None:
    path = tmp_path / "input.mp4"
    make(path)
    done = analyze(folder, path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "input.mp4" in done.stderr
    assert "Traceback" not in done.stderr
