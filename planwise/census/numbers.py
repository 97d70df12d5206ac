"""Read amounts and other numbers as payroll systems and spreadsheets write them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.errors import InputError

Bools = npt.NDArray[np.bool_]

SPACES = " \u00a0\u2007\u2008\u2009\u202f"
APOSTROPHES = "'’‘ʼ´`′"
_MARK = r"[^\d\s.,()+\-−–" + APOSTROPHES + r"]{1,4}\.?"  # of a currency, before or behind the number
MONEY = (
    rf"^(?P<open>\()?\s*(?P<sign>[-+−]?)\s*(?P<before>{_MARK})?\s*(?P<sign2>[-+−]?)"
    rf"(?P<number>[0-9](?:[0-9.,{APOSTROPHES}{SPACES}]*[0-9])?(?:\.(?![-–—]))?)(?:[.,][-–—]{{1,2}}|/[-–—])?\s*"
    rf"(?P<behind>{_MARK})?\s*(?P<tail>[-−]?)(?P<close>\))?$"
)
_SPACED = rf"[0-9]{{1,3}}(?:[{APOSTROPHES}{SPACES}][0-9]{{3}})+"
_INDIAN = r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
POINT, COMMA = "1,234.56", "1.234,56"
STYLES = {
    POINT: rf"^(?P<whole>[0-9]+|[0-9]{{1,3}}(?:,[0-9]{{3}})+|{_INDIAN}|{_SPACED})(?:\.(?P<part>[0-9]*))?$",
    COMMA: rf"^(?P<whole>[0-9]+|[0-9]{{1,3}}(?:\.[0-9]{{3}})+|{_SPACED})(?:,(?P<part>[0-9]{{1,2}}))?$",
}
THOUSANDS_OR_DECIMALS = r"^[0-9]{1,3}\.[0-9]{3}$"  # 69.222: sixty-nine, or sixty-nine thousand?
WHOLE_DIGITS_MAX = 12  # DECIMAL(14,2)
DOLLAR = "$"  # of many countries: it agrees with US$ and USD
# Marks of currencies that CLDR does not list by themselves, in lower case.
MORE_MARKS = {
    "us$": "USD", "usd$": "USD", "c$": "CAD", "s$": "SGD", "au$": "AUD", "sfr": "CHF", "fr": "CHF",
    "rs": "INR", "inr": "INR", "kr": "kr", "zł": "PLN", "kč": "CZK", "ft": "HUF", "lei": "RON", "лв": "BGN",
    "rm": "MYR", "rp": "IDR", "tl": "TRY", "₺": "TRY", "₽": "RUB", "руб": "RUB", "₴": "UAH", "฿": "THB",
    "₦": "NGN", "₵": "GHS", "r": "ZAR", "元": "CNY", "円": "JPY", "euro": "EUR", "eur": "EUR",
}  # fmt: skip


@dataclass(frozen=True)
class Money:
    """Cents per cell (0 where rejected), the rejected cells, and the number format found.

    `contradicting` are the rejected cells that are amounts in the other format. `currency` is the code or
    mark of each cell's currency, empty where none is written.
    """

    cents: npt.NDArray[np.int64]
    bad: Bools
    style: str
    contradicting: Bools
    currency: npt.NDArray[np.object_]

    def rows(self, kept: Bools) -> "Money":
        """Return the cells of some rows."""
        return Money(
            self.cents[kept], self.bad[kept], self.style, self.contradicting[kept], self.currency[kept]
        )


def per_distinct(texts: pd.Series, parse: Callable[[pd.Series], pd.DataFrame]) -> pd.DataFrame:
    """Parse each distinct text once and return the result per cell."""
    codes, distinct = pd.factorize(texts)
    return parse(pd.Series(distinct, dtype=object)).take(codes).reset_index(drop=True)


def parse_money(texts: pd.Series, style: str | None = None, column: str = "base_pay") -> Money:
    """Read amounts such as `"$69,222.18 "`, `(1,200.00)`, `4,82,500` or `69.222,18 €` exactly.

    Amounts are rounded half up to cents. `style` is a key of STYLES; by default it is that of most cells.
    Raises InputError when it is ambiguous.
    """
    check_style(style, column)
    codes, distinct = pd.factorize(texts)
    cells = pd.Series(distinct, dtype=object).astype(str).str.strip().str.extract(MONEY)
    numbers = cells["number"].fillna("")
    chosen = style or _style(numbers, column)
    parts = numbers.str.extract(STYLES[chosen])
    whole = parts["whole"].fillna("").str.replace(r"[^0-9]", "", regex=True)
    fraction = parts["part"].fillna("").str.pad(3, side="right", fillchar="0")
    negatives = sum(
        (cells[c].fillna("").isin(["-", "−", "("])).astype(int) for c in ("open", "sign", "sign2", "tail")
    )
    currency = _currencies(cells)
    unclear = numbers.str.match(THOUSANDS_OR_DECIMALS)
    other_style = (whole == "") & numbers.str.match(STYLES[COMMA if chosen == POINT else POINT])
    if style is None and chosen == POINT and unclear.mean() < 1 / 2:
        other_style |= unclear
    bad = (
        (whole == "")
        | other_style
        | (whole.str.len() > WHOLE_DIGITS_MAX)
        | (negatives > 1)
        | (cells["open"].isna() != cells["close"].isna())
        | currency.isna()
    )
    usable: pd.Series = whole.where(~bad, "0").astype("int64") * 100 + fraction.str[:2].astype("int64")
    rounded = usable + (fraction.str[2] >= "5").astype("int64")
    cents = rounded.where(~bad, 0).to_numpy(dtype=np.int64) * np.where(negatives == 1, -1, 1)
    return Money(
        cents[codes],
        bad.to_numpy(dtype=bool)[codes],
        chosen,
        other_style.to_numpy(dtype=bool)[codes],
        currency.fillna("").to_numpy(dtype=object)[codes],
    )


def check_style(style: str | None, column: str) -> None:
    """Raise InputError unless the stated number format is known."""
    if style is not None and style not in STYLES:
        raise InputError(
            f"formats.{column} is {style!r}.", remedy=f"Give one of {', '.join(map(repr, STYLES))}."
        )


def _style(numbers: pd.Series, column: str) -> str:
    point, comma = numbers.str.match(STYLES[POINT]), numbers.str.match(STYLES[COMMA])
    unclear = numbers.str.match(THOUSANDS_OR_DECIMALS)
    only_point, only_comma = int((point & ~comma).sum()), int((comma & ~point).sum())
    if unclear.any() and not only_point and not only_comma:
        raise InputError(
            f"{column}: {numbers[unclear].iloc[0]!r} can be thousands or decimals; no other value decides.",
            remedy=f'State it in the mapping YAML: `formats: {{{column}: "{POINT}"}}` or `"{COMMA}"`.',
        )
    return COMMA if only_comma > only_point else POINT


def _currencies(cells: pd.DataFrame) -> pd.Series:
    """Return the code of each cell's currency, an empty text where none is written, null for other words."""
    before, behind = (cells[side].fillna("") for side in ("before", "behind"))
    codes = (before + behind).map(lambda mark: _code(mark) if mark else "")
    return codes.where((before == "") | (behind == "") | (before == behind), None)


@lru_cache(maxsize=1024)
def _code(mark: str) -> str | None:
    if mark == DOLLAR:
        return DOLLAR
    return currency_codes().get(mark.casefold().rstrip("."))


@lru_cache(maxsize=1)
def currency_codes() -> dict[str, str]:
    """Return the ISO codes of currencies by code and by mark, in lower case, by CLDR."""
    from babel import Locale  # only files with such marks need it

    english = Locale.parse("en")
    codes = {str(code).lower(): str(code) for code in english.currencies}
    marks = {
        str(mark).casefold(): str(code) for code, mark in english.currency_symbols.items() if mark != DOLLAR
    }
    return marks | codes | MORE_MARKS


def parse_numbers(texts: pd.Series, pattern: str) -> npt.NDArray[np.float64]:
    """Return group `number` of `pattern`, a hundredth of it with a % sign; NaN where there is no match.

    A comma is a decimal comma: the numbers read here (shares, grades) have no thousands.
    """

    def parse(distinct: pd.Series) -> pd.DataFrame:
        cells = distinct.astype(str).str.strip().str.extract(pattern)
        numbers = pd.to_numeric(cells["number"].str.replace(",", "."), errors="coerce")
        return pd.DataFrame({"number": numbers / np.where(cells["percent"].fillna("") == "%", 100, 1)})

    return per_distinct(texts, parse)["number"].to_numpy(dtype=float)
