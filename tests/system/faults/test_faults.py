"""Every fault, injected once or a few times; `python -m tests.system.faults --report` does it at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.faults.figures import Rows
from tests.system.faults.table import TABLE

pytestmark = pytest.mark.system

_TIMES = 3


@pytest.mark.parametrize("inject", TABLE.values(), ids=TABLE)
def test_what_must_hold_holds_while_and_after(inject: Rows, tmp_path: Path) -> None:
    figures = inject(tmp_path, _TIMES)
    assert [figure for figure in figures if figure.broken] == []
