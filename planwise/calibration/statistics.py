"""Statistics of an actual year, and of the same year simulated."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from planwise.calibration.years import Transition, YearlyCensus
from planwise.census import Census, register_census
from planwise.engine.preview import Preview
from planwise.parameters import EffectiveParameters, catalogue, resolve
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
def opened(settings: Settings, year: YearlyCensus) -> Iterator[tuple[Census, Preview]]:
    """Hold the census and a preview of it, in a temporary folder; the home is unchanged."""
    with TemporaryDirectory(prefix="planwise-") as folder:
        shift = pd.Timedelta(days=calendar_days(year))
        rows = year.people.assign(
            hire_date=year.people["hire_date"] + shift, birth_date=year.people["birth_date"] + shift
        ).reset_index()
        own = settings.model_copy(update={"home": Path(folder)})
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
) -> list[SimulatedYear]:
    """Return the first year after the census under each seed and its overrides."""
    full_time = bool((pd.read_parquet(census.census_file, columns=["fte"])["fte"] == 1).all())
    found = []
    for seed, values in overrides:
        effective = parameters(census, values).with_assumptions({"seed": seed})
        pay = preview.pay(effective).set_index("employee_id")
        # Hires copy the FTE of people who are there; only the KPIs include it.
        payroll = (
            float(pay.loc[pay["is_active"], "base_pay"].sum())
            if full_time
            else float(preview.evaluate(effective).kpis[0]["payroll"])
        )
        found.append(SimulatedYear(seed, pay, payroll))
        on_step()
    return found


def parameters(census: Census, values: Mapping[str, object]) -> EffectiveParameters:
    """Return the parameters of the first simulated year with these values; all others have their defaults."""
    return resolve((census.first_year,), scenario={**values, "years": 1})


class Figure(NamedTuple):
    """A statistic and its group: everyone, a level, or a tenure band."""

    name: str
    group: str = "everyone"


class Observed(NamedTuple):
    """The value, and what it is a rate of: a naive forecast carries value / base to the next year."""

    value: float
    base: float


MONEY_FIGURES = frozenset({"payroll", "mean_pay"})
RATE_FIGURES = frozenset({"growth_all", "growth_continuing"})


def observed(step: Transition, stayers: pd.DataFrame) -> dict[Figure, Observed]:
    """Return the statistics of an actual year; `stayers` have `promoted`."""
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
    """Return the same statistics of a simulated year; entrants are the hires employed at its end."""
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
    """Return a level's label."""
    return f"level {level}"


def tenure_label(band: object) -> str:
    """Return a tenure band's label."""
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
