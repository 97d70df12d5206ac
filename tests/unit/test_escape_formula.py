"""What a spreadsheet would calculate becomes text; everything else stays what it is."""

import duckdb
import pytest

from planwise.formatting import FORMULA_PATTERN, FORMULA_STARTS, escape_formula


@pytest.mark.parametrize("start", FORMULA_STARTS)
@pytest.mark.parametrize("blanks", ["", "  "])
def test_what_calculates_gets_an_apostrophe(start, blanks):
    text = f"{blanks}{start}cmd|'/c calc'!A1"
    assert escape_formula(text) == f"'{text}"
    row = duckdb.execute("SELECT regexp_matches(?, ?)", [text, FORMULA_PATTERN]).fetchone()
    assert row == (True,)  # SQL reads the pattern alike


@pytest.mark.parametrize("value", ["Staff", "a=b", "'=1", "", -3.5, 7, None, True])
def test_what_does_not_stays(value):
    assert escape_formula(value) is value
