"""How compared figures and their differences are written, and which direction is the better one."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from ui.components.html import Tone
from ui.values.formatting import MINUS, NOT_AVAILABLE, count, money, percent, points, ratio

PEOPLE, MONEY, RATE, RATIO = "people", "currency a year", "rate", "ratio"
UNITS: Mapping[str, str] = {PEOPLE: "people", MONEY: "$", RATE: "%", RATIO: "ratio"}
Direction = Literal["lower", "target"]
# Only where everybody agrees: what a raise costs is neither good nor bad.
BETTER: Mapping[str, Direction] = {
    "growth_compound": "target",
    "adjusted_gap_max": "lower",
    "below_minimum": "lower",
    "above_maximum": "lower",
    "termination_rate": "lower",
}
LEAST: Mapping[str, float] = {PEOPLE: 0.5, MONEY: 0.5, RATE: 0.00005, RATIO: 0.0005}  # less shows as nothing


def figure(value: Any, unit: str) -> str:
    """Return a figure in its unit."""
    writers: Mapping[str, Callable[[Any], str]] = {
        PEOPLE: count,
        MONEY: money,
        RATE: lambda v: percent(v, 2),
        RATIO: lambda v: ratio(v, 3),
    }
    return writers[unit](value)


def change(value: Any, unit: str) -> str:
    """Return a difference with its sign: percentage points for rates; an equals sign for none."""
    if _missing(value):
        return NOT_AVAILABLE
    if abs(value) < LEAST[unit]:
        return "="
    if unit == MONEY:
        return money(value, sign=True)
    if unit == RATE:
        return points(value)
    text = f"{value:+,.3f}" if unit == RATIO else f"{value:+,.0f}"
    return text.replace("-", MINUS)


def share(value: Any, unit: str) -> str:
    """Return a relative difference, where it says more than the difference: of amounts and counts."""
    if _missing(value) or unit not in (MONEY, PEOPLE) or abs(value) < LEAST[RATE]:
        return ""
    return percent(value, sign=True)


def verdict(metric: str, unit: str, value: Any, base: Any, target: float | None) -> tuple[str, Tone]:
    """Return better, worse or nothing: whether a figure is, where a direction is agreed on."""
    direction = BETTER.get(metric)
    if direction is None or _missing(value) or _missing(base) or abs(value - base) < LEAST[unit]:
        return "", ""
    if direction == "target":
        if target is None:
            return "", ""
        gain = abs(base - target) - abs(value - target)
        words = ("nearer target", "further from target")
    else:
        gain = base - value
        words = ("better", "worse")
    if abs(gain) < LEAST[unit]:
        return "", ""
    return (words[0], "good") if gain > 0 else (words[1], "bad")


def _missing(value: Any) -> bool:
    return value is None or value != value
