"""The metrics of a simulated year that are compared, with label, unit and order, and their differences."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What a figure measures; decides how it and its differences are shown."""

    COUNT = "people"
    MONEY = "currency a year"
    RATE = "rate"  # share: 0.03 = 3 %; differences are in percentage points
    RATIO = "ratio"  # factor: 1.02


@dataclass(frozen=True)
class Metric:
    """One column; `flow` metrics add up over the years, others are a state at year end or a rate."""

    name: str
    label: str
    kind: Kind
    flow: bool = False


METRICS = (
    Metric("headcount", "Headcount at year end", Kind.COUNT),
    Metric("opening_headcount", "Headcount at the opening", Kind.COUNT),
    Metric("hires", "Hires", Kind.COUNT, flow=True),
    Metric("terminations", "Terminations", Kind.COUNT, flow=True),
    Metric("experienced_terminations", "Voluntary exits of the experienced", Kind.COUNT, flow=True),
    Metric("new_hire_terminations", "Hires who left again in the year", Kind.COUNT, flow=True),
    Metric("reductions", "Reductions", Kind.COUNT, flow=True),
    Metric("promotions", "Promotions", Kind.COUNT, flow=True),
    Metric("mean_base_pay", "Mean base pay at year end", Kind.MONEY),
    Metric("median_base_pay", "Median base pay at year end", Kind.MONEY),
    Metric("payroll", "Payroll at year end", Kind.MONEY),
    Metric("prorated_payroll", "Pay earned in the year", Kind.MONEY, flow=True),
    Metric("growth_all", "Growth of mean base pay", Kind.RATE),
    Metric("growth_compound", "Compound growth a year since the census", Kind.RATE),
    Metric("growth_continuing", "Growth of those who stay", Kind.RATE),
    Metric("growth_prorated", "Growth of pay per FTE-year worked", Kind.RATE),
    Metric("bridge_exits", "Growth from exits", Kind.RATE),
    Metric("bridge_cola", "Growth from COLA", Kind.RATE),
    Metric("bridge_merit", "Growth from merit", Kind.RATE),
    Metric("bridge_promotion", "Growth from promotions", Kind.RATE),
    Metric("bridge_hires", "Growth from hires", Kind.RATE),
    Metric("cola_cost", "Cost of COLA", Kind.MONEY, flow=True),
    Metric("merit_cost", "Cost of merit", Kind.MONEY, flow=True),
    Metric("promotion_cost", "Cost of promotions", Kind.MONEY, flow=True),
    Metric("hire_cost", "Pay of hires", Kind.MONEY, flow=True),
    Metric("exit_savings", "Pay of those who left", Kind.MONEY, flow=True),
    Metric("payroll_change", "Change of payroll", Kind.MONEY, flow=True),
    Metric("lump_sum_cost", "Lump sums", Kind.MONEY, flow=True),
    Metric("mean_compa_ratio", "Mean compa-ratio", Kind.RATIO),
    Metric("within_level_cv", "Pay spread within levels (CV)", Kind.RATIO),
    Metric("adjusted_gap_max", "Largest adjusted pay gap", Kind.RATE),
    Metric("below_minimum", "People under the range minimum", Kind.COUNT),
    Metric("above_maximum", "People at or over the range maximum", Kind.COUNT),
    Metric("raise_min", "Smallest raise", Kind.RATE),
    Metric("raise_max", "Largest raise", Kind.RATE),
    Metric("termination_rate", "Voluntary turnover", Kind.RATE),
    Metric("promotion_rate", "Promotion rate", Kind.RATE),
)
LEVEL_METRICS = (
    Metric("headcount", "Headcount", Kind.COUNT),
    Metric("hires", "Hires", Kind.COUNT, flow=True),
    Metric("terminations", "Terminations", Kind.COUNT, flow=True),
    Metric("promotions_in", "Promotions into the level", Kind.COUNT, flow=True),
    Metric("mean_base_pay", "Mean base pay", Kind.MONEY),
    Metric("median_base_pay", "Median base pay", Kind.MONEY),
    Metric("cv", "Pay spread (CV)", Kind.RATIO),
    Metric("mean_compa_ratio", "Mean compa-ratio", Kind.RATIO),
    Metric("below_minimum", "Under the minimum", Kind.COUNT),
    Metric("above_maximum", "At or over the maximum", Kind.COUNT),
)
BUDGET = ("cola_cost", "merit_cost", "promotion_cost", "hire_cost")  # minus exit_savings = payroll_change
SAVINGS = "exit_savings"
BRIDGE = ("bridge_exits", "bridge_cola", "bridge_merit", "bridge_promotion", "bridge_hires")


def metrics_of(columns: Iterable[str]) -> tuple[Metric, ...]:
    """Return the known metrics among a mart's columns, in the order that people read them."""
    present = frozenset(columns)
    return tuple(metric for metric in METRICS if metric.name in present)


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
