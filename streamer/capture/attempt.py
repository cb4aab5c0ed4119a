"""One attempt at a camera, in a thread of its own: open, read and deliver until the source ends or breaks.

An attempt can be abandoned: FFmpeg may hang in a device driver or a name look-up where no time-out reaches. So it owns
all that it uses, and whoever it delivers to can tell that it is no longer the current one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from streamer.capture.addresses import Kind, locate, shown
from streamer.capture.demo import Files, demo_scene
from streamer.capture.pacing import Pacer
from streamer.capture.redirects import Way
from streamer.capture.source import DropReason, Sample, Source, SourceInfo, open_source
from streamer.config import CameraConfig
from streamer.errors import SourceError, StreamerError
from streamer.redaction import redact

__all__ = ["Attempt", "Owner", "Phase"]

log = logging.getLogger(__name__)

_USUAL_INTERVAL = 1 / 25


class Phase(Enum):
    """How far an attempt has come."""

    PREPARING = auto()
    OPENING = auto()
    READING = auto()
    ENDED = auto()


class Owner(Protocol):
    """Who an attempt reports to. All are called in the attempt's thread, and must return soon."""

    def deblocks(self) -> bool:
        """Whether pictures are to be smoothed where their codec asks for it."""

    def deliver(self, attempt: Attempt, sample: Sample) -> None:
        """A frame, when it is due."""

    def dropped(self, attempt: Attempt, reason: DropReason) -> None:
        """A packet or frame was left out."""

    def changed(self, attempt: Attempt) -> None:
        """The phase changed."""


class Attempt:
    """See the module. `error` is settled once the phase is ENDED."""

    def __init__(self, camera: CameraConfig, owner: Owner, files: Files | None, number: int, way: Way) -> None:
        """`files`: where the built-in demo's material is; only a `demo` camera needs it. way: of this camera."""
        self._camera = camera
        self._way = way
        self._owner = owner
        self._files = files
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"capture-{camera.id}-{number}", daemon=True)
        self.phase = Phase.PREPARING
        self.progress: float | None = None
        """0-1 while the demo is being made."""
        self.info: SourceInfo | None = None
        self.error: SourceError | None = None
        """Why it ended, or None: on request, or at the end of a file."""
        self.active_at = time.monotonic()
        """When it last got on: entered a phase, or had a frame due. The watchdog looks at this."""
        self.began_at = self.active_at
        """When it began to open the source."""
        self.receives = False
        """Something came, even if there is no picture in it yet."""

    def start(self) -> None:
        """Begin, in a new thread."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to end; it does at the next packet, or when FFmpeg's time-out for reading or opening has passed."""
        self._cancel.set()

    def join(self, timeout: float) -> bool:
        """Wait for its end; True if it came."""
        self._thread.join(max(0.0, timeout))
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Its thread still runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._read()
        except SourceError as error:
            # A new one: the error as raised refers to this attempt and to the last picture through its traceback, and
            # the circle would live until the garbage collector looks for such.
            self.error = SourceError(str(error), retry=error.retry)
        except StreamerError as error:  # the demo's material can't be had
            self.error = SourceError(redact(str(error)))
        except Exception as error:  # a camera must never take the program with it
            log.exception("camera %s: capture failed", self._camera.id)
            self.error = SourceError(redact(f"unexpected {type(error).__name__}: {error}"))
        finally:
            self._enter(Phase.ENDED)

    def _read(self) -> None:
        camera = self._prepared()
        self._enter(Phase.OPENING)
        with open_source(
            camera,
            cancelled=self._cancel.is_set,
            deblocks=self._owner.deblocks,
            on_drop=self._on_drop,
            way=self._way,
        ) as source:
            self.info = source.info
            self._enter(Phase.READING)
            deliver = self._paced(source) if source.paced else self._deliver
            while True:
                count = self._play(source, deliver)
                if self._cancel.is_set():
                    return
                if source.live:
                    raise SourceError(f"{shown(camera)}: the camera ended the stream")
                if not count:
                    raise SourceError(f"{shown(camera)}: no frame in it can be decoded", retry=False)
                if not camera.loop:
                    return
                source.rewind()

    def _prepared(self) -> CameraConfig:
        """The camera with a source that can be opened: the demo becomes the file it is kept in."""
        if locate(self._camera).kind is not Kind.DEMO:
            return self._camera
        if self._files is None:
            raise SourceError("demo: its material is not at hand here", retry=False)
        path = demo_scene(self._files, progress=self._on_progress, cancelled=self._cancel.is_set)
        return self._camera.model_copy(update={"source": str(path)})

    def _play(self, source: Source, deliver: Callable[[Sample], None]) -> int:
        count = 0
        for sample in source.frames():
            deliver(sample)
            count += 1
            if self._cancel.is_set():
                break
        return count

    def _deliver(self, sample: Sample) -> None:
        self.active_at = time.monotonic()
        self._owner.deliver(self, sample)

    def _paced(self, source: Source) -> Callable[[Sample], None]:
        """Delivery that waits until each frame is due; the pace goes on over the joint of a loop."""
        pacer = Pacer(1 / source.info.fps if source.info.fps else _USUAL_INTERVAL)

        def deliver(sample: Sample) -> None:
            now = time.monotonic()
            due = pacer.due(sample.pts, now)
            self.active_at = max(now, due)  # waiting for a frame's time is no stall
            if due > now and self._cancel.wait(due - now):
                return
            self._owner.deliver(self, sample)

        return deliver

    def _on_drop(self, reason: DropReason) -> None:
        self.receives = True
        self._owner.dropped(self, reason)

    def _on_progress(self, fraction: float) -> None:
        self.active_at = time.monotonic()
        self.progress = fraction

    def _enter(self, phase: Phase) -> None:
        self.active_at = time.monotonic()
        if phase is Phase.OPENING:
            self.began_at = self.active_at
        self.phase = phase
        self._owner.changed(self)
