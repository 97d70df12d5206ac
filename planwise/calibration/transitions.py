"""Match two consecutive years by employee id: who stayed, left and joined, and what looks odd."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pandas as pd

from planwise.calibration.years import YearlyCensus
from planwise.parameters import catalogue

NO_BAND = "not available"


@dataclass(frozen=True)
class Transition:
    """One year's way from `before` to `after`.

    `opening` has everybody of `before`: its columns, `tenure_band`, `age_band`, `left`. `stayers` those in
    both: old columns and the new ones with `_after`, `raise_rate`. `entrants` those of `after` only, with
    `new` (hired since the census before).
    """

    before: YearlyCensus
    after: YearlyCensus
    opening: pd.DataFrame = field(repr=False)
    stayers: pd.DataFrame = field(repr=False)
    entrants: pd.DataFrame = field(repr=False)

    @property
    def label(self) -> str:
        """The year in words: from census date to census date."""
        return f"{self.before.as_of} to {self.after.as_of}"


def transition(before: YearlyCensus, after: YearlyCensus) -> Transition:
    """Return what happened between two censuses; bands are those on the opening day."""
    opening = with_bands(before).assign(left=lambda f: ~f.index.isin(after.people.index))
    stayers = opening[~opening["left"]].join(after.people, rsuffix="_after")
    stayers = stayers.assign(raise_rate=stayers["base_pay_after"] / stayers["base_pay"] - 1)
    entrants = after.people[~after.people.index.isin(before.people.index)]
    entrants = entrants.assign(new=entrants["hire_date"] > pd.Timestamp(before.as_of))
    return Transition(before, after, opening, stayers, entrants)


def transitions(years: Sequence[YearlyCensus]) -> tuple[Transition, ...]:
    """Return the transitions between consecutive years."""
    return tuple(transition(a, b) for a, b in pairwise(years))


def with_bands(year: YearlyCensus) -> pd.DataFrame:
    """Return the people with `tenure_band` and `age_band` on the opening day, in completed years."""
    people = year.people
    day = pd.Timestamp(year.opening)
    return people.assign(
        tenure_band=band_of(completed_years(people["hire_date"], day), "tenure"),
        age_band=band_of(completed_years(people["birth_date"], day), "age"),
    )


def completed_years(since: pd.Series, day: pd.Timestamp) -> pd.Series:
    """Return whole years from each date to the day, at least 0; NaN where there is no date."""
    before_birthday = since.dt.month * 100 + since.dt.day > day.month * 100 + day.day
    years: pd.Series = (day.year - since.dt.year - before_birthday.astype(int)).clip(lower=0)
    return years.where(since.notna())


def band_of(years: pd.Series, family: str) -> pd.Series:
    """Return the member of a family of bands that holds each number of completed years."""
    found = pd.Series(NO_BAND, index=years.index, dtype=object)
    for member, band in catalogue().bands[family].items():
        inside = years >= (band.start or 0)
        if band.end is not None:
            inside &= years < band.end
        found[inside] = member
    return found


def quirks(years: Sequence[YearlyCensus], steps: Sequence[Transition]) -> list[dict[str, object]]:
    """Return one row per transition: how many people look odd, and in which way."""
    return [_quirks(years, step, place) for place, step in enumerate(steps)]


def _quirks(years: Sequence[YearlyCensus], step: Transition, place: int) -> dict[str, object]:
    left = step.opening.index[step.opening["left"]]
    later = pd.Index([])
    for year in years[place + 2 :]:
        later = later.union(year.people.index)
    earlier = pd.Index([])
    for year in years[:place]:
        earlier = earlier.union(year.people.index)
    moved = step.stayers["hire_date"] != step.stayers["hire_date_after"]
    in_next, in_last = step.after.ids_in_file, step.before.ids_in_file
    return {
        "year": step.label,
        "left_and_came_back_later": int(left.isin(later).sum()),
        "entrants_who_were_there_before": int(step.entrants.index.isin(earlier).sum()),
        "entrants_hired_before_the_year": int((~step.entrants["new"]).sum()),
        "exits_still_in_the_next_file": None if in_next is None else int(left.isin(list(in_next)).sum()),
        "entrants_in_the_last_file": None
        if in_last is None
        else int(step.entrants.index.isin(list(in_last)).sum()),
        "hire_date_changed": int(moved.sum()),
        "rehired_within_the_year": int(
            (step.stayers["hire_date_after"] > pd.Timestamp(step.before.as_of)).sum()
        ),
        "pay_falls": int((step.stayers["raise_rate"] < 0).sum()),
        "part_time": int((step.opening["fte"] < 1).sum()),
        "rejected_duplicate_ids": int(step.before.rejected.get("duplicate_id", 0)),
        "rejected_rows": int(sum(step.before.rejected.values())),
        "filtered_rows": step.before.rows_filtered,
    }
