import csv
import io
from datetime import datetime

import openpyxl
import pandas as pd
import pytest

from ui.components.downloads import to_csv, to_excel


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


def test_excel_has_texts_numbers_days_and_flags_and_calculates_nothing():
    frame = pd.DataFrame(
        {
            "=a": ["=1+1", None],
            "link": ["http://x.test", "4"],
            "n": [0.035, float("nan")],
            "day": pd.to_datetime(["2026-01-02", None]),
            "flag": [True, False],
        }
    )
    book = openpyxl.load_workbook(to_excel({"Found": frame, "None": frame.head(0)}))
    sheet = book["Found"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["=a", "link", "n", "day", "flag"],
        ["=1+1", "http://x.test", 0.035, datetime(2026, 1, 2), True],
        [None, "4", None, None, False],
    ]
    assert {sheet[name].data_type for name in ("A1", "A2", "B2", "B3")} == {"s"}
    assert sheet["B2"].hyperlink is None
    assert [len(list(book[name].iter_rows())) for name in book.sheetnames] == [3, 1]
