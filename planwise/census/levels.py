"""Levels of employees, and the levels' pay ranges, which may overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census.mapping import Range
from planwise.census.schema import LEVEL_MAX, LEVEL_MIN
from planwise.errors import InputError

Integers = npt.NDArray[np.int64]

CUMULATIVE_MIX = (0.40, 0.70, 0.88, 0.97)  # the level mix of 02, cumulated
# Spread of a derived range, maximum / minimum - 1, from level 1 up: salary structures use about 40 % for
# entry grades and 60 % for executives (WorldatWork, salary structure surveys).
RANGE_SPREADS = {1: 0.40, 2: 0.45, 3: 0.50, 4: 0.55, 5: 0.60}
NO_LEVEL = 0
NAME_MAX = 60  # characters of a level's name
NAMES_REMEDY = f"Give 1 to {NAME_MAX} printable characters."
MEDIANS_REMEDY = "Give a `ranges:` table in the mapping YAML, or `levels: pay-quantiles`."


@dataclass(frozen=True)
class Levels:
    """A level per row (NO_LEVEL where there is none), the ranges, and remarks."""

    level_id: Integers
    ranges: pd.DataFrame
    notices: tuple[str, ...] = ()


def with_names(levels: Levels, names: Mapping[int, str]) -> Levels:
    """Return the levels with these names by level_id; a name of a level that is not there is a remark."""
    ids = levels.ranges["level_id"].tolist()
    new = [names.get(level, name) for level, name in zip(ids, levels.ranges["name"], strict=True)]
    check_level_names(new)
    remarks = tuple(f"level_names: there is no level {level}." for level in names if level not in ids)
    return replace(levels, ranges=levels.ranges.assign(name=new), notices=(*levels.notices, *remarks))


def check_level_names(names: Sequence[str]) -> None:
    """Raise InputError for a name that is empty or long, and for two levels of one name."""
    for name in names:
        if not name.strip() or len(name) > NAME_MAX or not name.isprintable():
            raise InputError(f"The level name {name[:NAME_MAX]!r} is not usable.", remedy=NAMES_REMEDY)
    if again := [name for name in names if names.count(name) > 1]:
        raise InputError(f"Two levels have the name {again[0]!r}.", remedy="Give each level its own name.")


def by_pay_quantiles(cents: Integers) -> Levels:
    """Cut the census's own pay at the cumulative mix; ties stay together, empty levels collapse."""
    cuts = np.unique(np.quantile(cents, CUMULATIVE_MIX, method="higher"))
    cuts = cuts[cuts > cents.min()]
    level = np.searchsorted(cuts, cents, side="right") + 1
    notices: tuple[str, ...] = ()
    if len(cuts) < len(CUMULATIVE_MIX):
        distinct = len(np.unique(cents))
        notices = (f"Pay ({distinct} distinct values) is too uniform for 5 levels: {len(cuts) + 1} created.",)
    return Levels(level, ranges_around_medians(cents, level), notices)


def by_ranges(cents: Integers, table: Sequence[Range]) -> Levels:
    """Give each pay the level whose half-open range holds it, NO_LEVEL outside every range."""
    ranges = range_table(table, contiguous=True)
    edges = np.append(ranges["minimum"], ranges["maximum"].iloc[-1:])
    position = np.searchsorted(np.rint(edges * 100).astype(np.int64), cents, side="right")
    inside = (position > 0) & (position < len(edges))
    ids = ranges["level_id"].to_numpy()
    level = np.where(inside, ids[np.clip(position - 1, 0, len(ids) - 1)], NO_LEVEL)
    return Levels(level.astype(np.int64), ranges)


def by_title(titles: pd.Series, levels: Mapping[str, int]) -> Integers:
    """Return the level the map states for each title, whatever its case and spaces; else NO_LEVEL."""
    wrong = sorted(t for t, level in levels.items() if not LEVEL_MIN <= level <= LEVEL_MAX)
    if wrong:
        raise InputError(
            f"levels: {wrong[0]!r} has level {levels[wrong[0]]}, outside {LEVEL_MIN} to {LEVEL_MAX}."
        )
    known = {" ".join(title.casefold().split()): level for title, level in levels.items()}
    canonical = titles.str.casefold().str.split().str.join(" ")
    return np.asarray(canonical.map(known).fillna(NO_LEVEL), dtype=np.int64)


def ranges_around_medians(cents: Integers, level: Integers) -> pd.DataFrame:
    """Return a range per level: its midpoint the level's median pay, its width the level's RANGE_SPREADS.

    Raises InputError for a level between others that has no employees, and medians that do not rise.
    """
    present = np.unique(level)
    missing = sorted(set(range(present[0], present[-1] + 1)) - set(present.tolist()))
    if missing:
        raise InputError(
            f"Level {missing[0]} has no employees, so its pay range is unknown.", remedy=MEDIANS_REMEDY
        )
    medians = np.array([np.median(cents[level == k]) for k in present])
    for k in range(1, len(medians)):
        if medians[k] <= medians[k - 1]:
            raise InputError(
                f"The median pay of level {present[k]} ({medians[k] / 100:,.2f}) is not above that of level "
                f"{present[k - 1]} ({medians[k - 1] / 100:,.2f}), so its pay range would not lie higher.",
                remedy=MEDIANS_REMEDY,
            )
    spreads = np.array([RANGE_SPREADS[int(k)] for k in present])
    minimum = np.maximum(np.rint(medians / (1 + spreads / 2)), 1)
    maximum = np.maximum(np.rint(2 * medians - minimum), minimum + 1)
    return pd.DataFrame(
        {
            "level_id": present,
            "name": [f"Pay band {k}" for k in present],
            "minimum": minimum / 100,
            "maximum": maximum / 100,
        }
    )


def range_table(table: Sequence[Range], *, contiguous: bool) -> pd.DataFrame:
    """Return the ranges of a mapping as a table, lowest first.

    Raises InputError for a level given twice and, where pay decides levels (`contiguous`), a gap or overlap.
    """
    ordered = sorted(table, key=lambda r: r.level_id)
    ids = [r.level_id for r in ordered]
    if not ordered or len(set(ids)) < len(ids) or not all(LEVEL_MIN <= i <= LEVEL_MAX for i in ids):
        raise InputError(
            f"ranges must give each level once, from {LEVEL_MIN} to {LEVEL_MAX}; they give {ids}."
        )
    for lower, upper in pairwise(ordered):
        if contiguous and lower.maximum != upper.minimum:
            kind = "a gap" if lower.maximum < upper.minimum else "an overlap"
            raise InputError(
                f"ranges: {kind} between level {lower.level_id} (to {lower.maximum:,.2f}) "
                f"and level {upper.level_id} (from {upper.minimum:,.2f}).",
                remedy="Where pay decides the level, a level's maximum is the next level's minimum.",
            )
    return pd.DataFrame(
        {
            "level_id": ids,
            "name": [r.name or f"Pay band {r.level_id}" for r in ordered],
            "minimum": [r.minimum for r in ordered],
            "maximum": [r.maximum for r in ordered],
        }
    )
