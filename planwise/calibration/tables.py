"""Markdown tables and how numbers are written in reports."""

from collections.abc import Iterable, Sequence

NONE = "–"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table; the first column reads to the left, the others to the right."""
    lines = ["| " + " | ".join(headers) + " |", "|" + "|".join(["---", *["---:"] * (len(headers) - 1)]) + "|"]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def pct(rate: float | None, digits: int = 1) -> str:
    """Return a rate in per cent."""
    return NONE if rate is None else f"{rate:.{digits}%}"


def span(low: float | None, high: float | None, digits: int = 1) -> str:
    """Return an interval of rates."""
    return NONE if low is None or high is None else f"{low * 100:.{digits}f}–{high:.{digits}%}"


def count(value: float | None) -> str:
    """Return a number of heads."""
    return NONE if value is None else f"{value:,.0f}"
