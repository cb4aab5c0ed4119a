"""What nobody caught is logged, and so redacted: exceptions quote addresses, with the passwords in them."""

from __future__ import annotations

import logging
import sys
import threading

from streamer.redaction import RedactingFilter

__all__ = ["log_uncaught", "redact_uncaught"]

log = logging.getLogger(__name__)

_redacting = RedactingFilter()


def redact_uncaught() -> None:
    """From now on log what ends a thread, or fails where nobody can be told, instead of having Python print it.

    asyncio logs by itself what ends a task. Where no log is set up, as in most commands, logging's own last resort
    writes to standard error: redacted, too.
    """
    threading.excepthook = _log_of_thread
    sys.unraisablehook = _log_unraisable
    if logging.lastResort is not None:
        logging.lastResort.addFilter(_redacting)


def log_uncaught(error: BaseException) -> None:
    """Log what ends the program."""
    log.critical("streamer failed", exc_info=error)


def _log_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_type is not SystemExit:
        name = "a thread" if ended.thread is None else f"the thread {ended.thread.name}"
        log.critical("%s failed", name, exc_info=ended.exc_value)


def _log_unraisable(failed: sys.UnraisableHookArgs) -> None:
    log.error("%s %r", failed.err_msg or "Exception ignored in", failed.object, exc_info=failed.exc_value)
