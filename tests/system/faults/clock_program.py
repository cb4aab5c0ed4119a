"""The program, with a wall clock that can be set: `python -m tests.system.faults.clock_program run …`.

By how many seconds it is wrong stands in the file that STREAMER_TEST_CLOCK names.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from streamer.cli import main

_right = time.time
_file = Path(os.environ["STREAMER_TEST_CLOCK"])


def _shifted() -> float:
    return _right() + float(_file.read_text() or 0)


if __name__ == "__main__":
    vars(time)["time"] = _shifted
    main()
