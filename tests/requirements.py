"""What a test needs from the machine: skipped where it is missing, failed where nothing may be missing."""

from __future__ import annotations

import os

import pytest

__all__ = ["require"]


def require(available: bool, reason: str) -> None:
    """Skip the test unless `available`; in continuous integration (CI=true) fail it, so that no skip goes unseen."""
    if available:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing on this machine: {reason}")
    pytest.skip(f"missing on this machine: {reason}")
