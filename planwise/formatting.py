"""Format numbers with their units, for the command line, reports, workbooks and the dashboard.

Rates are 0–1. Numbers have thousands separators and a real minus sign; a missing number is n/a.
"""

import math
import re
from typing import Any

NOT_AVAILABLE = "n/a"
MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"
SCALES = ((1e9, "B", 2), (1e6, "M", 1))  # below a million, amounts are written out
NEGLIGIBLE = 1e-4  # below it, a number without a unit is written as 0
WHOLE_FROM = 1e6  # from here on, a number without a unit has no decimals


def count(value: Any, *, sign: bool = False) -> str:
    """Format a whole number: 10,300."""
    return NOT_AVAILABLE if _missing(value) else _signed(f"{float(value):{'+' if sign else ''},.0f}")


def amount_short(value: Any, *, sign: bool = False, currency: str = "") -> str:
    """Format an amount for a headline: 1.29 B, 808.4 M, 112,324."""
    if _missing(value):
        return NOT_AVAILABLE
    size = abs(float(value))
    for scale, letter, decimals in SCALES:
        if size >= scale:
            return _prefix(value, sign) + f"{currency}{size / scale:,.{decimals}f}{NBSP}{letter}"
    return _prefix(value, sign) + f"{currency}{size:,.0f}"


def percent(rate: Any, decimals: int = 1, *, sign: bool = False) -> str:
    """Format a rate as a percentage: 0.0318 is 3.2%."""
    if _missing(rate):
        return NOT_AVAILABLE
    return _signed(f"{float(rate) * 100:{'+' if sign else ''},.{decimals}f}%")


def points(rate: Any, decimals: int = 2, *, sign: bool = True) -> str:
    """Format a difference of two rates in percentage points: +0.17 pp.

    Two decimals, because a study's tolerance is a tenth of a point.
    """
    if _missing(rate):
        return NOT_AVAILABLE
    return _signed(f"{float(rate) * 100:{'+' if sign else ''},.{decimals}f}{NBSP}pp")


def ratio(value: Any, decimals: int = 2, *, sign: bool = False) -> str:
    """Format a plain ratio such as a compa-ratio: 1.03."""
    return NOT_AVAILABLE if _missing(value) else _signed(f"{float(value):{'+' if sign else ''},.{decimals}f}")


def number(value: Any, digits: int = 4) -> str:
    """Format a number whose unit is unknown, to so many significant digits."""
    if _missing(value):
        return NOT_AVAILABLE
    size = abs(float(value))
    if float(value).is_integer() or size >= WHOLE_FROM:
        return _signed(f"{value:,.0f}")
    return "0" if size < NEGLIGIBLE else _signed(f"{value:,.{digits}g}")


def _missing(value: Any) -> bool:
    return value is None or not math.isfinite(float(value))


def _signed(text: str) -> str:
    """Use the real minus sign, and no sign at all on a zero."""
    if not any(digit in text for digit in "123456789"):
        return text.lstrip("+-")
    return text.replace("-", MINUS)


def _prefix(value: Any, sign: bool) -> str:
    """Return the sign before a currency; none where the amount rounds to zero."""
    if not round(float(value)):
        return ""
    return MINUS if float(value) < 0 else "+" if sign else ""


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
FORMULA_PATTERN = "^ *[" + "".join(map(re.escape, FORMULA_STARTS)) + "]"  # a spreadsheet passes over blanks


def escape_formula(value: object) -> object:
    """Return a text with an apostrophe before it when a spreadsheet would calculate it; else the value."""
    if isinstance(value, str) and re.match(FORMULA_PATTERN, value):
        return f"'{value}"
    return value
