"""Excel that shows text as text: no cell is a formula or a link, numbers and days keep their kind."""

import io
from typing import Any

import pandas as pd
import xlsxwriter

WIDTH_MIN, WIDTH_MAX = 10, 32  # characters of a column
DAY = "yyyy-mm-dd"


def to_excel(frame: pd.DataFrame, sheet: str) -> io.BytesIO:
    """Return the frame as one sheet with a fixed heading and a filter; texts are written as texts."""
    target = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(target, options | {"strings_to_numbers": False}) as book:
        page = book.add_worksheet(sheet[:31])
        bold, day = book.add_format({"bold": True}), book.add_format({"num_format": DAY})
        for column, name in enumerate(frame.columns):
            page.set_column(column, column, min(max(len(str(name)) + 2, WIDTH_MIN), WIDTH_MAX))
            page.write_string(0, column, str(name), bold)
        for row, values in enumerate(frame.itertuples(index=False, name=None), start=1):
            for column, value in enumerate(values):
                _write(page, row, column, value, day)
        page.freeze_panes(1, 0)
        if len(frame.columns):
            page.autofilter(0, 0, max(len(frame), 1), len(frame.columns) - 1)
    target.seek(0)
    return target


def _write(page: Any, row: int, column: int, value: Any, day: Any) -> None:
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return
    if isinstance(value, str):
        page.write_string(row, column, value)
    elif isinstance(value, pd.Timestamp):
        page.write_datetime(row, column, value.to_pydatetime(), day)
    else:
        page.write_number(row, column, float(value))
