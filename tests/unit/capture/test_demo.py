"""The demo's scene, made from stand-ins for its material, and from the real one where that is at hand."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from streamer.capture.demo import MATERIAL, demo_scene
from streamer.config import ModelsConfig
from streamer.errors import SourceError
from streamer.inference.model_store import ModelStore
from streamer.types import CameraState
from tests.media import make_image, make_video
from tests.watching import Watch, camera


class StandIns:
    """Videos and a picture of the moving pattern, under the names of the material."""

    def __init__(self, folder: Path) -> None:
        self.files = {
            "demo-man": make_video(folder / "man.mp4", seconds=1, size=(640, 360), fps=30),
            "demo-woman": make_video(folder / "woman.mp4", seconds=3, size=(640, 360), fps=24),
            "demo-crowd": make_image(folder / "crowd.jpg", size=(1000, 667)),
        }

    def path(self, name: str) -> Path:
        return self.files[name]


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> StandIns:
    return StandIns(tmp_path_factory.mktemp("material"))


@pytest.fixture(scope="module")
def made(material: StandIns, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    steps: list[float] = []
    return demo_scene(material, folder=tmp_path_factory.mktemp("cache"), progress=steps.append), steps


def test_scene_is_a_loop_of_half_a_minute_with_a_key_frame_each_second(made: tuple[Path, list[float]]) -> None:
    path, steps = made
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.width, stream.codec_context.height) == (
            "h264",
            1280,
            720,
        )
        frames = list(container.decode(stream))
        assert 20 <= len(frames) / 25 <= 30
        pictures = [frames[n].to_ndarray(format="gray").astype(float) for n in (0, 1, -2, -1)]
    assert [n for n, frame in enumerate(frames) if frame.key_frame] == list(range(0, len(frames), 25))
    joint, neighbours = np.abs(pictures[3] - pictures[0]).mean(), np.abs(pictures[1] - pictures[0]).mean()
    assert joint < 2 * neighbours + 2, "the loop's joint is no larger a step than any other"
    assert steps == sorted(steps)
    assert steps[-1] == 1


def test_everybody_is_on_the_way_to_an_edge_so_that_nobody_stays_for_ever(tmp_path: Path) -> None:
    stills = StandIns(tmp_path)
    for name, seconds in (("demo-man", 0.04), ("demo-woman", 0.05)):  # one picture each: only the scene moves it
        make_video(stills.files[name], seconds=seconds, size=(640, 360), fps=24)
    with av.open(str(demo_scene(stills, folder=tmp_path / "cache"))) as container:
        frames = [frame.to_ndarray(format="gray")[:720].astype(float) for frame in container.decode(video=0)]
    quarter, later = len(frames) // 4, 1280 // 4
    for rows, way in ((slice(0, 356), -later), (slice(364, 720), later)):  # above to the left, below to the right
        moved = np.roll(frames[0][rows], way, axis=1)
        assert np.abs(frames[quarter][rows] - moved).mean() < 4
        assert np.abs(frames[quarter][rows] - frames[0][rows]).mean() > 8


def test_scene_is_made_once(material: StandIns, made: tuple[Path, list[float]]) -> None:
    path, _ = made
    before = path.stat().st_mtime_ns
    assert demo_scene(material, folder=path.parent) == path
    assert path.stat().st_mtime_ns == before
    assert [left.name for left in path.parent.iterdir()] == [path.name]


def test_other_material_makes_another_scene(made: tuple[Path, list[float]], tmp_path: Path) -> None:
    other = StandIns(tmp_path)
    make_image(other.files["demo-crowd"], number=5, size=(1000, 667))
    begun = threading.Event()
    with pytest.raises(SourceError, match="was stopped"):
        demo_scene(other, folder=made[0].parent, progress=lambda _: begun.set(), cancelled=begun.is_set)
    assert begun.is_set()
    assert [left.name for left in made[0].parent.iterdir()] == [made[0].name], "nothing half made is left"


def test_damaged_material_is_said_plainly(material: StandIns, tmp_path: Path) -> None:
    class Damaged:
        def path(self, name: str) -> Path:
            return material.files["demo-crowd" if name == "demo-man" else name]

    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="its scene can't be made"):
        demo_scene(material, folder=tmp_path / "file" / "below")

    class Empty:
        def path(self, name: str) -> Path:
            del name
            return tmp_path / "file"

    with pytest.raises(SourceError, match="its scene can't be made"):
        demo_scene(Empty(), folder=tmp_path)


def test_demo_camera_makes_its_scene_and_plays_it(
    material: StandIns, made: tuple[Path, list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda _name: str(made[0].parent))
    with Watch(camera("demo"), store=material) as watch:
        watch.wait_for_frames(10)
        status = watch.reader.status
    assert (status.state, status.source, status.size) == (CameraState.LIVE, "demo", (1280, 720))


@pytest.mark.models
def test_real_material_has_the_names_that_the_store_knows() -> None:
    store = ModelStore(ModelsConfig())
    for name in MATERIAL:
        assert store.path(name).is_file()
