"""What is written to standard error, and what the libraries underneath may write there."""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
import threading
import time

from streamer.config import LogConfig
from streamer.pacing import Throttle
from streamer.redaction import RedactingFilter

__all__ = ["StrangersFilter", "quiet_libraries", "set_up_logging"]

log = logging.getLogger(__name__)

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_LIBRARIES = ("uvicorn", "uvicorn.error", "asyncio", "websockets", "alembic")
# What uvicorn logs when a stranger sends what is no text, and when a websocket is refused: both were answered
_ANSWERED = ("Invalid UTF-8 sequence received", "ASGI callable returned without completing handshake")
# What it logs of each request that is none, or asks for another protocol: answered, too, but worth to know of
_RUBBISH = ("Invalid HTTP request received", "Unsupported upgrade request")
_STANDARD_ERROR = 2  # the descriptor that C code writes to


def set_up_logging(config: LogConfig) -> None:
    """One handler on standard error through which every record passes redacted, and what libraries print, if asked."""
    if config.libraries:
        _hear_libraries()
    else:
        quiet_libraries()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())
    logging.getLogger("uvicorn.error").addFilter(StrangersFilter())
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(config.level.upper() if config.libraries else logging.WARNING)


class StrangersFilter(logging.Filter):
    """Of what uvicorn says of strangers' requests, lets through a line a minute: they could fill the disk with it."""

    def __init__(self) -> None:
        super().__init__()
        self._rubbish = Throttle()

    def filter(self, record: logging.LogRecord) -> bool:
        """Called by logging."""
        said = str(record.msg)
        if said.startswith(_ANSWERED):
            return False
        if not said.startswith(_RUBBISH):
            return True
        count = self._rubbish.count(time.monotonic())
        if count > 1:
            record.msg, record.args = f"{record.getMessage()} ({count} such requests since the last was told of)", None
        return count > 0


def quiet_libraries() -> None:
    """Silence what OpenCV, FFmpeg and those below them print by themselves; their errors still come as exceptions."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    import av.logging
    import cv2.utils.logging as opencv_logging

    av.logging.set_level(None)
    opencv_logging.setLogLevel(opencv_logging.LOG_LEVEL_SILENT)
    # libjpeg, libpng and protobuf have no such setting: they print what they think of a damaged file
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        _divert_standard_error(nowhere)
        os.close(nowhere)


def _hear_libraries() -> None:
    """Log what they print, line by line, so that it is redacted: FFmpeg names addresses with their passwords."""
    import av.logging

    av.logging.restore_default_callback()  # prints; PyAV's own would call Python from FFmpeg's threads
    try:
        ours, theirs = os.pipe()
        os.set_blocking(theirs, False)  # a full pipe costs lines, never a thread's time
    except OSError:
        return
    if _divert_standard_error(theirs):
        threading.Thread(target=_log_lines, args=(ours,), name="libraries-log", daemon=True).start()
    else:
        os.close(ours)
    os.close(theirs)


def _log_lines(descriptor: int) -> None:
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if text := line.strip():
                log.warning("library: %s", text)


def _divert_standard_error(target: int) -> bool:
    """Have C code's standard error go to this descriptor; Python's own, and the trace of a crash, stay where they are.

    Done once, and only in a program that has standard error to itself: False where it was done or isn't so.
    """
    stderr = sys.__stderr__
    if stderr is None or sys.stderr is not stderr:
        return False
    try:
        if stderr.fileno() != _STANDARD_ERROR:
            return False
        kept = os.fdopen(os.dup(_STANDARD_ERROR), "w", 1, stderr.encoding, "backslashreplace")
    except (OSError, ValueError):  # closed, or no descriptor at all
        return False
    stderr.flush()
    sys.stderr = kept
    faulthandler.enable(kept)
    os.dup2(target, _STANDARD_ERROR)
    return True
