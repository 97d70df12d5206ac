"""Write a sheet of a workbook as CSV: `python workbook.py MEMORY_BYTES SECONDS [SHEET] < book > sheet`.

A process of its own, because only the library that reads a workbook knows how large it becomes: a few bytes
can stand for billions of cells. It imports nothing of PlanWise. The first line is JSON: the chosen sheet, the
sheets that are filled, all sheets. Then come the filled rows, the first field of each its number.
"""

import contextlib
import csv
import io
import json
import resource
import sys
from datetime import date, datetime, time
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

UNREADABLE = 3  # exit status; the reason is on standard error


def main(memory_bytes: str, seconds: str, sheet: str | None = None) -> int:
    """Write the named sheet of the workbook on standard input, or the only filled one."""
    with contextlib.suppress(ValueError, OSError):  # where the system has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))
        resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    content = io.BytesIO(sys.stdin.buffer.read())
    try:
        book = CalamineWorkbook.from_filelike(content)
        sheets = {name: book.get_sheet_by_name(name) for name in book.sheet_names}
    except (CalamineError, OSError, ValueError) as error:
        sys.stderr.write(str(error))
        return UNREADABLE
    filled = [name for name, found in sheets.items() if _is_filled(found)]
    chosen = sheet if sheet is not None else filled[0] if len(filled) == 1 else None
    out = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=False)
    out.write(json.dumps({"sheet": chosen, "filled": filled, "all": book.sheet_names}) + "\n")
    if chosen in sheets:
        writer = csv.writer(out)
        for number, row in enumerate(sheets[chosen].iter_rows(), start=1):
            if any(cell != "" for cell in row):
                writer.writerow([number, *map(_cell, row)])
    out.flush()
    return 0


def _is_filled(sheet: CalamineSheet) -> bool:
    return any(cell != "" for row in sheet.iter_rows() for cell in row)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.10f}".rstrip("0")
    return str(value)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
