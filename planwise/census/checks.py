"""The rules every row is judged by; the first one that a row breaks is its reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census.dates import Dates, parse_dates
from planwise.census.parsing import parse_money, parse_numbers
from planwise.census.schema import (
    DEFAULT_RATING,
    LEVEL_MAX,
    LEVEL_MIN,
    RATING_MAX,
    RATING_MIN,
    RESERVED_ID_PREFIX,
)

Bools = npt.NDArray[np.bool_]

AGE_MIN_YEARS, AGE_MAX_YEARS = 14, 100  # 14: the youngest age of ordinary US employment (FLSA)
PAY_MAX_CENTS = 10**11  # a billion USD a year is a typing error
LEVEL = r"(?i)^(?:level|l)?\s*(?P<number>[0-9]+)(?:\.0+)?(?P<percent>%)?$"
NUMBER = r"^(?P<number>[0-9]*\.?[0-9]+)\s*(?P<percent>%)?$"
WHOLE = r"^(?P<number>[0-9]+)(?:\.0+)?(?P<percent>%)?$"
GENDERS = {
    **dict.fromkeys(("f", "female", "woman", "w"), "F"),
    **dict.fromkeys(("m", "male", "man"), "M"),
    **dict.fromkeys(("x", "nonbinary", "non-binary", "nb"), "X"),
}
UNKNOWN = frozenset(
    {"", "unknown", "not provided", "not disclosed", "prefer not to say", "n/a", "na", "none", "null"}
)
ACTIVE = frozenset({"active", "a", "1", "1.0", "true", "t", "yes", "y", "leave", "on leave", "l", "employed"})
LEFT = frozenset(
    {"inactive", "i", "terminated", "0", "0.0", "false", "f", "no", "n", "left", "retired", "separated"}
)


@dataclass
class Judged:
    """The typed columns so far and, in order of precedence, the rows that break each rule."""

    typed: dict[str, npt.NDArray[np.generic] | pd.Series] = field(default_factory=dict)
    broken: dict[str, Bools] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def reject(self, reason: str, rows: Bools) -> None:
        """Note rows that break a rule; the same reason may come from several columns."""
        if rows.any():
            self.broken[reason] = self.broken.get(reason, np.zeros(len(rows), dtype=bool)) | rows


def leavers(texts: pd.DataFrame, as_of: date, formats: Mapping[str, str]) -> tuple[Bools, dict[str, Bools]]:
    """Return who had left by the census date, and the rows whose leaving cannot be read."""
    left = np.zeros(len(texts), dtype=bool)
    broken: dict[str, Bools] = {}
    if "termination_date" in texts:
        ends = parse_dates(
            texts["termination_date"], as_of, formats.get("termination_date"), "termination_date"
        )
        left |= (ends.days <= pd.Timestamp(as_of)).to_numpy(dtype=bool)
        broken["unparsable_date"] = ends.bad
    if "active" in texts:
        state = texts["active"].str.casefold()
        left |= state.isin(LEFT).to_numpy(dtype=bool)
        broken["unreadable_active_flag"] = ~state.isin(ACTIVE | LEFT).to_numpy(dtype=bool)
    return left, {reason: rows & ~left for reason, rows in broken.items()}


def judge(texts: pd.DataFrame, as_of: date, formats: Mapping[str, str]) -> Judged:
    """Type the columns of `texts` (schema names, stripped text) and find every row that breaks a rule."""
    judged = Judged()
    _ids(judged, texts)
    _pay(judged, texts, formats.get("base_pay"))
    hired = _date(judged, texts, "hire_date", as_of, formats)
    judged.reject("missing_hire_date", (texts["hire_date"] == "").to_numpy(dtype=bool))
    judged.reject("hire_after_census_date", (hired.days > pd.Timestamp(as_of)).to_numpy(dtype=bool))
    for column in ("job_title", "department"):
        judged.typed[column] = texts[column]
        judged.reject(f"missing_{column}", (texts[column] == "").to_numpy(dtype=bool))
    if "birth_date" in texts:
        born = _date(judged, texts, "birth_date", as_of, formats)
        judged.reject("impossible_age", _impossible_age(born.days, hired.days, as_of))
    for column in ("gender", "ethnicity"):
        if column in texts:
            judged.typed[column] = _category(texts[column], GENDERS if column == "gender" else {})
    _level(judged, texts)
    _number(
        judged,
        texts,
        "performance_rating",
        WHOLE,
        (RATING_MIN, RATING_MAX),
        DEFAULT_RATING,
        "rating_out_of_range",
    )
    _number(judged, texts, "fte", NUMBER, (0.0001, 1), 1, "fte_out_of_range")
    return judged


def _ids(judged: Judged, texts: pd.DataFrame) -> None:
    """Reject ids that are missing, reserved or not one person's.

    Rows equal in every mapped column are one row written twice: the first counts. Rows that share an id and
    differ are all rejected, because nothing says which one is right.
    """
    ids = texts["employee_id"]
    judged.typed["employee_id"] = ids
    judged.reject("missing_id", (ids == "").to_numpy(dtype=bool))
    judged.reject("reserved_id", ids.str.startswith(RESERVED_ID_PREFIX).to_numpy(dtype=bool))
    copies = texts.duplicated(keep="first")
    conflicts = ids.isin(ids[~copies][ids[~copies].duplicated()])
    judged.reject("duplicate_id", ((copies | conflicts) & (ids != "")).to_numpy(dtype=bool))


def _pay(judged: Judged, texts: pd.DataFrame, style: str | None) -> None:
    blank = (texts["base_pay"] == "").to_numpy(dtype=bool)
    money = parse_money(texts["base_pay"], style)
    if style is None and money.style != "1,234.56":
        judged.notices.append(f"base_pay was read as {money.style}.")
    judged.typed["cents"] = money.cents
    judged.reject("missing_pay", blank)
    judged.reject("unparsable_pay", money.bad & ~blank)
    judged.reject("non_positive_pay", (money.cents <= 0) & ~money.bad)
    judged.reject("implausible_pay", money.cents > PAY_MAX_CENTS)


def _date(judged: Judged, texts: pd.DataFrame, column: str, as_of: date, formats: Mapping[str, str]) -> Dates:
    dates = parse_dates(texts[column], as_of, formats.get(column), column, past=column == "birth_date")
    judged.typed[column] = dates.days
    judged.reject("unparsable_date", dates.bad)
    if dates.notice:
        judged.notices.append(dates.notice)
    return dates


def _impossible_age(born: pd.Series, hired: pd.Series, as_of: date) -> Bools:
    """Under 14 or over 100 at the census date, or hired before 14."""
    today = pd.Timestamp(as_of)
    youngest = today - pd.DateOffset(years=AGE_MIN_YEARS)
    oldest = today - pd.DateOffset(years=AGE_MAX_YEARS + 1)
    too_early = _as_number(born) + AGE_MIN_YEARS * 10_000 > _as_number(hired)
    impossible: Bools = ((born > youngest) | (born <= oldest) | too_early).to_numpy(dtype=bool)
    return impossible


def _as_number(days: pd.Series) -> pd.Series:
    """Return yyyymmdd, which orders as dates do and to which whole years can be added."""
    number: pd.Series = days.dt.year * 10_000 + days.dt.month * 100 + days.dt.day
    return number


def _category(texts: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """Return one spelling per group; blank and 'unknown' are None."""
    folded = texts.str.casefold()
    return folded.map(names).fillna(texts).where(~folded.isin(UNKNOWN), None)


def _level(judged: Judged, texts: pd.DataFrame) -> None:
    if "level_id" not in texts:
        return
    level = parse_numbers(texts["level_id"], LEVEL)
    bad = ~((level >= LEVEL_MIN) & (level <= LEVEL_MAX))
    judged.typed["level_id"] = np.where(bad, 0, level).astype(np.int64)
    judged.reject("level_out_of_range", bad)


def _number(
    judged: Judged,
    texts: pd.DataFrame,
    column: str,
    pattern: str,
    limits: tuple[float, float],
    default: int,
    reason: str,
) -> None:
    if column not in texts:
        return
    blank = (texts[column] == "").to_numpy(dtype=bool)
    numbers = parse_numbers(texts[column], pattern)
    bad = ~blank & ~((numbers >= limits[0]) & (numbers <= limits[1]))
    if blank.any():
        judged.notices.append(f"{int(blank.sum())} rows without {column} were given {default}.")
    judged.typed[column] = np.where(blank | bad, default, numbers)
    judged.reject(reason, bad)
