"""Every fault, injected once or a few times; `python -m tests.system.faults --report` does it at length."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.faults.figures import Rows, worst
from tests.system.faults.servers import REQUESTS
from tests.system.faults.starts import SAID_IN
from tests.system.faults.table import TABLE
from tests.system.faults.video import BACK_IN

pytestmark = pytest.mark.system

_TIMES = 3
# By the beginning of their names. FFmpeg follows a camera that redirects to itself without end, as fast as it can,
# until `open_timeout` stops it. The others are figures of a machine with nothing else to do, which the report is for.
_NOT_MET = (REQUESTS, SAID_IN, BACK_IN)


@pytest.mark.parametrize("inject", TABLE.values(), ids=TABLE)
def test_what_must_hold_holds_while_and_after(inject: Rows, tmp_path: Path) -> None:
    missed = worst(inject(tmp_path, _TIMES))
    assert [figure for figure in missed if not figure.what.startswith(_NOT_MET)] == []
