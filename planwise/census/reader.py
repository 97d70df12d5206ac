"""Read a payroll file (CSV, Excel, Parquet) as text columns, and filter its rows."""

import codecs
import contextlib
import csv
import gzip
import hashlib
import io
import json
import re
import stat
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from charset_normalizer import from_bytes

from planwise.census.schema import BY_NAME, normalise_header, words
from planwise.errors import InputError
from planwise.formatting import counted

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
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
SEPARATOR_LINE = re.compile(r'(?P<line>"?sep=(?P<mark>[^"\r\n])"?)(?=\r?\n)', re.IGNORECASE)
FIELD_CHARACTERS_MAX = 100_000  # a longer field is an unclosed quote
LINE_CHARACTERS_MAX = 2_000_000
FILE_BYTES_MAX = 512 * 2**20  # also of what a compressed file holds
CELLS_MAX = 30_000_000  # a million people with thirty columns
COLUMNS_MAX = 2_000
LAST_CELL = (
    "Look for cells far outside the table (Ctrl+End goes to the last one), delete their rows and columns, "
    "and save it again."
)
UNREADABLE_BOOK = 3  # exit status of `workbook.py`
BOOK_MEMORY_BYTES, BOOK_SECONDS = 3 * 2**30, 300  # of the process that reads a workbook

Record = tuple[int, Sequence[str]]
Records = list[Record]


def read_bytes(path: Path, limit: int) -> bytes:
    """Return a regular file's bytes; raises InputError on anything else, and on more than `limit` bytes."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
            raise InputError(f"{path} is {kind}.", remedy="Give a file.")
        if found.st_size > limit:
            raise too_large(path.name, f"{found.st_size:,} bytes", f"{limit:,}")
        with path.open("rb") as opened:
            content = opened.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"{path} cannot be read: {reason}.", remedy="Check the path and its permissions."
        ) from error
    if len(content) > limit:  # of a file that grows, or of /proc
        raise too_large(path.name, "more bytes", f"{limit:,}")
    return content


def too_large(file_name: str, size: str, limit: str) -> InputError:
    """Return the error for a file that has more of something than can be read."""
    return InputError(
        f"{file_name} has {size}; at most {limit} can be read.",
        remedy="Leave out the columns that a plan does not need, or split the file.",
    )


def bounded(records: Iterable[Record], file_name: str) -> Records:
    """Return the records; raises InputError when they have too many columns, cells or characters."""
    found, cells, characters = [], 0, 0
    for record in records:
        width = len(record[1])
        if width > COLUMNS_MAX and sum(map(bool, record[1])) > COLUMNS_MAX:
            raise too_large(file_name, f"{width:,} columns in line {record[0]}", f"{COLUMNS_MAX:,}")
        cells += width
        characters += sum(map(len, record[1]))
        if cells > CELLS_MAX:
            raise too_large(file_name, f"more than {CELLS_MAX:,} cells", f"{CELLS_MAX:,}")
        if characters > FILE_BYTES_MAX:
            raise too_large(file_name, f"more than {FILE_BYTES_MAX:,} characters", f"{FILE_BYTES_MAX:,}")
        found.append(record)
    return found


def read_csv(content: bytes, file_name: str, encoding: str | None = None) -> tuple[Records, dict[str, str]]:
    """Return (line, fields) per record and the encoding and delimiter found; raises InputError."""
    text, encoding = decode(content, file_name, encoding)
    stated = SEPARATOR_LINE.match(text)
    if stated:
        text = text[stated.end("line") :]  # its line break stays, so that lines keep their numbers
    delimiter = stated["mark"] if stated else _delimiter(text)
    try:
        records = bounded(_parse(text, delimiter), file_name)
    except csv.Error as error:
        raise InputError(
            f"{file_name} is not readable as text with fields: {error}.",
            remedy="Look for a quote that is opened and not closed, or export the file again.",
        ) from error
    last = records[-1][1][-1] if records and records[-1][1] else ""
    if any(end in last for end in "\r\n") and not text[-LINE_CHARACTERS_MAX:].rstrip().endswith('"'):
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
            with contextlib.suppress(UnicodeError):
                b"a".decode(name)  # which a codec of bytes refuses
        except LookupError as error:
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


def _parse(text: str, delimiter: str) -> Iterator[Record]:
    csv.field_size_limit(FIELD_CHARACTERS_MAX)
    reader = csv.reader(_lines(text), delimiter=delimiter, skipinitialspace=True)
    return ((reader.line_num, fields) for fields in reader)


def _lines(text: str) -> Iterator[str]:
    """Return the lines with their ends; raises csv.Error on an endless one."""
    for found in LINE.finditer(text):
        if found.end() - found.start() > LINE_CHARACTERS_MAX:
            raise csv.Error(f"a line has more than {LINE_CHARACTERS_MAX:,} characters")
        yield found[0]


def _delimiter(text: str) -> str:
    """Choose the delimiter with which most records have the header's number of fields, and most fields."""

    def score(delimiter: str) -> tuple[int, int]:
        try:
            sample = [fields for _, fields in islice(_parse(text, delimiter), DIALECT_SAMPLE_RECORDS)]
        except csv.Error:  # said when the whole is read
            return (0, text[:LINE_CHARACTERS_MAX].partition("\n")[0].count(delimiter) + 1)
        records = [fields for fields in sample if any(map(str.strip, fields))] or sample
        width = len(records[0]) if records else 0
        return (sum(len(fields) == width for fields in records) if width > 1 else 0, width)

    return max(DELIMITERS, key=score)


def read_excel(content: bytes, file_name: str, sheet: str | None) -> tuple[Records, dict[str, str]]:
    """Return (row, cells) of the named sheet, or of the only one that is not empty; raises InputError.

    The workbook is read in a process with limits of memory and time (`workbook.py`).
    """
    limits = [str(BOOK_MEMORY_BYTES), str(BOOK_SECONDS), *([] if sheet is None else [sheet])]
    script = str(Path(__file__).with_name("workbook.py"))
    with tempfile.TemporaryFile() as book, tempfile.TemporaryFile() as said:
        book.write(content)
        book.seek(0)
        with subprocess.Popen(
            [sys.executable, "-I", script, *limits], stdin=book, stdout=subprocess.PIPE, stderr=said
        ) as process:
            try:
                sheets, records = _from_process(process, file_name)
            except BaseException:
                process.kill()
                raise
        said.seek(0)
        reason = said.read().decode(errors="replace").strip()
    if process.returncode == UNREADABLE_BOOK:
        raise InputError(f"{file_name} is not a readable Excel file: {reason}.", remedy="Save it as .xlsx.")
    if process.returncode or sheets is None:
        raise InputError(
            f"{file_name} could not be read within {BOOK_MEMORY_BYTES / 2**30:.0f} GiB of memory and "
            f"{BOOK_SECONDS} seconds, or is damaged.",
            remedy=LAST_CELL,
        )
    if sheet is not None and sheet not in sheets["all"]:
        raise InputError(f"{file_name} has no sheet {sheet!r}; it has: {', '.join(sheets['all'])}.")
    if sheet is None and len(sheets["filled"]) > 1:
        raise InputError(
            f"{file_name} has several sheets with content: {', '.join(sheets['filled'])}.",
            remedy="Name one in the mapping YAML: `sheet: NAME`.",
        )
    return records, {"sheet": sheets["sheet"] or ""}


def _from_process(process: "subprocess.Popen[bytes]", file_name: str) -> tuple[Any, Records]:
    """Return what `workbook.py` says of the sheets, and the rows of the chosen one."""
    assert process.stdout is not None
    sheets = json.loads(process.stdout.readline() or "null")
    csv.field_size_limit(FIELD_CHARACTERS_MAX)
    out = io.TextIOWrapper(process.stdout, encoding="utf-8", newline="")
    try:
        return sheets, bounded(((int(c[0]), c[1:]) for c in csv.reader(out)), file_name)
    except (csv.Error, ValueError) as error:
        raise InputError(f"{file_name} is not a readable Excel file: {error}.", remedy=LAST_CELL) from error


def read_parquet(content: bytes, file_name: str) -> tuple[Records, dict[str, str]]:
    """Return (row, cells), the header as the first record; raises InputError on nested columns or damage."""
    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        texts = [
            c.name for c in file.schema_arrow if pa.types.is_string(c.type) or pa.types.is_binary(c.type)
        ]
        if (cells := file.metadata.num_rows * file.metadata.num_columns) > CELLS_MAX:
            raise too_large(file_name, f"{cells:,} cells", f"{CELLS_MAX:,}")
        # Repeated texts are written once: read so, a few bytes do not become billions of characters.
        table = pq.ParquetFile(pa.BufferReader(content), read_dictionary=texts).read()
        columns = [_texts(column) for column in table.columns]
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{file_name} is not a readable flat Parquet file: {error}.",
            remedy="Give a Parquet file whose columns are plain values.",
        ) from error
    header: Records = [(0, list(table.column_names))]
    return header + bounded(enumerate(zip(*columns, strict=True), start=1), file_name), {}


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
    if pa.types.is_dictionary(kind):
        texts = []
        for chunk in column.chunks:
            distinct = ["" if text is None else str(text) for text in chunk.dictionary.to_pylist()]
            texts += ["" if place is None else distinct[place] for place in chunk.indices.to_pylist()]
        return texts
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
    content = read_bytes(path, FILE_BYTES_MAX)
    digest = hashlib.sha256(content).hexdigest()
    details: dict[str, str] = {}
    if content.startswith(GZIP):
        details["compression"] = "gzip"
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as opened:
                content = opened.read(FILE_BYTES_MAX + 1)
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(
                f"{path.name} is a damaged gzip file: {error}.", remedy="Fetch it again."
            ) from error
        if len(content) > FILE_BYTES_MAX:
            raise too_large(path.name, "more bytes when uncompressed", f"{FILE_BYTES_MAX:,}")
    if not content or content.isspace():
        raise InputError(
            f"{path.name} is empty.", remedy="Give a file with a header and one row per employee."
        )
    if content.startswith((ZIP, OLE)):
        kind, records, more = "excel", *read_excel(content, path.name, sheet)
    elif content.startswith(PARQUET):
        kind, records, more = "parquet", *read_parquet(content, path.name)
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
    named = [" ".join(cell.split()) for cell in written[0][1]]
    if again := [row for row in written[1:] if [" ".join(cell.split()) for cell in row[1]] == named]:
        notices.append(f"Left out {counted(len(again), 'row that repeats', 'rows that repeat')} the header.")
        written = [written[0], *(row for row in written[1:] if row not in again)]
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
        if len(frame):
            cells = frame[header].str.strip()
            is_formula = cells.str.startswith('="')  # ="00123" keeps zeros in a spreadsheet
            frame[header] = cells.str.replace(r'^="(.*)"$', r"\1", regex=True) if is_formula.any() else cells
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
    listed = "; ".join(f"{re.sub(r'[0-9]', '#', text)[:SHOWN_CHARACTERS]!r}" for text in texts)
    return listed + (f" and {len(rows) - SHOWN_LINES} more" if len(rows) > SHOWN_LINES else "")


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
