"""How a report writes figures; - stands where there is none."""

from typing import Any

PP = 100.0
NONE = "-"
MINUS = "−"  # a real minus sign: as wide as a plus, and no hyphen
MILLION = 1e6
TINY = 1e-4  # below it a figure of no known unit is nothing


def percent(rate: float | None, decimals: int = 2) -> str:
    """Return a rate as per cent."""
    return NONE if rate is None else _signed(f"{PP * rate:.{decimals}f}%", False)


def change(rate: float | None, decimals: int = 1) -> str:
    """Return a change of a rate's kind as per cent, with its sign."""
    return NONE if rate is None else _signed(f"{PP * rate:+.{decimals}f}%", True)


def points(rate: float | None, decimals: int = 2) -> str:
    """Return a difference of rates in percentage points, with its sign."""
    return NONE if rate is None else _signed(f"{PP * rate:+.{decimals}f} pp", True)


def amount(value: float | None) -> str:
    """Return an amount of money, whole."""
    return NONE if value is None else _signed(f"{value:,.0f}", False)


def amount_change(value: float | None) -> str:
    """Return a difference of amounts, whole, with its sign."""
    return NONE if value is None else _signed(f"{value:+,.0f}", True)


def millions(value: float | None) -> str:
    """Return an amount in millions from a million on, else whole."""
    if value is None:
        return NONE
    return _signed(f"{value / MILLION:,.1f} M" if abs(value) >= MILLION else f"{value:,.0f}", False)


def millions_change(value: float | None) -> str:
    """Return a difference of amounts like `millions`, with its sign."""
    if value is None:
        return NONE
    return millions(value) if value < 0 else f"+{millions(value)}"


def number(value: Any, digits: int = 4) -> str:
    """Return a number of no known unit."""
    if value is None:
        return NONE
    if isinstance(value, float) and abs(value) < TINY:
        return "0"
    if isinstance(value, int) or float(value).is_integer():
        return _signed(f"{value:,.0f}", False)
    return _signed(f"{value:,.{digits}g}" if abs(value) < MILLION else f"{value:,.0f}", False)


def _signed(text: str, plus: bool) -> str:
    zero = not any(digit in text for digit in "123456789")
    bare = text.lstrip("+-") if zero else text
    return bare.replace("-", MINUS)
