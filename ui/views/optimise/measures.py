"""What a trial is measured by: column, name with its unit, and how a value is written."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ui.values.formatting import count, money, money_short, percent, points, ratio, seconds
from ui.values.searches import LEVER, PART, Search, SearchLever
from ui.views.optimise.words import SHORT

PP = 100.0


@dataclass(frozen=True)
class Measure:
    """A column of the trials; `axis` is Plotly's format of it."""

    column: str
    name: str
    write: Callable[[Any], str]
    axis: str


def _pct(value: Any) -> str:
    return percent(value, 2)


GROWTH = Measure("growth", "Growth a year", _pct, ".2%")
SCORE = Measure("score", "Objective (lower is better)", lambda v: ratio(v, 4), ".4~g")
OUTCOMES = (
    GROWTH,
    Measure("cost", "Payroll added over the years, $", money_short, "$.4~s"),
    Measure("payroll", "Highest payroll of a year, $", money_short, "$.4~s"),
    Measure("within_level_cv", "Spread within levels (CV)", lambda v: percent(v, 2), ".1%"),
    Measure("adjusted_gap", "Adjusted gap", _pct, ".2%"),
    Measure("below_minimum", "People under their range", count, ",d"),
    Measure("raise_max", "Highest raise of a year", lambda v: percent(v, 1), ".0%"),
)


def parts_of(search: Search) -> tuple[Measure, ...]:
    """Return the objectives asked, each scaled by the scenario as it is."""
    return tuple(_part(name) for name in sorted(search.named(PART), key=list(SHORT).index))


def measures_of(search: Search) -> tuple[Measure, ...]:
    """Return what the trials of a study can be compared by; what no trial has is left out."""
    own = (*parts_of(search), *(() if search.spec.multi_objective else (SCORE,)))
    return tuple(one for one in (*own, *OUTCOMES) if search.trials[one.column].notna().any())


def lever_measure(lever: SearchLever) -> Measure:
    """Return a tuned lever as a measure."""
    return Measure(lever.column, lever.label, _pct, ".1%")


def named(measures: tuple[Measure, ...], column: str) -> Measure:
    """Return a measure by its column; the first when none has it."""
    return next((one for one in measures if one.column == column), measures[0])


def lever_change(old: Any, new: Any) -> str:
    """Return how far a lever moved, in points of its unit."""
    return "–" if old is None or new is None else points(float(new) - float(old))


def gap(value: Any) -> str:
    """Return target minus growth."""
    return "–" if value is None or value != value else points(float(value) / PP)


def _part(name: str) -> Measure:
    title = f"{SHORT[name].capitalize()} (1 is as it is)"
    if name == "targets":
        title = "Target (squared tolerances off)"
    elif name == "change":
        title = "Change (weighted, squared widths)"
    return Measure(PART + name, title, lambda v: ratio(v, 4), ".3~g")


__all__ = ["GROWTH", "LEVER", "OUTCOMES", "SCORE", "Measure", "count", "money", "percent", "seconds"]
