"""Read a payroll file (CSV, Excel, Parquet) as text columns, and filter its rows."""

import codecs
import contextlib
import csv
import gzip
import hashlib
import io
import re
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from charset_normalizer import from_bytes
from python_calamine import CalamineError, CalamineWorkbook

from planwise.census.numbers import POINT, parse_money
from planwise.census.schema import BY_NAME, normalise_header, words
from planwise.errors import InputError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
ENCODING_SAMPLE_BYTES = 200_000  # enough for the detector, which is slow on large files
DIALECT_SAMPLE_RECORDS = 50
WINDOWS = "cp1252"  # five of its bytes mean nothing, so that most other encodings are recognised
SEPARATOR_LINE = re.compile(r'(?P<line>"?sep=(?P<mark>[^"\r\n])"?)(?=\r?\n)', re.IGNORECASE)
FIELD_CHARACTERS_MAX = 100_000  # a longer field is an unclosed quote

Records = list[tuple[int, Sequence[str]]]


def read_csv(content: bytes, file_name: str, encoding: str | None = None) -> tuple[Records, dict[str, str]]:
    """Return (line, fields) per record and the encoding and delimiter found; raises InputError."""
    text, encoding = decode(content, file_name, encoding)
    stated = SEPARATOR_LINE.match(text)
    if stated:
        text = text[stated.end("line") :]  # its line break stays, so that lines keep their numbers
    delimiter = stated["mark"] if stated else _delimiter(text)
    try:
        records = _parse(text, delimiter)
    except csv.Error as error:
        raise InputError(
            f"{file_name} is not readable as text with fields: {error}.",
            remedy="Look for a quote that is opened and not closed, or export the file again.",
        ) from error
    last = records[-1][1][-1] if records and records[-1][1] else ""
    if any(end in last for end in "\r\n") and not text.rstrip().endswith('"'):
        raise InputError(
            f"{file_name}: a quote is opened and not closed before the end of the file.",
            remedy="Close the quote, or export the file again.",
        )
    return records, {"encoding": encoding, "delimiter": DELIMITERS.get(delimiter, delimiter)}


def decode(content: bytes, file_name: str, stated: str | None = None) -> tuple[str, str]:
    """Return the text and its encoding, which is the stated one, else found in this order.

    A byte-order mark; UTF-16 by its zero bytes; UTF-8 where valid; Windows-1252 where it gives no control
    characters; a statistical guess, named "... (guessed)". Raises InputError where nothing fits.
    """
    if stated is not None:
        try:
            name = codecs.lookup(stated).name
            b"a".decode(name)  # raises LookupError for one of bytes to bytes, such as zip
        except (LookupError, ValueError) as error:
            raise InputError(
                f"The encoding {stated!r} is unknown.", remedy="Give a name such as utf-8, cp1252 or latin-1."
            ) from error
        return _decoded(content, name, file_name).removeprefix("\ufeff"), stated
    for mark, encoding in BOMS:
        if content.startswith(mark):
            return _decoded(content, encoding, file_name), encoding
    if b"\0" in content[:ENCODING_SAMPLE_BYTES]:
        wide = _wide_encoding(content, file_name)
        return _decoded(content, wide, file_name), wide
    for encoding in ("utf-8", WINDOWS):
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode(encoding), encoding
    # Most of a payroll is ASCII: only the other lines show the encoding.
    telling = b"\n".join(line for line in content.splitlines() if not line.isascii())[:ENCODING_SAMPLE_BYTES]
    match = from_bytes(telling).best()
    if match is None:
        raise InputError(
            f"{file_name} is not text in a known encoding.",
            remedy="Save it as UTF-8 CSV, or state its encoding: `encoding: cp1250`.",
        )
    return _decoded(content, match.encoding, file_name), f"{match.encoding} (guessed)"


def _wide_encoding(content: bytes, file_name: str) -> str:
    sample = content[:ENCODING_SAMPLE_BYTES]
    odd, even = sample[1::2].count(0), sample[::2].count(0)
    if max(odd, even) > len(sample) / 5:
        return "utf-16-le" if odd > even else "utf-16-be"
    raise InputError(f"{file_name} holds NUL bytes and is not text.", remedy="Give CSV, Excel or Parquet.")


def _decoded(content: bytes, encoding: str, file_name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeError as error:
        place = f" at byte {error.start}" if isinstance(error, UnicodeDecodeError) else ""
        raise InputError(
            f"{file_name} is not valid {encoding}{place}.",
            remedy="State its encoding (`encoding: NAME`), or save it as UTF-8 CSV.",
        ) from error


def _parse(text: str, delimiter: str, limit: int | None = None) -> Records:
    csv.field_size_limit(FIELD_CHARACTERS_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    if limit is None:
        return [(reader.line_num, fields) for fields in reader]
    return [(reader.line_num, fields) for fields, _ in zip(reader, range(limit), strict=False)]


def _delimiter(text: str) -> str:
    """Choose the delimiter with which most records have the header's number of fields, and most fields."""

    def score(delimiter: str) -> tuple[int, int]:
        try:
            sample = [fields for _, fields in _parse(text, delimiter, DIALECT_SAMPLE_RECORDS)]
        except csv.Error:  # said when the whole is read
            return (0, text.splitlines()[0].count(delimiter) + 1)
        records = [fields for fields in sample if any(map(str.strip, fields))] or sample
        width = len(records[0]) if records else 0
        return (sum(len(fields) == width for fields in records) if width > 1 else 0, width)

    return max(DELIMITERS, key=score)


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


GZIP, ZIP, OLE, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"


@dataclass(frozen=True)
class SourceFile:
    """A file's cells as text: `frame` has one row per record, `lines` the line (row of the sheet) of each.

    `malformed` are (line, number of fields) of records that do not fit the header. `notices` say what above,
    below and within the table was left out.
    """

    path: Path
    kind: str
    details: dict[str, str]
    sha256: str
    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]
    malformed: tuple[tuple[int, int], ...]
    notices: tuple[str, ...] = ()


def read_source(
    path: Path,
    sheet: str | None = None,
    *,
    encoding: str | None = None,
    skip_rows: int | None = None,
    headers: Collection[str] = (),
) -> SourceFile:
    """Read the file; raises InputError when it is missing, damaged, empty or of an unknown kind.

    `skip_rows` lines above the header are left out; by default the header is looked for, by the usual names
    and the `headers` that the mapping names.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.", remedy="Check the path and its permissions."
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    details: dict[str, str] = {}
    if content.startswith(GZIP):
        details["compression"] = "gzip"
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{path.name} is a damaged gzip file: {error}.", remedy="Fetch it again."
            ) from error
    if not content.strip():
        raise InputError(
            f"{path.name} is empty.", remedy="Give a file with a header and one row per employee."
        )
    if content.startswith((ZIP, OLE)):
        kind, records, more = "excel", *read_excel(io.BytesIO(content), path.name, sheet)
    elif content.startswith(PARQUET):
        kind, records, more = "parquet", *read_parquet(io.BytesIO(content), path.name)
    else:
        kind, records, more = "csv", *read_csv(content, path.name, encoding)
    if sheet is not None and kind != "excel":
        raise InputError(
            f"`sheet: {sheet}` was given but {path.name} is not an Excel file.", remedy="Leave it out."
        )
    frame, lines, malformed, notices = _tabulate(records, path.name, skip_rows, headers)
    return SourceFile(path, kind, details | more, digest, frame, lines, malformed, notices)


HEADER_SEARCH_ROWS = 30
HEADERS_MIN = 2  # known headers in a row that make it the header
FOOTER_SHARE_MAX = 0.34  # of the columns: a line with so few cells below the table is no row of it
SHOWN_LINES, SHOWN_CHARACTERS = 3, 70
Tabulated = tuple[pd.DataFrame, npt.NDArray[np.int64], tuple[tuple[int, int], ...], tuple[str, ...]]


def _tabulate(
    records: Sequence[tuple[int, Sequence[str]]],
    file_name: str,
    skip_rows: int | None,
    known_headers: Collection[str],
) -> Tabulated:
    """Split records into header and rows; blank records are skipped, trailing empty fields do not count."""
    written = [
        (line, cells)
        for line, cells in records
        if any(map(str.strip, cells)) and (skip_rows is None or line > skip_rows)
    ]
    if not written:
        raise InputError(
            f"{file_name} holds no text.", remedy="Give a file with a header and one row per employee."
        )
    notices = []
    if skip_rows is None and (start := _header_place(written, known_headers)):
        notices.append(
            f"The header is line {written[start][0]}; above it: {_shown(written[:start])}. "
            "State another with `skip_rows`."
        )
        written = written[start:]
    headers = _headers(written[0][1])
    width = len(headers)
    if below := _lines_below(written[1:], width):
        notices.append(f"Left out below the table: {_shown(written[-below:])}.")
        written = written[:-below]
    totals = frozenset(words()["totals"].split())
    if sums := [(line, cells) for line, cells in written[1:] if _is_total(cells, totals)]:
        notices.append(f"Left out as sums of other rows: {_shown(sums)}.")
        lines_of_sums = {line for line, _ in sums}
        written = [(line, cells) for line, cells in written if line not in lines_of_sums]
    fitting = [(line, cells) for line, cells in written[1:] if len(cells) == width]
    if len(fitting) < len(written) - 1:
        trimmed = [(line, _trim(cells, width)) for line, cells in written[1:]]
        fitting = [(line, cells) for line, cells in trimmed if len(cells) == width]
        malformed = tuple((line, len(cells)) for line, cells in trimmed if len(cells) != width)
    else:
        malformed = ()
    if len(written) == 1:
        raise InputError(
            f"{file_name} has a header and no rows.", remedy="Give a file with one row per employee."
        )
    frame = pd.DataFrame([cells for _, cells in fitting], columns=headers, dtype=object)
    for header in headers:
        frame[header] = frame[header].str.strip() if len(frame) else frame[header]
    unnamed = [h for h in headers if h.startswith("column ") and (frame[h] == "").all()]
    lines = np.array([line for line, _ in fitting], dtype=np.int64)
    return frame.drop(columns=unnamed), lines, malformed, tuple(notices)


def _header_place(written: Records, known_headers: Collection[str]) -> int:
    """Return the place of the header: the first row, or a later one with more known names below titles."""
    known = {word for column in BY_NAME.values() for tier in column.synonyms for word in tier}
    known |= {normalise_header(header) for header in known_headers}
    rows = [cells for _, cells in written[:HEADER_SEARCH_ROWS]]
    scores = [sum(normalise_header(cell) in known for cell in cells if cell.strip()) for cells in rows]
    best = scores.index(max(scores))
    above = max((_filled(cells) for cells in rows[:best]), default=0)
    return best if scores[best] >= HEADERS_MIN and above < _filled(rows[best]) else 0


def _lines_below(rows: Records, width: int) -> int:
    """Return how many of the last rows are no rows of the table: sources, dates, page numbers."""
    few = max(1, int(width * FOOTER_SHARE_MAX))
    below = 0
    while below < len(rows) - 1 and width > 1 and _filled(rows[-1 - below][1]) <= few:
        below += 1
    return below


def _is_total(cells: Sequence[str], totals: Collection[str]) -> bool:
    first = next(cell for cell in cells if cell.strip())
    return first.strip(" :").replace(" ", "").replace("-", "").casefold() in totals


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _shown(rows: Sequence[tuple[int, Sequence[str]]]) -> str:
    """Return the first cells of rows as a text, with the digits masked: a message has no one's pay."""
    texts = (" ".join(" ".join(cells).split()) for _, cells in rows[:SHOWN_LINES])
    shown = "; ".join(f"{re.sub(r'[0-9]', '#', text)[:SHOWN_CHARACTERS]!r}" for text in texts)
    return shown + (f" and {len(rows) - SHOWN_LINES} more" if len(rows) > SHOWN_LINES else "")


def first_lines(source: SourceFile) -> str:
    """Return header and first rows for a message about a header that was not found, digits masked."""
    rows = [list(source.frame.columns), *source.frame.head(SHOWN_LINES - 1).to_numpy().tolist()]
    return _shown(list(enumerate(rows)))


def _headers(cells: Sequence[str]) -> list[str]:
    """Return distinct headers: an empty one is `column <n>`, a repeated one gets ` (2)`."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    headers: list[str] = []
    for number, cell in enumerate(cells, start=1):
        header = " ".join(cell.split()) or f"column {number}"
        repeats = sum(h == header or h.startswith(f"{header} (") for h in headers)
        headers.append(f"{header} ({repeats + 1})" if header in headers else header)
    return headers


def _trim(cells: Sequence[str], width: int) -> Sequence[str]:
    while len(cells) > width and not cells[-1].strip():
        cells = cells[:-1]
    return cells


CONFIG: dict[str, Any] = {"python_enable_replacements": False, "threads": 1}


def kept_rows(frame: pd.DataFrame, expression: str) -> npt.NDArray[np.bool_]:
    """Return for each row whether the expression is true (NULL is not); raises InputError on a bad one."""
    import duckdb  # only a file with a filter needs it

    try:
        return _evaluate(_as_text(frame), expression)
    except duckdb.Error as first:
        try:
            return _evaluate(_as_numbers(frame), expression)
        except duckdb.Error:
            reason = str(first).split("\n\n")[0].strip()
            raise InputError(
                f"The filter {expression!r} cannot be evaluated: {reason}",
                remedy=f"Write one true-or-false SQL expression over: {', '.join(map(repr, frame.columns))}.",
            ) from first


def _evaluate(table: pa.Table, expression: str) -> npt.NDArray[np.bool_]:
    import duckdb

    with duckdb.connect(":memory:", config=CONFIG) as connection:
        connection.register("source", table)
        connection.execute("CREATE TABLE file AS SELECT * FROM source")
        connection.unregister("source")
        connection.execute(
            r"CREATE MACRO money(t) AS "
            r"TRY_CAST(regexp_replace(t::VARCHAR, '[$,\s]', '', 'g') AS DECIMAL(14,2))"
        )
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        query = f"SELECT row_number, ({expression}\n) AS keep FROM file"
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise InputError(f"The filter {expression!r} is more than one expression.")
        result = connection.execute(statements[0])
        kinds = [str(column[1]) for column in result.description or []]
        answer = result.fetchnumpy()
    if len(kinds) != 2 or kinds[1] != "BOOLEAN" or len(answer["row_number"]) != table.num_rows:
        raise InputError(
            f"The filter {expression!r} is not a true-or-false expression over the rows.",
            remedy="Give an expression as after WHERE.",
        )
    keep = np.zeros(table.num_rows, dtype=bool)
    keep[answer["row_number"]] = np.ma.filled(answer["keep"], False)
    return keep


def _as_text(frame: pd.DataFrame) -> pa.Table:
    texts = frame.where(frame != "", None)
    columns = {str(name): pa.array(texts[name], pa.string()) for name in frame.columns}
    return pa.table({"row_number": pa.array(range(len(frame)), pa.int64())} | columns)


def _as_numbers(frame: pd.DataFrame) -> pa.Table:
    table = _as_text(frame)
    for position, name in enumerate(frame.columns, start=1):
        filled = frame[name] != ""
        money = parse_money(frame[name][filled], POINT)
        if filled.any() and not money.bad.any():
            numbers = np.full(len(frame), np.nan)
            numbers[filled.to_numpy()] = money.cents / 100
            table = table.set_column(position, str(name), pa.array(numbers, pa.float64(), from_pandas=True))
    return table
