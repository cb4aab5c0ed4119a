"""A tiny HTTP server for tests, which plays a network camera that sends MJPEG, and whatever else a URL may lead to."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.media import encode_jpeg, pattern

__all__ = ["MjpegServer"]

_BOUNDARY = b"frame"


class MjpegServer:
    """Serves /video.mjpg at 25 frames a second, in `sizes` one after the other, `frames_per_size` frames of each.

    The last size goes on until the server stops. Also: /missing (404), /page (HTML), /playlist.m3u8 and its segments
    from `folder`, /secret (401 unless user:password comes as basic authentication), /file (a redirect to a file), and
    those of `redirects`, by path. asked: the paths of all requests.
    """

    def __init__(
        self,
        *sizes: tuple[int, int],
        frames_per_size: int = 25,
        frozen_after: int | None = None,
        folder: Path | None = None,
        authorization: str = "",
        redirects: Mapping[str, str] | None = None,
    ) -> None:
        self.asked: list[str] = []
        self.redirects = {"file": "file:///etc/hostname", **(redirects or {})}
        self._sizes = sizes or ((320, 240),)
        self._frames_per_size = frames_per_size
        self._frozen_after = frozen_after
        self._folder = folder
        self._authorization = authorization
        self._stopping = threading.Event()
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False  # so that closing the server waits for them
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self._server.server_port}/{path}"

    def _pictures(self) -> Iterator[bytes]:
        number = 0
        while not self._stopping.wait(0.04):
            if self._frozen_after is not None and number >= self._frozen_after:
                self._stopping.wait()
                return
            size = self._sizes[min(number // self._frames_per_size, len(self._sizes) - 1)]
            yield encode_jpeg(pattern(number, *size))
            number += 1

    def _handler(self) -> Callable[..., http.server.BaseHTTPRequestHandler]:
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_arguments: object) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                name = self.path.strip("/").partition("?")[0]
                owner.asked.append(name)
                if name in {"video.mjpg", "secret"}:
                    self._stream(guarded=name == "secret")
                elif name == "page":
                    self._answer(b"<html><body>not a camera</body></html>" * 200, "text/html")
                elif name in owner.redirects:
                    self.send_response(302)
                    self.send_header("Location", owner.redirects[name])
                    self.end_headers()
                elif owner._folder is not None and (owner._folder / name).is_file():
                    kind = "application/vnd.apple.mpegurl" if name.endswith("m3u8") else "video/mp2t"
                    self._answer((owner._folder / name).read_bytes(), kind)
                else:
                    self.send_error(404)

            def _answer(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _stream(self, *, guarded: bool) -> None:
                if guarded and self.headers.get("Authorization") != owner._authorization:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={_BOUNDARY.decode()}")
                self.end_headers()
                try:
                    for picture in owner._pictures():
                        head = b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"
                        self.wfile.write(head % (_BOUNDARY, len(picture)) + picture + b"\r\n")
                except OSError:  # the viewer has gone
                    return

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
