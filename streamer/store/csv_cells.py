"""Cells of a CSV file, such that no spreadsheet takes a text for a formula."""

from __future__ import annotations

from typing import Any

__all__ = ["as_cell"]

# https://owasp.org/www-community/attacks/CSV_Injection
_BEGIN_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_cell(value: Any) -> Any:
    """The value; a text that would be run as a formula with an apostrophe before it, as spreadsheets mark a text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_BEGIN_A_FORMULA) else value
