"""The target of a study: a measure, the value to meet, and what a simulation reaches of it."""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from planwise.engine.outcome import Kpis
from planwise.errors import CheckFailed, InputError
from planwise.formatting import TERMINAL, NumberFormat

DEFAULT_TARGET = "increase=0.035"  # the market's increase budget (Mercer 2025-26)
RATE_MAX = 0.5
INCREASE, PAYROLL, CONTINUING, GROWTH = "increase", "payroll", "continuing", "growth"


@dataclass(frozen=True)
class Measure:
    """What a target can be set for: the KPI `column` of the first simulated year, or of the last.

    `is_amount`: in currency, and judged relative to the target; other measures are rates. `what` says in
    the documentation what is measured.
    """

    name: str
    label: str
    column: str
    what: str
    first_year: bool = True
    is_amount: bool = False

    def of(self, kpis: Kpis) -> float:
        """Return the figure in its own unit; raises CheckFailed where it cannot be measured."""
        value = kpis[0 if self.first_year else -1].get(self.column) if kpis else None
        if value is None or not math.isfinite(value):
            raise CheckFailed(
                f"The {self.label} cannot be measured: there is no employee to measure it on.",
                remedy="Check headcount_growth and the termination rates, or choose another measure.",
            )
        return float(value)

    def text(self, value: Any, decimals: int = 2, form: NumberFormat = TERMINAL) -> str:
        """Return a value in words: a per cent or an amount."""
        return form.money_short(value) if self.is_amount else form.percent(value, decimals)


MEASURES: Mapping[str, Measure] = {
    measure.name: measure
    for measure in (
        Measure(
            INCREASE,
            "increase budget",
            "increase_rate",
            "cost of COLA and merit, annualised, over the pay just before it of those employed; first year",
        ),
        Measure(PAYROLL, "payroll", "payroll", "annual payroll at the end of the first year", is_amount=True),
        Measure(
            CONTINUING,
            "growth of those who stay",
            "growth_continuing",
            "growth of mean pay of the people employed at both ends of the first year",
        ),
        Measure(
            GROWTH,
            "growth of average pay",
            "growth_compound",
            "compound annual growth of mean base pay from the census to the last year, mix included",
            first_year=False,
        ),
    )
}
SYNTAX = "Write increase=0.035, payroll=250e6, continuing=0.04 or growth=0.03; a rate of 0.035 is 3.5 %."


@dataclass(frozen=True)
class Target:
    """A value that a measure is to have, in the measure's own unit.

    Targets are judged in shares: a rate as itself, an amount as a share of its target, so that one tolerance
    (0.001) is 0.1 percentage points of a rate and 0.1 % of an amount.
    """

    measure: Measure
    value: float

    def __str__(self) -> str:
        return f"{self.measure.name}={self.value:.12g}"

    @property
    def goal(self) -> float:
        """The value as a share."""
        return 1.0 if self.measure.is_amount else self.value

    def share(self, kpis: Kpis) -> float:
        """Return what a simulation reaches, as a share; raises CheckFailed where it cannot be measured."""
        value = self.measure.of(kpis)
        return value / self.value if self.measure.is_amount else value

    def of_share(self, share: float) -> float:
        """Return a share in the measure's own unit."""
        return share * self.value if self.measure.is_amount else share

    def gap_text(self, gap: float, decimals: int = 3, form: NumberFormat = TERMINAL) -> str:
        """Return a gap (in shares) in words: percentage points, or per cent of the amount."""
        return (
            form.percent(gap, decimals, sign=True) if self.measure.is_amount else form.points(gap, decimals)
        )

    def text(self, form: NumberFormat = TERMINAL) -> str:
        """Return the target in words."""
        return f"{self.measure.label} {self.measure.text(self.value, form=form)}"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Target":
        """Return the target of `as_json`."""
        return cls(MEASURES[data["measure"]], float(data["value"]))

    def as_json(self) -> dict[str, Any]:
        """Return the target as JSON values."""
        return {"measure": self.measure.name, "value": self.value}


def parse_target(text: str) -> Target:
    """Return the target of `MEASURE=VALUE`; raises InputError, with the nearest measure, for other text."""
    name, equals, number = (part.strip() for part in text.partition("="))
    if name not in MEASURES:
        near = difflib.get_close_matches(name, MEASURES, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise InputError(f"{name!r} is not a measure.", remedy=f"{hint}{SYNTAX}")
    try:
        value = float(number.removesuffix("%").replace("_", "").replace(",", ""))
    except ValueError as error:
        raise InputError(f"{text!r} has no value.", remedy=SYNTAX) from error
    value = round(value / 100, 12) if number.endswith("%") else value
    measure = MEASURES[name]
    if not equals or not math.isfinite(value):
        raise InputError(f"{text!r} has no value.", remedy=SYNTAX)
    if measure.is_amount and value <= 0:
        raise InputError(f"{text!r}: the payroll must be above 0.", remedy=SYNTAX)
    if not measure.is_amount and abs(value) > RATE_MAX:
        raise InputError(
            f"{text!r}: the {measure.label} must be at least -0.5 and at most 0.5.",
            remedy=f"Give a rate: {name}=0.035 is 3.5 %.",
        )
    return Target(measure, value)
