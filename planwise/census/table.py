"""Find the table in a file: its header, what stands above, below and within it."""

import re
from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census.schema import BY_NAME, normalise_header, words
from planwise.errors import InputError

Record = tuple[int, Sequence[str]]
Records = list[Record]

HEADER_SEARCH_ROWS = 30
HEADERS_MIN = 2  # known headers in a row that make it the header
FOOTER_SHARE_MAX = 0.34  # of the columns: a line with so few cells below the table is no row of it
SHOWN_LINES, SHOWN_CHARACTERS = 3, 70
Tabulated = tuple[pd.DataFrame, npt.NDArray[np.int64], tuple[tuple[int, int], ...], tuple[str, ...]]


def tabulate(
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
            f"The header is line {written[start][0]}; above it: {shown(written[:start])}. "
            "State another with `skip_rows`."
        )
        written = written[start:]
    headers = _headers(written[0][1])
    width = len(headers)
    if below := _lines_below(written[1:], width):
        notices.append(f"Left out below the table: {shown(written[-below:])}.")
        written = written[:-below]
    totals = frozenset(words()["totals"].split())
    if sums := [(line, cells) for line, cells in written[1:] if _is_total(cells, totals)]:
        notices.append(f"Left out as sums of other rows: {shown(sums)}.")
        lines_of_sums = {line for line, _ in sums}
        written = [(line, cells) for line, cells in written if line not in lines_of_sums]
    named = [" ".join(cell.split()) for cell in written[0][1]]
    if again := [row for row in written[1:] if [" ".join(cell.split()) for cell in row[1]] == named]:
        notices.append(f"Left out {len(again):,} rows that repeat the header.")
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


def shown(rows: Sequence[tuple[int, Sequence[str]]]) -> str:
    """Return the first cells of rows as a text, with the digits masked: a message has no one's pay."""
    texts = (" ".join(" ".join(cells).split()) for _, cells in rows[:SHOWN_LINES])
    listed = "; ".join(f"{re.sub(r'[0-9]', '#', text)[:SHOWN_CHARACTERS]!r}" for text in texts)
    return listed + (f" and {len(rows) - SHOWN_LINES} more" if len(rows) > SHOWN_LINES else "")


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
