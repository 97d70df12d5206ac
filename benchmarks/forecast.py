"""Forecast held-out years and halves of real payrolls: the figures beside naive forecasts and their bars.

PLANWISE_REAL_DATA=FOLDER python -m benchmarks.forecast [--seeds 200] [--output FILE]

Baltimore's fiscal years 2014 and 2015 are held out, each forecast from the years before it, with nothing
given and with that year's awards and headcount given. A split half forecasts one half of a year's people
from the rates of the other half; it needs two censuses of an employer, so an employer with a single one is
listed without figures.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from benchmarks.record import write
from planwise.calibration import Backtest, backtest, given_of_last, parse_given, read_years
from planwise.calibration.backtest_report import backtest_json
from planwise.calibration.backtest_results import FamilyScore, Holdout
from planwise.formatting import TERMINAL
from planwise.settings import Settings

VARIABLE = "PLANWISE_REAL_DATA"
MAPPINGS = Path(__file__).parent.parent / "docs" / "mappings"
BALTIMORE_YEARS = (2012, 2013, 2014, 2015)
COVERAGE_BARS = (0.70, 0.95)
FINE, DEPARTMENTS, COARSE, LEVELS = (
    "exits by service, 11 bands",
    "exits by department",
    "exits by service, 5 bands",
    "exits by level",
)
# The largest error that is good enough; by split and family, a share of what happened.
ERROR_BARS = {
    "FY2014": {FINE: 0.135, DEPARTMENTS: 0.21},
    "FY2015": {FINE: 0.075, DEPARTMENTS: 0.235},
    "Montgomery halves": {FINE: 0.24, DEPARTMENTS: 0.22},
}
ACTUAL = parse_given(("award=actual", "headcount=actual"))
GROWTH_BARS = {"FY2014": 0.006, "FY2015": 0.004}  # of stayers' growth, awards and headcount given; a rate


@dataclass(frozen=True)
class Split:
    """One split: what was held out with nothing given, and perhaps with what was decided."""

    name: str
    plain: Holdout
    given: Holdout | None = None


def splits(settings: Settings, folder: Path, seeds: int) -> list[Split]:
    """Return the splits of Baltimore: two held-out years, and the last year by halves."""
    files = [folder / "payroll" / f"baltimore_fy{year}.csv.gz" for year in BALTIMORE_YEARS]
    days = [date(year, 6, 30) for year in BALTIMORE_YEARS]
    mapping = MAPPINGS / "baltimore_years.yaml"
    years = read_years(settings, files, mappings=[mapping], as_of=days)
    found = []
    for last in (3, 4):
        chosen = years[:last]
        of = backtest(
            settings, chosen, seeds=seeds, rolling=False, given=given_of_last(chosen, ACTUAL), on_step=step
        )
        found.append(Split(f"FY{BALTIMORE_YEARS[last - 1]}", of.holdouts[0], of.given))
    halves = backtest(settings, years[-2:], seeds=seeds, split_half=True, on_step=step).halves
    return [*found, Split("Baltimore halves", halves[0])]


def step(year: str, done: int, total: int) -> None:
    """Show progress on the terminal."""
    if done == total:
        print(f"{year}: {total} simulations", file=sys.stderr)


def bars(found: Sequence[Split]) -> Table:
    """Return one row for each figure with a bar: the simulation beside both naive forecasts."""
    table = Table(
        "split",
        "figure",
        *(
            Column(name, justify="right")
            for name in ("simulated", "as last year", "as the mean", "bar", "reached")
        ),
        title="Errors over groups are shares of what happened",
    )
    for split in found:
        for score in split.plain.families:
            if score.name in (FINE, COARSE, DEPARTMENTS, LEVELS):
                table.add_row(split.name, score.name, *_errors(score, ERROR_BARS.get(split.name, {})))
        for held, words in ((split.plain, "nothing given"), (split.given, "awards and headcount given")):
            if held is not None:
                bar = GROWTH_BARS.get(split.name) if held is split.given else None
                table.add_row(split.name, f"stayers' growth, {words}", *_growth(held, bar))
                table.add_row(split.name, f"P10–P90 covers, {words}", *_coverage(held, held is split.plain))
                table.add_row(
                    split.name, f"width of P10–P90, {words}", TERMINAL.percent(held.width), *[""] * 4
                )
    return table


def _errors(score: FamilyScore, known: Mapping[str, float]) -> tuple[str, ...]:
    bar = known.get(score.name)
    reached = "" if bar is None else "yes" if score.simulation <= bar else "NO"
    figures = (score.simulation, score.naive_last, score.naive_mean)
    return (*(_three(x) for x in figures), "" if bar is None else f"≤ {_three(bar)}", reached)


def _three(value: float | None) -> str:
    return TERMINAL.missing if value is None else f"{value:.3f}"


def _growth(held: Holdout, bar: float | None) -> tuple[str, ...]:
    row = next(r for r in held.rows if r.figure.name == "growth_continuing")
    errors = [None if f is None else f - row.truth for f in (row.forecast, row.naive_last, row.naive_mean)]
    assert errors[0] is not None
    reached = "" if bar is None else "yes" if abs(errors[0]) <= bar else "NO"
    return (
        *(TERMINAL.points(error) for error in errors),
        "" if bar is None else f"≤ {TERMINAL.points(bar, sign=False)}",
        reached,
    )


def _coverage(held: Holdout, has_bar: bool) -> tuple[str, ...]:
    covered = held.coverage_draws if held.coverage_years is None else held.coverage_years
    low, high = COVERAGE_BARS
    luck = f"luck alone {TERMINAL.percent(held.coverage_draws, 0)}"
    reached = "yes" if low <= covered <= high else "NO"
    bar = f"{TERMINAL.percent(low, 0)}–{TERMINAL.percent(high, 0)}"
    return (TERMINAL.percent(covered, 0), luck, "", bar if has_bar else "", reached if has_bar else "")


def as_json(found: Sequence[Split]) -> dict[str, Any]:
    """Return the splits as the backtest's report writes them."""
    return {
        "splits": [
            {"name": split.name}
            | backtest_json(Backtest((split.plain,), "pay quantiles", "mean", "USD", split.given))
            for split in found
        ]
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print the table; the exit code is 2 without the data."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(arguments)
    named = os.environ.get(VARIABLE)
    if not named:
        print(f"{VARIABLE} names no folder of real payrolls.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="planwise-") as home:
        found = splits(Settings(home=Path(home)), Path(named), options.seeds)
    console = Console(width=120)
    table = bars(found)
    console.print(table)
    console.print("Montgomery halves: one census in the data, so exits cannot be seen; not measured.")
    if options.output:
        write(as_json(found), options.output)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
