"""Tables as an Excel file whose texts are texts: nothing in it is calculated, linked or made a number."""

import io
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from xlsxwriter import Workbook

# A text that begins like a formula, a link or a number stays text.
OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
WIDTH_MAX = 60  # characters of a column
PADDING = 2


def to_xlsx(sheets: Mapping[str, pd.DataFrame]) -> io.BytesIO:
    """Return a workbook with one sheet a table: header frozen and filtered; missing values are empty."""
    file = io.BytesIO()
    with Workbook(file, OPTIONS) as workbook:
        bold = workbook.add_format({"bold": True, "bottom": 1})
        for name, frame in sheets.items():
            sheet = workbook.add_worksheet(name)
            for column, heading in enumerate(frame.columns):
                values = [_cell(value) for value in frame[heading]]
                sheet.write_string(0, column, str(heading), bold)
                for row, value in enumerate(values, start=1):
                    _write(sheet, row, column, value)
                longest = max((len(str(value)) for value in [heading, *values]), default=0)
                sheet.set_column(column, column, min(longest + PADDING, WIDTH_MAX))
            sheet.freeze_panes(1, 1)
            if len(frame):
                sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)
    file.seek(0)
    return file


def _cell(value: Any) -> str | float | bool:
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return value
    return value if isinstance(value, str) else float(value)


def _write(sheet: Any, row: int, column: int, value: str | float | bool) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, str):
        if value:
            sheet.write_string(row, column, value)
    else:
        sheet.write_number(row, column, value)
