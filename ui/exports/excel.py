"""Excel that shows text as text: no cell is a formula or a link, numbers and days keep their kind."""

import io
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from xlsxwriter import Workbook

OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
WIDTH_MIN, WIDTH_MAX = 10, 60  # characters of a column
PADDING = 2
DAY = "yyyy-mm-dd"


def to_excel(sheets: Mapping[str, pd.DataFrame]) -> io.BytesIO:
    """Return a workbook with one sheet a table: heading and first column stay, a filter, missing is empty."""
    target = io.BytesIO()
    with Workbook(target, OPTIONS) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        day = book.add_format({"num_format": DAY})
        for name, frame in sheets.items():
            _fill(book.add_worksheet(name), frame, bold, day)
    target.seek(0)
    return target


def _fill(sheet: Any, frame: pd.DataFrame, bold: Any, day: Any) -> None:
    """Write one table, row by row: a row that is done is not kept in memory."""
    widths = []
    for column, heading in enumerate(frame.columns):
        sheet.write_string(0, column, str(heading), bold)
        widths.append(max(WIDTH_MIN, len(str(heading)) + PADDING))
    for row, values in enumerate(frame.itertuples(index=False, name=None), start=1):
        for column, value in enumerate(values):
            _write(sheet, row, column, value, day)
            if isinstance(value, str):
                widths[column] = max(widths[column], len(value) + PADDING)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, min(width, WIDTH_MAX))
    sheet.freeze_panes(1, 1)
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(widths) - 1)


def _write(sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
    if value is None or value is pd.NA or value is pd.NaT or value == "":
        return
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, pd.Timestamp):
        sheet.write_datetime(row, column, value.to_pydatetime(), day)
    elif math.isfinite(number := float(value)):
        sheet.write_number(row, column, number)
