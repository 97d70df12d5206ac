"""Re-key people of real payrolls and see whether they are found: recall, precision, and pairs by chance.

PLANWISE_REAL_DATA=FOLDER python -m benchmarks.rekeyed [--share 0.03] [--repeats 5]

In each pair of consecutive years, a share of those who stayed gets another id in the later year; all else,
their new pay, title and department too, stays the same. Recall is the share of them that is found. Precision
counts a found pair that touches one of them and is not the right one as wrong. Chance is how many pairs
there are when the hire dates of entrants are shifted by whole years, over how many there are as the files
are: what share of the pairs of the files is a coincidence.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Column, Table

from benchmarks.forecast import BALTIMORE_YEARS, MAPPINGS, VARIABLE
from planwise.calibration import YearlyCensus, read_years
from planwise.calibration.rekeyed import find_rekeyed
from planwise.settings import Settings

SHIFTS = (-2, -1, 1, 2)  # years; a shifted date keeps its place in the calendar of hiring
SEED = 7


@dataclass(frozen=True)
class Measure:
    """What was found of the people who were given another id."""

    changed: int
    right: int
    wrong: int

    @property
    def recall(self) -> float:
        """Share of those changed that are found."""
        return self.right / self.changed

    @property
    def precision(self) -> float:
        """Share of the pairs with one of them that are right."""
        return self.right / (self.right + self.wrong)


def measure(
    before: YearlyCensus, after: YearlyCensus, share: float, generator: np.random.Generator
) -> Measure:
    """Return what is found after a share of the stayers got another id."""
    stayers = before.people.index.intersection(after.people.index)
    chosen = generator.choice(stayers.to_numpy(), size=round(share * len(stayers)), replace=False)
    names = {str(identifier): f"rekeyed-{identifier}" for identifier in chosen}
    people = find_rekeyed((before, replace(after, people=after.people.rename(index=names)))).people
    right = sum(names.get(person.old_id) == person.new_id for person in people)
    touched = sum(person.old_id in names or person.new_id in set(names.values()) for person in people)
    return Measure(len(names), right, touched - right)


def chance(before: YearlyCensus, after: YearlyCensus) -> tuple[int, float]:
    """Return how many pairs the files have, and how many on average with entrants' hire dates shifted."""
    entrants = ~after.people.index.isin(before.people.index)
    found = []
    for years in SHIFTS:
        hired = after.people["hire_date"].mask(
            entrants, after.people["hire_date"] + pd.DateOffset(years=years)
        )
        moved = replace(after, people=after.people.assign(hire_date=hired))
        found.append(len(find_rekeyed((before, moved)).people))
    return len(find_rekeyed((before, after)).people), float(np.mean(found))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit code is 2 without the data."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rekeyed", description=__doc__)
    parser.add_argument("--share", type=float, default=0.03)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(arguments)
    named = os.environ.get(VARIABLE)
    if not named:
        print(f"{VARIABLE} names no folder of real payrolls.", file=sys.stderr)
        return 2
    files = [Path(named) / "payroll" / f"baltimore_fy{year}.csv.gz" for year in BALTIMORE_YEARS]
    days = [date(year, 6, 30) for year in BALTIMORE_YEARS]
    with tempfile.TemporaryDirectory(prefix="planwise-") as home:
        mapping = MAPPINGS / "baltimore_years.yaml"
        years = read_years(Settings(home=Path(home)), files, mappings=[mapping], as_of=days)
    names = ("re-keyed", "found", "recall", "precision", "pairs in the files", "by chance", "of the exits")
    table = Table("year", *(Column(name, justify="right") for name in names))
    generator = np.random.default_rng(SEED)
    for before, after in pairwise(years):
        runs = [measure(before, after, options.share, generator) for _ in range(options.repeats)]
        all_of = Measure(*(sum(getattr(run, name) for run in runs) for name in ("changed", "right", "wrong")))
        pairs, coincidences = chance(before, after)
        exits = len(before.people.index.difference(after.people.index))
        figures = (f"{all_of.changed}", f"{all_of.right}", f"{all_of.recall:.2f}", f"{all_of.precision:.2f}")
        by_chance = f"{coincidences:.1f} ({coincidences / max(pairs, 1):.0%})"
        table.add_row(f"{after.as_of}", *figures, f"{pairs}", by_chance, f"{pairs / exits:.1%}")
    Console(width=120).print(table)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
