"""The one place through which everything that leaves the process passes on its way out: secrets are taken out here.

Three rules, always applied: the user part of any URL is replaced, and so is every secret that was registered (camera
passwords and tokens, as written and as encoded in a URL), wherever it stands, and whatever looks like a token that
`streamer token` makes.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

__all__ = ["RedactingFilter", "redact", "redact_document", "register_secret", "secrets_in_url"]

MASK = "***"
# Where the user part of a URL begins; a camera's is redacted also where a sign of it was forgotten
_SCHEME = re.compile(r"\b(?:rtsps?|https?)(?::/{0,2}|/{1,2})|://", re.IGNORECASE)
_WORD = re.compile(r"[^\s\"'<>]+")
# password=…, up to the next parameter: after & or ;, or as many cameras write their paths, after _name=
_PARAMETER = re.compile(
    r"(?P<name>(?<![a-z])(?:pass(?:word|wd)?|pwd|psw|token|secret|api_?key))=(?P<value>[^&;]*?)(?=_[a-z]+=|[&;]|$)",
    re.IGNORECASE,
)
# Shorter ones would blank out half of the log; such a password still never leaves inside a URL.
_SHORTEST = 4

# As `streamer token` makes them: also those that this program has never seen, as somebody puts one into a URL
_MADE_TOKEN = re.compile(r"streamer_[A-Za-z0-9_-]{43}")

# Keys under which texts stand that may quote a source, an error or a configuration
_FREE_TEXTS = frozenset({"detail", "errors", "message", "origin", "reason", "reasons", "source"})

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
    if "streamer_" in text:
        text = _MADE_TOKEN.sub(MASK, text)
    return _WORD.sub(_without_credentials, text) if "://" in text or "@" in text else text


def secrets_in_url(url: str) -> list[str]:
    """The passwords that a URL holds: in its user part, its path and its query."""
    found = [match["value"] for match in _PARAMETER.finditer(url)]
    begin, end = url.find("://") + 3, url.rfind("@")
    if 3 <= begin <= end:
        found.append(url[begin:end].partition(":")[2])
    return found


def _without_credentials(word: re.Match[str]) -> str:
    """The word; where it holds a URL, without its user part and without the passwords of its path and query.

    The user part reaches to the last "@", as a password may hold "@", ":", "/" and "#" unencoded.
    """
    text = word[0]
    scheme = _SCHEME.search(text)
    if scheme is None:
        return text
    begin, end = scheme.end(), text.rfind("@")
    if begin <= end:
        text = f"{text[:begin]}{MASK}{text[end:]}"
    return _PARAMETER.sub(rf"\g<name>={MASK}", text)


def redact_document(value: Any, *, free: bool = False) -> Any:
    """A JSON value whose free texts are redacted, at any depth; keys, ids, words of the protocol and numbers stay.

    free: whether the value itself is such a text.

    A password may be `1234` or `camera`: replaced in the finished JSON, it would take figures and keys along.
    """
    if isinstance(value, Mapping):
        return {key: redact_document(item, free=free or key in _FREE_TEXTS) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact_document(item, free=free) for item in value]
    return redact(value) if free and isinstance(value, str) else value


class RedactingFilter(logging.Filter):
    """Redacts a log record: its message, and the text of its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True
