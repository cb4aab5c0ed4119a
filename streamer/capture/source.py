"""An opened source: one FFmpeg container and decoder, used by one thread, that yields frames."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

import av
import av.error
import cv2
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from streamer.capture.addresses import Address, Kind, locate
from streamer.capture.decoder import Decoder
from streamer.capture.devices import check_input, ffmpeg_name
from streamer.capture.ffmpeg_options import option_sets
from streamer.capture.problems import NoStreamError, opening_problem, reading_problem
from streamer.capture.redirects import Way, follow_redirects
from streamer.capture.wholeness import FrameGaps, KeyFrameGate
from streamer.config import CameraConfig
from streamer.errors import SourceError
from streamer.pictures.picture import ArrayPicture, DecodedPicture, Picture

__all__ = ["DropReason", "Sample", "Source", "SourceInfo", "VideoSource", "open_source"]

log = logging.getLogger(__name__)

DropReason = Literal["corrupt", "keyframe"]

_ERRORS_IN_A_ROW = 50
"""Packets that can't be decoded, one after the other, before the source counts as broken: 2 s at 25 a second."""
_USUAL_FPS = 25.0
_IN_TIME = 0.9  # of the time after which a camera that shows nothing is opened again: decoded as it comes by then


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source turned out to be.

    size: pixels, None until known. fps: as the stream declares it, 0 where it doesn't. transport: tcp, udp, http,
    webcam, file. duration: s, and frame_count, of a file that tells. first_frame_seconds: from the start of opening to
    the first picture, set by `probe`.
    """

    kind: Kind
    codec: str
    size: tuple[int, int] | None
    fps: float
    pixel_format: str
    transport: str
    duration: float | None = None
    frame_count: int | None = None
    first_frame_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One decoded frame. pts: media time in seconds; it may jump."""

    picture: Picture
    pts: float


class Source(Protocol):
    """Something that frames can be read from, opened and used by one thread.

    live: frames come when the camera sends them. paced: they come faster than real time, so that whoever plays them
    has to wait until each is due.
    """

    info: SourceInfo
    live: bool
    paced: bool

    def frames(self) -> Iterator[Sample]:
        """Frames up to the end of the source. Raises SourceError when it breaks."""

    def rewind(self) -> None:
        """Begin again at the first frame. Raises SourceError where that can't be done."""

    def close(self) -> None:
        """Let go of the connection or file. May be called twice."""


def _never() -> bool:
    return False


def _always() -> bool:
    return True


def _ignore(_reason: DropReason) -> None:
    return None


class VideoSource:
    """A source read through FFmpeg. Made by `open_source`."""

    def __init__(
        self,
        address: Address,
        camera: CameraConfig,
        *,
        threads: int = 1,
        cancelled: Callable[[], bool] = _never,
        deblocks: Callable[[], bool] = _always,
        on_drop: Callable[[DropReason], None] = _ignore,
    ) -> None:
        """Opens it, within about `camera.open_timeout` seconds. Raises SourceError."""
        self._address = address
        self._camera = camera
        self._threads = threads
        self._cancelled = cancelled
        self._deblocks = deblocks
        self._on_drop = on_drop
        self._last_pts: float | None = None
        self._errors_in_a_row = 0
        self._gate: KeyFrameGate | None = None
        self._gaps: FrameGaps | None = None
        self.live = address.kind is not Kind.FILE
        container = self._open()
        self._container: InputContainer | None = container
        try:
            self._stream = self._choose_stream(container)
            self.info = self._describe(container)
        except BaseException:
            self.close()
            raise
        # A playlist delivers its segments in bursts, seconds at a time.
        self.paced = not self.live or container.format.name.startswith("hls")

    def frames(self) -> Iterator[Sample]:
        """See `Source.frames`. Ends early when `cancelled()` turns true, looked at once per packet."""
        if self._container is None:
            raise ValueError("the source is closed")
        self._errors_in_a_row = 0
        stalled, unopened = self._camera.stall_timeout, max(self._camera.open_timeout, self._camera.stall_timeout)
        gate = KeyFrameGate(time.monotonic(), at_first=_IN_TIME * unopened, later=_IN_TIME * stalled)
        self._gate = gate if self.live else None
        self._gaps = FrameGaps() if self.info.transport == "udp" else None
        while not self._cancelled():
            try:
                for packet in self._container.demux(self._stream):
                    if self._cancelled():
                        return
                    if self._admits(packet):
                        yield from self._decode(packet)
            except av.error.InvalidDataError:  # of the container, not of a frame: reading goes on behind it
                self._count_error()
                continue
            except (av.error.FFmpegError, OSError) as error:
                raise reading_problem(error, self._address) from None
            return

    def rewind(self) -> None:
        """See `Source.rewind`. Seeks, and opens the file again where it can't be searched."""
        if self._container is None:
            raise ValueError("the source is closed")
        try:
            self._container.seek(self._stream.start_time or 0, stream=self._stream)
        except (av.error.FFmpegError, OSError):
            self.close()
            self._container = self._open()
            self._stream = self._choose_stream(self._container)

    def close(self) -> None:
        """See `Source.close`."""
        container, self._container = self._container, None
        if container is not None:
            container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _open(self) -> InputContainer:
        address, timeout = self._address, self._camera.open_timeout
        check_input(address)
        sets = option_sets(address, self._camera)
        for options in sets:
            began = time.monotonic()
            try:
                return av.open(
                    ffmpeg_name(address),
                    mode="r",
                    format=address.input_format,
                    options=options,
                    # The second restarts with each packet; it only ends a read that the watchdog has given up already.
                    timeout=(timeout, self._camera.stall_timeout + 0.25),
                    metadata_errors="replace",
                )
            except (av.error.FFmpegError, OSError, ValueError) as error:
                if options is sets[-1]:
                    elapsed = time.monotonic() - began
                    raise opening_problem(error, address, elapsed=elapsed, timeout=timeout) from None
        raise AssertionError("there is always a set of options")

    def _choose_stream(self, container: InputContainer) -> VideoStream:
        streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
        if not streams:
            raise SourceError(f"{self._address.shown}: there is no video in it", retry=self.live)
        stream = streams[0]
        context: Any = stream.codec_context  # None where this FFmpeg has no decoder, which PyAV's types don't tell
        if context is None:
            raise SourceError(
                f"{self._address.shown}: its video codec can't be decoded; set the camera to H.264, H.265 or MJPEG",
                retry=self.live,
            )
        self._decoder = Decoder(
            stream,
            threads=self._threads,
            live=self.live,
            lossy=self._transport() == "udp",
            deblocks=lambda: self._camera.deblock and self._deblocks(),
        )
        for other in container.streams:
            other.discard = Discard.default if other is stream else Discard.all
        return stream

    def _describe(self, container: InputContainer) -> SourceInfo:
        stream, context = self._stream, self._stream.codec_context
        rate = stream.average_rate or context.framerate
        duration = None
        if not self.live and container.duration:
            duration = container.duration / av.time_base
        size = (context.width, context.height) if context.width and context.height else None
        count = stream.frames or (round(duration * rate) if duration and rate else None)
        return SourceInfo(
            kind=self._address.kind,
            codec=context.name,
            size=size,
            fps=float(rate) if rate and rate <= 1000 else 0.0,
            pixel_format=context.pix_fmt or "",
            transport=self._transport(),
            duration=duration,
            frame_count=None if self.live else count,
        )

    def _transport(self) -> str:
        if self._address.kind is not Kind.RTSP:
            return str(self._address.kind)
        return "tcp" if self._address.secure else self._camera.transport  # FFmpeg sends nothing beside a TLS connection

    def _admits(self, packet: Packet[VideoStream]) -> bool:
        """Whether it gives a whole picture, as far as can be told before it is decoded."""
        if self._gate is None or not packet.size:
            return True
        now = time.monotonic()
        if self._gaps and packet.pts is not None and self._gaps.missing(float(packet.pts * packet.time_base)):
            self._gate.damaged(now)
        if self._gate.admits(key=packet.is_keyframe, now=now):
            return True
        self._on_drop("keyframe")
        return False

    def _decode(self, packet: Packet[VideoStream]) -> Iterator[Sample]:
        if packet.is_corrupt and self.live:
            self._count_error()
            return
        try:
            frames = self._decoder.decode(packet)
        except av.error.EOFError:  # the decoder had been emptied already
            return
        except av.error.FFmpegError:
            self._count_error()
            return
        for frame in frames:
            if frame.is_corrupt:
                self._count_error()
                continue
            self._errors_in_a_row = 0
            yield Sample(_upright(frame), self._media_time(frame))

    def _count_error(self) -> None:
        self._on_drop("corrupt")
        if self._gate is not None:
            self._gate.damaged(time.monotonic())
        self._errors_in_a_row += 1
        if self._errors_in_a_row >= _ERRORS_IN_A_ROW:
            raise SourceError(f"{self._address.shown}: {_ERRORS_IN_A_ROW} packets in a row could not be decoded")

    def _media_time(self, frame: VideoFrame) -> float:
        """Seconds; a frame that has no time (the first one of an RTSP stream) follows the one before."""
        pts = frame.time
        if pts is None:
            pts = 0.0 if self._last_pts is None else self._last_pts + 1 / (self.info.fps or _USUAL_FPS)
        self._last_pts = pts
        return pts


def open_source(
    camera: CameraConfig,
    *,
    threads: int = 1,
    cancelled: Callable[[], bool] = _never,
    deblocks: Callable[[], bool] = _always,
    on_drop: Callable[[DropReason], None] = _ignore,
    way: Way | None = None,
) -> VideoSource:
    """Open a camera's source; `demo` has to be made a file first (`streamer.capture.demo`). Raises SourceError.

    threads: of the decoder; more than 1 adds delay. cancelled: looked at while reading. deblocks: see `Decoder`;
    it is below what the camera's configuration says. on_drop: told of each packet or frame that is left out. way: kept
    from one attempt at this camera to the next.
    """
    address, timeout = locate(camera), camera.open_timeout

    def opened(at: Address) -> VideoSource:
        return VideoSource(at, camera, threads=threads, cancelled=cancelled, deblocks=deblocks, on_drop=on_drop)

    began = time.monotonic()
    try:
        if address.kind is Kind.RTSP:
            with (way or Way()).led(address, timeout) as at:
                return opened(at)
        try:
            return opened(address)
        except NoStreamError:
            with contextlib.ExitStack() as held:
                at = follow_redirects(address, timeout, held)
            if at is address:
                raise
            return opened(at)
    except OSError as error:
        raise opening_problem(error, address, elapsed=time.monotonic() - began, timeout=timeout) from None


def _upright(frame: VideoFrame) -> Picture:
    """The picture as it is meant to be seen: phones record sideways and say so."""
    turn = round(frame.rotation) % 360
    if turn not in {90, 180, 270}:
        return DecodedPicture(frame)
    codes = {90: cv2.ROTATE_90_COUNTERCLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_CLOCKWISE}
    return ArrayPicture(cv2.rotate(DecodedPicture(frame).pixels(), codes[turn]))  # type: ignore[arg-type]
