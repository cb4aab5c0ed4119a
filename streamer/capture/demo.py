"""The built-in `demo` camera: real video of real faces, composed once into a scene that plays in a loop.

Above, a man and a woman pass from right to left; below, five people pass from left to right. All leave the picture and
come in again, so that there are visits that end: a short clip that plays for ever in one place would soon be told for
what it is, a face that only ever repeats itself. All of it returns to its start, so the loop has no joint: the clips
run to and fro, and everybody makes exactly one round.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import av
import av.error
import cv2
import numpy as np
import platformdirs
from numpy.typing import NDArray

from streamer.errors import SourceError
from streamer.giving_up import undoing

__all__ = ["MATERIAL", "Files", "demo_scene"]

MATERIAL = ("demo-man", "demo-woman", "demo-crowd")
"""The model store's names of what the scene is made from: two videos and a photograph."""

_RECIPE = 2  # counted up when the scene changes, so that a kept one is made anew
_FPS = 25
_STEP = 2  # pixels that people move each frame; even, as two pixels share a colour
_WIDTH, _HEIGHT = 1280, 720
_TILE_WIDTH, _TILE_HEIGHT = 640, 360
_FRAMES = _WIDTH // _STEP  # one round: 25.6 s
_MAN_ROUNDS = 5  # his clip is short: 2.4 s
_GUTTER = 4  # pixels between the tiles
_PHOTO = (1000, 667)  # pixels for which the following are given
_PHOTO_ROWS = slice(4, 478)  # all five faces, with hair and chins, and no rock

Planes = NDArray[np.uint8]
"""A picture as yuv420p planes below each other: (height * 3 / 2, width)."""

_building = threading.Lock()


class Files(Protocol):
    """Where the material is, such as `streamer.inference.model_store.ModelStore`."""

    def path(self, name: str) -> Path:
        """The file of this name, fetched if need be. Raises ModelError."""


def demo_scene(
    files: Files,
    *,
    folder: Path | None = None,
    progress: Callable[[float], None] = lambda _fraction: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """The scene as an H.264 file, made when it isn't in the folder yet (default: the user's cache).

    progress: told of the fraction that is done, 0-1. Raises SourceError when cancelled or when it can't be made.
    """
    man, woman, crowd = paths = [files.path(name) for name in MATERIAL]
    folder = folder or Path(platformdirs.user_cache_dir("streamer"))
    digest = hashlib.sha256(f"{_RECIPE}".encode())
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    scene = folder / f"demo-{digest.hexdigest()[:16]}.mp4"
    with _building:  # two demo cameras make it once
        if not scene.exists():
            with undoing():
                _make(scene, lambda: _Scene(man, woman, crowd), progress, cancelled)
    return scene


def _make(
    file: Path, compose: Callable[[], _Scene], progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> None:
    part = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=file.parent, prefix="demo-", suffix=".part")
        os.close(descriptor)
        _encode(Path(part), compose(), progress, cancelled)
        Path(part).replace(file)  # in one step: nobody ever sees half of it
    except (av.error.FFmpegError, cv2.error, OSError, ValueError) as error:
        raise SourceError(f"demo: its scene can't be made in {file.parent}: {error}") from error
    finally:
        if part is not None:
            with contextlib.suppress(OSError):
                Path(part).unlink()


def _encode(path: Path, scene: _Scene, progress: Callable[[float], None], cancelled: Callable[[], bool]) -> None:
    # Without B-frames, with a key frame each second: as cameras send it.
    options = {"preset": "superfast", "tune": "fastdecode", "crf": "21", "bf": "0", "g": str(_FPS), "threads": "2"}
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=_FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _FPS)
        for number in range(_FRAMES):
            if cancelled():
                raise SourceError("demo: making its scene was stopped")
            frame = av.VideoFrame.from_ndarray(scene.frame(number), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, _FPS)
            container.mux(stream.encode(frame))
            progress((number + 1) / _FRAMES)
        container.mux(stream.encode(None))


class _Scene:
    """Composes frames from planes: the parts keep the quality they came with, and nothing is converted per frame."""

    def __init__(self, man: Path, woman: Path, crowd: Path) -> None:
        self._man = _clip(man, seconds=2.4)
        self._woman = _clip(woman, seconds=_FRAMES / 2 / _FPS)
        self._frieze = _frieze(crowd)

    def frame(self, number: int) -> Planes:
        """The scene's n-th frame."""
        clips = np.empty((_TILE_HEIGHT * 3 // 2, _WIDTH), np.uint8)
        _put(clips, _to_and_fro(self._man, number, _MAN_ROUNDS), 0, 0)
        _put(clips, _to_and_fro(self._woman, number, 1), _TILE_WIDTH, 0)
        for plane, half in _planes(clips):
            plane[:, : _GUTTER // half] = plane[:, _TILE_WIDTH // half : (_TILE_WIDTH + _GUTTER) // half] = _dark(half)
        out = np.empty((_HEIGHT * 3 // 2, _WIDTH), np.uint8)
        _put(out, _rolled(clips, -number * _STEP), 0, 0)
        _put(out, _rolled(self._frieze, number * _STEP), 0, _TILE_HEIGHT)
        for plane, half in _planes(out):
            plane[(_TILE_HEIGHT - _GUTTER // 2) // half : (_TILE_HEIGHT + _GUTTER // 2) // half] = _dark(half)
        return out


def _clip(path: Path, seconds: float) -> NDArray[np.uint8]:
    """The first seconds of a clip as one array of planes, (frames, height * 3 / 2, width).

    One array, since it is a hundred megabytes, which the system gets back at once when it is let go.
    """
    with av.open(f"file:{path}") as container:
        stream = container.streams.video[0]
        wanted = max(2, round(seconds * float(stream.average_rate or _FPS)))
        frames = np.empty((wanted, _TILE_HEIGHT * 3 // 2, _TILE_WIDTH), np.uint8)
        count = 0
        for frame in container.decode(stream):
            if count == wanted:
                break
            frames[count] = frame.reformat(_TILE_WIDTH, _TILE_HEIGHT, "yuv420p").to_ndarray()
            count += 1
    if not count:
        raise ValueError(f"{path} holds no frame")
    return frames[:count]


def _to_and_fro(frames: NDArray[np.uint8], number: int, rounds: int) -> Planes:
    """The frame that stands at this place when the clip runs to its end and back so many times in the scene."""
    phase = number * rounds / _FRAMES % 1
    place = 1 - abs(1 - 2 * phase)  # 0 → 1 → 0
    chosen: Planes = frames[round(place * (len(frames) - 1))]
    return chosen


def _frieze(path: Path) -> Planes:
    """The photograph's people in a strip as wide as the scene, whose right end continues at its left end."""
    photo = cv2.imread(str(path))
    if photo is None:
        raise ValueError(f"{path} is no picture")
    photo = cv2.resize(photo, _PHOTO, interpolation=cv2.INTER_AREA)[_PHOTO_ROWS]
    scale = _TILE_HEIGHT / photo.shape[0]
    people = cv2.resize(photo, (round(_PHOTO[0] * scale / 2) * 2, _TILE_HEIGHT), interpolation=cv2.INTER_AREA)
    strip = _with_open_sky(np.asarray(people, np.uint8))
    planes = av.VideoFrame.from_ndarray(np.ascontiguousarray(strip), format="bgr24").reformat(format="yuv420p")
    return planes.to_ndarray()  # type: ignore[return-value]  # uint8 for this format


def _with_open_sky(people: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The group, and right of it sky and sea that pass into its left end, (height, scene's width, 3).

    What is added is the photograph's two edges drawn out, one passing into the other, and on them its clouds, mirrored.
    """
    height, width = people.shape[0], _WIDTH - people.shape[1]
    # How much of the mirrored photograph is seen, from its right and its left end: columns that are clear of people at
    # every height, and more of them above people's heads.
    right_weight = np.maximum(_fading(width, 60), np.outer(_fading(height, 175), _fading(width, 320)))
    left_weight = np.maximum(_fading(width, 34), np.outer(_fading(height, 105), _fading(width, 140)))[:, ::-1]
    right, left = (
        cv2.GaussianBlur(np.ascontiguousarray(edge), (0, 0), 4).mean(axis=1, keepdims=True)
        for edge in (people[:, -58:-48], people[:, 24:34])
    )
    passing = (1 - np.cos(np.linspace(0, np.pi, width))).reshape(1, width, 1) / 2
    sky = right * (1 - passing) + left * passing
    mirrored = people[:, ::-1]
    sky += (mirrored[:, :width] - sky) * right_weight[..., np.newaxis]
    sky += (mirrored[:, -width:] - sky) * left_weight[..., np.newaxis]
    return np.concatenate([people, sky.round().astype(np.uint8)], axis=1)


def _fading(length: int, reach: int) -> NDArray[np.float64]:
    """Weights from 1 at the start, which they leave at half of `reach`, to 0 from `reach` on."""
    place = np.clip((np.arange(length) - reach / 2) / (reach / 2), 0, 1)
    weights: NDArray[np.float64] = (1 + np.cos(np.pi * place)) / 2
    return weights


def _planes(picture: Planes) -> list[tuple[NDArray[np.uint8], int]]:
    """Views of the brightness and the two colour planes, each with how many pixels a side share one value."""
    rows, width = picture.shape
    height = rows * 2 // 3
    colours = picture[height:].reshape(2, height // 2, width // 2)
    return [(picture[:height], 1), (colours[0], 2), (colours[1], 2)]


def _dark(half: int) -> int:
    """The value of the gutters on a plane of `_planes`: nearly black, and without colour."""
    return 20 if half == 1 else 128


def _put(out: Planes, tile: Planes, x: int, y: int) -> None:
    """Copy a tile into a picture, its corner at even x and y."""
    for (plane, half), (part, _) in zip(_planes(out), _planes(np.ascontiguousarray(tile)), strict=True):
        rows, columns = part.shape
        plane[y // half : y // half + rows, x // half : x // half + columns] = part


def _rolled(picture: Planes, by: int) -> Planes:
    """The picture moved to the right by an even number of pixels, below 0 to the left; what leaves comes in again."""
    out = np.empty_like(picture)
    for (plane, half), (part, _) in zip(_planes(out), _planes(picture), strict=True):
        plane[:] = np.roll(part, by // half, axis=1)
    return out
