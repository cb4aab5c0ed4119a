"""What may be skipped in CI: nothing but what the machine, or whoever has only the repository, can't have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import conftest


@pytest.mark.parametrize(
    ("reason", "folder_is_there", "allowed"),
    [
        (f"Skipped: {conftest.NEEDS_SHARED}", False, True),
        (f"Skipped: {conftest.NEEDS_SHARED}", True, False),
        ("Skipped: needs a processor with bfloat16", True, True),
        ("Skipped: missing on this machine: redis-server", False, False),
        ("Skipped: needs the shared material", False, False),
    ],
)
def test_a_skip_is_allowed_for_few_reasons(
    reason: str, folder_is_there: bool, allowed: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(conftest, "SHARED", tmp_path if folder_is_there else tmp_path / "nowhere")
    assert conftest.may_skip_in_ci(reason) == allowed
