"""Raises of stayers who were not promoted, split into the common part (COLA) and the rest (merit)."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from planwise.calibration.rates import Estimate, ratio
from planwise.parameters import catalogue

MODE_STEP = 0.001  # raises are compared to a tenth of a percentage point
MODE_SHARE_MIN = 0.10  # a raise that fewer share is not across the board
# Outside this range the two pays probably differ in unit (an hourly rate, a half-time post): not used.
COMPARABLE_RATES = (-0.5, 1.0)
IDENTIFICATION = (
    f"COLA is the most common raise of the stayers who were not promoted (to {MODE_STEP:.1%}; the median "
    f"where fewer than {MODE_SHARE_MIN:.0%} share it); merit is the rest of the level's pay-weighted mean "
    "raise. Pay shows their product only: the sum is measured, the split is this convention."
)


@dataclass(frozen=True)
class RaiseSummary:
    """The distribution of one year's raises; rates. `by_level` is pay-weighted, level → total raise."""

    year: str
    heads: int
    left_out: int
    common: float
    common_share: float
    common_is_mode: bool
    mean: float
    median: float
    p10: float
    p90: float
    no_raise_share: float
    fall_share: float
    overall: Estimate
    by_level: Mapping[int, Estimate]


def raise_summary(year: str, people: pd.DataFrame) -> RaiseSummary | None:
    """Describe the raises of stayers who were not promoted; None when there are none."""
    ordinary = people[~people["promoted"]]
    comparable = ordinary[ordinary["raise_rate"].between(*COMPARABLE_RATES)]
    if comparable.empty:
        return None
    rates = comparable["raise_rate"]
    counts = (rates / MODE_STEP).round().value_counts()
    mode, share = float(counts.index[0]) * MODE_STEP, float(counts.iloc[0] / len(rates))
    is_mode = share >= MODE_SHARE_MIN
    return RaiseSummary(
        year=year,
        heads=len(rates),
        left_out=len(ordinary) - len(comparable),
        common=round(mode, 6) if is_mode else float(rates.median()),
        common_share=share,
        common_is_mode=is_mode,
        mean=float(rates.mean()),
        median=float(rates.median()),
        p10=float(rates.quantile(0.1)),
        p90=float(rates.quantile(0.9)),
        no_raise_share=float((rates.abs() < MODE_STEP / 2).mean()),
        fall_share=float((rates <= -MODE_STEP / 2).mean()),
        overall=ratio(comparable["base_pay"], comparable["base_pay_after"]),
        by_level={
            int(str(level)): ratio(group["base_pay"], group["base_pay_after"])
            for level, group in comparable.groupby("level_id")
        },
    )


@dataclass(frozen=True)
class RaiseSplit:
    """COLA and merit by level, before clipping; `moved` says when COLA gave way so that merit has room."""

    cola: float
    merit: Mapping[int, float]
    moved: str | None


def split(common: float, totals: Mapping[int, float]) -> RaiseSplit:
    """Split each level's total raise: (1 + cola)(1 + merit) = 1 + total.

    COLA moves from `common` where a level's rest would be outside the bounds of the merit levers: down so
    that the smallest rest is large enough, but not so far that the largest is too large. The sum stays what
    was measured as far as the bounds allow.
    """
    levers = catalogue().levers
    merit_min, merit_max = levers["merit_rate_level_1"].bounds
    cola_min, cola_max = levers["cola_rate"].bounds
    highest = (1 + min(totals.values())) / (1 + merit_min) - 1
    lowest = (1 + max(totals.values())) / (1 + merit_max) - 1
    cola = min(max(min(common, highest), lowest, cola_min), cola_max)
    moved = None
    if abs(cola - common) > MODE_STEP / 2:
        moved = (
            f"COLA {common:.2%} → {cola:.2%}: COLA is bound to {cola_min:.0%} to {cola_max:.0%}, merit to "
            f"{merit_min:.0%} to {merit_max:.0%}; the total raise of each level is kept as far as they allow."
        )
    return RaiseSplit(cola, {level: (1 + total) / (1 + cola) - 1 for level, total in totals.items()}, moved)
