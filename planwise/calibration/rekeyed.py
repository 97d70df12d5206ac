"""People who left and came in again under another id: counted, listed, joined on request.

An id made of a name and a hire date changes with a marriage or a corrected date: one person is then an exit
and an entrant. Who left and who came in with the same old hire date, the same department or title and about
the same pay is probably the same person, where no other pair is possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from planwise.calibration.statistics import department_label
from planwise.calibration.years import YearlyCensus

PAY_CHANGE_MAX = 0.25  # a larger change of pay is another person's


@dataclass(frozen=True)
class RekeyedPerson:
    """An exit and an entrant who are probably one person; without pay."""

    year: str
    old_id: str
    new_id: str
    hire_date: date
    department: str
    new_department: str
    job_title: str
    new_job_title: str


@dataclass(frozen=True)
class RekeyedYear:
    """How many exits of a year are offered as the same person under another id."""

    year: str
    exits: int
    older_entrants: int
    offered: int

    @property
    def share(self) -> float | None:
        """The offered as a share of the exits."""
        return self.offered / self.exits if self.exits else None


@dataclass(frozen=True)
class RekeyedPeople:
    """All pairs that are offered, and their count by year."""

    years: tuple[RekeyedYear, ...]
    people: tuple[RekeyedPerson, ...]


def find_rekeyed(years: Sequence[YearlyCensus]) -> RekeyedPeople:
    """Return who left and came in under another id, year by year; who changes it twice is found twice."""
    counts, people = [], []
    joined = list(years)
    for place in range(len(joined) - 1):
        found, count = _offered(joined, place)
        people += found
        counts.append(count)
        joined = _renamed(joined, place + 1, {person.new_id: person.old_id for person in found})
    return RekeyedPeople(tuple(counts), tuple(people))


def join_rekeyed(years: Sequence[YearlyCensus]) -> tuple[YearlyCensus, ...]:
    """Return the censuses in which such people keep their first id, with a note on each census."""
    joined = list(years)
    for place in range(len(joined) - 1):
        found, count = _offered(joined, place)
        joined = _renamed(joined, place + 1, {person.new_id: person.old_id for person in found})
        after = joined[place + 1]
        note = (
            f"{count.offered:,} of {count.exits:,} who left before {after.name} and came in with another "
            "id, the "
            "same hire date, department or title and about the same pay were taken for the same people, on "
            "request."
        )
        joined[place + 1] = replace(after, notices=(*after.notices, note))
    return tuple(joined)


def _offered(years: Sequence[YearlyCensus], place: int) -> tuple[list[RekeyedPerson], RekeyedYear]:
    """Return the pairs of the year from one census to the next.

    Who is in a later census under the old id, or was in an earlier one under the new id, is two people.
    """
    before, after = years[place], years[place + 1]
    label = f"{before.as_of} to {after.as_of}"
    exits = _compared(before.people[~before.people.index.isin(after.people.index)])
    hired_before = after.people["hire_date"] <= pd.Timestamp(before.as_of)
    entrants = _compared(after.people[hired_before & ~after.people.index.isin(before.people.index)])
    gone = exits[~exits["id"].isin(_ids(years[place + 2 :]))]
    pairs = _matches(gone, entrants[~entrants["id"].isin(_ids(years[:place]))])
    people = [
        RekeyedPerson(
            year=label,
            old_id=str(row["id"]),
            new_id=str(row["id_new"]),
            hire_date=row["hire_date"].date(),
            department=_text(row["department"]),
            new_department=_text(row["department_new"]),
            job_title=_text(row["job_title"]),
            new_job_title=_text(row["job_title_new"]),
        )
        for row in pairs.to_dict("records")
    ]
    return people, RekeyedYear(label, len(exits), len(entrants), len(people))


def _compared(people: pd.DataFrame) -> pd.DataFrame:
    """Return what of people is compared: department and title as they are written in any year."""
    return pd.DataFrame(
        {
            "id": people.index.astype(str),
            "hire_date": people["hire_date"].to_numpy(),
            "department": people["department"].to_numpy(),
            "job_title": people["job_title"].to_numpy(),
            "unit": [department_label(name) for name in people["department"]],
            "title": [" ".join(_text(name).split()).casefold() for name in people["job_title"]],
            "pay": people["base_pay"].to_numpy(dtype=float),
        }
    )


def _matches(exits: pd.DataFrame, entrants: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs that may be one person and have no other on either side."""
    both = exits[exits["hire_date"].notna()].merge(entrants, on="hire_date", suffixes=("", "_new"))
    same = (both["unit"] == both["unit_new"]) | ((both["title"] == both["title_new"]) & (both["title"] != ""))
    near = (both["pay_new"] / both["pay"] - 1).abs() <= PAY_CHANGE_MAX
    pairs = both[same & near]
    alone = ~pairs["id"].duplicated(keep=False) & ~pairs["id_new"].duplicated(keep=False)
    return pairs[alone]


def _renamed(years: Sequence[YearlyCensus], first: int, names: Mapping[str, str]) -> list[YearlyCensus]:
    """Return the censuses, from the `first` on with ids renamed."""
    if not names:
        return list(years)
    return [
        year
        if place < first
        else replace(
            year,
            people=year.people.rename(index=dict(names)).sort_index(),
            ids_in_file=None
            if year.ids_in_file is None
            else frozenset(names.get(identifier, identifier) for identifier in year.ids_in_file),
        )
        for place, year in enumerate(years)
    ]


def _ids(years: Sequence[YearlyCensus]) -> set[str]:
    return {str(identifier) for year in years for identifier in year.people.index}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
