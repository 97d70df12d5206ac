"""Format numbers, money, rates, durations and dates, for commands, reports, the workbook and the dashboard.

Rates are 0–1. Numbers have thousands separators; a zero has no sign. The functions of this module write as
pages and reports do (PAGE); commands use TERMINAL, whose figures can be searched for and pasted.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import cache
from importlib import resources
from typing import Any

import yaml

NOT_AVAILABLE = "n/a"
MINUS = "\N{MINUS SIGN}"
NBSP = "\N{NO-BREAK SPACE}"
NEGLIGIBLE = 1e-4  # below it, a number without a unit is written as 0
WHOLE_FROM = 1e6  # from here on, a number without a unit has no decimals
MINUTES_FROM = 120  # seconds
CELL_MAX = 90  # characters
LEVEL = re.compile(r"\b[Ll]evel (\d)\b")
DOLLAR = "$"
UNIT = re.compile(r"(?:(?<=^)|(?<=, ))\$(?=$| a year$| million$)")  # means the currency in a heading


@dataclass(frozen=True)
class Local:
    """How figures are written: the mark of a currency, the names of levels, a time zone.

    `levels` None are those of the default pay structure, `zone` None is this machine's.
    """

    mark: str = ""
    levels: Mapping[int, str] | None = None
    zone: tzinfo | None = None


_LOCAL: ContextVar[Local | None] = ContextVar("local", default=None)
_SOURCES: list[Callable[[], Local | None]] = []


def local() -> Local:
    """Return what holds here: that of `written_for`, else of a source, else the default."""
    found = _LOCAL.get() or next((one for source in _SOURCES if (one := source()) is not None), None)
    return found or Local()


def local_by(source: Callable[[], Local | None]) -> None:
    """Register what knows how figures are written here, such as the sessions of the dashboard."""
    if source not in _SOURCES:
        _SOURCES.append(source)


@contextmanager
def written_for(here: Local) -> Iterator[None]:
    """Write figures as `here` says; a zone that it does not state stays."""
    token = _LOCAL.set(replace(here, zone=here.zone or local().zone))
    try:
        yield
    finally:
        _LOCAL.reset(token)


def in_currency(code: str | None) -> AbstractContextManager[None]:
    """Write money in a currency: an ISO code; without a mark where none is stated, or several are."""
    return written_for(replace(local(), mark=currency_mark(code)))


@cache
def currency_mark(code: str | None) -> str:
    """Return what is written before an amount: a mark, or the code and a space; nothing without a code."""
    if not code:
        return ""
    if code in ("USD", DOLLAR):
        return DOLLAR
    from babel.numbers import get_currency_symbol  # slow to import

    mark = str(get_currency_symbol(code, locale="en"))
    return f"{mark}{NBSP}" if mark[-1].isalpha() else mark


def with_unit(heading: str) -> str:
    """Return a heading whose unit, a dollar sign at its end, is the currency."""
    mark = local().mark.strip(NBSP)
    if not mark:
        return UNIT.sub("amount", heading)
    return UNIT.sub(mark, heading).replace(f", {mark}", f",{NBSP}{mark}")


@dataclass(frozen=True)
class NumberFormat:
    """How figures are written: the text for a missing one, the minus sign, the space before a unit.

    `scales` shortens large amounts: from a size on, its letter and its decimals.
    """

    missing: str = NOT_AVAILABLE
    minus: str = MINUS
    space: str = NBSP
    scales: tuple[tuple[float, str, int], ...] = ((1e9, "B", 2), (1e6, "M", 1))

    def ratio(self, value: Any, decimals: int = 2, *, sign: bool = False) -> str:
        """Format a plain ratio such as a compa-ratio: 1.03."""
        if is_missing(value):
            return self.missing
        text = f"{abs(float(value)):,.{decimals}f}"
        if not any(digit in text for digit in "123456789"):
            return text  # a number that is rounded to zero has no sign
        return f"{self.minus if float(value) < 0 else '+' if sign else ''}{text}"

    def count(self, value: Any, *, sign: bool = False) -> str:
        """Format a whole number: 10,300."""
        return self.ratio(value, 0, sign=sign)

    def amount(self, value: Any, decimals: int = 0, *, sign: bool = False, currency: str = "") -> str:
        """Format an amount of money: 112,324."""
        mark = currency.replace(NBSP, self.space)
        return re.sub(r"(?=\d)", lambda _: mark, self.ratio(value, decimals, sign=sign), count=1)

    def amount_short(self, value: Any, *, sign: bool = False, currency: str = "") -> str:
        """Format an amount for a headline: 1.29 B, 808.4 M, 112,324."""
        size = 0.0 if is_missing(value) else abs(float(value))
        for scale, letter, decimals in self.scales:
            if size >= scale:
                shown = self.amount(float(value) / scale, decimals, sign=sign, currency=currency)
                return f"{shown}{self.space}{letter}"
        return self.amount(value, sign=sign, currency=currency)

    def money(self, value: Any, decimals: int = 0, *, sign: bool = False) -> str:
        """Format an amount in the currency: $112,324; with `sign`, +$112,324."""
        return self.amount(value, decimals, sign=sign, currency=local().mark)

    def money_short(self, value: Any, *, sign: bool = False) -> str:
        """Format money for a headline: $1.29 B, $808.4 M, $112,324."""
        return self.amount_short(value, sign=sign, currency=local().mark)

    def percent(self, rate: Any, decimals: int = 1, *, sign: bool = False) -> str:
        """Format a rate as a percentage: 0.0318 is 3.2%."""
        return self.missing if is_missing(rate) else f"{self.ratio(100 * float(rate), decimals, sign=sign)}%"

    def percent_range(self, low: Any, high: Any, decimals: int = 1) -> str:
        """Format two rates as a range: 2.1–3.4%."""
        if is_missing(low) or is_missing(high):
            return self.missing
        return f"{self.ratio(100 * float(low), decimals)}–{self.percent(high, decimals)}"

    def exact_percent(self, rate: Any, decimals: int = 1) -> str:
        """Format a rate that was entered, with all its digits and at least so many: 3.0%, 3.25%, 3.125%."""
        if is_missing(rate):
            return self.missing
        digits = len(f"{100 * float(rate):.4f}".rstrip("0").partition(".")[2])
        return self.percent(rate, max(digits, decimals))

    def points(self, rate: Any, decimals: int = 2, *, sign: bool = True) -> str:
        """Format a difference of two rates in percentage points: +0.17 pp.

        Two decimals, because a study's tolerance is a tenth of a point.
        """
        if is_missing(rate):
            return self.missing
        return f"{self.ratio(100 * float(rate), decimals, sign=sign)}{self.space}pp"

    def number(self, value: Any, digits: int = 4) -> str:
        """Format a number whose unit is unknown, to so many significant digits."""
        if is_missing(value):
            return self.missing
        if float(value).is_integer() or abs(float(value)) >= WHOLE_FROM:
            return self.count(value)
        if abs(float(value)) < NEGLIGIBLE:
            return "0"
        return f"{float(value):,.{digits}g}".replace("-", self.minus)

    def seconds(self, value: Any) -> str:
        """Format a duration: 48 ms, 5.2 s, 3.8 min."""
        if is_missing(value):
            return self.missing
        duration = float(value)
        if duration < 1:
            return f"{self.count(1000 * duration)}{self.space}ms"
        if duration < MINUTES_FROM:
            return f"{self.ratio(duration, 1)}{self.space}s"
        return f"{self.ratio(duration / 60, 1)}{self.space}min"

    def moment(self, at: str | datetime) -> str:
        """Format a time to the minute, local with its zone: 2026-11-20 12:03 CET."""
        read = datetime.fromisoformat(at) if isinstance(at, str) else at
        here = (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(local().zone)
        return self.space.join((f"{here:%Y-%m-%d}", f"{here:%H:%M}", f"{here:%Z}"))


PAGE = NumberFormat()
TERMINAL = NumberFormat(missing="-", minus="-", space=" ", scales=((1e6, "M", 1),))

amount_short, count, exact_percent, moment = PAGE.amount_short, PAGE.count, PAGE.exact_percent, PAGE.moment
money, money_short, number, percent = PAGE.money, PAGE.money_short, PAGE.number, PAGE.percent
percent_range, points, ratio, seconds = PAGE.percent_range, PAGE.points, PAGE.ratio, PAGE.seconds


def is_missing(value: Any) -> bool:
    """Return whether a figure is None, not a number, or infinite."""
    return value is None or not math.isfinite(float(value))


def shortened(text: str) -> str:
    """Return a long text cut to a table cell's length; the download has the whole of it."""
    return text if len(text) <= CELL_MAX else f"{text[: CELL_MAX - 1].rstrip()}…"


def level(level_id: Any, names: Mapping[int, str] | None = None) -> str:
    """Format a job level with its name: L3 Senior Manager; Level 3 where it has none.

    `names` are a census's own level names by level_id; without them, those that hold here.
    """
    if is_missing(level_id):
        return NOT_AVAILABLE
    place = int(level_id)
    own = (_names_here() if names is None else names).get(place, "")
    name = re.sub(rf"\s*\bL{place}$", "", own.strip())
    if not name or name == f"Level {place}":
        return f"Level {place}"
    return name if re.search(rf"\b{place}$", name) else f"L{place} {name}"


def with_levels(text: str) -> str:
    """Return a text with its levels named: level 1 is L1 Staff."""
    return LEVEL.sub(lambda m: level(m[1]) if int(m[1]) in _names_here() else m[0], text)


def _names_here() -> Mapping[int, str]:
    found = local().levels
    return level_names() if found is None else found


@cache
def level_names() -> Mapping[int, str]:
    """Return the level names of the default pay structure, by level_id."""
    declared = resources.files("planwise").joinpath("census/levels.yaml").read_text(encoding="utf-8")
    return {int(row["level_id"]): str(row["name"]) for row in yaml.safe_load(declared)}


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
FORMULA_PATTERN = (
    "^[ \u00a0\u200b\ufeff]*[" + "".join(map(re.escape, FORMULA_STARTS)) + "]"
)  # a spreadsheet passes over blanks


def natural_order(text: str) -> list[tuple[bool, int, str]]:
    """Return a key that sorts names as people do: s2 before s10, whatever the case."""
    parts = re.split(r"(\d+)", text.casefold())
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def escape_formula(value: object) -> object:
    """Return a text with an apostrophe before it when a spreadsheet would calculate it; else the value."""
    if isinstance(value, str) and re.match(FORMULA_PATTERN, value):
        return f"'{value}"
    return value


# Markdown leaves an underscore within a word alone, and names are full of them.
_SPECIAL = re.compile(r"([\\`*\[\]<>|~$&]|(?<!\w)_|_(?!\w))")
_LINE_START = re.compile(r"^([-+=#]|\d+[.)])(?=\W|$)")
_SPACES = re.compile(r"[ \t\r\n]+")


def escape_markdown(text: str) -> str:
    """Escape a text so that Markdown shows it literally, in one line."""
    flat = _SPECIAL.sub(r"\\\1", _SPACES.sub(" ", text).strip())
    return _LINE_START.sub(lambda start: f"{start[0][:-1]}\\{start[0][-1]}", flat)


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with what it counts: 1 row, 1,204 rows; `many` where an s is not all that differs.

    A verb may follow the noun in both: `counted(n, "row is", "rows are")`.
    """
    return f"{PAGE.count(number)} {one if number == 1 else many or f'{one}s'}"
