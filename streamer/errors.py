"""Every exception that streamer raises on purpose.

StreamerError
├── ConfigError     config.yaml, an environment variable in it, or a command-line value is wrong
├── SourceError     a camera, file or URL can't be opened or read
├── ImageError      a picture that was sent or read is no picture, damaged, or too large
├── PrivacyError    a picture is asked for, and the config lets none out
├── ModelError      a model file is missing, damaged, or can't be run
├── StoreError      the database can't be opened, is newer than this program, or a query can't be answered
└── ProtocolError   a websocket message breaks the protocol of `streamer.server.protocol`

A message says what is wrong, where (key path, camera id, file), and what to do. It is safe to show: whoever raises one
passes anything that may hold a camera's password through `streamer.redaction.redact` first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

__all__ = [
    "ConfigError",
    "ImageError",
    "ModelError",
    "PrivacyError",
    "ProtocolError",
    "SourceError",
    "StoreError",
    "StreamerError",
]


class StreamerError(Exception):
    """Base of all errors a user can do something about. The CLI prints its text and exits with code 2."""


class ConfigError(StreamerError):
    """The configuration can't be used. `problems` holds every one of them, a line each."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__("\n".join([message, *(f"  {problem}" for problem in problems)]))
        self.problems = tuple(problems)


class SourceError(StreamerError):
    """A source can't be opened or read.

    `retry` tells the camera's reader whether trying again can help: a refused connection may, a missing file or an
    unsupported scheme will not.
    """

    def __init__(self, message: str, *, retry: bool = True) -> None:
        super().__init__(message)
        self.retry = retry


class ImageError(StreamerError):
    """A picture can't be used. `fault` tells which kind of wrong it is, for whoever answers with a code."""

    def __init__(self, fault: Literal["empty", "unsupported", "damaged", "too_large"], message: str) -> None:
        super().__init__(message)
        self.fault = fault


class PrivacyError(StreamerError):
    """A picture is asked for, but `privacy: metadata_only` lets none out of the program."""

    def __init__(self, instead: str) -> None:
        """instead: what to ask for, or to do."""
        super().__init__(f"no picture leaves this program (privacy: metadata_only in its config); {instead}")


class ModelError(StreamerError):
    """A model can't be found, fetched, verified or run."""


class StoreError(StreamerError):
    """The store of visits and counts can't be used, or can't answer."""


class ProtocolError(StreamerError):
    """A websocket message breaks the protocol. `code` is the word sent to the client; the connection may go on."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
