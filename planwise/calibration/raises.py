"""Raises of stayers: the promoted apart from the others, whose raise is split into COLA and merit."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
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


def promotion_raise(rows: pd.DataFrame) -> float | None:
    """Return the promotion raise with which the simulation gives the promoted the pay that they have now.

    Simulated pay is the larger of base × (1 + raise) and the new range's minimum, then merit at the new
    level: the raise is solved for its sum, 0 if the lift to the minimum alone gives as much; None without
    promotions. The lift stops at `promotion_raise_max`, unless the pays look as if it went on. `rows` are
    `promoted_rows`.
    """
    if rows.empty:
        return None
    fits = [_solved_raise(rows, floor) for floor in (rows["low"].clip(upper=rows["lift"]), rows["low"])]
    return min(fits)[1]


def _solved_raise(rows: pd.DataFrame, floor: pd.Series) -> tuple[float, float]:
    """Return how far people's pay is off (squared), and the raise."""

    def pay(rate: float) -> pd.Series:
        raised = (rows["base"] * (1 + rate)).clip(lower=floor)
        return merit_pay(raised, rows, rows["merit"])

    def excess(rate: float) -> float:
        return float(pay(rate).sum() - rows["new"].sum())

    highest = float((rows["new"] / rows["base"]).max())  # beyond it, all simulated pay is too high
    rate = 0.0 if excess(0.0) >= 0 or excess(highest) <= 0 else float(brentq(excess, 0.0, highest))
    return float(((pay(rate) / rows["new"] - 1) ** 2).sum()), rate


def promoted_rows(
    people: pd.DataFrame,
    ranges: pd.DataFrame,
    merit: Mapping[int, float],
    neutral: Mapping[int, float],
    capped: bool = True,
) -> pd.DataFrame:
    """Return the promoted of a year as `promotion_raise` reads them.

    `people` have `awarded`, the pay after COLA or award; `ranges` are those at the year's end; `merit` and
    `neutral` are by level, the latter from `merit_by_level`.
    """
    level = people["level_id"] + 1
    rows = _in_ranges(people, level, ranges, capped)
    largest = catalogue().assumptions["promotion_raise_max"].default
    return rows.assign(
        base=people["awarded"],
        lift=np.inf if largest is None else people["awarded"] * (1 + float(str(largest))),
        merit=level.map(dict(merit)).astype(float).fillna(0.0),
        neutral=level.map(dict(neutral)).astype(float).fillna(1.0),
        new=people["base_pay_after"],
    )


POSITIONS = ("below_range", "1", "2", "3", "4", "above_range")


def _in_ranges(
    people: pd.DataFrame, level: pd.Series, ranges: pd.DataFrame, capped: bool = True
) -> pd.DataFrame:
    """Return each person's range, and the factor of the rating on merit as declared."""
    by_level = ranges.set_index("level_id")
    ratings = {
        rating: float(str(catalogue().assumptions[f"merit_multiplier_rating_{rating}"].default))
        for rating in range(1, 6)
    }
    return pd.DataFrame(
        {
            "low": level.map(by_level["minimum"]).astype(float),
            "high": level.map(by_level["maximum"]).astype(float),
            "stop": level.map(by_level["maximum"]).astype(float) if capped else np.inf,
            "rating": people["performance_rating"].map(ratings).astype(float),
        }
    )


def merit_weight(pay: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """Return each person's cell of the declared merit matrix: rating × position in the range."""
    factors = np.array(
        [
            float(str(catalogue().assumptions[f"merit_multiplier_quartile_{place}"].default))
            for place in POSITIONS
        ]
    )
    place = np.floor((pay - rows["low"]) * 4 / (rows["high"] - rows["low"])).clip(-1, 4).fillna(1)
    weight: pd.Series = rows["rating"] * factors[place.to_numpy(dtype=int) + 1]
    return weight


def merit_pay(pay: pd.Series, rows: pd.DataFrame, merit: pd.Series | float) -> pd.Series:
    """Return the pay after merit by the simulation's rules; it goes up to `stop`."""
    full = pay * (1 + merit * merit_weight(pay, rows) * rows["neutral"])
    paid: pd.Series = full.clip(upper=np.maximum(pay, rows["stop"]))
    return paid


def merit_by_level(
    people: pd.DataFrame, ranges: pd.DataFrame, capped: bool
) -> tuple[dict[int, float], dict[int, float], pd.Series]:
    """Return by level the merit that its pay needs and the scale of the matrix, and predicted pay.

    `people` stayed without a promotion and have `awarded`, the pay after the COLA. Merit that the range
    maximum turns into a lump sum (`capped`) is not seen in pay, and is part of the rate. Below 0 it is 0.
    """
    merits: dict[int, float] = {}
    scales: dict[int, float] = {}
    predicted = people["awarded"].copy()
    for level, group in people.groupby("level_id"):
        rows = _in_ranges(group, group["level_id"], ranges, capped)
        pay = group["awarded"]
        weighted = float((pay * merit_weight(pay, rows)).sum())
        scale = float(pay.sum()) / weighted if weighted > 0 else 0.0
        rows = rows.assign(neutral=scale)
        wanted = float(group["base_pay_after"].sum())
        found = 0.0
        lacking = _merit_excess(0.0, pay, rows, wanted) < 0
        if lacking and _merit_excess(MERIT_HIGHEST, pay, rows, wanted) > 0:
            found = float(brentq(_merit_excess, 0.0, MERIT_HIGHEST, args=(pay, rows, wanted)))
        elif lacking:
            found = wanted / float(pay.sum()) - 1  # the rules cannot give as much: as if nothing were capped
        merits[int(str(level))], scales[int(str(level))] = found, scale
        predicted[group.index] = merit_pay(pay, rows, found)
    return merits, scales, predicted


def _merit_excess(merit: float, pay: pd.Series, rows: pd.DataFrame, wanted: float) -> float:
    return float(merit_pay(pay, rows, merit).sum()) - wanted


MERIT_HIGHEST = 0.5  # beyond any merit


MODE_STEP = 0.001  # raises are compared to a tenth of a percentage point
MODE_SHARE_MIN = 0.10  # a raise that fewer share is not across the board
# Outside this range the two pays probably differ in unit (an hourly rate, a half-time post): not used.
COMPARABLE_RATES = (-0.5, 1.0)
COLA_SHARE_MIN = 0.02  # a spike of raises; those whom merit passes by get the COLA alone
IDENTIFICATION = (
    f"COLA is the lowest raise (to {MODE_STEP:.1%}) that at least {COLA_SHARE_MIN:.0%} of the stayers who "
    "were not promoted share: those whom merit passes by. Merit is the rate with which the simulation's "
    "rules, lump sums at the range maximum included, give a level's stayers the pay that they have now."
)


def common_raise(rates: pd.Series) -> tuple[float, float, bool]:
    """Return the most common raise, how many share it, and whether it is one; else the median."""
    counts = (rates / MODE_STEP).round().value_counts()
    mode, share = float(counts.index[0]) * MODE_STEP, float(counts.iloc[0] / len(rates))
    is_mode = share >= MODE_SHARE_MIN
    return round(mode, 6) if is_mode else float(rates.median()), share, is_mode


def lowest_spike(rates: pd.Series) -> float | None:
    """Return the lowest raise that enough people share, as exactly as they share it; None without one."""
    bins = (rates / MODE_STEP).round()
    counts = bins.value_counts().sort_index()
    spikes = counts[counts >= COLA_SHARE_MIN * len(rates)]
    return None if spikes.empty else float(rates[bins == spikes.index[0]].median())


@dataclass(frozen=True)
class RaiseSummary:
    """The distribution of one year's raises; rates. `by_level` is pay-weighted, level → total raise.

    `spike` is the lowest raise that enough people share to take it for the COLA; None without one.
    """

    year: str
    heads: int
    left_out: int
    common: float
    common_share: float
    common_is_mode: bool
    spike: float | None
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
    common, share, is_mode = common_raise(rates)
    return RaiseSummary(
        year=year,
        heads=len(rates),
        left_out=len(ordinary) - len(comparable),
        common=common,
        common_share=share,
        common_is_mode=is_mode,
        spike=lowest_spike(rates),
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
