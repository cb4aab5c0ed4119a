"""The one place through which everything that leaves the process passes on its way out: secrets are taken out here.

Two rules, both always applied: the user part of any URL is replaced, and so is every secret that was registered
(camera passwords and tokens, as written and as encoded in a URL), wherever it stands.
"""

from __future__ import annotations

import logging
import re
import threading
from urllib.parse import quote, unquote

__all__ = ["RedactingFilter", "redact", "register_secret"]

MASK = "***"
_WORD = re.compile(r"[^\s\"'<>]+")
# Shorter ones would blank out half of the log; such a password still never leaves inside a URL.
_SHORTEST = 4

_lock = threading.Lock()
_secrets: tuple[str, ...] = ()


def register_secret(secret: str) -> None:
    """Have `redact` replace this text from now on, in plain and percent-encoded spelling."""
    global _secrets  # noqa: PLW0603 - the process has one set of secrets, as it has one set of log handlers
    forms = {secret, quote(secret, safe=""), quote(secret), unquote(secret)}
    with _lock:
        known = {form for form in forms if len(form) >= _SHORTEST} | set(_secrets)
        _secrets = tuple(sorted(known, key=len, reverse=True))


def redact(text: str) -> str:
    """The text without registered secrets and without the user part of URLs."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return _WORD.sub(_without_user, text) if "://" in text and "@" in text else text


def _without_user(word: re.Match[str]) -> str:
    """The word, and where it holds a URL, without what stands between "://" and the last "@".

    The last, as a password may hold "@", ":", "/" and "#" unencoded. Linear in time, whatever the text.
    """
    text = word[0]
    begin, end = text.find("://") + 3, text.rfind("@")
    return f"{text[:begin]}{MASK}{text[end:]}" if 3 <= begin <= end else text


class RedactingFilter(logging.Filter):
    """Redacts a log record: its message, and the text of its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True
