"""Axes of charts: equal, round steps whose labels never repeat, written as pages write figures.

A format is a short text as d3 has them: `.1%` rates, `+.1%` differences of rates, `$` money, `,d` counts,
anything else plain numbers. Digits are those that the step needs, whatever the format says.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from planwise.formatting import MINUS, NBSP, local, percent, ratio

STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)  # times a power of ten
TICKS = 6  # intervals of an axis, at most
PAD = 0.06  # of the range, beyond the values
SCALES = ((1e9, 1e9, "B"), (1e6, 1e6, "M"), (1e4, 1e3, "k"))  # from which size of the largest tick, by what
EDGE = 1e-9
PERCENT = 100.0


def axis(
    values: Iterable[Any], form: str, *, zero: bool = False, pad: float = PAD, most: int = TICKS
) -> dict[str, Any]:
    """Return range and ticks of an axis that shows these values, and zero on request."""
    known = [float(value) for value in values if value is not None and math.isfinite(float(value))]
    known += [0.0] if zero or not known else []
    low, high = min(known), max(known)
    if low == high == 0:  # nothing but zero, such as no difference anywhere
        return {"range": [-1.0, 1.0], "tickvals": [0.0], "ticktext": tick_texts([0.0], 1.0, form)}
    if high - low <= EDGE * max(abs(low), abs(high), EDGE):  # one value: room on both sides
        room = abs(high) * PAD or _unit(form)
        low, high = (min(low, 0.0) if zero else low - room), high + room
    room = (high - low) * pad
    low -= 0.0 if zero and low >= 0 else room
    high += 0.0 if zero and high <= 0 else room
    step = round_step((high - low) / most, whole=form.endswith("d"))
    marks = [
        round(place * step, 12)
        for place in range(math.ceil(low / step - EDGE), math.floor(high / step + EDGE) + 1)
    ]
    return {"range": [low, high], "tickvals": marks, "ticktext": tick_texts(marks, step, form)}


def round_step(least: float, *, whole: bool = False) -> float:
    """Return the smallest round step of at least this size; a whole number of people."""
    least = max(least, 1.0) if whole else least
    power = 10.0 ** math.floor(math.log10(least))
    steps = (step * power for step in STEPS if step * power >= least * (1 - EDGE))
    return next(step for step in steps if not whole or step.is_integer())


def tick_texts(marks: Sequence[float], step: float, form: str) -> list[str]:
    """Return the texts of the ticks: as many digits as the step has, one minus sign, one unit."""
    if "%" in form:
        return [percent(mark, _digits(step * PERCENT), sign=form.startswith("+")) for mark in marks]
    sign, mark_of = form.startswith("+"), local().mark if "$" in form else ""
    largest = max((abs(mark) for mark in marks), default=0.0)
    scale, letter = next(((by, f"{NBSP}{unit}") for size, by, unit in SCALES if largest >= size), (1.0, ""))
    digits = _digits(step / scale)
    found = []
    for mark in marks:
        text = ratio(abs(mark) / scale, digits)
        before = MINUS if mark < 0 else "+" if sign and mark > 0 else ""
        found.append(f"{before}{mark_of}{text}{letter if mark else ''}")
    return found


def _digits(step: float) -> int:
    return next((n for n in range(8) if abs(round(step, n) - step) <= EDGE * max(step, EDGE)), 8)


def _unit(form: str) -> float:
    return 0.01 if "%" in form else 1.0
