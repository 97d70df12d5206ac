import csv
import io

import pandas as pd
import pytest

from ui.exports.csv import to_csv


def rows_of(frame):
    return list(csv.reader(io.StringIO(to_csv(frame).getvalue().decode("utf-8-sig"))))


@pytest.mark.parametrize(
    "attack",
    ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "  =1+1", "|calc", "%0A=1", "\r=1"],
)
def test_what_a_spreadsheet_would_calculate_is_text(attack):
    header, row = rows_of(pd.DataFrame({attack: [attack]}))
    assert header == [f"'{attack}"]
    assert row == [f"'{attack}"]


def test_numbers_keep_their_sign_and_full_precision():
    _, row = rows_of(pd.DataFrame({"name": ["plain"], "value": [-0.027403771950327695], "year": [2030]}))
    assert row == ["plain", "-0.027403771950327695", "2030"]


def test_missing_values_are_empty():
    _, row = rows_of(pd.DataFrame({"a": [float("nan")], "b": ["x"]}))
    assert row == ["", "x"]
