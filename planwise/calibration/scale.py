"""Hold the levels on one scale over the years, so that a change of level is a change of the job."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.calibration.years import YearlyCensus
from planwise.errors import InputError


@dataclass(frozen=True)
class Scale:
    """How the levels were made comparable; `movements` has each year's movement of the ranges, a rate."""

    by_pay: bool
    movements: tuple[float, ...]
    rule: str


def on_one_scale(years: Sequence[YearlyCensus]) -> tuple[tuple[YearlyCensus, ...], Scale]:
    """Return the years with comparable levels.

    Levels of files, titles or the home stay as they are. Levels read off the pay are read anew: from the
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
        moved = table.assign(
            minimum=cents(table["minimum"] * factor), maximum=cents(table["maximum"] * factor)
        )
        people = year.people.assign(level_id=levels_of(year.people["base_pay"], moved))
        scaled.append(replace(year, people=people, ranges=moved))
    shown = ", ".join(f"{m:+.2%}" for m in movements)
    origin = f"{years[0].name} ({years[0].levels_from})"
    rule = f"levels by pay: the ranges of {origin}, moved each year by the median raise ({shown})"
    return tuple(scaled), Scale(True, movements, rule)


def levels_of(pay: pd.Series, ranges: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return each pay's level: the half-open range it is in, the outermost ones open to their ends."""
    place = np.searchsorted(ranges["minimum"].to_numpy(dtype=float)[1:], pay.to_numpy(), side="right")
    return np.asarray(ranges["level_id"].to_numpy(dtype=np.int64)[place])


def cents(money: pd.Series) -> pd.Series:
    """Return amounts rounded to cents."""
    return (money * 100).round() / 100


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
