"""Text to dates, column-wise, with the two traps of payrolls: two-digit years and day-or-month-first."""

import re
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census.parsing import per_distinct
from planwise.errors import InputError

Bools = npt.NDArray[np.bool_]

MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_TIME = r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?$"
_TWO = r"(?<=[-/.])\d{1,2}|\d{2}"
ISO = rf"^(?P<year>\d{{4}})[-/.]?(?P<month>{_TWO})[-/.]?(?P<day>{_TWO}){_TIME}"
NUMERIC = (
    rf"^(?P<first>\d{{1,2}})(?P<mark>[-/.])(?P<second>\d{{1,2}})(?P=mark)(?P<year>\d{{4}}|\d{{2}}){_TIME}"
)
DAY_NAME_YEAR = r"^(?P<day>\d{1,2})[- ](?P<name>[A-Za-z]{3,9})\.?[-, ]+(?P<year>\d{4}|\d{2})$"
NAME_DAY_YEAR = r"^(?P<name>[A-Za-z]{3,9})\.?[- ](?P<day>\d{1,2})[,\- ]+(?P<year>\d{4}|\d{2})$"
DIRECTIVES = re.compile(r"%[YyjmdbB]")
FUTURE_YEARS_OF_PIVOT = 20  # a two-digit year lies within 80 years before and 20 after the census
EARLIEST_YEAR = 1900


@dataclass(frozen=True)
class Dates:
    """Day per cell (NaT where empty or refused), what was refused, and a remark on how it was read."""

    days: pd.Series
    bad: Bools
    notice: str | None = None


def parse_dates(
    texts: pd.Series,
    as_of: date,
    date_format: str | None = None,
    column: str = "hire_date",
    *,
    past: bool = False,
) -> Dates:
    """Read dates by an explicit strptime format, or else ISO, month/day/year, day.month.year and month names.

    A two-digit year is the latest that leaves the date within 80 years before and 20 years after `as_of`;
    with `past` (birth dates) never after it. Raises InputError on a format that cannot give a date.
    """
    if date_format is not None:
        check_format(date_format, column)
    day_first, notice = (False, None) if date_format else _day_first(texts, column)
    future_years = 0 if past else FUTURE_YEARS_OF_PIVOT

    def parse(distinct: pd.Series) -> pd.DataFrame:
        clean = distinct.astype(str).str.strip()
        if date_format is not None:
            found = pd.to_datetime(clean, format=date_format, errors="coerce").astype("datetime64[s]")
            short = pd.Series("%y" in date_format, index=clean.index)
            parts = pd.DataFrame({"year": found.dt.year, "month": found.dt.month, "day": found.dt.day})
        else:
            parts, short = _parts(clean, day_first)
        days = _days(_full_years(parts, short, as_of, future_years))
        return pd.DataFrame(
            {"day": days, "bad": (days.isna() | (days.dt.year < EARLIEST_YEAR)) & (clean != "")}
        )

    cells = per_distinct(texts, parse)
    bad = cells["bad"].to_numpy(dtype=bool)
    return Dates(cells["day"].mask(bad), bad, notice)


def check_format(date_format: str, column: str) -> None:
    """Raise InputError unless the format names a year, a month and a day."""
    found = {m.group()[1] for m in DIRECTIVES.finditer(date_format)}
    if not found & set("Yy") or not ((found & set("mbB") and "d" in found) or "j" in found):
        raise InputError(
            f"formats.{column} is {date_format!r}, which does not name year, month and day.",
            remedy='Use strptime directives, e.g. "%m/%d/%y" or "%d.%m.%Y".',
        )


def _day_first(texts: pd.Series, column: str) -> tuple[bool, str | None]:
    """Decide by the values: a first number above 12 is a day, so is a second one."""
    distinct = (
        pd.Series(texts.unique(), dtype=object)
        .astype(str)
        .str.strip()
        .str.extract(NUMERIC)
        .dropna(subset="mark")
    )
    if distinct.empty:
        return False, None
    first, second = distinct["first"].astype(int), distinct["second"].astype(int)
    days_first, days_second = int((first > 12).sum()), int((second > 12).sum())
    if days_first == days_second == 0:
        dotted = bool((distinct["mark"] == ".").all())
        if (first == second).all():
            return dotted, None
        order = "day.month.year" if dotted else "month/day/year"
        return (
            dotted,
            f"{column} was read as {order}; no value tells. State it with `formats: {{{column}: ...}}`.",
        )
    return days_first > days_second, None


def _parts(clean: pd.Series, day_first: bool) -> tuple[pd.DataFrame, pd.Series]:
    iso, numeric = clean.str.extract(ISO), clean.str.extract(NUMERIC)
    named, swapped = clean.str.extract(DAY_NAME_YEAR), clean.str.extract(NAME_DAY_YEAR)
    name = _first_found(named["name"], swapped["name"]).astype(str).str.lower().str[:3]
    month, day = ("second", "first") if day_first else ("first", "second")
    year = _first_found(iso["year"], numeric["year"], named["year"], swapped["year"])
    number_of_name = name.map({m: str(i) for i, m in enumerate(MONTHS, 1)}).astype(object)
    texts = pd.DataFrame(
        {
            "year": year,
            "month": _first_found(iso["month"], numeric[month], number_of_name),
            "day": _first_found(iso["day"], numeric[day], named["day"], swapped["day"]),
        }
    )
    return texts.apply(pd.to_numeric, errors="coerce"), year.astype(str).str.fullmatch(r"\d{2}")


def _first_found(*columns: pd.Series) -> pd.Series:
    found = columns[0]
    for column in columns[1:]:
        found = found.where(found.notna(), column)
    return found


def _full_years(parts: pd.DataFrame, short: pd.Series, as_of: date, future_years: int) -> pd.DataFrame:
    """Give two-digit years their century, by the pivot."""
    number = parts["year"] * 10_000 + parts["month"] * 100 + parts["day"]
    latest = (as_of.year + future_years) * 10_000 + as_of.month * 100 + as_of.day
    within = number.mod(1_000_000) + (latest // 1_000_000) * 1_000_000
    within = within.where(within <= latest, within - 1_000_000)
    return parts.assign(year=parts["year"].mask(short, within // 10_000))


def _days(parts: pd.DataFrame) -> pd.Series:
    possible = parts["year"].between(1678, 2261)
    return pd.to_datetime(parts.where(possible), errors="coerce").astype("datetime64[s]")
