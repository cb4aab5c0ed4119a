"""A text that a spreadsheet would run is marked as a text; a number never is."""

from __future__ import annotations

import pytest

from streamer.store.csv_cells import as_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert as_cell(text) == "'" + text


@pytest.mark.parametrize("value", ["door", "25-34", "65+", "a=b", "'=1", "", " -1", -1, -0.5, None, True])
def test_all_else_stays_as_it_is(value: object) -> None:
    assert as_cell(value) is value
