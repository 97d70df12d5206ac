"""Raises of stayers: the promoted apart from the others, whose raise is split into COLA and merit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy.optimize import brentq

from planwise.calibration.rates import Estimate, ratio
from planwise.calibration.years import Transition
from planwise.parameters import catalogue

# Where levels follow from pay: less than the smallest raise the promotion levers admit, on top of the common
# raise, is no promotion in their sense.
RAISE_MIN_RATE = catalogue().levers["promotion_raise_level_1"].bounds[0]
# A title most of whose holders get the same new title was renamed, which is no promotion. With fewer than
# this many holders, a renaming cannot be distinguished from promotions.
RENAMED_SHARE, RENAMED_HEADS_MIN = 0.5, 5


@dataclass(frozen=True)
class PromotionCounts:
    """Counts of one year, among those who stayed."""

    year: str
    level_rises: int
    level_falls: int
    title_changes: int
    renamed: int
    promotions: int
    promotions_before_eligible: int
    rises_not_counted: int
    rises_of_more_than_one: int


def promotion_rule(by_pay: bool) -> str:
    """Describe what counts as a promotion."""
    if not by_pay:
        return "a higher level than the year before"
    return (
        "a higher level than the year before, another job title (not one that at least "
        f"{RENAMED_SHARE:.0%} of the old title's {RENAMED_HEADS_MIN} or more stayers got alike), and a raise "
        f"at least {RAISE_MIN_RATE:.0%} above the median raise of all stayers"
    )


def with_promotions(step: Transition, by_pay: bool) -> pd.DataFrame:
    """Return the stayers with `risen`, `retitled`, `renamed`, `promoted` and `eligible` (booleans).

    Eligible, as in the simulation: below the top level, and the minimum service on the promotion date.
    """
    people = step.stayers
    risen = people["level_id_after"] > people["level_id"]
    retitled = people["job_title"].str.casefold() != people["job_title_after"].str.casefold()
    renamed = retitled & _renamed(people)
    promoted = risen
    if by_pay:
        common = people["raise_rate"].median()
        raised = (1 + people["raise_rate"]) / (1 + common) - 1 >= RAISE_MIN_RATE
        promoted = risen & retitled & ~renamed & raised
    top = step.before.ranges["level_id"].max()
    hired_by = promotion_hired_by(step)
    return people.assign(
        risen=risen,
        retitled=retitled,
        renamed=renamed,
        promoted=promoted,
        eligible=(people["level_id"] < top) & (people["hire_date"] <= hired_by),
    )


def _renamed(people: pd.DataFrame) -> pd.Series:
    """Return whose new title is the one that most holders of the old title got."""
    old, new = people["job_title"].str.casefold(), people["job_title_after"].str.casefold()
    holders = old.map(old.value_counts())
    pair = old + "\n" + new
    together = pair.map(pair.value_counts())
    return (holders >= RENAMED_HEADS_MIN) & (together >= RENAMED_SHARE * holders)


def promotion_hired_by(step: Transition) -> pd.Timestamp:
    """Return the last hire date with the minimum service on the promotion date, by the declared defaults."""
    assumptions = catalogue().assumptions
    month, day = map(int, str(assumptions["promotion_date"].default).split("-"))
    service = float(str(assumptions["promotion_min_tenure_years"].default))
    into_year = pd.Timestamp(2001, month, day) - pd.Timestamp(2001, 1, 1)  # any year that is no leap year
    return pd.Timestamp(step.before.opening) + into_year - pd.DateOffset(months=round(12 * service))


def promotion_counts(step: Transition, people: pd.DataFrame) -> PromotionCounts:
    """Count what `with_promotions` found."""
    jump = people["level_id_after"] - people["level_id"]
    return PromotionCounts(
        year=step.label,
        level_rises=int(people["risen"].sum()),
        level_falls=int((jump < 0).sum()),
        title_changes=int(people["retitled"].sum()),
        renamed=int(people["renamed"].sum()),
        promotions=int((people["promoted"] & people["eligible"]).sum()),
        promotions_before_eligible=int((people["promoted"] & ~people["eligible"]).sum()),
        rises_not_counted=int((people["risen"] & ~people["promoted"]).sum()),
        rises_of_more_than_one=int((people["promoted"] & (jump > 1)).sum()),
    )


def observed_raise(people: pd.DataFrame) -> Estimate:
    """Return the pay-weighted raise of the promoted, with all raises of the year."""
    promoted = people[people["promoted"]]
    return ratio(promoted["base_pay"], promoted["base_pay_after"])


def promotion_raise(
    frames: Sequence[pd.DataFrame],
    floors: Sequence[Mapping[int, float]],
    cola: float,
    merit: Mapping[int, float],
) -> float | None:
    """Return the promotion raise with which the simulation gives the promoted the pay that they have now.

    Simulated pay is max(old × (1 + cola) × (1 + raise), new range's minimum) × (1 + merit of the new level):
    the raise is solved for its sum, 0 if the range minimum alone gives as much; None without promotions.
    `frames` are promoted stayers, year by year, `floors` the range minima of each year's end.
    """
    rows = pd.concat(
        [
            pd.DataFrame(
                {
                    "base": frame["base_pay"] * (1 + cola),
                    "floor": (frame["level_id"] + 1).map(dict(floor)).astype(float),
                    "merit": (frame["level_id"] + 1).map(dict(merit)).astype(float),
                    "new": frame["base_pay_after"],
                }
            )
            for frame, floor in zip(frames, floors, strict=True)
        ]
    )
    if rows.empty:
        return None

    def excess(rate: float) -> float:
        simulated = (rows["base"] * (1 + rate)).clip(lower=rows["floor"]) * (1 + rows["merit"])
        return float(simulated.sum() - rows["new"].sum())

    highest = float((rows["new"] / rows["base"]).max())  # beyond it, all simulated pay is too high
    if excess(0.0) >= 0 or highest <= 0:
        return 0.0
    return float(brentq(excess, 0.0, highest))


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
