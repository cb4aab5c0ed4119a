"""docs/security.md names tests as its evidence: they exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = (REPOSITORY / "docs" / "security.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", DOCUMENT)))


@pytest.mark.parametrize(("module", "name"), NAMED)
def test_a_test_that_is_named_as_evidence_exists(module: str, name: str) -> None:
    tree = ast.parse((REPOSITORY / module).read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_each_kind_of_flaw_names_a_test() -> None:
    table = DOCUMENT.partition("## Published kinds of flaws")[2]
    rows = [row for row in table.splitlines() if row.startswith("| ")][1:]
    assert len(rows) >= 10
    assert [row for row in rows if "::test_" not in row] == []
