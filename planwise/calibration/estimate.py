"""Estimate every rate from yearly censuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.calibration import parameters_from_estimates
from planwise.calibration.exits import Multiplier, exit_multiplier_rows
from planwise.calibration.parameters_from_estimates import LEVELS, Clip, Overrides, mean_of
from planwise.calibration.raises import (
    PromotionCounts,
    RaiseSplit,
    RaiseSummary,
    observed_raise,
    promotion_counts,
    raise_summary,
    with_promotions,
)
from planwise.calibration.rates import (
    ALL_YEARS,
    BandShare,
    Estimate,
    Headcount,
    HirePay,
    Share,
    band_shares,
    headcount,
    hire_pay,
    level_shares,
)
from planwise.calibration.rekeyed import RekeyedPeople, find_rekeyed
from planwise.calibration.years import Transition, YearlyCensus, quirks, transitions
from planwise.errors import InputError
from planwise.parameters.calibrated_rates import ASSUMPTION, rates_key
from planwise.parameters.catalogue import Value


@dataclass(frozen=True)
class Scale:
    """How levels are made comparable; `movements` has each year's movement of the ranges, a rate."""

    by_pay: bool
    movements: tuple[float, ...]
    rule: str


def on_one_scale(years: Sequence[YearlyCensus]) -> tuple[tuple[YearlyCensus, ...], Scale]:
    """Return the years with comparable levels.

    Levels from files, titles or the home are kept. Levels derived from pay are derived again: from the
    first year's ranges, moved each year by the median raise of those who are there in both years, the
    outermost ranges open to their ends. Raises InputError when the years mix the two kinds.
    """
    kinds = {year.levels_by_pay for year in years}
    if len(kinds) > 1:
        described = "; ".join(f"{year.name}: {year.levels_from}" for year in years)
        raise InputError(
            f"Some years have levels by pay and others have not ({described}).",
            remedy="Use one way for all: a title map, a level column, or `--levels pay-quantiles`.",
        )
    if not kinds.pop():
        own = tuple(_range_movement(a, b) for a, b in pairwise(years))
        return tuple(years), Scale(False, own, f"levels as given ({years[0].levels_from})")
    movements = tuple(_median_raise(a, b) for a, b in pairwise(years))
    table = years[0].ranges.sort_values("level_id").reset_index(drop=True)
    scaled = []
    for year, factor in zip(years, np.cumprod((1.0, *(1 + m for m in movements))), strict=True):
        moved = table.assign(
            minimum=cents(table["minimum"] * factor), maximum=cents(table["maximum"] * factor)
        )
        people = year.people.assign(level_id=levels_of(year.people["base_pay"], moved))
        scaled.append(replace(year, people=people, ranges=moved))
    shown = ", ".join(f"{m:+.2%}" for m in movements)
    origin = f"{years[0].name} ({years[0].levels_from})"
    rule = f"levels by pay: the ranges of {origin}, moved each year by the median raise ({shown})"
    return tuple(scaled), Scale(True, movements, rule)


def levels_of(pay: pd.Series, ranges: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return each pay's level: the half-open range it is in, the outermost ones open to their ends."""
    place = np.searchsorted(ranges["minimum"].to_numpy(dtype=float)[1:], pay.to_numpy(), side="right")
    return np.asarray(ranges["level_id"].to_numpy(dtype=np.int64)[place])


def cents(money: pd.Series) -> pd.Series:
    """Return amounts rounded to cents."""
    return (money * 100).round() / 100


def _median_raise(before: YearlyCensus, after: YearlyCensus) -> float:
    pay = before.people["base_pay"].to_frame("old").join(after.people["base_pay"].rename("new"), how="inner")
    return float((pay["new"] / pay["old"] - 1).median())


def _range_movement(before: YearlyCensus, after: YearlyCensus) -> float:
    """Return how the ranges of the levels that both years have moved, weighted by their height."""
    old, new = (
        year.ranges.set_index("level_id")[["minimum", "maximum"]].sum(axis=1) for year in (before, after)
    )
    shared = old.index.intersection(new.index)
    return float(new[shared].sum() / old[shared].sum() - 1)


Basis = Literal["mean", "last"]


@dataclass(frozen=True)
class Calibration:
    """All counts and estimates; `basis` names the years that the values come from."""

    basis: Basis
    years: tuple[YearlyCensus, ...] = field(repr=False)
    steps: tuple[Transition, ...] = field(repr=False)
    scale: Scale
    headcounts: tuple[Headcount, ...]
    quirks: tuple[Mapping[str, object], ...]
    rekeyed: RekeyedPeople
    exits: tuple[BandShare, ...]
    exit_multipliers: tuple[Multiplier, ...]
    promotions: tuple[BandShare, ...]
    promotion_counts: tuple[PromotionCounts, ...]
    promotion_multipliers: tuple[Multiplier, ...]
    promotion_raises: Mapping[int, Estimate]
    raises: tuple[RaiseSummary, ...]
    raise_split: RaiseSplit | None
    hire_levels: Mapping[int, Share]
    hire_pay: HirePay | None
    first_year_exits: Share | None
    levers: Mapping[str, Value]
    assumptions: Mapping[str, Value]
    clips: tuple[Clip, ...]
    not_estimated: tuple[tuple[str, str], ...]
    rates: Mapping[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    """The parts of the calibrated rates, whose key is among the assumptions; a home stores them."""


def calibrate(
    years: Sequence[YearlyCensus], *, basis: Basis = "mean", cola: float | None = None
) -> Calibration:
    """Return the calibration of two or more yearly censuses.

    `basis`: "mean" pools the counts of all years and averages their raises and growth, "last" takes the last
    year only. `cola` states the COLA where it is known; merit is then the rest. Raises InputError.
    """
    scaled, scale = on_one_scale(years)
    steps = transitions(scaled)
    stayers = {step.label: with_promotions(step, scale.by_pay) for step in steps}
    summaries = [s for label, people in stayers.items() if (s := raise_summary(label, people)) is not None]
    used = steps if basis == "mean" else steps[-1:]
    labels = [step.label for step in used]
    out = Overrides()

    openings = {step.label: step.opening for step in steps}
    exits = band_shares(openings, "left")
    exit_multipliers = parameters_from_estimates.exit_rates(out, {label: openings[label] for label in labels})
    first_year = parameters_from_estimates.first_year(
        out, exits, ALL_YEARS if basis == "mean" else labels[-1]
    )
    heads = [headcount(step) for step in steps]
    out.put("headcount_growth", mean_of([h.growth for h in heads if h.year in labels]))
    parameters_from_estimates.year_spreads(out, [h for h in heads if h.year in labels])
    movement = mean_of(list(scale.movements if basis == "mean" else scale.movements[-1:]))
    out.put("market_movement", movement)
    out.put("range_adjustment", movement)

    division = parameters_from_estimates.raises(out, [s for s in summaries if s.year in labels], cola)
    eligible = {label: people[people["eligible"]] for label, people in stayers.items()}
    promotions = band_shares(eligible, "promoted")
    promotion_multipliers = parameters_from_estimates.promotion_rates(
        out, pd.concat([eligible[label] for label in labels])
    )
    parameters_from_estimates.promotion_raises(out, used, stayers, division)
    hire_levels = level_shares(used)
    out.put_shares("new_hire_level_share_", {k: s.events for k, s in hire_levels.items()}, LEVELS)
    entry = hire_pay(used, scale.movements if basis == "mean" else scale.movements[-1:])
    out.put("new_hire_salary_adjustment", entry.adjustment if entry else None)
    departments = {str(name) for year in scaled for name in year.people["department"].dropna().unique()}
    rates = {"exit_multipliers": exit_multiplier_rows(exit_multipliers, departments)}
    promoted = pd.concat([stayers[label] for label in labels])
    return Calibration(
        basis=basis,
        years=scaled,
        steps=steps,
        scale=scale,
        headcounts=tuple(heads),
        quirks=tuple(quirks(scaled, steps)),
        rekeyed=find_rekeyed(years),
        exits=tuple(exits),
        exit_multipliers=tuple(exit_multipliers),
        promotions=tuple(promotions),
        promotion_counts=tuple(promotion_counts(step, stayers[step.label]) for step in steps),
        promotion_multipliers=tuple(promotion_multipliers),
        promotion_raises={k: observed_raise(promoted[promoted["level_id"] == k]) for k in LEVELS[:-1]},
        raises=tuple(summaries),
        raise_split=division,
        hire_levels=hire_levels,
        hire_pay=entry,
        first_year_exits=first_year,
        levers=out.levers(),
        assumptions={**out.assumptions(), ASSUMPTION: rates_key(rates)},
        rates=rates,
        clips=tuple(out.clips),
        not_estimated=tuple(out.not_estimated),
    )
