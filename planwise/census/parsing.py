"""Text to money and numbers, column-wise: each function returns the values and which cells it refused."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

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
    """Cents per cell (0 where refused), what was refused, and how the numbers were read."""

    cents: npt.NDArray[np.int64]
    bad: Bools
    style: str


def per_distinct(texts: pd.Series, parse: Callable[[pd.Series], pd.DataFrame]) -> pd.DataFrame:
    """Parse each distinct text once and give every cell its result."""
    codes, distinct = pd.factorize(texts)
    return parse(pd.Series(distinct, dtype=object)).take(codes).reset_index(drop=True)


def parse_money(texts: pd.Series, style: str | None = None, column: str = "base_pay") -> Money:
    """Read amounts such as `"$69,222.18 "`, `(1,200.00)` or `69.222,18 €` exactly, rounded half up to cents.

    `style` is a key of MONEY_STYLES; without it the values decide, and raise InputError where they cannot.
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
            f"{column}: {numbers[unclear].iloc[0]!r} can be thousands or decimals, and no other value tells.",
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
