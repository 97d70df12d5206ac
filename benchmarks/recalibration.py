"""Known rates found again: worlds simulated with stated rates, exported year by year, calibrated blindly.

python -m benchmarks.recalibration [--worlds 60] [--employees 5000] [--years 2] [--home FOLDER]

Each world is a synthetic census of its own and a seed of its own. Printed are, for every rate, the truth, the
mean estimate, its bias and spread, in how many worlds it is within its limit, and in how many the reported
95 % interval has the truth. Exits with 1 when a rate with a limit is within it in fewer than five of six
worlds.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Column, Table

from planwise.calibration import Calibration, calibrate, read_years
from planwise.calibration.rates import ALL_YEARS, EVERYONE
from planwise.census import Census, generate_census, register_census
from planwise.engine.variables import range_index
from planwise.engine.warehouse import Warehouse
from planwise.parameters import EffectiveParameters, resolve
from planwise.settings import Settings

TRUE = {
    "cola_rate": 0.025,
    **{f"merit_rate_level_{level}": 0.033 for level in range(1, 6)},
    **{f"promotion_raise_level_{level}": 0.085 for level in range(1, 5)},
}
COMPARED = (
    *TRUE,
    *("termination_rate", "new_hire_termination_rate", "headcount_growth"),
    *(f"promotion_probability_level_{level}" for level in range(1, 5)),
)
# The largest distance from the truth; merit and promotion raise are means over the levels.
LIMITS = {"cola_rate": 0.003, "merit": 0.003, "promotion raise": 0.01, "new_hire_termination_rate": 0.02}
MEANS = {"merit": "merit_rate_level_", "promotion raise": "promotion_raise_level_"}
SHARE_WITHIN = 5 / 6
ACTIVE = ("continuous_active", "new_hire_active")


@dataclass(frozen=True)
class Estimate:
    """One rate of one world: truth and estimate, and the reported interval where there is one."""

    world: int
    rate: str
    truth: float
    found: float | None
    low: float | None = None
    high: float | None = None


def yearly_censuses(
    settings: Settings, warehouse: Warehouse, world: int, employees: int, years: int
) -> tuple[list[str], EffectiveParameters]:
    """Simulate a world and register a census for the end of each of its years; return their names."""
    census = generate_census(settings, employees=employees, seed=world, name=f"world_{world}_0", use=False)
    horizon = tuple(range(census.first_year, census.first_year + years))
    effective = resolve(horizon, scenario={**TRUE, "seed": world, "years": years})
    warehouse.plan("world", census, effective).apply()
    snapshot = warehouse.frame("world", "fct_workforce_snapshot")
    names = [census.name]
    for year in horizon:
        day = date(year, 12, 31)
        closing = snapshot[(snapshot["simulation_year"] == year) & snapshot["employment_status"].isin(ACTIVE)]
        name = f"world_{world}_{year - census.first_year + 1}"
        levels = ranges_of(census, effective, year)
        register_census(settings, name, exported(closing, census, day), levels, as_of=day, use=False)
        names.append(name)
    return names, effective


def ranges_of(census: Census, effective: EffectiveParameters, year: int) -> pd.DataFrame:
    """Return the pay ranges at the end of a year."""
    levels = pd.read_parquet(census.levels_file)
    factor = float(range_index(effective, year))
    moved = {name: levels[name].astype(float) * factor for name in ("minimum", "midpoint", "maximum")}
    return levels.assign(**moved)


def exported(closing: pd.DataFrame, census: Census, day: date) -> pd.DataFrame:
    """Return the active people as a census of the day; of hires the age alone is known."""
    born = pd.read_parquet(census.census_file).set_index("employee_id")["birth_date"]
    own = closing["employee_id"].map(born)
    by_age = pd.Series([date(day.year - int(age), 12, 31) for age in closing["age"]], index=closing.index)
    return closing.assign(
        employee_id=closing["employee_id"].str.replace("NEW-", "HIRE-"),
        birth_date=own.where(own.notna(), by_age),
        base_pay=closing["base_pay"].astype(float),
    )


def estimates(world: int, found: Calibration, effective: EffectiveParameters) -> Iterator[Estimate]:
    """Yield what was estimated of a world."""
    values = {**found.levers, **found.assumptions}
    year = effective.years[0]
    intervals = {"termination_rate": (EVERYONE, EVERYONE, found.exits)} | {
        f"promotion_probability_level_{level}": ("level", str(level), found.promotions)
        for level in range(1, 5)
    }
    for name in COMPARED:
        low = high = None
        if name in intervals:
            dimension, band, shares = intervals[name]
            shown = [s.share for s in shares if (s.dimension, s.band, s.year) == (dimension, band, ALL_YEARS)]
            low, high = (shown[0].low, shown[0].high) if shown else (None, None)
        value = values.get(name)
        estimate = float(value) if isinstance(value, int | float) else None
        yield Estimate(world, name, effective.number(name, year), estimate, low, high)
    for name, stem in MEANS.items():
        rates = [float(str(value)) for key, value in values.items() if key.startswith(stem)]
        truth = effective.number(f"{stem}1", year)
        yield Estimate(world, name, truth, float(np.mean(rates)) if rates else None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the worlds and print bias and coverage."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--worlds", type=int, default=60)
    parser.add_argument("--employees", type=int, default=5000)
    parser.add_argument("--years", type=int, default=2)
    parser.add_argument("--home", type=Path, default=None)
    options = parser.parse_args(arguments)
    rows: list[Estimate] = []
    console, ways = Console(), []
    with tempfile.TemporaryDirectory(prefix="planwise-") as folder:
        settings = Settings(home=options.home or Path(folder))
        settings.workers_dir.mkdir(parents=True, exist_ok=True)
        warehouse = Warehouse(settings.workers_dir / "recalibration.duckdb", settings)
        try:
            for world in range(1, options.worlds + 1):
                names, effective = yearly_censuses(
                    settings, warehouse, world, options.employees, options.years
                )
                found = calibrate(read_years(settings, names))
                ways.append(found.raise_split is not None)
                rows += estimates(world, found, effective)
                console.print(f"world {world} of {options.worlds}", end="\r")
        finally:
            warehouse.close()
    frame = pd.DataFrame(rows)
    console.print(table_of(frame, options.worlds))
    console.print(f"COLA and merit were recognised in {sum(ways)} of {options.worlds} worlds.")
    kept = [within(frame, name) >= SHARE_WITHIN * options.worlds for name in LIMITS]
    return 0 if all(kept) else 1


def within(frame: pd.DataFrame, name: str) -> int:
    """Return in how many worlds a rate is within its limit."""
    own = frame[frame["rate"] == name]
    return int(((own["found"] - own["truth"]).abs() <= LIMITS[name]).sum())


def table_of(frame: pd.DataFrame, worlds: int) -> Table:
    """Return bias, spread and coverage of every rate; rates in per cent."""
    headers = ("truth", "mean", "bias, pp", "spread, pp", "within limit", "95 % interval")
    table = Table("rate", *(Column(header, justify="right") for header in headers), title=f"{worlds} worlds")
    for name, own in frame.groupby("rate", sort=False):
        error = (own["found"] - own["truth"]).dropna() * 100
        limit = LIMITS.get(str(name))
        covered = own.dropna(subset=["low", "high"])
        inside = (covered["low"] <= covered["truth"]) & (covered["truth"] <= covered["high"])
        table.add_row(
            str(name),
            f"{100 * own['truth'].mean():.2f}",
            f"{100 * own['found'].mean():.2f}" if len(error) else "-",
            f"{error.mean():+.2f}" if len(error) else "-",
            f"{error.std(ddof=0):.2f}" if len(error) else "-",
            "-" if limit is None else f"{within(frame, str(name))} of {worlds} (±{100 * limit:g} pp)",
            f"{int(inside.sum())} of {len(covered)}" if len(covered) else "-",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
