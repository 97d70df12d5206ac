"""Simulate one year from a yearly census, under many seeds, on the preview."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from planwise.calibration.years import YearlyCensus
from planwise.census import Census, register_census
from planwise.engine.preview import Preview
from planwise.parameters import EffectiveParameters, resolve
from planwise.settings import Settings

REPLAYED = "replayed"


@dataclass(frozen=True)
class SimulatedYear:
    """One seed's year: `pay` of `Preview.pay`, by employee id; `payroll` is year-end base pay × FTE."""

    seed: int
    pay: pd.DataFrame = field(repr=False)
    payroll: float


def calendar_days(year: YearlyCensus) -> int:
    """Return by how many days the dates must move so that the census opens a calendar year.

    The simulated year is a calendar year; a fiscal year is simulated as one, every date moved alike.
    """
    if year.opening == date(year.opening.year, 1, 1):
        return 0
    return (date(year.as_of.year, 12, 31) - year.as_of).days


@contextmanager
def opened(settings: Settings, year: YearlyCensus) -> Iterator[tuple[Census, Preview]]:
    """Hold the census and a preview of it, in a folder of their own: nothing is left in the home."""
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
        # Hires copy the FTE of people who are there; what they copied, only the KPIs know.
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
