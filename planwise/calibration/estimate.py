"""Calibrate: from yearly censuses to every rate that the simulation asks for, with its counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from planwise.calibration import settle
from planwise.calibration.assumptions import Clip, Overrides
from planwise.calibration.bands import ALL_YEARS, BandShare, Multiplier, band_shares
from planwise.calibration.hires import Headcount, HirePay, headcount, hire_pay, level_shares
from planwise.calibration.intervals import Estimate, Share
from planwise.calibration.promotions import (
    PromotionCounts,
    observed_raise,
    promotion_counts,
    with_promotions,
)
from planwise.calibration.raises import RaiseSplit, RaiseSummary, raise_summary
from planwise.calibration.scale import Scale, on_one_scale
from planwise.calibration.settle import LEVELS, mean_of
from planwise.calibration.transitions import Transition, quirks, transitions
from planwise.calibration.years import YearlyCensus
from planwise.parameters.declaration import Value

Basis = Literal["mean", "last"]


@dataclass(frozen=True)
class Calibration:
    """All that was counted and estimated; `basis` says from which years the values are taken."""

    basis: Basis
    years: tuple[YearlyCensus, ...] = field(repr=False)
    steps: tuple[Transition, ...] = field(repr=False)
    scale: Scale
    headcounts: tuple[Headcount, ...]
    quirks: tuple[Mapping[str, object], ...]
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
    exit_multipliers = settle.exit_rates(out, pd.concat([openings[label] for label in labels]))
    first_year = settle.first_year(out, exits, ALL_YEARS if basis == "mean" else labels[-1])
    heads = [headcount(step) for step in steps]
    out.put("headcount_growth", mean_of([h.growth for h in heads if h.year in labels]))
    movement = mean_of(list(scale.movements if basis == "mean" else scale.movements[-1:]))
    out.put("market_movement", movement)
    out.put("range_adjustment", movement)

    division = settle.raises(out, [s for s in summaries if s.year in labels], cola)
    eligible = {label: people[people["eligible"]] for label, people in stayers.items()}
    promotions = band_shares(eligible, "promoted")
    promotion_multipliers = settle.promotion_rates(out, pd.concat([eligible[label] for label in labels]))
    settle.promotion_raises(out, used, stayers, division)
    hire_levels = level_shares(used)
    out.put_shares("new_hire_level_share_", {k: s.events for k, s in hire_levels.items()}, LEVELS)
    entry = hire_pay(used)
    out.put("hire_range_position", entry.position if entry else None)
    out.put("hire_range_spread", entry.spread if entry else None)
    out.put("new_hire_salary_adjustment", entry.adjustment if entry else None)
    promoted = pd.concat([stayers[label] for label in labels])
    return Calibration(
        basis=basis,
        years=scaled,
        steps=steps,
        scale=scale,
        headcounts=tuple(heads),
        quirks=tuple(quirks(scaled, steps)),
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
        assumptions=out.assumptions(),
        clips=tuple(out.clips),
        not_estimated=tuple(out.not_estimated),
    )
