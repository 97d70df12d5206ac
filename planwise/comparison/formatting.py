"""Figures as people read them: thousands, percent, percentage points, millions."""

from typing import Any

from planwise.comparison.metrics import Figure, Kind

NONE = "-"
MILLION = 1_000_000
PP = 100


def figure(value: Figure, kind: Kind) -> str:
    """Return a figure in its unit."""
    if value is None:
        return NONE
    if kind is Kind.RATE:
        return f"{value:.2%}"
    if kind is Kind.RATIO:
        return f"{value:.3f}"
    return money(value) if kind is Kind.MONEY else f"{value:,}"


def change(value: Figure, kind: Kind) -> str:
    """Return a difference with its sign: percentage points for rates."""
    if value is None:
        return NONE
    if kind is Kind.RATE:
        return f"{PP * float(value):+.2f} pp"
    if kind is Kind.RATIO:
        return f"{value:+.3f}"
    return money(value, sign="+") if kind is Kind.MONEY else f"{value:+,}"


def money(value: Figure, sign: str = "") -> str:
    """Return an amount, in millions from a million on."""
    if value is None:
        return NONE
    amount = float(value)
    if abs(amount) >= MILLION:
        return f"{amount / MILLION:{sign},.2f} M"
    return f"{amount:{sign},.0f}" if round(amount) else "0"


def setting_text(value: Any, unit: str) -> str:
    """Return a parameter's value: rates in percent."""
    if value is None:
        return "none"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if unit == "rate":
        return f"{PP * value:.4f}".rstrip("0").rstrip(".") + "%"
    return f"{value:,.0f}" if unit == "money" else f"{value:g}"
