"""Imports lead one way, from what rests on little to what rests on much: docs/development.md draws the lines."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE = REPOSITORY / "streamer"


def lines() -> dict[str, int]:
    """The line of each package and module, counted from the top."""
    text = (REPOSITORY / "docs" / "development.md").read_text("utf-8")
    section = text.partition("## What imports what\n")[2].partition("\n## ")[0]
    drawn = [line.split() for line in section.splitlines() if line.startswith("    ")]
    return {name: number for number, names in enumerate(drawn) for name in names}


def part_of(module: str) -> str:
    """As it stands in the document: `streamer.store.writer` is part of `store`, `streamer.store.config` of `config`."""
    names = module.split(".")[1:]
    return "config" if names[1:] == ["config"] else names[0]


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from [node.module] if node.module != "streamer" else (f"streamer.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_no_import_leads_downward() -> None:
    line = lines()
    modules = [path for path in sorted(SOURCE.rglob("*.py")) if path.parent != SOURCE or "__" not in path.stem]
    found: list[str] = []
    for path in modules:
        own = part_of(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))
        for module in imports_of(path):
            if module.startswith("streamer.") and module != "streamer.__version__":
                found += [f"{path.relative_to(REPOSITORY)}: {module}"] if line[part_of(module)] > line[own] else []
    assert (len(modules) > 100, found) == (True, [])
