"""Faults, injected once or a few times; `python -m tests.system.faults --report` does it at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.faults.figures import FEW_TIMES, Rows
from tests.system.faults.table import ENDS

pytestmark = pytest.mark.system


@pytest.mark.parametrize("inject", ENDS.values(), ids=ENDS)
def test_what_must_hold_holds_while_and_after(inject: Rows, tmp_path: Path) -> None:
    assert [figure for figure in inject(tmp_path, FEW_TIMES) if figure.broken] == []
