"""Figures of an actual year, and of the same year simulated: totals, levels, service, departments."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd

from planwise.calibration.years import (
    Transition,
    YearlyCensus,
    completed_years,
    levels_of,
    moved_ranges,
)
from planwise.census import Census, register_census
from planwise.engine.preview import Preview
from planwise.formatting import counted
from planwise.parameters import EffectiveParameters, resolve
from planwise.parameters.calibrated_rates import store_rates
from planwise.settings import Settings

REPLAYED = "replayed"


@dataclass(frozen=True)
class SimulatedYear:
    """One seed's year: `pay` of `Preview.pay`, by employee id; `payroll` is year-end base pay × FTE."""

    seed: int
    pay: pd.DataFrame = field(repr=False)
    payroll: float


def calendar_days(year: YearlyCensus) -> int:
    """Return the shift in days after which the census opens a calendar year.

    The simulated year is a calendar year; a fiscal year is simulated as one, every date moved alike.
    """
    if year.opening == date(year.opening.year, 1, 1):
        return 0
    return (date(year.as_of.year, 12, 31) - year.as_of).days


@contextmanager
def opened(
    settings: Settings, year: YearlyCensus, rates: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[Census, Preview]]:
    """Hold the census, calibrated rates and a preview, in a temporary folder; the home is unchanged."""
    with TemporaryDirectory(prefix="planwise-") as folder:
        shift = pd.Timedelta(days=calendar_days(year))
        rows = year.people.assign(
            hire_date=year.people["hire_date"] + shift, birth_date=year.people["birth_date"] + shift
        ).reset_index()
        own = settings.model_copy(update={"home": Path(folder)})
        store_rates(own, rates)
        census = register_census(
            own,
            REPLAYED,
            rows,
            year.ranges,
            as_of=year.as_of + shift,
            availability=dict(year.availability),
            use=False,
        )
        with closing(Preview(own, census)) as preview:
            yield census, preview


def simulated(
    census: Census,
    preview: Preview,
    overrides: Sequence[tuple[int, Mapping[str, object]]],
    on_step: Callable[[], None] = lambda: None,
) -> Iterator[SimulatedYear]:
    """Yield the first year after the census under each seed and its overrides."""
    full_time = bool((pd.read_parquet(census.census_file, columns=["fte"])["fte"] == 1).all())
    for seed, values in overrides:
        effective = parameters(census, values).with_assumptions({"seed": seed})
        pay = preview.pay(effective).set_index("employee_id")
        # Hires copy the FTE of people who are there; only the KPIs include it.
        payroll = (
            float(pay.loc[pay["is_active"], "base_pay"].sum())
            if full_time
            else float(preview.evaluate(effective).kpis[0]["payroll"])
        )
        yield SimulatedYear(seed, pay, payroll)
        on_step()


def parameters(census: Census, values: Mapping[str, object]) -> EffectiveParameters:
    """Return the parameters of the first simulated year with these values; all others have their defaults."""
    return resolve((census.first_year,), scenario={**values, "years": 1})


# Families of groups. The first three are the headline; the finer ones are scored as families only, since
# single
# groups of them have too few exits to say anything one by one.
EVERYONE_FAMILY, LEVEL_FAMILY, SERVICE_FAMILY = "everyone", "level", "service"
FINE_SERVICE_FAMILY, DEPARTMENT_FAMILY = "service_fine", "department"
HEADLINE_FAMILIES = frozenset({EVERYONE_FAMILY, LEVEL_FAMILY, SERVICE_FAMILY})
# First completed year of service of each band. They are the same whatever bands the parameters have, so that
# figures of different versions can be compared.
SERVICE_STARTS = (0, 1, 3, 6, 11)
FINE_SERVICE_STARTS = (0, 1, 2, 3, 5, 7, 10, 15, 20, 25, 30)
STARTS = {SERVICE_FAMILY: SERVICE_STARTS, FINE_SERVICE_FAMILY: FINE_SERVICE_STARTS}
NO_DEPARTMENT = "no department"
DEPARTMENT_NUMBER = re.compile(r"\s*\(\d*\)?\s*$")


class Figure(NamedTuple):
    """A statistic, its group (everyone, a level, a band of service, a department) and the group's family."""

    name: str
    group: str = "everyone"
    family: str = EVERYONE_FAMILY

    @property
    def is_headline(self) -> bool:
        """Whether the figure is reported by itself, and not only within its family."""
        return self.family in HEADLINE_FAMILIES


class Observed(NamedTuple):
    """The value, what it is a rate of, and how many people it was counted on.

    A naive forecast carries value / base over to the next year.
    """

    value: float
    base: float
    people: int


MONEY_FIGURES = frozenset({"payroll", "mean_pay"})
RATE_FIGURES = frozenset({"growth_all", "growth_continuing"})
EVENT_FIGURES = frozenset({"exits", "entrants", "promotions"})


def observed(step: Transition, stayers: pd.DataFrame) -> dict[Figure, Observed]:
    """Return the statistics of an actual year; `stayers` have `promoted`."""
    old, new = step.opening, step.after.people
    heads, closing = float(len(old)), len(new)
    payroll = [float((p["base_pay"] * p["fte"]).sum()) for p in (old, new)]
    eligible = stayers["eligible"]
    found = {
        Figure("headcount"): Observed(float(closing), heads, len(old)),
        Figure("exits"): Observed(float(old["left"].sum()), heads, len(old)),
        Figure("entrants"): Observed(float(len(step.entrants)), heads, len(step.entrants)),
        Figure("promotions"): Observed(
            float((stayers["promoted"] & eligible).sum()), heads, int(eligible.sum())
        ),
        Figure("payroll"): Observed(payroll[1], payroll[0], closing),
    }
    if closing:
        growth = float(new["base_pay"].mean() / old["base_pay"].mean() - 1)
        found[Figure("growth_all")] = Observed(growth, 1.0, closing)
    if len(stayers):
        growth = float(stayers["base_pay_after"].sum() / stayers["base_pay"].sum() - 1)
        found[Figure("growth_continuing")] = Observed(growth, 1.0, len(stayers))
    for level, group in old.groupby("level_id"):
        later = new[new["level_id"] == level]
        label = level_label(level)
        found[Figure("headcount", label, LEVEL_FAMILY)] = Observed(
            float(len(later)), float(len(group)), len(group)
        )
        if len(later):
            mean = float(group["base_pay"].mean())
            found[Figure("mean_pay", label, LEVEL_FAMILY)] = Observed(
                float(later["base_pay"].mean()), mean, len(later)
            )
    left = old["left"]
    for family, groups in exit_groups(step).items():
        for group, people in groups.groupby(groups, sort=False):
            exits, size = float(left[people.index].sum()), len(people)
            found[Figure("exits", str(group), family)] = Observed(exits, float(size), size)
    return dict(sorted(found.items(), key=lambda item: _place(item[0])))


def measured(
    step: Transition, year: SimulatedYear, groups: Mapping[str, pd.Series] | None = None
) -> dict[Figure, float]:
    """Return the same statistics of a simulated year; entrants are the hires employed at its end.

    What cannot be measured, such as the mean pay of a level without people, is left out. Levels that come
    from pay are read anew from it, as those of the next census are. `groups` are those of `exit_groups`, for
    a caller that measures many simulations of one year.
    """
    old, closing = step.opening, year.pay[year.pay["is_active"]]
    both = old[["base_pay"]].join(closing["base_pay"].rename("new"), how="inner")
    stayed = old.index.isin(closing.index)
    found = {
        Figure("headcount"): float(len(closing)),
        Figure("exits"): float((~stayed).sum()),
        Figure("entrants"): float(closing["is_hire"].sum()),
        Figure("promotions"): float(_promotions(step, closing)),
        Figure("payroll"): year.payroll,
    }
    if len(closing):
        found[Figure("growth_all")] = float(closing["base_pay"].mean() / old["base_pay"].mean() - 1)
    if len(both):
        found[Figure("growth_continuing")] = float(both["new"].sum() / both["base_pay"].sum() - 1)
    levels = closing["level_id"]
    if step.before.levels_by_pay and len(both):
        median = float((both["new"] / both["base_pay"] - 1).median())
        ranges = moved_ranges(step.before.ranges, 1 + median)
        levels = pd.Series(levels_of(closing["base_pay"], ranges), index=closing.index)
    by_level = closing.groupby(levels)["base_pay"].agg(["size", "mean"])
    for level in sorted(old["level_id"].unique()):
        label = level_label(level)
        there = level in by_level.index
        found[Figure("headcount", label, LEVEL_FAMILY)] = float(by_level["size"][level]) if there else 0.0
        if there:
            found[Figure("mean_pay", label, LEVEL_FAMILY)] = float(by_level["mean"][level])
    for family, group in (exit_groups(step) if groups is None else groups).items():
        exits = group[~stayed].value_counts()
        found |= {Figure("exits", str(g), family): float(exits.get(g, 0)) for g in group.unique()}
    return found


def _promotions(step: Transition, closing: pd.DataFrame) -> int:
    both = step.opening[["level_id"]].join(closing["level_id"].rename("level_after"), how="inner")
    return int((both["level_after"] > both["level_id"]).sum())


def exit_groups(step: Transition) -> dict[str, pd.Series]:
    """Return each opening person's group by family, for the figures of exits."""
    old = step.opening
    service = completed_years(old["hire_date"], pd.Timestamp(step.before.opening))
    return {
        LEVEL_FAMILY: old["level_id"].map(level_label),
        **{family: _banded(service, starts) for family, starts in STARTS.items()},
        DEPARTMENT_FAMILY: old["department"].map(department_label, na_action=None),
    }


def _banded(years: pd.Series, starts: Sequence[int]) -> pd.Series:
    place = np.searchsorted(starts, years.fillna(0).to_numpy(), side="right") - 1
    labels = [service_label(starts, k) for k in range(len(starts))]
    return pd.Series([labels[k] for k in place], index=years.index, dtype=object)


def service_label(starts: Sequence[int], place: int) -> str:
    """Return the label of a band of completed years of service."""
    first = starts[place]
    if place == len(starts) - 1:
        return f"{first} years of service and more"
    last = starts[place + 1] - 1
    if last == 0:
        return "under 1 year of service"
    return (
        f"{counted(first, 'year')} of service" if first == last else (f"{first} to {last} years of service")
    )


def level_label(level: object) -> str:
    """Return a level's label."""
    return f"level {level}"


def department_label(department: object) -> str:
    """Return a department's name as years are compared by it: one case, without a number behind it."""
    if not isinstance(department, str) or not department.strip():
        return NO_DEPARTMENT
    return DEPARTMENT_NUMBER.sub("", " ".join(department.split())).casefold() or department.strip()


def _place(figure: Figure) -> tuple[int, int, str]:
    """Return a figure's place in a report: families in their order, bands by service."""
    families = (EVERYONE_FAMILY, LEVEL_FAMILY, SERVICE_FAMILY, FINE_SERVICE_FAMILY, DEPARTMENT_FAMILY)
    starts = STARTS.get(figure.family, ())
    labels = [service_label(starts, k) for k in range(len(starts))]
    if figure.family == EVERYONE_FAMILY:
        return 0, 0, ""
    place = labels.index(figure.group) if figure.group in labels else 0
    return families.index(figure.family), place, "" if starts else figure.group


def naive(
    history: Sequence[Mapping[Figure, Observed]], now: Observed, figure: Figure
) -> tuple[float, float] | None:
    """Return the forecasts "as last year" and "as the mean of all years": their rate on today's base.

    A group of people that no year has is given the rate of everyone: so is the exit rate of a new department.
    """
    rates = []
    for seen in history:
        past = seen.get(figure) or (seen.get(Figure(figure.name)) if figure.name == "exits" else None)
        if past is not None and past.base:
            rates.append(past.value / past.base)
    if not rates:
        return None
    return rates[-1] * now.base, sum(rates) / len(rates) * now.base
