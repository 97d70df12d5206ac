"""Differences between figures: exact on decimals, None where a side has no figure."""

from decimal import Decimal
from typing import Any

Figure = int | float | Decimal | None


def difference(value: Figure, base: Figure) -> Figure:
    """Return value - base; None when either is missing."""
    if value is None or base is None:
        return None
    if isinstance(value, float) or isinstance(base, float):
        return float(value) - float(base)
    return value - base


def relative(value: Figure, base: Figure) -> float | None:
    """Return (value - base) / |base|; None when either is missing or the base is 0."""
    change = difference(value, base)
    if change is None or not base:
        return None
    return float(change) / abs(float(base))


def numeric(value: Any) -> Figure:
    """Return a parameter's value as a figure; None for a flag, a date or nothing."""
    return value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None
