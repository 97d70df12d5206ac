"""Parse and check the cells of a census: numbers, dates, and the reason for each rejected row."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census.schema import (
    DEFAULT_RATING,
    LEVEL_MAX,
    LEVEL_MIN,
    RATING_MAX,
    RATING_MIN,
    RESERVED_ID_PREFIX,
)
from planwise.errors import InputError

Bools = npt.NDArray[np.bool_]

_CURRENCY = r"(?:USD|US\$|EUR|GBP|CAD|AUD|CHF|[$£€])?"
MONEY = (
    rf"^(?P<open>\()?\s*(?P<sign>[-+−]?)\s*{_CURRENCY}\s*(?P<sign2>[-+−]?)"
    rf"(?P<number>[0-9](?:[0-9.,' \u00a0\u202f]*[0-9.])?)\s*{_CURRENCY}\s*(?P<tail>[-−]?)(?P<close>\))?$"
)
_SPACED = r"[0-9]{1,3}(?:[' \u00a0\u202f][0-9]{3})+"
US_NUMBER = rf"^(?P<whole>[0-9]+|[0-9]{{1,3}}(?:,[0-9]{{3}})+|{_SPACED})(?:\.(?P<part>[0-9]*))?$"
EU_NUMBER = rf"^(?P<whole>[0-9]+|[0-9]{{1,3}}(?:\.[0-9]{{3}})+|{_SPACED})(?:,(?P<part>[0-9]{{1,2}}))?$"
THOUSANDS_OR_DECIMALS = r"^[0-9]{1,3}\.[0-9]{3}$"  # 69.222: sixty-nine, or sixty-nine thousand?
MONEY_STYLES = {"1,234.56": US_NUMBER, "1.234,56": EU_NUMBER}
WHOLE_DIGITS_MAX = 12  # DECIMAL(14,2)


@dataclass(frozen=True)
class Money:
    """Cents per cell (0 where rejected), the rejected cells, and the number format found."""

    cents: npt.NDArray[np.int64]
    bad: Bools
    style: str


def per_distinct(texts: pd.Series, parse: Callable[[pd.Series], pd.DataFrame]) -> pd.DataFrame:
    """Parse each distinct text once and return the result per cell."""
    codes, distinct = pd.factorize(texts)
    return parse(pd.Series(distinct, dtype=object)).take(codes).reset_index(drop=True)


def parse_money(texts: pd.Series, style: str | None = None, column: str = "base_pay") -> Money:
    """Read amounts such as `"$69,222.18 "`, `(1,200.00)` or `69.222,18 €` exactly, rounded half up to cents.

    `style` is a key of MONEY_STYLES; by default it is inferred. Raises InputError when it is ambiguous.
    """
    if style is not None and style not in MONEY_STYLES:
        raise InputError(
            f"formats.{column} is {style!r}.", remedy=f"Give one of {', '.join(map(repr, MONEY_STYLES))}."
        )
    codes, distinct = pd.factorize(texts)
    cells = pd.Series(distinct, dtype=object).astype(str).str.strip().str.extract(MONEY)
    numbers = cells["number"].fillna("")
    chosen = style or _money_style(numbers, column)
    parts = numbers.str.extract(MONEY_STYLES[chosen])
    whole = parts["whole"].fillna("").str.replace(r"[^0-9]", "", regex=True)
    fraction = parts["part"].fillna("").str.pad(3, side="right", fillchar="0")
    negatives = sum(
        (cells[c].fillna("").isin(["-", "−", "("])).astype(int) for c in ("open", "sign", "sign2", "tail")
    )
    bad = (
        (whole == "")
        | (whole.str.len() > WHOLE_DIGITS_MAX)
        | (negatives > 1)
        | (cells["open"].isna() != cells["close"].isna())
    )
    usable: pd.Series = whole.where(~bad, "0").astype("int64") * 100 + fraction.str[:2].astype("int64")
    rounded = usable + (fraction.str[2] >= "5").astype("int64")
    cents = rounded.where(~bad, 0).to_numpy(dtype=np.int64) * np.where(negatives == 1, -1, 1)
    return Money(cents[codes], bad.to_numpy(dtype=bool)[codes], chosen)


def _money_style(numbers: pd.Series, column: str) -> str:
    us, eu = numbers.str.match(US_NUMBER), numbers.str.match(EU_NUMBER)
    unclear = numbers.str.match(THOUSANDS_OR_DECIMALS)
    only_us, only_eu = (us & ~eu).any(), (eu & ~us).any()
    if unclear.any() and not only_us and not only_eu:
        raise InputError(
            f"{column}: {numbers[unclear].iloc[0]!r} can be thousands or decimals; no other value decides.",
            remedy=f'State it in the mapping YAML: `formats: {{{column}: "1,234.56"}}` or `"1.234,56"`.',
        )
    return "1.234,56" if only_eu and not only_us else "1,234.56"


def parse_numbers(texts: pd.Series, pattern: str) -> npt.NDArray[np.float64]:
    """Return group `number` of `pattern`, a hundredth of it with a % sign; NaN where there is no match."""

    def parse(distinct: pd.Series) -> pd.DataFrame:
        cells = distinct.astype(str).str.strip().str.extract(pattern)
        numbers = pd.to_numeric(cells["number"], errors="coerce")
        return pd.DataFrame({"number": numbers / np.where(cells["percent"].fillna("") == "%", 100, 1)})

    return per_distinct(texts, parse)["number"].to_numpy(dtype=float)


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
    """Day per cell (NaT where empty or rejected), the rejected cells, and a note on the format."""

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
    """Infer the order: a number above 12 is a day."""
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
            f"{column} was read as {order}; no value decides. State it with `formats: {{{column}: ...}}`.",
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
    """Add the century to two-digit years, by the pivot."""
    number = parts["year"] * 10_000 + parts["month"] * 100 + parts["day"]
    latest = (as_of.year + future_years) * 10_000 + as_of.month * 100 + as_of.day
    within = number.mod(1_000_000) + (latest // 1_000_000) * 1_000_000
    within = within.where(within <= latest, within - 1_000_000)
    return parts.assign(year=parts["year"].mask(short, within // 10_000))


def _days(parts: pd.DataFrame) -> pd.Series:
    possible = parts["year"].between(1678, 2261)
    return pd.to_datetime(parts.where(possible), errors="coerce").astype("datetime64[s]")


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
    """The typed columns, and the rows that break each rule, in order of precedence."""

    typed: dict[str, npt.NDArray[np.generic] | pd.Series] = field(default_factory=dict)
    broken: dict[str, Bools] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)

    def reject(self, reason: str, rows: Bools) -> None:
        """Record rows that break a rule; several columns may share a reason."""
        if rows.any():
            self.broken[reason] = self.broken.get(reason, np.zeros(len(rows), dtype=bool)) | rows


def leavers(texts: pd.DataFrame, as_of: date, formats: Mapping[str, str]) -> tuple[Bools, dict[str, Bools]]:
    """Return who had left by the census date, and the rows with an unreadable leaving date."""
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
    """Reject ids that are missing, reserved or ambiguous.

    Of rows that are equal in every mapped column, the first counts. Rows that share an id and differ are all
    rejected, because the correct one is unknown.
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
