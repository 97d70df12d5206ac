"""The figures that a backtest compares, measured alike on what happened and on what was simulated."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from planwise.calibration.replay import SimulatedYear
from planwise.calibration.transitions import Transition
from planwise.parameters import catalogue


class Figure(NamedTuple):
    """What is measured, of whom: everyone, a level, or a tenure band."""

    name: str
    group: str = "everyone"


class Observed(NamedTuple):
    """The value, and what it is a rate of: a naive forecast carries value / base to the next year."""

    value: float
    base: float


MONEY_FIGURES = frozenset({"payroll", "mean_pay"})
RATE_FIGURES = frozenset({"growth_all", "growth_continuing"})


def observed(step: Transition, stayers: pd.DataFrame) -> dict[Figure, Observed]:
    """Return the figures of a year that happened; `stayers` have `promoted`."""
    old, new = step.opening, step.after.people
    heads = float(len(old))
    payroll = [float((p["base_pay"] * p["fte"]).sum()) for p in (old, new)]
    found = {
        Figure("headcount"): Observed(float(len(new)), heads),
        Figure("exits"): Observed(float(old["left"].sum()), heads),
        Figure("entrants"): Observed(float(len(step.entrants)), heads),
        Figure("promotions"): Observed(float((stayers["promoted"] & stayers["eligible"]).sum()), heads),
        Figure("payroll"): Observed(payroll[1], payroll[0]),
        Figure("growth_all"): Observed(float(new["base_pay"].mean() / old["base_pay"].mean() - 1), 1.0),
        Figure("growth_continuing"): Observed(
            float(stayers["base_pay_after"].sum() / stayers["base_pay"].sum() - 1), 1.0
        ),
    }
    for level, group in old.groupby("level_id"):
        later = new[new["level_id"] == level]
        label = level_label(level)
        found[Figure("headcount", label)] = Observed(float(len(later)), float(len(group)))
        found[Figure("exits", label)] = Observed(float(group["left"].sum()), float(len(group)))
        if len(later):
            mean = float(group["base_pay"].mean())
            found[Figure("mean_pay", label)] = Observed(float(later["base_pay"].mean()), mean)
    for band, group in _by_tenure(old):
        found[Figure("exits", tenure_label(band))] = Observed(float(group["left"].sum()), float(len(group)))
    return found


def measured(step: Transition, year: SimulatedYear) -> dict[Figure, float]:
    """Return the same figures of one simulated year; entrants are the hires who are there at its end."""
    old, closing = step.opening, year.pay[year.pay["is_active"]]
    both = old[["base_pay"]].join(closing["base_pay"].rename("new"), how="inner")
    left = old[~old.index.isin(closing.index)]
    found = {
        Figure("headcount"): float(len(closing)),
        Figure("exits"): float(len(left)),
        Figure("entrants"): float(closing["is_hire"].sum()),
        Figure("promotions"): float(_promotions(step, closing)),
        Figure("payroll"): year.payroll,
        Figure("growth_all"): float(closing["base_pay"].mean() / old["base_pay"].mean() - 1),
        Figure("growth_continuing"): float(both["new"].sum() / both["base_pay"].sum() - 1),
    }
    for level, group in closing.groupby("level_id"):
        found[Figure("headcount", level_label(level))] = float(len(group))
        found[Figure("mean_pay", level_label(level))] = float(group["base_pay"].mean())
    for level, _ in step.opening.groupby("level_id"):
        found[Figure("exits", level_label(level))] = float((left["level_id"] == level).sum())
    for band, _ in _by_tenure(step.opening):
        found[Figure("exits", tenure_label(band))] = float((left["tenure_band"] == band).sum())
    return found


def _promotions(step: Transition, closing: pd.DataFrame) -> int:
    both = step.opening[["level_id"]].join(closing["level_id"].rename("level_after"), how="inner")
    return int((both["level_after"] > both["level_id"]).sum())


def _by_tenure(people: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the people of each tenure band that has some, shortest service first."""
    groups = {str(band): group for band, group in people.groupby("tenure_band")}
    return [(band, groups[band]) for band in catalogue().bands["tenure"] if band in groups]


def level_label(level: object) -> str:
    """Return how a level is called in a table."""
    return f"level {level}"


def tenure_label(band: object) -> str:
    """Return how a tenure band is called in a table."""
    return catalogue().bands["tenure"][str(band)].label


def naive(
    history: Sequence[Mapping[Figure, Observed]], now: Observed, figure: Figure
) -> tuple[float, float] | None:
    """Return the forecasts "as last year" and "as the mean of all years": their rate on today's base."""
    rates = [
        seen[figure].value / seen[figure].base for seen in history if figure in seen and seen[figure].base
    ]
    if not rates:
        return None
    return rates[-1] * now.base, sum(rates) / len(rates) * now.base
