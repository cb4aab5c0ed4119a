"""Injects every fault, and prints what was measured: `python -m tests.system.faults --report [NAME…] [--times N]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.system.faults.figures import Figure
from tests.system.faults.table import TABLE

_CYCLES = 100


def main() -> int:
    """Exit code 1 if a figure is beyond its limit."""
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
        with tempfile.TemporaryDirectory() as folder:
            found = TABLE[name](Path(folder), arguments.times)
        figures += found
        for figure in found:
            print(_line(figure, as_table=arguments.report), flush=True)
    return int(not all(figure.holds for figure in figures))


def _line(figure: Figure, *, as_table: bool) -> str:
    limit, measured = (f"{number} {figure.unit}".rstrip() for number in (figure.limit, f"{figure.measured:g}"))
    cells = (figure.fault, figure.what, limit, measured, "" if figure.holds else "**missed**")
    return f"| {' | '.join(cells)} |" if as_table else "  ".join(cells)


if __name__ == "__main__":
    sys.exit(main())
