"""People of a simulation by group: two simulations compared, and what raises are made of."""

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from planwise.census import Census
from planwise.risk.impact import ImpactGroup, people_impact
from planwise.small_groups import small_groups
from ui.live_preview.values import Affected, Impact, LevelYear, PlanDetail
from ui.values.results import SUPPRESSED_UNDER

UNKNOWN = "Not recorded"
CENSUS_YEAR = 0
LEVEL = "level"
BY = {LEVEL: "level_id", "department": "department", "gender": "gender"}


@dataclass(frozen=True)
class Summary:
    """One simulation: `people` are those of the last year, `levels` has every year's and the census's.

    people: employee_id, simulation_year, level_id, department, gender, is_active, base_pay.
    levels: headcount and mean_base_pay by (simulation_year, level_id); year 0 is the census.
    """

    people: pd.DataFrame
    levels: pd.DataFrame
    seconds: float


def summarize(pay: pd.DataFrame, census: Census) -> Summary:
    """Return what a comparison needs of a pay frame (`Preview.pay`), a small part of it."""
    started = time.perf_counter()
    last = pay["simulation_year"].max()
    columns = ["employee_id", "simulation_year", "level_id", "department", "gender", "is_active", "base_pay"]
    people = pay.loc[(pay["simulation_year"] == last) & pay["is_active"], columns].reset_index(drop=True)
    for text in ("department", "gender"):
        people[text] = people[text].fillna(UNKNOWN).astype("category")
    opening = pq.read_table(census.census_file, columns=["level_id", "base_pay"]).to_pandas()
    opening = opening.astype({"base_pay": float}).assign(simulation_year=CENSUS_YEAR)
    active = pay.loc[pay["is_active"], ["simulation_year", "level_id", "base_pay"]]
    groups = pd.concat([opening, active]).groupby(["simulation_year", "level_id"])["base_pay"]
    levels = groups.agg(headcount="size", mean_base_pay="mean")
    return Summary(people, levels, time.perf_counter() - started)


def compare(before: Summary, after: Summary, key: str) -> Impact:
    """Compare two simulations of one census over the same years."""
    started = time.perf_counter()
    whole = people_impact(before.people, after.people)
    groups = [_affected(LEVEL, f"{level}", group) for level, group in sorted(whole.by_level.items())]
    for dimension in ("department", "gender"):
        groups += _by(dimension, before.people, after.people)
    return Impact(
        year=whole.year,
        levels=tuple(_levels(before.levels, after.levels)),
        everybody=_affected("everybody", "", whole.everybody),
        groups=tuple(groups),
        only_before=whole.only_before,
        only_after=whole.only_after,
        seconds=after.seconds + time.perf_counter() - started,
        from_cache=False,
        key=key,
    )


def _by(dimension: str, before: pd.DataFrame, after: pd.DataFrame) -> list[Affected]:
    """Return the groups of a text column by size, the largest first; people are in their group of before."""
    column = before[BY[dimension]]
    names = list(column.cat.categories)
    coded = before.assign(level_id=column.cat.codes.astype(int))  # the comparison's groups are numbers
    groups = people_impact(coded, after).by_level
    ordered = sorted(groups.items(), key=lambda item: (-item[1].compared, names[item[0]]))
    return [_affected(dimension, str(names[code]), group) for code, group in ordered]


def _affected(dimension: str, member: str, group: ImpactGroup) -> Affected:
    if group.compared < SUPPRESSED_UNDER:
        return Affected(dimension, member, *[None] * 7)
    amounts, rates = group.difference, group.difference_rate
    shown = amounts is not None and rates is not None and group.differ >= SUPPRESSED_UNDER
    return Affected(
        dimension=dimension,
        member=member,
        compared=group.compared,
        winners=group.winners,
        losers=group.losers,
        p10=amounts.p10 if shown and amounts else None,
        median=amounts.median if shown and amounts else None,
        p90=amounts.p90 if shown and amounts else None,
        median_rate=rates.median if shown and rates else None,
    )


def _levels(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[LevelYear]:
    before, after = _without_small(before), _without_small(after)
    years = sorted({year for year, _ in before.index} | {year for year, _ in after.index})
    levels = sorted({level for _, level in before.index} | {level for _, level in after.index})
    for previous, year in itertools.pairwise(years):
        for level in levels:
            old, new = (_level(frame, previous, year, level) for frame in (before, after))
            if old[0] or new[0]:
                yield LevelYear(int(year), int(level), old[0], new[0], old[1], new[1], old[2], new[2])


def _level(
    frame: pd.DataFrame, previous: int, year: int, level: int
) -> tuple[int, float | None, float | None]:
    """Return headcount, mean pay and its growth; None where the frame has no pay."""
    count, mean = _figures(frame, year, level)
    _, earlier = _figures(frame, previous, level)
    return count, mean, None if mean is None or earlier is None else mean / earlier - 1


def _figures(frame: pd.DataFrame, year: int, level: int) -> tuple[int, float | None]:
    if (year, level) not in frame.index:
        return 0, None
    row: Any = frame.loc[(year, level)]
    mean = float(row["mean_base_pay"])
    return int(row["headcount"]), None if math.isnan(mean) else mean


def _without_small(levels: pd.DataFrame) -> pd.DataFrame:
    """Return the frame of `Summary` without the mean pay of each year's `small_groups`."""
    shown = levels.copy()
    for _, rows in levels.groupby(level="simulation_year"):
        shown.loc[small_groups(rows["headcount"].to_dict()), "mean_base_pay"] = float("nan")
    return shown


AMOUNTS = (
    *("opening_payroll", "increase_rate", "increase_cost", "merit_pool", "merit_spent"),
    *("raise_mean", "raise_low", "raise_high"),
)
OF_THE_MARKET = ("market_pay", "market_ratio", "market_position")


def detail_of(rows: pd.DataFrame, key: str) -> PlanDetail:
    """Return the rows of `plan_detail.COLUMNS` without the amounts of `small_groups`.

    A group is judged among those of its attribute, a cell of the merit matrix among those of its level and
    among the same cell's of other levels: each sums to a total that is shown.
    """
    shown = rows.astype(dict.fromkeys((*AMOUNTS, *OF_THE_MARKET), float)).reset_index(drop=True)
    groups, cells = shown[shown["part"] == "group"], shown[shown["part"] == "cell"]
    by_level = cells[cells["attribute"] != "all"]
    for within in (
        groups[groups["attribute"] != "level"].groupby(["simulation_year", "attribute"]),
        cells.groupby(["simulation_year", "attribute"]),
        by_level.groupby(["simulation_year", "member", "position"]),
    ):
        for _, some in within:
            shown.loc[small_groups(some["people"].to_dict()), list(AMOUNTS)] = float("nan")
    for _, some in shown[shown["part"] == "market"].groupby(["simulation_year", "attribute"]):
        shown.loc[small_groups(some["market_people"].to_dict()), list(OF_THE_MARKET)] = float("nan")
    few = shown["part"].eq("group") & shown["promotions"].lt(SUPPRESSED_UNDER)
    shown.loc[few, ["raise_mean", "raise_high"]] = float("nan")
    return PlanDetail(shown, from_cache=False, key=key)
