"""A camera's reader: keeps one attempt at the camera running, watches that frames arrive, and tries again.

Two threads: the supervisor, which lives from `start` to `stop` and alone writes the status, and the current attempt's,
which reads and delivers. The supervisor never calls FFmpeg, so nothing that FFmpeg does can hold it up.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from streamer.capture.addresses import shown
from streamer.capture.attempt import Attempt, Phase
from streamer.capture.backoff import Backoff
from streamer.capture.demo import Files
from streamer.capture.frame_queue import FrameQueue
from streamer.capture.intake import Intake
from streamer.capture.redirects import Way
from streamer.capture.source import DropReason, Sample
from streamer.config import CameraConfig
from streamer.errors import SourceError
from streamer.monitoring.metrics import Metrics
from streamer.redaction import redact, register_secret
from streamer.types import CameraState, CameraStatus

__all__ = ["CameraReader"]

log = logging.getLogger(__name__)

_TICK = 0.5
"""s between looks at the watchdog and refreshes of the status' figures."""
_LIVE_LONG_ENOUGH = 10.0
"""s of frames after which the next failure starts with the shortest pause again."""
_REOPEN_AFTER = 1.5
"""Times `stall_timeout`: a stalled camera that has not gone on by itself by then is opened again."""
_ABANDON_AFTER = 1.0
"""s that a cancelled attempt has before it is left behind."""
_MOST_ABANDONED = 3
"""Attempts that may hang at once; more would pile threads up behind a dead driver."""


def _ignore(_status: CameraStatus) -> None:
    return None


class CameraReader:
    """Delivers a camera's frames into a queue until stopped, whatever the camera does.

    `on_status` is called at each change of state, in the supervisor's thread; it must not block, nor stop the reader.
    The queue stays open when the reader stops: it belongs to whoever made it.
    """

    def __init__(
        self,
        camera: CameraConfig,
        queue: FrameQueue,
        metrics: Metrics,
        *,
        on_status: Callable[[CameraStatus], None] = _ignore,
        store: Files | None = None,
    ) -> None:
        """`store`: has the demo's material; only a camera whose source is `demo` needs it."""
        register_secret(camera.password.get_secret_value())
        self._camera = camera
        self._intake = Intake(camera, queue, metrics)
        self._on_status = on_status
        self._store = store
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._given_up = ""  # by `fail`: the reason
        self._deblocks = True  # as far as `ease` is concerned
        self._thread = threading.Thread(target=self._supervise, name=f"camera-{camera.id}", daemon=True)
        self._backoff = Backoff(camera.reconnect_min, camera.reconnect_max)
        self._attempts = 0
        self._way = Way()
        self._abandoned: list[Attempt] = []
        # Held while a frame is delivered and while the current attempt changes: an abandoned attempt that comes round
        # can put no frame behind those of its successor.
        self._delivery = threading.Lock()
        self._current: Attempt | None = None
        self._first_frame_at: float | None = None
        self._reconnects = metrics.reconnects.labels(camera.id)
        self._up = metrics.camera_up.labels(camera.id)
        self._status = CameraStatus(
            camera=camera.id,
            name=camera.title,
            source=shown(camera),
            state=CameraState.CONNECTING,
            since=time.time(),
        )

    @property
    def status(self) -> CameraStatus:
        """Where the reader stands; its figures are at most half a second old. Any thread."""
        return self._status

    def start(self) -> None:
        """Begin; returns at once. A reader is started once."""
        self._thread.start()

    def ease(self, max_fps: float | None, *, deblock: bool) -> None:
        """Do less than the configuration asks for. Any thread.

        max_fps: frames a second that are delivered at most, evenly spread; None: as configured. deblock: whether the
        edges of blocks are smoothed, from the next key frame on.
        """
        self._intake.ease(max_fps)
        self._deblocks = deblock

    def fail(self, reason: str) -> None:
        """Give the camera up for a reason that isn't its own. Any thread; returns at once."""
        self._given_up = reason
        self._stop.set()
        self._wake.set()

    def stop(self, timeout: float) -> bool:
        """End within `timeout` seconds; True if its threads did.

        A thread that FFmpeg holds longer delivers nothing any more, and ends when FFmpeg's time-out comes.
        """
        deadline = time.monotonic() + timeout
        self._stop.set()
        self._wake.set()
        if self._thread.ident is None:  # never started
            return True
        self._thread.join(max(0.0, timeout))
        ended = not self._thread.is_alive()
        for attempt in [*self._abandoned]:
            ended = attempt.join(deadline - time.monotonic()) and ended
        return ended

    # Called by the attempt, in its thread.

    def deblocks(self) -> bool:
        """Whether pictures are to be smoothed where their codec asks for it."""
        return self._deblocks

    def deliver(self, attempt: Attempt, sample: Sample) -> None:
        """A frame: into the queue, if it is wanted."""
        now, wall_time = time.monotonic(), time.time()
        with self._delivery:
            if attempt is not self._current:
                return
            resized = self._intake.take(sample, now, wall_time)
            if self._first_frame_at is None or resized:
                self._first_frame_at = self._first_frame_at or now
                self._wake.set()

    def dropped(self, attempt: Attempt, reason: DropReason) -> None:
        """A packet or frame was left out."""
        if attempt is self._current:
            self._intake.drop(reason)

    def changed(self, attempt: Attempt) -> None:
        """The attempt's phase changed."""
        if attempt is self._current:
            self._wake.set()

    # The supervisor.

    def _supervise(self) -> None:
        try:
            while not self._stop.is_set():
                error = self._try_safely()
                if self._stop.is_set():
                    break
                if error is None:
                    self._set(CameraState.STOPPED, "end of file")
                    return
                if not error.retry:
                    log.error("camera %s: given up: %s", self._camera.id, error)
                    self._set(CameraState.FAILED, str(error))
                    return
                self._pause(str(error))
            if self._given_up:
                log.error("camera %s: given up: %s", self._camera.id, self._given_up)
                self._set(CameraState.FAILED, self._given_up)
            else:
                self._set(CameraState.STOPPED, "")
        except Exception:
            log.exception("camera %s: the reader failed", self._camera.id)
            self._set(CameraState.FAILED, "an error in the reader itself, see the log")

    def _try_safely(self) -> SourceError | None:
        """As `_try_once`; an error of our own, such as no thread to be had, is a reason to try again too."""
        try:
            return self._try_once()
        except Exception as error:
            log.exception("camera %s: the reader failed", self._camera.id)
            return SourceError(f"{shown(self._camera)}: the reader failed: {type(error).__name__}: {error}")

    def _try_once(self) -> SourceError | None:
        """One attempt from start to end: None at the end of a file or on request, else what went wrong."""
        attempt = self._begin()
        try:
            while attempt.phase is not Phase.ENDED:
                self._wake.wait(self._until_next_look(attempt))
                self._wake.clear()
                if self._stop.is_set():
                    return None
                self._refresh(attempt)
                if stall := self._overdue(attempt):
                    return stall
            self._refresh(attempt)
            return attempt.error
        finally:
            self._end(attempt)

    def _begin(self) -> Attempt:
        self._attempts += 1
        attempt = Attempt(self._camera, self, self._store, self._attempts, self._way)
        with self._delivery:
            self._current = attempt
            self._first_frame_at = None
        attempt.start()
        return attempt

    def _end(self, attempt: Attempt) -> None:
        """Let go of an attempt: it ends by itself soon, or is left behind."""
        attempt.cancel()
        lived = 0.0
        ended = attempt.join(_ABANDON_AFTER)
        with self._delivery:
            self._current = None
            self._intake.restart()
            if self._first_frame_at is not None:
                lived = time.monotonic() - self._first_frame_at
        if lived >= _LIVE_LONG_ENOUGH:
            self._backoff.reset()
        self._abandoned = [left for left in self._abandoned if left.alive]
        if not ended:
            log.debug("camera %s: an attempt hangs in FFmpeg and is left behind", self._camera.id)
            self._abandoned.append(attempt)

    def _until_next_look(self, attempt: Attempt) -> float:
        """Seconds until the figures or the watchdog want attention."""
        if (deadline := self._deadline(attempt)) is None:
            return _TICK
        return min(_TICK, max(0.001, deadline - time.monotonic()))

    def _deadline(self, attempt: Attempt) -> float | None:
        """Until when an attempt may be inactive in its phase, on the monotonic clock; None: as long as it likes."""
        camera, active_at = self._camera, attempt.active_at
        if attempt.phase in {Phase.PREPARING, Phase.ENDED}:
            return None
        if attempt.phase is Phase.READING and self._first_frame_at is not None:
            stalled = self._status.state is CameraState.STALLED
            return active_at + camera.stall_timeout * (_REOPEN_AFTER if stalled else 1)
        longest = max(camera.open_timeout, camera.stall_timeout) + _TICK
        if attempt.phase is Phase.OPENING or attempt.receives:
            # A camera that sends may still take as long as connecting may until its next key frame.
            return active_at + longest
        # FFmpeg has looked into the stream while it opened it: what it saw comes at once, however long that took.
        return max(attempt.began_at + longest, active_at + _TICK)

    def _overdue(self, attempt: Attempt) -> SourceError | None:
        """The watchdog: shows when nothing came for too long, and returns why the source is to be opened again."""
        deadline = self._deadline(attempt)
        if deadline is None or time.monotonic() < deadline:
            return None
        where = shown(self._camera)
        if attempt.phase is Phase.OPENING:
            return SourceError(f"{where}: no answer within {self._camera.open_timeout:g} s")
        if self._first_frame_at is None and not attempt.receives:
            return SourceError(f"{where}: connected, but no video came in {time.monotonic() - attempt.began_at:.3g} s")
        kind = "frame" if self._first_frame_at is not None else "frame that can be decoded"
        error = SourceError(f"{where}: no {kind} for {self._quiet(attempt):.3g} s")
        if self._status.state is CameraState.LIVE:  # it may go on by itself: there is a little time left
            self._set(CameraState.STALLED, str(error))
            return None
        return error

    @staticmethod
    def _quiet(attempt: Attempt) -> float:
        return time.monotonic() - attempt.active_at

    def _pause(self, reason: str) -> None:
        """Wait until the next attempt is due, and until not too many of the earlier ones hang."""
        pause = self._backoff.next()
        # Once for each trouble, not once for each attempt: a camera may be away for days.
        known = self._status.state is CameraState.RECONNECTING and self._status.reason == redact(reason)
        level = logging.DEBUG if known else logging.WARNING
        log.log(level, "camera %s: %s; next attempt in %.1f s", self._camera.id, reason, pause)
        self._set(CameraState.RECONNECTING, reason, next_attempt_at=time.time() + pause)
        self._stop.wait(pause)
        while len(self._abandoned) >= _MOST_ABANDONED and not self._stop.is_set():
            self._set(CameraState.RECONNECTING, f"{reason}; waiting for {len(self._abandoned)} attempts that hang")
            self._stop.wait(self._camera.reconnect_max)
            self._abandoned = [left for left in self._abandoned if left.alive]
        if self._stop.is_set():
            return
        self._reconnects.inc()
        self._status = replace(self._status, next_attempt_at=None, reconnects=self._status.reconnects + 1)

    def _refresh(self, attempt: Attempt) -> None:
        """Bring the status up to date: live as soon as a frame came, and the figures."""
        with self._delivery:
            figures = self._intake.figures(time.monotonic())
            alive = self._first_frame_at is not None and self._quiet(attempt) < self._camera.stall_timeout
        codec = attempt.info.codec if attempt.info else self._status.codec
        status = replace(self._status, codec=codec, **figures._asdict())
        if attempt.phase is Phase.PREPARING and attempt.progress is not None:
            status = replace(status, reason=f"making the demo's scene, {attempt.progress:.0%}")
        self._status = status
        if alive and status.state is not CameraState.LIVE:
            self._set(CameraState.LIVE, "")
            log.info("camera %s: live, %s %dx%d", self._camera.id, codec, *(figures.size or (0, 0)))

    def _set(self, state: CameraState, reason: str, *, next_attempt_at: float | None = None) -> None:
        """Enter a state and tell whoever listens."""
        figures = self._intake.figures(time.monotonic())
        self._up.set(state is CameraState.LIVE)
        self._status = replace(
            self._status,
            state=state,
            since=self._status.since if state is self._status.state else time.time(),
            reason=redact(reason),
            next_attempt_at=next_attempt_at,
            fps=self._status.fps if state is CameraState.LIVE else 0.0,
            lag=self._status.lag if state is CameraState.LIVE else 0.0,
            frames=figures.frames,
            corrupt=figures.corrupt,
        )
        try:
            self._on_status(self._status)
        except Exception:
            log.exception("camera %s: whoever listens to its status failed", self._camera.id)
