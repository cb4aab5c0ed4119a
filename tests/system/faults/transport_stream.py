"""A camera that sends MPEG-TS over HTTP, and whose video ends while its audio goes on."""

from __future__ import annotations

import http.server
import io
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from tests.media import pattern

__all__ = ["TransportStream"]

_FPS = 25
_RATE, _SAMPLES = 48_000, 1152  # of the audio a second, and in a frame of MPEG layer 2
_STEP = 0.2  # s of the stream that are sent at once


class TransportStream:
    """Serves `url` while the context is open, to each client from the beginning."""

    def __init__(self, *, video: float, audio: float) -> None:
        """Seconds of each."""
        self._parts = list(_parts(video, audio))
        self._video = video
        self._stopping = threading.Event()
        self.ended_at: float | None = None
        """When the video ended for whoever came last, UTC s; None: it has not yet."""
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "video/mp2t")
                self.end_headers()
                try:
                    outer._send(self.wfile)
                except OSError:  # the client has gone
                    return

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False  # so that closing the server waits for them
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="transport-stream")
        self.url = f"http://127.0.0.1:{self._server.server_port}/live.ts"

    def _send(self, client: io.BufferedIOBase) -> None:
        for number, part in enumerate(self._parts):
            client.write(part)
            if round(number * _STEP, 3) == self._video:
                self.ended_at = time.time()
            if self._stopping.wait(_STEP):
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _parts(video: float, audio: float) -> Iterator[bytes]:
    """The stream in steps."""
    out = io.BytesIO()
    # Else the muxer waits 10 s for more video before it believes that there is only audio
    with av.open(out, "w", format="mpegts", options={"max_interleave_delta": "1"}) as container:
        pictures = container.add_stream("libx264", rate=_FPS, options={"preset": "ultrafast", "tune": "zerolatency"})
        sound = container.add_stream("mp2", rate=_RATE)
        assert isinstance(pictures, VideoStream)
        assert isinstance(sound, AudioStream)
        pictures.width, pictures.height, pictures.pix_fmt, pictures.gop_size = 320, 240, "yuv420p", _FPS
        sound.layout, sound.bit_rate = "mono", 64_000
        frames, blocks, sent = 0, 0, 0
        for step in range(1, round(audio / _STEP) + 1):
            until = step * _STEP
            while frames < min(until, video) * _FPS:
                container.mux(pictures.encode(_picture(frames)))
                frames += 1
            while blocks * _SAMPLES < until * _RATE:
                container.mux(sound.encode(_silence(blocks)))
                blocks += 1
            whole = out.getvalue()
            yield whole[sent:]
            sent = len(whole)


def _picture(number: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(pattern(number), format="bgr24").reformat(format="yuv420p")
    frame.pts, frame.time_base = number, Fraction(1, _FPS)
    return frame


def _silence(number: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, _SAMPLES), np.int16), format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = _RATE, number * _SAMPLES, Fraction(1, _RATE)
    return frame
