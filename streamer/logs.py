"""What is written to standard error, and what the libraries underneath may write there."""

from __future__ import annotations

import logging
import os
import sys

from streamer.config import LogConfig
from streamer.redaction import RedactingFilter

__all__ = ["quiet_libraries", "set_up_logging"]

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_LIBRARIES = ("uvicorn", "uvicorn.error", "asyncio", "websockets")


def set_up_logging(config: LogConfig) -> None:
    """One handler on standard error through which every record passes redacted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(RedactingFilter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.level.upper())
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(config.level.upper() if config.libraries else logging.WARNING)
    if not config.libraries:
        quiet_libraries()


def quiet_libraries() -> None:
    """Silence what OpenCV and FFmpeg print by themselves; their errors still come as exceptions."""
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    import av.logging
    import cv2.utils.logging as opencv_logging

    av.logging.set_level(None)
    opencv_logging.setLogLevel(opencv_logging.LOG_LEVEL_SILENT)
