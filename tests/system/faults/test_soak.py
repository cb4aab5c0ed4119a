"""Half a minute of the soak; `python -m tests.system.faults.soak` runs for as long as it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.faults.soak import soak

pytestmark = pytest.mark.system


def test_after_several_faults_nothing_is_left_of_them(tmp_path: Path) -> None:
    figures, seen = soak(tmp_path, minutes=0.6, every=4, seed=3)
    assert len(seen["faults"]) >= 3  # type: ignore[arg-type]
    assert [figure for figure in figures if figure.broken] == []
