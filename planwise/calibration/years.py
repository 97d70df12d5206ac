"""Yearly censuses, and what changed for each person between two of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census import load_census, read_census
from planwise.census.mapping import load_mapping
from planwise.census.registry import NAME_PATTERN
from planwise.census.schema import DEFAULT_RATING, GROUPINGS, loose_id
from planwise.errors import InputError
from planwise.formatting import counted
from planwise.parameters import catalogue
from planwise.settings import Settings

YEARS_MIN = 2
SPACING_DAYS = (330, 400)  # a year, with the freedom of a payroll date that moves by a month
SHARED_IDS_MIN = 0.1  # real workforces keep far more; files with ids of two schemes share a few by chance
PAY_LEVELS = "pay"  # how the description of levels begins that are read off the pay
FACTS = ("gender", "ethnicity", "performance_rating", *GROUPINGS)  # carried along: the simulation reads them
COLUMNS = ("hire_date", "birth_date", "base_pay", "job_title", "department", "level_id", "fte", *FACTS)


@dataclass(frozen=True)
class YearlyCensus:
    """The workforce on one day; `people` by employee id, pay a year (float), dates as datetime64.

    `ids_in_file` has all ids in the file, filtered rows included; None for a census of the home. `renamed`:
    departments are not written as in the file or the census.
    """

    name: str
    as_of: date
    people: pd.DataFrame = field(repr=False)
    ranges: pd.DataFrame = field(repr=False)
    levels_from: str
    availability: Mapping[str, bool]
    ids_in_file: frozenset[str] | None = field(default=None, repr=False)
    rejected: Mapping[str, int] = field(default_factory=dict)
    rows_filtered: int = 0
    notices: tuple[str, ...] = ()
    currency: str = ""
    renamed: bool = False

    @property
    def opening(self) -> date:
        """The first day of the year that the census opens; the census of 1 January opens that very day."""
        return self.as_of if (self.as_of.month, self.as_of.day) == (1, 1) else self.as_of + timedelta(days=1)

    @property
    def levels_by_pay(self) -> bool:
        """Whether the levels follow from the pay, so that a raise alone can change them."""
        return self.levels_from.startswith(PAY_LEVELS)


def read_years(
    settings: Settings,
    sources: Sequence[str | Path],
    *,
    mappings: Sequence[Path | Mapping[str, Any]] = (),
    as_of: Sequence[date] = (),
    levels: str | None = None,
    row_filter: str | None = None,
) -> tuple[YearlyCensus, ...]:
    """Return the censuses in the order given, which must be that of their dates, one year apart.

    A source that is no existing file and reads like a census name is a census of the home. `mappings` has one
    for all files or one for each source; `as_of` a date for each. Raises InputError, and ImportBlocked when
    too few rows of a file are valid.
    """
    if len(sources) < YEARS_MIN:
        raise InputError(
            f"{counted(len(sources), 'census', 'censuses')} given; at least {YEARS_MIN} are needed, a "
            f"year apart.",
            remedy="Give the census of the year before, too: rates come from who is in one and not the next.",
        )
    _check_counts(sources, mappings, as_of)
    years = []
    for place, source in enumerate(sources):
        if _is_name(source):
            years.append(_registered(settings, str(source)))
            continue
        mapping = load_mapping((mappings[place] if len(mappings) > 1 else mappings[0]) if mappings else None)
        day = as_of[place] if as_of else mapping.as_of
        if day is None:
            raise InputError(
                f"{Path(source).name}: no census date was given.",
                remedy="Give one per file: `--as-of 2013-06-30,2014-06-30`.",
            )
        reading = read_census(
            settings,
            Path(source),
            mapping=mapping.model_dump(exclude_unset=True),
            as_of=day,
            levels=levels,
            row_filter=row_filter,
        )
        report = reading.report
        years.append(
            YearlyCensus(
                name=Path(source).name,
                as_of=date.fromisoformat(report.as_of),
                people=_people(reading.rows),
                ranges=reading.ranges,
                levels_from=report.levels_from,
                availability=reading.availability,
                ids_in_file=reading.ids,
                rejected=report.reject_reasons,
                rows_filtered=report.rows_filtered,
                notices=tuple(report.notices),
                currency=str(report.source.get("currency") or ""),
            )
        )
    _check_dates(years)
    years = _with_plain_departments(_with_one_spelling(years))
    _check_ids(years)
    return tuple(_with_pay_date_note(years))


def _is_name(source: str | Path) -> bool:
    return not Path(source).exists() and NAME_PATTERN.fullmatch(str(source)) is not None


def _check_counts(sources: Sequence[Any], mappings: Sequence[Any], as_of: Sequence[Any]) -> None:
    if len(mappings) not in (0, 1, len(sources)):
        raise InputError(
            f"{counted(len(mappings), 'mapping')} for {counted(len(sources), 'census', 'censuses')}.",
            remedy="Give one for all, or one each.",
        )
    if len(as_of) not in (0, len(sources)):
        raise InputError(
            f"{counted(len(as_of), 'date')} for {counted(len(sources), 'census', 'censuses')}.",
            remedy="Give one per census, separated by commas.",
        )


def _registered(settings: Settings, name: str) -> YearlyCensus:
    census = load_census(settings, name)
    return YearlyCensus(
        name=name,
        as_of=census.as_of,
        people=_people(pd.read_parquet(census.census_file)),
        ranges=pd.read_parquet(census.levels_file).astype({"minimum": float, "maximum": float}),
        levels_from=census.levels_from,
        availability=census.availability,
        currency=census.currency,
    )


def _people(rows: pd.DataFrame) -> pd.DataFrame:
    people = rows.set_index("employee_id").reindex(columns=COLUMNS)
    for column in ("hire_date", "birth_date"):
        people[column] = pd.to_datetime(people[column])
    return people.assign(
        base_pay=people["base_pay"].astype(float),
        level_id=people["level_id"].astype(int),
        fte=pd.to_numeric(people["fte"]).astype(float).fillna(1.0),
        performance_rating=pd.to_numeric(people["performance_rating"]).fillna(DEFAULT_RATING).astype(int),
    ).sort_index()


def _check_dates(years: Sequence[YearlyCensus]) -> None:
    for before, after in pairwise(years):
        days = (after.as_of - before.as_of).days
        if days <= 0:
            raise InputError(
                f"{after.name} ({after.as_of}) is not later than {before.name} ({before.as_of}).",
                remedy="Give the censuses oldest first, and their dates in the same order.",
            )
        if not SPACING_DAYS[0] <= days <= SPACING_DAYS[1]:
            raise InputError(
                f"{days} days lie between {before.name} ({before.as_of}) and {after.name} ({after.as_of}); "
                f"{SPACING_DAYS[0]} to {SPACING_DAYS[1]} are taken for a year.",
                remedy="Give yearly censuses without a gap: a rate over another time is not a yearly rate.",
            )


def _with_one_spelling(years: Sequence[YearlyCensus]) -> list[YearlyCensus]:
    """Give ids that a later census writes otherwise (800 for 00800) the earlier spelling, with a note.

    An id without a match that becomes equal without case, leading zeros or `.0` is the same person's,
    provided that only one id of each census does.
    """
    result = [years[0]]
    for after in years[1:]:
        before = result[-1]
        alone_before = before.people.index.difference(after.people.index)
        alone_after = after.people.index.difference(before.people.index)
        earlier, later = _by_loose_id(alone_before), _by_loose_id(alone_after)
        renamed = {later[key]: earlier[key] for key in later.keys() & earlier.keys()}
        if renamed:
            written, was = min(renamed.items())
            notice = (
                f"{counted(len(renamed), 'id')} of {after.name} "
                f"{'matches one' if len(renamed) == 1 else 'match those'} of {before.name} only without "
                "case, "
                f"leading zeros or .0 ({was} is {written}): they were taken for the same people."
            )
            after = replace(
                after,
                people=after.people.rename(index=renamed).sort_index(),
                ids_in_file=None
                if after.ids_in_file is None
                else frozenset(renamed.get(identifier, identifier) for identifier in after.ids_in_file),
                notices=(*after.notices, notice),
            )
        result.append(after)
    return result


UNIT_NUMBER = re.compile(r"\s*\(\d*\)?\s*$")  # as in Police Department (386), or cut short to (38
PLAIN_MIN = 0.5


def _with_plain_departments(years: Sequence[YearlyCensus]) -> list[YearlyCensus]:
    """Take the number of a unit off the departments of a year where another year has the names alone.

    Otherwise hardly anyone would be in the department of the year before. Each such year gets a note.
    """
    plain = {
        name.casefold(): name
        for year in years
        for name in map(str, year.people["department"].dropna().unique())
        if not UNIT_NUMBER.search(name)
    }
    result = []
    for year in years:
        names = year.people["department"].astype(str)
        stems = {name: UNIT_NUMBER.sub("", name) for name in names.unique() if UNIT_NUMBER.search(name)}
        known = names.map(lambda name, stems=stems: stems.get(name, "").casefold() in plain)
        if known.sum() >= PLAIN_MIN * names.isin(list(stems)).sum() > 0:
            renamed = names.map(
                lambda name, stems=stems: (
                    plain.get(stems[name].casefold(), stems[name]) if name in stems else name
                )
            )
            notice = (
                f"{counted(len(stems), 'department')} of {year.name} "
                f"{'ends' if len(stems) == 1 else 'end'} with the number of a unit, those of another "
                f"year do not: they were read without it, as {counted(renamed.nunique(), 'department')}."
            )
            people = year.people.assign(department=renamed.where(year.people["department"].notna()))
            year = replace(year, people=people, renamed=True, notices=(*year.notices, notice))
        result.append(year)
    return result


def _by_loose_id(ids: pd.Index) -> dict[str, str]:
    """Return the ids by what stays of them when an export changes them, where that is one id's only."""
    keys = pd.Series(ids, index=[loose_id(str(identifier)) for identifier in ids])
    return {str(key): str(identifier) for key, identifier in keys[~keys.index.duplicated(keep=False)].items()}


def _check_ids(years: Sequence[YearlyCensus]) -> None:
    """Raise InputError for years that share few ids: ids were probably renewed."""
    for before, after in pairwise(years):
        shared = len(before.people.index.intersection(after.people.index))
        smaller = min(len(before.people), len(after.people))
        if shared < SHARED_IDS_MIN * smaller:
            raise InputError(
                f"{shared:,} of {len(before.people):,} employee ids of {before.name} are in {after.name}; at "
                f"least {SHARED_IDS_MIN:.0%} of the smaller census is needed.",
                remedy="Ids must be the same person's in every year: map `employee_id` to a column that is, "
                "and do not mix files with censuses whose ids were hashed elsewhere.",
            )


# Pay per pay date × pay dates is not a year's pay: 27 dates of a year with 26, or 53 of 52, move everyone
# alike.
PAY_DATES = ((27, 26), (26, 27), (53, 52), (52, 53))
ROUND_RAISE, ROUND_TOLERANCE = 0.0025, 1e-4  # raises across the board are whole quarters of a per cent
SHARED_RAISE_MIN = 0.02  # of the stayers: a raise that fewer have is no award
SHARED_RAISES_MIN, ALIKE_MIN = 0.3, 0.9


def _with_pay_date_note(years: Sequence[YearlyCensus]) -> list[YearlyCensus]:
    """Return the years with a note on each whose raises are nearly all off by one factor of pay dates."""
    found = [years[0]]
    for before, after in pairwise(years):
        note = pay_date_note(before, after)
        found.append(replace(after, notices=(*after.notices, note)) if note else after)
    return found


def pay_date_note(before: YearlyCensus, after: YearlyCensus) -> str | None:
    """Return a note when nearly all shared raises are round only after division by 27/26 or the like.

    Only raises that at least 2 % of the stayers have in common are looked at, and only when they are those of
    30 % of the stayers or more; a single one must be no raise at all after the division.
    """
    pay = before.people["base_pay"].to_frame("old").join(after.people["base_pay"].rename("new"), how="inner")
    ratios = (pay["new"] / pay["old"]).round(4)
    shared = ratios[ratios.map(ratios.value_counts()) >= max(SHARED_RAISE_MIN * len(ratios), 2)]
    if ratios.empty or len(shared) < SHARED_RAISES_MIN * len(ratios):
        return None
    if _are_round(shared).mean() > 1 - ALIKE_MIN:
        return None
    for now, then in PAY_DATES:
        divided = shared * then / now
        if _are_round(divided).mean() < ALIKE_MIN:
            continue
        if divided.nunique() == 1 and abs(divided.iloc[0] - 1) > ROUND_TOLERANCE:
            continue
        common = float(shared.mode().iloc[0])
        return (
            f"Nearly all shared raises to {after.name} are a round figure times {now}/{then} (most frequent: "
            f"{common - 1:+.2%}). Its pay is probably what one pay date pays times {now}, and that of "
            f"{before.name} times {then}: raises and pay growth are then off by {now / then - 1:+.2%}. "
            "Give annual rates, or pay per date with the pay unit in the mapping."
        )
    return None


def _are_round(ratios: pd.Series) -> pd.Series:
    """Return which ratios of pay are a raise of a whole number of quarters of a per cent, or none."""
    raises = ratios - 1
    distance = (raises - (raises / ROUND_RAISE).round() * ROUND_RAISE).abs()
    return (distance <= ROUND_TOLERANCE) & (raises >= -ROUND_TOLERANCE)


NO_BAND = "not available"


@dataclass(frozen=True)
class Transition:
    """One year's way from `before` to `after`.

    `opening` has all of `before`: its columns, `tenure_band`, `age_band`, `left`. `stayers` those in
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


def moved_ranges(ranges: pd.DataFrame, factor: float) -> pd.DataFrame:
    """Return the ranges of levels moved by a factor."""
    return ranges.assign(
        minimum=_cents(ranges["minimum"] * factor), maximum=_cents(ranges["maximum"] * factor)
    )


def levels_of(pay: pd.Series, ranges: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return each pay's level: the half-open range it is in, the outermost ones open to their ends."""
    place = np.searchsorted(ranges["minimum"].to_numpy(dtype=float)[1:], pay.to_numpy(), side="right")
    return np.asarray(ranges["level_id"].to_numpy(dtype=np.int64)[place])


def _cents(money: pd.Series) -> pd.Series:
    """Return amounts rounded to cents."""
    return (money * 100).round() / 100


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
