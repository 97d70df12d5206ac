"""Read dates as payroll systems and spreadsheets write them."""

import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census.schema import INVISIBLE
from planwise.errors import InputError

Bools = npt.NDArray[np.bool_]
Parts = tuple[int, int, int, bool]  # year, month, day, and whether the year has two digits

# A time, a zone or both behind a date.
_CLOCK = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?"
_HALF = r"\s*[AaPp]\.?\s?[Mm]\.?"
_OFFSET = r"[+-]\d{2}:?\d{2}"
_SHORT_OFFSET = r"[+-]\d{2}"  # of a time only: behind a date it would be a day
_AFTER_ISO = r"(?<=^\d{4}-\d\d-\d\d)"
_ZONE = r"(?:Z|UTC|GMT|[ECMP][SD]T|CEST|CET|BST|IST|JST|[A-Z][a-z]+/[A-Z][A-Za-z_]+)"
TIME = re.compile(
    rf"(?:(?:T|,?\s+|,|{_AFTER_ISO}-)(?:{_CLOCK}(?:{_HALF})?|\d{{1,2}}{_HALF})"
    rf"(?:\s*\[?(?:{_ZONE}|{_OFFSET}|{_SHORT_OFFSET})\]?)*"
    rf"|\s*\[?{_ZONE}\]?|{_AFTER_ISO}{_OFFSET})\s*$"
)
MIDNIGHT = re.compile(r"([12]\d{7})[ T]?0{6}(?:\.0+)?")  # 20120305000000
TIME_DIRECTIVE = re.compile(r"[T ,]*%[HIMSpfzZXTc]")
ISO = re.compile(r"(\d{4})[-/. ]?((?<=\D)\d{1,2}|\d{2})[-/. ]?((?<=\D)\d{1,2}|\d{2})")
NUMERIC = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})")
SERIAL = re.compile(r"(\d{5})(?:[.,]\d+)?")
WORDS = re.compile(r"\d+|[^\W\d_]+", re.UNICODE)
ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th|er|º|ª|°)\b", re.IGNORECASE)
WEEKDAY = re.compile(r"^[^\W\d_]+[,.]?,\s+(?=\S)")
LINKING_WORDS = frozenset({"de", "del", "of", "the", "den", "le", "di", "do", "da"})

FUTURE_YEARS_OF_PIVOT = 20  # a two-digit year lies within 80 years before and 20 after the census
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)
CENSUS_YEARS = (1950, 2189)  # at least ten simulated years before LATEST
OPEN_END_YEARS = 60  # an end so far away means "no end": 2099-12-31, 4712-12-31, 9999-12-31
OPEN_END_WORDS = frozenset(
    {"open", "open-ended", "ongoing", "present", "current", "indefinite", "permanent", "unbefristet", "offen"}
)
PLACEHOLDERS = frozenset({date(1900, 1, 1), date(1900, 1, 2), date(1901, 1, 1), date(1970, 1, 1)})
SERIAL_ZERO = date(1899, 12, 30)
SERIALS = range(10_000, 80_000)  # 1927 to 2119
SPREADSHEET = "spreadsheet"
SPREADSHEETS = {SPREADSHEET: SERIAL_ZERO, "spreadsheet-1904": date(1904, 1, 1)}
LONG_YEAR, CENTURY, DAYS_MAX = 4, 100, 31
MIXED_ORDERS_MAX_SHARE = 0.05  # more cells of another order than this are no typing errors

# Languages of which the names of months are known, by CLDR.
# Spellings that CLDR lacks.
MORE_MONTHS = {
    "sept": 9,
    "mrz": 3,
    "maerz": 3,
    "marz": 3,
    "fevr": 2,
    "janv": 1,
    "juil": 7,
    "ene": 1,
    "abr": 4,
    "ago": 8,
}
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "fi", "pl", "cs", "sk", "hu", "ro", "hr",
    "sl", "tr", "et", "el", "ru", "uk", "bg", "id",
)  # fmt: skip


class Order(Enum):
    """The order of day, month and year in a numeric date; the values are places."""

    MDY = (2, 0, 1)
    DMY = (2, 1, 0)
    YMD = (0, 1, 2)

    @property
    def text(self) -> str:
        """The order in words, such as day/month/year."""
        return {"MDY": "month/day/year", "DMY": "day/month/year", "YMD": "year/month/day"}[self.name]


@dataclass(frozen=True)
class Dates:
    """Day per cell (NaT where empty, rejected or without end), the rejected cells, and notes.

    `open_end` are cells such as 9999-12-31; `placeholder` those such as 1900-01-01, whose day is kept.
    """

    days: pd.Series
    bad: Bools
    open_end: Bools
    placeholder: Bools
    notices: tuple[str, ...] = ()


def check_census_date(day: date) -> date:
    """Return the date of a census; raises InputError for one whose simulated years no database can keep."""
    if not CENSUS_YEARS[0] <= day.year <= CENSUS_YEARS[1]:
        raise InputError(
            f"The census date {day} is outside {CENSUS_YEARS[0]} to {CENSUS_YEARS[1]}.",
            remedy="Give the day on which the file was right, as --as-of YYYY-MM-DD.",
        )
    return day


def parse_dates(
    texts: pd.Series,
    as_of: date,
    date_format: str | None = None,
    column: str = "hire_date",
    *,
    past: bool = False,
    order: Order | None = None,
) -> Dates:
    """Read dates by a stated format, or else in the usual spellings: ISO, numeric, month names, day numbers.

    `date_format` is a strptime format, "spreadsheet" or "spreadsheet-1904"; times and zones behind a date are
    ignored. `order` is that of numeric dates, used where this column does not settle it. A two-digit year is
    the latest that leaves the date within 80 years before and 20 years after `as_of`; with `past` (birth
    dates) never after it. Raises InputError on a format that gives no date, and on an order that nothing
    settles.
    """
    codes, distinct = pd.factorize(texts)
    clean = [clean_date(str(text)) for text in distinct]
    read = _stated(date_format, column) if date_format else _usual(_settled(clean, column, order))
    latest = as_of if past else _years_later(as_of, FUTURE_YEARS_OF_PIVOT)
    found = [_date(read(text), latest) if text else None for text in clean]
    far = _years_later(as_of, OPEN_END_YEARS)
    is_open = _flags(
        (day is not None and day >= far) or text.casefold() in OPEN_END_WORDS
        for day, text in zip(found, clean, strict=True)
    )
    usable = [day if day is not None and EARLIEST <= day < LATEST else None for day in found]
    bad = _flags(day is None and text != "" for day, text in zip(usable, clean, strict=True))
    serial = [] if date_format else [text for text in clean if SERIAL.fullmatch(text)]
    notices = (
        [f"{column}: {serial[0]} and the like were read as a spreadsheet's day numbers."] if serial else []
    )
    days = pd.Series(pd.to_datetime(pd.Series(usable, dtype=object)).astype("datetime64[s]"))
    placeholder = _flags(day in PLACEHOLDERS for day in usable)
    return Dates(
        days.take(codes).reset_index(drop=True),
        (bad & ~is_open)[codes],
        is_open[codes],
        placeholder[codes],
        tuple(notices),
    )


def order_of(texts: Iterable[str], column: str) -> Order | None:
    """Return the order that numeric dates of a column have, None when there are none or several are possible.

    Raises InputError when dates of two orders are mixed.
    """
    orders = {text: _possible_orders(text) for text in texts if NUMERIC.fullmatch(text)}
    orders = {text: possible for text, possible in orders.items() if possible}
    if not orders:
        return None
    counts = {order: sum(order in possible for possible in orders.values()) for order in Order}
    best = max(counts.values())
    likely = [order for order in Order if counts[order] == best]
    if best < len(orders) * (1 - MIXED_ORDERS_MAX_SHARE):
        other = next(text for text, possible in orders.items() if likely[0] not in possible)
        same = next(text for text, possible in orders.items() if likely[0] in possible)
        raise InputError(
            f"{column} has dates of two orders: {same} is {likely[0].text}, which {other} cannot be.",
            remedy=f"Write one order in the file, or state one: {_statement(column, likely[0], other)} "
            "(the rows of the other order are then rejected).",
        )
    same_day = all(len({_numeric(text, order) for order in likely}) == 1 for text in orders)
    return likely[0] if len(likely) == 1 or same_day else None


def check_format(date_format: str, column: str) -> None:
    """Raise InputError unless the format names a year, a month and a day."""
    if date_format in SPREADSHEETS:
        return
    remedy = f'Use strptime directives, e.g. "%m/%d/%y" or "%d.%m.%Y", or "{SPREADSHEET}" for day numbers.'
    probe, pattern = date(2003, 12, 31), _without_time(date_format)
    try:
        found = datetime.strptime(probe.strftime(pattern), pattern).date()
    except (ValueError, re.error) as error:
        raise InputError(f"formats.{column} is {date_format!r}: {error}.", remedy=remedy) from error
    if found != probe:
        raise InputError(
            f"formats.{column} is {date_format!r}, which does not name year, month and day.", remedy=remedy
        )


def clean_date(text: str) -> str:
    """Return the text without a time, zone or day of the week, and with plain spaces around marks."""
    if match := MIDNIGHT.fullmatch(text):
        return match[1]
    if text.isascii() and text.isdigit():
        return text
    if re.fullmatch(r"\d{8}\.0+", text):  # 20120305 that was a number
        return text.partition(".")[0]
    text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()
    text = WEEKDAY.sub("", TIME.sub("", re.sub(r"[年月년월]\s?", "-", text).rstrip("日일"))).strip()
    return re.sub(r"(?<=\d)\s*([-/.])\s*(?=\d)", r"\1", text)


def _settled(texts: Sequence[str], column: str, known: Order | None) -> Order:
    """Return the order of the column's numeric dates; raises InputError where nothing settles it."""
    order = order_of(texts, column) or known
    if order is not None:
        return order
    unclear = next((text for text in texts if len(_possible_orders(text)) > 1), None)
    if unclear is None:
        return Order.MDY  # there are no numeric dates
    if "." in unclear:
        return Order.DMY  # wherever dots are written, the day comes first
    choices = " or ".join(_statement(column, order, unclear) for order in _possible_orders(unclear))
    raise InputError(
        f"{column}: nothing in the column shows whether {unclear} is "
        f"{' or '.join(order.text for order in _possible_orders(unclear))}.",
        remedy=f"State it in the mapping YAML: {choices}.",
    )


def _statement(column: str, order: Order, example: str) -> str:
    match = NUMERIC.fullmatch(example)
    assert match is not None
    marks = {"Y": "%Y" if len(match[4]) == LONG_YEAR else "%y", "M": "%m", "D": "%d"}
    written = match[2].join(marks[letter] for letter in order.name)
    return f'`formats: {{{column}: "{written}"}}`'


def _possible_orders(text: str) -> tuple[Order, ...]:
    """Return the orders in which a numeric date exists.

    The year comes first only where nothing else is possible, or between dashes.
    """
    possible = [order for order in Order if _date(_numeric(text, order), LATEST) is not None]
    if Order.YMD in possible and len(possible) > 1 and "-" not in text:
        possible.remove(Order.YMD)
    return tuple(possible)


def _numeric(text: str, order: Order) -> Parts | None:
    match = NUMERIC.fullmatch(text)
    if match is None or (order is Order.YMD and len(match[4]) == LONG_YEAR):
        return None
    numbers = (match[1], match[3], match[4])
    year, month, day = (numbers[place] for place in order.value)
    return int(year), int(month), int(day), len(year) < LONG_YEAR


def _usual(order: Order) -> Callable[[str], Parts | None]:
    def read(text: str) -> Parts | None:
        if match := ISO.fullmatch(text):
            return int(match[1]), int(match[2]), int(match[3]), False
        if (match := SERIAL.fullmatch(text)) and int(match[1]) in SERIALS:
            return _parts(SERIAL_ZERO + timedelta(days=int(match[1])))
        return _numeric(text, order) or _named(text)

    return read


def _named(text: str) -> Parts | None:
    """Read a date with the name of a month: 5 Mar 2012, March 5th, 2012, 5. März 2012, 2012-mar-05."""
    tokens = [t for t in WORDS.findall(ORDINAL.sub("", text)) if t.casefold() not in LINKING_WORDS]
    words = [place for place, token in enumerate(tokens) if not token.isdigit()]
    if len(tokens) != len(("day", "month", "year")) or len(words) != 1:
        return None
    month = _months().get(_folded(tokens[words[0]]))
    first, second = (token for token in tokens if token.isdigit())
    if month is None or not {len(first), len(second)} <= {1, 2, LONG_YEAR}:
        return None
    year_first = len(first) == LONG_YEAR or (int(first) > DAYS_MAX and len(second) < LONG_YEAR)
    year, day = (first, second) if year_first else (second, first)
    return int(year), month, int(day), len(year) < LONG_YEAR


@lru_cache(maxsize=1)
def _months() -> Mapping[str, int]:
    """Return the numbers of months by their names and abbreviations in many languages.

    A word that means different months in two languages has the meaning of the language listed first.
    """
    from babel import Locale  # only files with such names need it

    found: dict[str, int] = {}
    for language in LANGUAGES:
        names = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in names[context][width].items():
                    found.setdefault(_folded(name), number)
    return MORE_MONTHS | found


def _folded(word: str) -> str:
    letters = unicodedata.normalize("NFKD", word.casefold().rstrip("."))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).replace("ı", "i")


def _stated(date_format: str, column: str) -> Callable[[str], Parts | None]:
    check_format(date_format, column)
    if date_format in SPREADSHEETS:
        zero = SPREADSHEETS[date_format]
        return lambda text: (
            _parts(zero + timedelta(days=int(match[1]))) if (match := SERIAL.fullmatch(text)) else None
        )
    pattern = _without_time(date_format)
    # A year of four digits where the format has two is the same date, written out.
    patterns = {pattern: "%y" in pattern, pattern.replace("%y", "%Y"): False}
    words = {"%b": "%b", "%B": "%B"}.get(next(iter(re.findall("%[bB]", pattern)), ""), "")

    def read(text: str) -> Parts | None:
        for candidate in dict.fromkeys((text, _in_english(text, words) if words else text)):
            for known, short in patterns.items():
                with contextlib.suppress(ValueError):
                    day = datetime.strptime(candidate, known).date()
                    return day.year, day.month, day.day, short
        return None

    return read


def _in_english(text: str, directive: str) -> str:
    """Return the date with the English name of its month, which is what strptime reads."""

    def replaced(match: re.Match[str]) -> str:
        month = _months().get(_folded(match[0]))
        return match[0] if month is None else date(2000, month, 1).strftime(directive)

    return re.sub(r"[^\W\d_]{3,}\.?", replaced, text)


def _without_time(date_format: str) -> str:
    """Return a format without its directives of a time, or a time written out such as 00:00:00.

    Times behind dates are ignored, in cells as in formats.
    """
    return TIME.sub("", TIME_DIRECTIVE.split(date_format, maxsplit=1)[0].strip()).strip()


def _parts(day: date) -> Parts:
    return day.year, day.month, day.day, False


def _date(parts: Parts | None, latest: date) -> date | None:
    """Return the day; a short year is the latest that leaves it not after `latest`. None where it is none."""
    if parts is None:
        return None
    year, month, day, short = parts
    try:
        if not short:
            return date(year, month, day)
        year = year % CENTURY + latest.year // CENTURY * CENTURY
        within = (
            date(year, month, day) if (year, month, day) <= (latest.year, latest.month, latest.day) else None
        )
        return within or date(year - CENTURY, month, day)
    except ValueError:
        return None


def _years_later(day: date, years: int) -> date:
    return date(day.year + years, day.month, min(day.day, 28))


def _flags(values: Iterable[bool]) -> Bools:
    return np.fromiter(values, dtype=bool)
