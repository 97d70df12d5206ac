"""How figures are written: thousands separators, a unit, a real minus sign, n/a when there is none."""

import math
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

NOT_AVAILABLE = "n/a"
MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"
CELL_MAX = 90  # characters
LEVEL = re.compile(r"\b[Ll]evel (\d)\b")
MINUTES_FROM = 120  # seconds
SCALES = ((1e9, "B", 2), (1e6, "M", 1))  # below a million, dollars are written out


def count(value: Any) -> str:
    """Return a whole number: 10,300."""
    return NOT_AVAILABLE if _missing(value) else _signed(f"{float(value):,.0f}")


def money(value: Any, *, sign: bool = False) -> str:
    """Return whole dollars with separators: $112,324; with `sign`, +$112,324."""
    if _missing(value):
        return NOT_AVAILABLE
    return _prefix(value, sign) + f"${abs(float(value)):,.0f}"


def money_short(value: Any, *, sign: bool = False) -> str:
    """Return dollars for a headline: $1.29 B, $808.4 M, $112,324."""
    if _missing(value):
        return NOT_AVAILABLE
    size = abs(float(value))
    for scale, letter, decimals in SCALES:
        if size >= scale:
            return _prefix(value, sign) + f"${size / scale:,.{decimals}f}{NBSP}{letter}"
    return money(value, sign=sign)


def percent(rate: Any, decimals: int = 1, *, sign: bool = False) -> str:
    """Return a rate as a percentage: 0.0318 is 3.2%."""
    if _missing(rate):
        return NOT_AVAILABLE
    return _signed(f"{float(rate) * 100:{'+' if sign else ''},.{decimals}f}%")


def goal(rate: Any) -> str:
    """Return a rate that somebody set, none of its digits lost: 3.0%, 3.25%, 3.125%."""
    if _missing(rate):
        return NOT_AVAILABLE
    decimals = len(f"{float(rate) * 100:.4f}".rstrip("0").partition(".")[2])
    return percent(rate, max(decimals, 1))


def points(rate: Any, decimals: int = 2) -> str:
    """Return a difference of two rates in percentage points, with its sign: +0.17 pp.

    Two decimals, because a study's tolerance is a tenth of a point.
    """
    if _missing(rate):
        return NOT_AVAILABLE
    return _signed(f"{float(rate) * 100:+,.{decimals}f}{NBSP}pp")


def ratio(value: Any, decimals: int = 2) -> str:
    """Return a plain ratio such as a compa-ratio: 1.03."""
    return NOT_AVAILABLE if _missing(value) else _signed(f"{float(value):,.{decimals}f}")


def seconds(value: Any) -> str:
    """Return a duration: 48 ms, 5.2 s, 3.8 min."""
    if _missing(value):
        return NOT_AVAILABLE
    duration = float(value)
    if duration < 1:
        return f"{duration * 1000:.0f}{NBSP}ms"
    return f"{duration:,.1f}{NBSP}s" if duration < MINUTES_FROM else f"{duration / 60:,.1f}{NBSP}min"


def shortened(text: str) -> str:
    """Return a long text cut to a table cell's length; the download has the whole of it."""
    return text if len(text) <= CELL_MAX else f"{text[: CELL_MAX - 1].rstrip()}…"


def moment(iso: str) -> str:
    """Return a UTC time of a manifest, shortened to the minute: 2026-11-20 11:03 UTC."""
    return f"{iso[:10]}{NBSP}{iso[11:16]}{NBSP}UTC"


def level(level_id: Any, names: Mapping[int, str] | None = None) -> str:
    """Return a job level with its name: L3 Senior Manager; Level 3 where it has none.

    `names` are a census's own level names by level_id; without them, those of the default pay structure.
    """
    if _missing(level_id):
        return NOT_AVAILABLE
    number = int(level_id)
    own = (level_names() if names is None else names).get(number, "")
    name = re.sub(rf"\s*\bL{number}$", "", own.strip())
    return f"L{number} {name}" if name and name != f"Level {number}" else f"Level {number}"


def with_levels(text: str) -> str:
    """Return a text of the core library with its levels called as pages call them: level 1 is L1 Staff."""
    return LEVEL.sub(lambda m: level(m[1]) if int(m[1]) in level_names() else m[0], text)


@cache
def level_names() -> Mapping[int, str]:
    """Return the level names of the default pay structure, by level_id."""
    declared = resources.files("planwise").joinpath("census/levels.yaml").read_text(encoding="utf-8")
    return {int(row["level_id"]): str(row["name"]) for row in yaml.safe_load(declared)}


def _missing(value: Any) -> bool:
    return value is None or not math.isfinite(float(value))


def _signed(text: str) -> str:
    """Use the real minus sign, and no sign at all on a zero."""
    if not any(digit in text for digit in "123456789"):
        return text.lstrip("+-")
    return text.replace("-", MINUS)


def _prefix(value: Any, sign: bool) -> str:
    if float(value) < 0:
        return MINUS
    return "+" if sign and float(value) > 0 else ""
