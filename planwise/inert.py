"""Text that a spreadsheet would calculate, made inert: a CSV file says what was written, and does nothing."""

import re

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
FORMULA_PATTERN = "^ *[" + "".join(map(re.escape, FORMULA_STARTS)) + "]"  # a spreadsheet passes over blanks


def inert(value: object) -> object:
    """Return a text with an apostrophe before it when a spreadsheet would calculate it; else the value."""
    if isinstance(value, str) and re.match(FORMULA_PATTERN, value):
        return f"'{value}"
    return value
