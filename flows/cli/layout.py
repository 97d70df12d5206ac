"""How figures and tables look in a terminal."""

from typing import Any

from rich import box

MILLION = 1_000_000
PP = 100
PLAIN: dict[str, Any] = {
    "box": box.SIMPLE_HEAD,
    "padding": (0, 0),
    "collapse_padding": True,
    "pad_edge": False,
}


def percent(rate: float | None) -> str:
    """Return a rate as percent, - when there is none."""
    return "-" if rate is None else f"{rate:.2%}"


def money(amount: float | None) -> str:
    """Return an amount, in millions from a million on, - when there is none."""
    if amount is None:
        return "-"
    return f"{amount / MILLION:,.1f} M" if abs(amount) >= MILLION else f"{amount:,.0f}"


def signed_money(amount: float | None) -> str:
    """Return a difference of amounts, with its sign."""
    return money(amount) if amount is None or amount < 0 else f"+{money(amount)}"
