"""Read a payroll file of any layout into text cells: CSV of any dialect, Excel or Parquet, gzip or not.

What a file is follows from its content, never from its name. Every cell becomes stripped text;
what it means is decided later, where it can be reported.
"""

import gzip
import hashlib
import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census.spreadsheets import read_excel, read_parquet
from planwise.census.text_files import read_csv
from planwise.errors import InputError

GZIP, ZIP, OLE, PARQUET = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"


@dataclass(frozen=True)
class SourceFile:
    """A file's cells as text: `frame` has one row per record, `lines` the line (row of the sheet) of each.

    `malformed` are (line, number of fields) of records that do not fit the header.
    """

    path: Path
    kind: str
    details: dict[str, str]
    sha256: str
    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]
    malformed: tuple[tuple[int, int], ...]


def read_source(path: Path, sheet: str | None = None) -> SourceFile:
    """Read the file; raises InputError when it is missing, damaged, empty or of an unknown kind."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}.", remedy="Check the path and the rights."
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
        kind, records, more = "csv", *read_csv(content, path.name)
    if sheet is not None and kind != "excel":
        raise InputError(
            f"`sheet: {sheet}` was given but {path.name} is not an Excel file.", remedy="Leave it out."
        )
    frame, lines, malformed = _tabulate(records, path.name)
    return SourceFile(path, kind, details | more, digest, frame, lines, malformed)


Tabulated = tuple[pd.DataFrame, npt.NDArray[np.int64], tuple[tuple[int, int], ...]]


def _tabulate(records: Sequence[tuple[int, Sequence[str]]], file_name: str) -> Tabulated:
    """Split records into header and rows; blank records are skipped, trailing empty fields do not count."""
    written = [(line, cells) for line, cells in records if any(map(str.strip, cells))]
    if not written:
        raise InputError(
            f"{file_name} holds no text.", remedy="Give a file with a header and one row per employee."
        )
    headers = _headers(written[0][1])
    width = len(headers)
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
    return frame.drop(columns=unnamed), np.array([line for line, _ in fitting], dtype=np.int64), malformed


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
