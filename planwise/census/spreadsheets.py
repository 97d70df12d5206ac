"""Excel sheets and Parquet tables as text cells."""

import io
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook

from planwise.errors import InputError

Records = list[tuple[int, Sequence[str]]]


def read_excel(content: io.BytesIO, file_name: str, sheet: str | None) -> tuple[Records, dict[str, str]]:
    """Return (row, cells) of the named sheet, or of the only one that is not empty; raises InputError."""
    try:
        book = CalamineWorkbook.from_filelike(content)
        sheets = {n: book.get_sheet_by_name(n).to_python(skip_empty_area=False) for n in book.sheet_names}
    except (CalamineError, OSError, ValueError) as error:
        raise InputError(
            f"{file_name} is not a readable Excel file: {error}.", remedy="Save it as .xlsx."
        ) from error
    if sheet is not None and sheet not in sheets:
        raise InputError(f"{file_name} has no sheet {sheet!r}; it has: {', '.join(sheets)}.")
    filled = [n for n, rows in sheets.items() if any(cell != "" for row in rows for cell in row)]
    if sheet is None and len(filled) > 1:
        raise InputError(
            f"{file_name} has several sheets with content: {', '.join(filled)}.",
            remedy="Name one in the mapping YAML: `sheet: NAME`.",
        )
    chosen = sheet or (filled[0] if filled else None)
    rows = sheets[chosen] if chosen else []
    return [(n, [_cell(c) for c in row]) for n, row in enumerate(rows, start=1)], {"sheet": chosen or ""}


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else f"{value:.10f}".rstrip("0")
    return str(value)


def read_parquet(content: io.BytesIO, file_name: str) -> tuple[Records, dict[str, str]]:
    """Return (row, cells), the header as the first record; raises InputError on nested columns or damage."""
    try:
        table = pq.read_table(content)
        columns = [_texts(column) for column in table.columns]
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{file_name} is not a readable flat Parquet file: {error}.",
            remedy="Give a Parquet file whose columns are plain values.",
        ) from error
    header: Records = [(0, list(table.column_names))]
    return header + list(enumerate(zip(*columns, strict=True), start=1)), {}


def _texts(column: pa.ChunkedArray) -> list[str]:
    kind = column.type
    if pa.types.is_floating(kind):
        # Through exact decimals: a float's own text would be 1e+06 for a million.
        exact = pc.round(column.cast(pa.float64()), 6)
        column = pc.if_else(pc.is_finite(exact), exact, None).cast(pa.decimal128(38, 6), safe=False)
        texts = pc.replace_substring_regex(column.cast(pa.string()), r"\.?0+$", "")
        return [str(text) for text in pc.fill_null(texts, "").to_pylist()]
    if pa.types.is_timestamp(kind):
        column = pc.strftime(column, format="%Y-%m-%d %H:%M:%S")
        column = pc.replace_substring_regex(column, r" 00:00:00(\.0+)?$", "")
    return [str(text) for text in pc.fill_null(column.cast(pa.string()), "").to_pylist()]
