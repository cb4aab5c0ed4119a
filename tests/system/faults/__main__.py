"""Injects every fault, and prints what was measured: `python -m tests.system.faults --report [NAME…] [--times N]`."""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import traceback
from pathlib import Path

import pytest

from tests.system.faults.figures import Figure
from tests.system.faults.table import TABLE
from tests.system.program import Program

_CYCLES = 100


def main() -> int:
    """Exit code 1 if a figure is beyond its limit, or could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which faults, default all: {', '.join(TABLE)}")
    parser.add_argument("--report", action="store_true", help="print a table in Markdown, as in the README")
    parser.add_argument("--times", type=int, default=_CYCLES, help="of faults that come again and again (default: 100)")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(TABLE):
        parser.error(f"no such fault: {', '.join(unknown)}")
    figures: list[Figure] = []
    if arguments.report:
        print("| fault | figure | limit | measured | |\n|---|---|---|---|---|")
    for name in arguments.names or TABLE:
        found = _measured(name, arguments.times)
        figures += found
        _print(found, as_table=arguments.report)
    if Program.stops:
        last = [Figure.at_most("all of these", "the program stops when all is over, at most", max(Program.stops), 5)]
        figures += last
        _print(last, as_table=arguments.report)
    return int(not all(figure.holds for figure in figures))


def _measured(name: str, times: int) -> list[Figure]:
    """What a fault has measured; where it came to no end, one figure says why, and the others go on."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            return TABLE[name](Path(folder), times)
    except (Exception, pytest.skip.Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - said below
        traceback.print_exc()
        why = " ".join(str(error).partition("\n")[0].replace("|", "/").split())
        return [Figure.missing(name, f"{type(error).__name__}: {why}")]


def _print(figures: list[Figure], *, as_table: bool) -> None:
    for figure in figures:
        print(_line(figure, as_table=as_table), flush=True)


def _line(figure: Figure, *, as_table: bool) -> str:
    value = "-" if math.isnan(figure.measured) else f"{figure.measured:g}"
    limit, measured = (f"{number} {figure.unit}".rstrip() for number in (figure.limit, value))
    cells = (figure.fault, figure.what, limit, measured, "" if figure.holds else "**missed**")
    return f"| {' | '.join(cells)} |" if as_table else "  ".join(cells)


if __name__ == "__main__":
    sys.exit(main())
