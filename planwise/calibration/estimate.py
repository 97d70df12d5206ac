"""Estimate every rate from yearly censuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise
from typing import Literal

import numpy as np
import pandas as pd

from planwise.calibration import parameters_from_estimates
from planwise.calibration.awards import (
    DEFAULT_ATTRIBUTE,
    NOTHING_GIVEN,
    POOLED,
    AwardsFound,
    Given,
    award_groups,
    find_awards,
    given_values,
)
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
    THIN_HEADS,
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
from planwise.calibration.years import (
    Transition,
    YearlyCensus,
    levels_of,
    moved_ranges,
    quirks,
    transitions,
)
from planwise.errors import InputError
from planwise.parameters.calibrated_rates import ASSUMPTION, rates_key
from planwise.parameters.catalogue import Value, catalogue
from planwise.parameters.values import parse_key


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
        moved = moved_ranges(table, factor)
        people = year.people.assign(level_id=levels_of(year.people["base_pay"], moved))
        scaled.append(replace(year, people=people, ranges=moved))
    shown = ", ".join(f"{m:+.2%}" for m in movements)
    origin = f"{years[0].name} ({years[0].levels_from})"
    rule = f"levels by pay: the ranges of {origin}, moved each year by the median raise ({shown})"
    return tuple(scaled), Scale(True, movements, rule)


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
    """All counts and estimates; `basis` names the years that the values come from.

    `used` are the labels of those years; `raise_split` is COLA and merit, None where raises are awards and
    drift; `explained` is the share of the raises' variance that COLA and merit explain; `drift_donors` is
    a part of the calibrated rates.
    """

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
    explained: float | None
    awards: AwardsFound
    used: tuple[str, ...]
    drift_donors: pd.DataFrame | None = field(repr=False)
    hire_levels: Mapping[int, Share]
    hire_pay: HirePay | None
    first_year_exits: Share | None
    levers: Mapping[str, Value]
    assumptions: Mapping[str, Value]
    clips: tuple[Clip, ...]
    not_estimated: tuple[tuple[str, str], ...]
    rates: Mapping[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    """The parts of the calibrated rates, whose key is among the assumptions; a home stores them."""


Raises = Literal["auto", "awards", "merit"]
EXPLAINED_MIN = 0.5  # of the raises' variance, for them to be COLA and merit by the simulation's rules


def calibrate(
    years: Sequence[YearlyCensus],
    *,
    basis: Basis = "mean",
    cola: float | None = None,
    raises: Raises = "auto",
    award_by: str = DEFAULT_ATTRIBUTE,
    given: Given = NOTHING_GIVEN,
) -> Calibration:
    """Return the calibration of two or more yearly censuses.

    `basis`: "mean" pools the counts of all years and averages their raises and growth, "last" takes the last
    year only. `raises` describes what stayers got as COLA and merit or as awards by group (of the attribute
    `award_by`) and drift; "auto" takes COLA and merit where these rules explain the raises. `cola` states the
    COLA where it is known; merit is then the rest. `given` is what is stated of the year to come. Raises
    InputError.
    """
    if cola is not None and raises == "awards":
        raise InputError(
            "A COLA is stated, but raises are to be awards and drift.",
            remedy="State awards (`--given award=0.02`), or leave the COLA or `--raises awards` out.",
        )
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

    fit = parameters_from_estimates.fit_rules(
        out, used, stayers, [s for s in summaries if s.year in labels], cola
    )
    found = find_awards(steps, stayers, scaled[-1], award_by, labels)
    by_rules = fit is not None and _follows_rules(raises, cola, fit.explained, len(found.donors))
    merit: Mapping[int, float] = {}
    scales: Mapping[str, Mapping[int, float]] = {}
    if fit is None:
        out.not_estimated.append(("cola_rate, merit_rate_*", "no employees stayed without a promotion"))
        awarded = {label: people["base_pay"] for label, people in stayers.items()}
    elif by_rules:
        parameters_from_estimates.put_rules(out, fit)
        awarded = {label: people["base_pay"] * (1 + fit.division.cola) for label, people in stayers.items()}
        merit, scales = fit.division.merit, fit.scales
    else:
        parameters_from_estimates.put_awards(out, award_by, found.expected(labels))
        awarded = {label: _with_award(people, found, label) for label, people in stayers.items()}
    if fit is not None and cola is None:
        past = [_past_raises(label, found, summaries, by_rules=by_rules) for label in reversed(labels)]
        parameters_from_estimates.put_past_raises(out, award_by, past)
    stayers = {label: people.assign(awarded=awarded[label]) for label, people in stayers.items()}
    eligible = {label: people[people["eligible"]] for label, people in stayers.items()}
    promotions = band_shares(eligible, "promoted")
    promotion_multipliers = parameters_from_estimates.promotion_rates(
        out, pd.concat([eligible[label] for label in labels])
    )
    parameters_from_estimates.promotion_raises(
        out, used, stayers, merit, scales, capped=fit is None or fit.capped
    )
    hire_levels = level_shares(used)
    out.put_shares("new_hire_level_share_", {k: s.events for k, s in hire_levels.items()}, LEVELS)
    entry = hire_pay(used, scale.movements if basis == "mean" else scale.movements[-1:])
    out.put("new_hire_salary_adjustment", entry.adjustment if entry else None)
    departments = {str(name) for year in scaled for name in year.people["department"].dropna().unique()}
    rates = {"exit_multipliers": exit_multiplier_rows(exit_multipliers, departments)}
    if fit is not None and not by_rules:
        rates["drift_donors"] = found.donors
    stated = _of_next_year(given, scaled[-1], found, labels) if given else {}
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
        raise_split=fit.division if fit is not None and by_rules else None,
        explained=None if fit is None else fit.explained,
        awards=found,
        used=tuple(labels),
        drift_donors=None if fit is None or by_rules else found.donors,
        hire_levels=hire_levels,
        hire_pay=entry,
        first_year_exits=first_year,
        levers={**out.levers(), **_of_kind("lever", stated)},
        assumptions={**out.assumptions(), ASSUMPTION: rates_key(rates), **_of_kind("assumption", stated)},
        rates=rates,
        clips=tuple(out.clips),
        not_estimated=tuple(out.not_estimated),
    )


def given_of_last(
    years: Sequence[YearlyCensus], given: Given, *, basis: Basis = "mean", award_by: str = DEFAULT_ATTRIBUTE
) -> dict[str, Value]:
    """Return the parameters of the last year, held out of a backtest, for what is stated about it.

    Groups without a statement have the award that the years before it show. Raises InputError.
    """
    scaled, scale = on_one_scale(years)
    *before, last = transitions(scaled)
    stayers = {step.label: with_promotions(step, scale.by_pay) for step in (*before, last)}
    found = find_awards(before, stayers, scaled[-2], award_by)
    expected = found.expected([step.label for step in (before if basis == "mean" else before[-1:])])
    happened = find_awards((last,), stayers, scaled[-2], award_by).rate_of(last.label)
    closing = len(last.after.people)
    return given_values(given, scaled[-2], found, expected, happened=happened, closing=closing)


def _of_kind(kind: str, values: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values, by parameter and year, of levers or of assumptions."""
    return {key: value for key, value in values.items() if catalogue().kind(parse_key(key).name) == kind}


def _follows_rules(raises: Raises, cola: float | None, explained: float, donors: int) -> bool:
    """Return whether raises are taken for COLA and merit; too few donors are no pool to draw from."""
    if raises != "auto":
        return raises == "merit"
    return cola is not None or explained >= EXPLAINED_MIN or donors < THIN_HEADS


def _past_raises(
    year: str, found: AwardsFound, summaries: Sequence[RaiseSummary], *, by_rules: bool
) -> Mapping[str, float]:
    """Return what groups were awarded in a year, or the COLA where raises are COLA and merit."""
    if not by_rules:
        return found.rate_of(year)
    seen = [one.common if one.spike is None else one.spike for one in summaries if one.year == year]
    return {POOLED: seen[0] if seen else 0.0}


def _with_award(people: pd.DataFrame, found: AwardsFound, year: str) -> pd.Series:
    """Return each stayer's pay after the award of the group in the year."""
    groups = award_groups(people, found.attribute, found.groups)
    return people["base_pay"] * (1 + groups.map(found.rate_of(year)))


def _of_next_year(
    given: Given, last: YearlyCensus, found: AwardsFound, labels: Sequence[str]
) -> dict[str, Value]:
    """Return the parameters of the first year to come that are stated, by parameter and year."""
    year = (last.as_of - timedelta(days=1)).year + 1  # as the registered census says
    values = given_values(given, last, found, found.expected(labels))
    return {f"{name}@{year}": value for name, value in values.items()}
