"""Opens a source once and says what it sees, within a time."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

from streamer.capture.addresses import Kind, locate, shown
from streamer.capture.demo import Files, demo_scene
from streamer.capture.source import SourceInfo, open_source
from streamer.config import CameraConfig
from streamer.errors import SourceError, StreamerError
from streamer.redaction import redact

__all__ = ["probe"]


def probe(camera: CameraConfig, timeout: float, *, store: Files | None = None) -> SourceInfo:
    """What the camera sends: codec, size, rate, and how long its first picture took. Raises SourceError.

    Returns or raises within `timeout` seconds, whatever the source does. A demo camera needs `store`, and its scene,
    when that has to be made first, counts towards the time.
    """
    given_up = threading.Event()
    answer: list[SourceInfo | StreamerError] = []

    def ask() -> None:
        try:
            answer.append(_first_picture(camera, given_up, timeout, store))
        except StreamerError as error:
            answer.append(error)
        except Exception as error:  # noqa: BLE001 - it is raised below, in the caller's thread
            answer.append(SourceError(redact(f"{type(error).__name__}: {error}")))

    # A thread, since FFmpeg may hang where none of its time-outs reaches; it is left behind then.
    thread = threading.Thread(target=ask, name=f"probe-{camera.id}", daemon=True)
    thread.start()
    thread.join(timeout)
    given_up.set()
    if not answer:
        raise SourceError(f"{shown(camera)}: no picture within {timeout:g} s")
    found = answer.pop()
    if isinstance(found, StreamerError):
        raise found
    return found


def _first_picture(camera: CameraConfig, given_up: threading.Event, timeout: float, store: Files | None) -> SourceInfo:
    if locate(camera).kind is Kind.DEMO:
        if store is None:
            raise SourceError("demo: its material is not at hand here", retry=False)
        camera = camera.model_copy(update={"source": str(demo_scene(store, cancelled=given_up.is_set))})
    camera = camera.model_copy(update={"open_timeout": min(camera.open_timeout, timeout)})
    began = time.monotonic()
    with open_source(camera, cancelled=given_up.is_set) as source:
        for sample in source.frames():
            size = (sample.picture.width, sample.picture.height)
            return replace(source.info, size=size, first_frame_seconds=time.monotonic() - began)
    raise SourceError(f"{shown(camera)}: it opened, but no frame in it can be decoded")
