"""Every fault, injected once or a few times; `python -m tests.system.faults --report` does it at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.faults.figures import Rows
from tests.system.faults.servers import REQUESTS
from tests.system.faults.table import TABLE

pytestmark = pytest.mark.system

_TIMES = 3
# FFmpeg follows a camera that redirects to itself without end, as fast as it can, until `open_timeout` stops it.
_NOT_MET = (REQUESTS,)


@pytest.mark.parametrize("inject", TABLE.values(), ids=TABLE)
def test_what_must_hold_holds_while_and_after(inject: Rows, tmp_path: Path) -> None:
    figures = inject(tmp_path, _TIMES)
    assert [figure for figure in figures if figure.broken and figure.what not in _NOT_MET] == []
