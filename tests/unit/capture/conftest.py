"""Each test starts without secrets that an earlier one had redacted: the passwords made up here are ordinary words."""

from __future__ import annotations

import pytest

from streamer import redaction


@pytest.fixture(autouse=True)
def no_secrets_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(redaction, "_secrets", ())
