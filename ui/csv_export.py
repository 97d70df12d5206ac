"""CSV that a spreadsheet shows as text: what looks like a formula is quoted, numbers keep full precision."""

import io

import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
BOM = "\ufeff"  # without it Excel reads UTF-8 as the local code page


def inert(value: object) -> object:
    """Return a text with an apostrophe before it when a spreadsheet would calculate it; else the value."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def to_csv(frame: pd.DataFrame) -> io.BytesIO:
    """Return the frame as a UTF-8 CSV file, headers and texts made inert."""
    safe = frame.map(inert).rename(columns=lambda name: str(inert(str(name))))
    return io.BytesIO((BOM + safe.to_csv(index=False, lineterminator="\r\n")).encode())
