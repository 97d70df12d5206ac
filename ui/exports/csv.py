"""CSV that a spreadsheet shows as text: what looks like a formula is quoted, numbers keep full precision."""

import io

import pandas as pd

from planwise.formatting import escape_formula

BOM = "\ufeff"  # without it Excel reads UTF-8 as the local code page


def to_csv(frame: pd.DataFrame) -> io.BytesIO:
    """Return the frame as a UTF-8 CSV file, headers and texts made inert."""
    safe = frame.map(escape_formula).rename(columns=lambda name: str(escape_formula(str(name))))
    return io.BytesIO((BOM + safe.to_csv(index=False, lineterminator="\r\n")).encode())
