"""Units, currencies and kinds of pay: what turns the amounts of a file into full-time pay a year.

A mixture is refused or its rows are rejected: no plan is made on monthly, hourly or foreign amounts among
annual ones.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census.mapping import CensusMapping, PayUnitColumn
from planwise.census.numbers import DOLLAR, Money, currency_codes
from planwise.census.schema import folded, normalise_header, word_table, words
from planwise.errors import InputError
from planwise.formatting import counted

Bools = npt.NDArray[np.bool_]
Cents = npt.NDArray[np.int64]

ANNUAL = "annual"
PER_YEAR = {
    ANNUAL: 1,
    "monthly": 12,
    "semimonthly": 24,
    "biweekly": 26,
    "weekly": 52,
    "daily": 260,
}  # hourly: `hours_per_year`
UNIT_WORD_MIN = 3  # letters: "m" in a header is no unit
ADDENDS_MIN = 3  # rows that make a sum
SUM_TOLERANCE_CENTS = 100
COLUMN_KNOWN_MIN = 0.9  # of the cells: fewer known words are no column of units
ROWS_MIN = 5  # that a distribution of pay has to have to show anything
ANNUAL_MEDIAN_MIN, ANNUAL_P90_MIN = 12_000, 40_000  # below both, pay is not annual in a dollar-like currency
DOLLAR_LIKE = frozenset({"", DOLLAR, "USD", "EUR", "GBP", "CHF", "CAD", "AUD", "NZD"})
HOURLY_MAX = 250  # among annual pay, an amount up to this is a rate per hour or a day's
MEDIAN_MAX, FAR_ABOVE = 1_000_000, 25
GAP_MIN = 4  # between two clusters of pay, as a ratio
CLUSTER_MAX_SHARE, CLUSTER_BELOW_MEDIAN = 0.4, 6
ROWS_NAMED = 5


@dataclass
class AnnualPay:
    """Pay a year in cents, the rejected rows by reason, the currency ("" if not said), notices."""

    cents: Cents
    rejected: dict[str, Bools] = field(default_factory=dict)
    currency: str = ""
    notices: list[str] = field(default_factory=list)


def sum_rows(cents: Cents) -> Bools:
    """Return the rows whose amount is the sum of the rows since the last such row, or of all others."""
    sums = np.zeros(len(cents), dtype=bool)
    total = addends = 0
    for place, amount in enumerate(cents.tolist()):
        if amount <= 0:
            continue
        if addends >= ADDENDS_MIN and abs(amount - total) <= SUM_TOLERANCE_CENTS:
            sums[place], total, addends = True, 0, 0
        else:
            total, addends = total + amount, addends + 1
    rest = np.where(sums, 0, np.maximum(cents, 0))
    everything = abs(2 * rest - rest.sum()) <= SUM_TOLERANCE_CENTS
    if (rest > 0).sum() > ADDENDS_MIN:
        sums |= everything & (rest > 0)
    return sums


def annual_pay(
    money: Money,
    header: str,
    others: pd.DataFrame,
    lines: Sequence[int] | npt.NDArray[np.int64],
    plan: CensusMapping,
) -> AnnualPay:
    """Return the pay a year of each row, by currency and unit; `others` are the file's columns.

    Raises InputError where the file mixes currencies or units, or pay is not annual, and nothing is stated.
    """
    lines = np.asarray(lines)
    pay = AnnualPay(money.cents.copy())
    usable = ~money.bad & (money.cents > 0)
    _currency(pay, money, header, others, lines, plan, usable)
    _units(pay, header, others, lines, plan, usable)
    usable &= ~np.logical_or.reduce([*pay.rejected.values(), np.zeros(len(usable), dtype=bool)])
    mixed = _of_another_unit(pay.cents, usable, hourly_max=HOURLY_MAX if pay.currency in DOLLAR_LIKE else 0)
    if mixed.any():
        pay.rejected["pay_of_another_unit"] = mixed
        pay.notices.append(
            f"{counted(int(mixed.sum()), 'amount is', 'amounts are')} far below all others, as pay per "
            f"hour or month among annual pay "
            f"is: {_named(lines, pay.cents, mixed)}. Correct them, leave them out with `filter`, or name the "
            "column that says their unit: `pay_unit: {column: HEADER, words: {WORD: hourly}}`."
        )
    pay.notices.extend(_far_above(pay.cents / 100, usable & ~mixed, lines, pay.currency))
    return pay


def _far_above(
    amounts: npt.NDArray[np.float64], usable: Bools, lines: npt.NDArray[np.int64], currency: str
) -> list[str]:
    """Return notes on amounts that may have zeros too many."""
    if usable.sum() < ROWS_MIN:
        return []
    median = float(np.median(amounts[usable]))
    notes = []
    if currency in DOLLAR_LIKE and median > MEDIAN_MAX:
        notes.append(f"The median of base_pay is {median:,.0f}: check that it is no amount in cents.")
    far = usable & (amounts > median * FAR_ABOVE)
    if far.any():
        named = _named(lines, np.rint(amounts * 100).astype(np.int64), far)
        amounts_are = counted(int(far.sum()), "amount is", "amounts are")
        notes.append(f"{amounts_are} over {FAR_ABOVE} times the median: {named}. Check this.")
    return notes


def _currency(
    pay: AnnualPay,
    money: Money,
    header: str,
    others: pd.DataFrame,
    lines: npt.NDArray[np.int64],
    plan: CensusMapping,
    usable: Bools,
) -> None:
    """Find the currency of each row: by a column, by the marks in the cells, by the header."""
    in_header = next((code for word in re.findall(r"[A-Z]{3}|[$€£¥₹]", header) if (code := _code(word))), "")
    codes = pd.Series(money.currency, dtype=object).replace("", in_header)
    if (column := _column(others, "currency_headers", lambda text: _code(text) is not None)) is not None:
        stated = others[column].map(lambda text: _code(str(text)) or "").reset_index(drop=True)
        codes = stated.where(stated != "", codes)
    found = codes[usable & (codes != "").to_numpy()].value_counts()
    if DOLLAR in found.index and "USD" in found.index:
        codes = codes.replace(DOLLAR, "USD")
        found = codes[usable & (codes != "").to_numpy()].value_counts()
    if plan.currency is not None:
        same = codes.isin(["", plan.currency, *([DOLLAR] if plan.currency.endswith("D") else [])])
        if (other := ~same.to_numpy(dtype=bool) & usable).any():
            pay.rejected["other_currency"] = other
        pay.currency = plan.currency
    elif len(found) > 1:
        listed = ", ".join(
            f"{code} {count:,} rows (the first in line {lines[np.flatnonzero(usable & (codes == code))[0]]})"
            for code, count in found.items()
        )
        raise InputError(
            f"base_pay is in several currencies: {listed}.",
            remedy="Convert all to one currency in the file; or leave the others out with `filter` and state "
            f"the one left: `currency: {'USD' if found.index[0] == DOLLAR else found.index[0]}`.",
        )
    else:
        pay.currency = str(found.index[0]) if len(found) else ""
    if pay.currency not in ("", DOLLAR, "USD"):
        pay.notices.append(f"base_pay is in {pay.currency}; nothing is converted.")


def _code(text: str) -> str | None:
    return DOLLAR if text == DOLLAR else currency_codes().get(text.strip().casefold())


def _units(
    pay: AnnualPay,
    header: str,
    others: pd.DataFrame,
    lines: npt.NDArray[np.int64],
    plan: CensusMapping,
    usable: Bools,
) -> None:
    """Multiply amounts by their units a year, as stated; raise InputError where they are not annual."""
    factors = {**PER_YEAR, "hourly": plan.hours_per_year}
    if isinstance(plan.pay_unit, PayUnitColumn):
        units = _stated_units(plan.pay_unit, others)
        rates = units.map(factors).to_numpy(dtype=float)
        pay.cents = np.rint(pay.cents * rates).astype(np.int64)
        counts = ", ".join(f"{unit} {count:,}" for unit, count in units.value_counts().items())
        pay.notices.append(
            f"Units of pay by {plan.pay_unit.column!r}: {counts}. {_hours(units, plan)}".strip()
        )
        return
    if plan.pay_unit is not None:
        pay.cents = np.rint(pay.cents * factors[plan.pay_unit]).astype(np.int64)
        if plan.pay_unit != ANNUAL:
            stated = pd.Series([plan.pay_unit])
            pay.notices.append(f"base_pay was read as {plan.pay_unit} pay. {_hours(stated, plan)}".strip())
        return
    unit = header_unit(header)
    if unit not in (None, ANNUAL):
        raise InputError(
            f"base_pay comes from {header!r}, which is {unit} pay; a plan needs pay a year.",
            remedy=f"State it in the mapping YAML: `pay_unit: {unit}`, or `pay_unit: annual`.",
        )
    amounts = pay.cents / 100
    _check_unit_column(amounts, unit, others, lines, usable)
    if pay.currency not in DOLLAR_LIKE or unit is not None or usable.sum() < ROWS_MIN:
        return
    median, high = (float(found) for found in np.quantile(amounts[usable], [0.5, 0.9]))
    ordered = np.sort(amounts[usable])
    if (
        HOURLY_MAX < median < ANNUAL_MEDIAN_MIN
        and high >= ANNUAL_P90_MIN
        and (ordered[1:] / ordered[:-1]).max() >= GAP_MIN
    ):
        place = int((ordered[1:] / ordered[:-1]).argmax())
        raise InputError(
            f"base_pay ({header!r}) has {counted(place + 1, 'amount')} up to {ordered[place]:,.2f} and "
            f"others from "
            f"{ordered[place + 1]:,.2f} on, which looks like pay of two units.",
            remedy="Name the column that says each row's unit: `pay_unit: {column: HEADER}`; or state "
            "`pay_unit: annual`.",
        )
    if median < ANNUAL_MEDIAN_MIN and high < ANNUAL_P90_MIN:
        likely = "hourly" if median < HOURLY_MAX else "monthly"
        raise InputError(
            f"The median of base_pay ({header!r}) is {median:,.2f}: that looks like {likely} pay.",
            remedy=f"State its unit in the mapping YAML: `pay_unit: {likely}`, or `pay_unit: annual`.",
        )


def header_unit(header: str) -> str | None:
    """Return the unit that a header names, such as monthly for `Monthly Salary` or `Monatsgehalt`."""
    table = word_table("units")
    for unit in ("biweekly", "semimonthly"):
        if unit in folded(header) or (unit == "biweekly" and "fortnight" in folded(header)):
            return unit
    tokens = [
        folded(token) for token in re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", header))
    ]
    for token in tokens:
        if len(token) >= UNIT_WORD_MIN and token in table and token not in ("salary", "salaried", "pay"):
            return table[token]
    compounds = {"monats": "monthly", "stunden": "hourly", "wochen": "weekly", "jahres": ANNUAL}
    return next((unit for part, unit in compounds.items() if part in folded(header)), None)


def _stated_units(stated: PayUnitColumn, others: pd.DataFrame) -> pd.Series:
    column = next(
        (h for h in map(str, others) if normalise_header(h) == normalise_header(stated.column)), None
    )
    if column is None:
        raise InputError(
            f"pay_unit takes the unit from {stated.column!r}; the file has no such column.",
            remedy=f"Its columns: {', '.join(map(str, others))}.",
        )
    table = word_table("units") | {folded(word): unit for word, unit in stated.words.items()}
    units = others[column].map({text: table.get(folded(str(text))) for text in others[column].unique()})
    if (unknown := units.isna()).any():
        listed = ", ".join(map(repr, others[column][unknown].unique()[:ROWS_NAMED]))
        raise InputError(
            f"pay_unit: {column!r} has words without a unit: {listed}.",
            remedy=f"State them: `pay_unit: {{column: {column}, words: {{WORD: hourly}}}}`.",
        )
    return units.reset_index(drop=True)


def _check_unit_column(
    amounts: npt.NDArray[np.float64],
    unit: str | None,
    others: pd.DataFrame,
    lines: npt.NDArray[np.int64],
    usable: Bools,
) -> None:
    """Raise InputError where a column of units says that some amounts, which are smaller, are not annual."""
    table = word_table("units")
    column = _column(others, "unit_headers", lambda text: folded(text) in table)
    if column is None:
        return
    units = others[column].map(lambda text: table.get(folded(str(text)), ANNUAL)).reset_index(drop=True)
    annual = (units == ANNUAL).to_numpy(dtype=bool)
    other = ~annual & usable
    if not other.any():
        return
    reference = np.median(amounts[annual & usable]) if (annual & usable).any() else ANNUAL_MEDIAN_MIN
    small = other & (amounts < reference / GAP_MIN)
    if small.sum() * 2 < other.sum() or (unit == ANNUAL and not small.any()):
        return  # a salaried and an hourly employee with annual amounts
    counts = ", ".join(f"{word} {count:,}" for word, count in units[other].value_counts().items())
    meanings = ", ".join(
        f"{text}: {table[folded(str(text))]}"
        for text in others[column].unique()
        if folded(str(text)) in table
    )
    raise InputError(
        f"base_pay is not annual in every row: {column!r} says {counts}, such as "
        f"{_named(lines, np.rint(amounts * 100).astype(np.int64), other)}.",
        remedy=f"Have them converted: `pay_unit: {{column: {column}, words: {{{meanings}}}}}` "
        "(`hours_per_year: 2080` is the default).",
    )


def _column(others: pd.DataFrame, section: str, is_known: Callable[[str], bool]) -> str | None:
    """Return the column that has one of these headers and mostly known words."""
    headers = frozenset(words()[section].split())
    for header in map(str, others):
        if normalise_header(header) not in headers:
            continue
        counts = others[header][others[header] != ""].value_counts()
        known = sum(count for text, count in counts.items() if is_known(str(text)))
        if counts.sum() and known >= counts.sum() * COLUMN_KNOWN_MIN:
            return header
    return None


def _of_another_unit(cents: Cents, usable: Bools, *, hourly_max: float) -> Bools:
    """Return the rows of a small cluster far below the others, or of hourly size among annual pay."""
    mixed = np.zeros(len(cents), dtype=bool)
    amounts = cents[usable] / 100
    if len(amounts) < ROWS_MIN:
        return mixed
    median = float(np.median(amounts))
    limit = float(hourly_max) if np.quantile(amounts, 0.9) >= ANNUAL_MEDIAN_MIN else 0.0
    ordered = np.sort(amounts)
    few = int(len(ordered) * CLUSTER_MAX_SHARE)
    ratios = ordered[1 : few + 1] / ordered[:few]
    gaps = np.flatnonzero((ratios >= GAP_MIN) & (ordered[:few] <= median / CLUSTER_BELOW_MEDIAN))
    if len(gaps):
        limit = max(limit, float(ordered[gaps[-1]]))
    mixed[usable] = amounts <= limit
    return mixed


def _hours(units: pd.Series, plan: CensusMapping) -> str:
    return f"A year has {plan.hours_per_year:g} hours." if (units == "hourly").any() else ""


def _named(lines: npt.NDArray[np.int64], cents: Cents, rows: Bools) -> str:
    places = np.flatnonzero(rows)
    named = "; ".join(f"line {lines[place]}: {cents[place] / 100:,.2f}" for place in places[:ROWS_NAMED])
    return named + (f" and {len(places) - ROWS_NAMED:,} more" if len(places) > ROWS_NAMED else "")


def part_time_notes(others: pd.DataFrame) -> list[str]:
    """Return notes on columns that show part-time work in a file without an FTE column."""
    hours, times = (frozenset(words()[key].split()) for key in ("hours_headers", "time_headers"))
    part = words()["part_time"].split()
    for header in map(str, others):
        cells = others[header][others[header] != ""]
        word = normalise_header(header)
        less = 0
        if word in hours:
            numbers = pd.to_numeric(cells.str.replace(",", "."), errors="coerce")
            less = int((numbers < numbers.max()).sum())
        elif word in times:
            less = int(cells.map({text: _is_part_time(str(text), part) for text in cells.unique()}).sum())
        if less:
            return [
                f"{header!r} shows {counted(less, 'person', 'people')} working less than full time, "
                f"and no column has their "
                "FTE: all count as full-time, with their pay unchanged. Add a column FTE, such as 0.5."
            ]
    return []


def _is_part_time(text: str, part: Sequence[str]) -> bool:
    tokens = [folded(token) for token in re.findall(r"[^\W\d_]+", text)]
    return any(token in part for token in tokens) or folded(text).startswith("parttime")


def full_time_pay(
    cents: Cents, fte: npt.NDArray[np.float64], titles: pd.Series, usable: Bools, pay_is: str | None
) -> tuple[Cents, tuple[str, ...]]:
    """Return the pay of full-time work; `pay_is` says whether part-timers' amounts are that, or what is paid.

    Where it is not stated, part-timers are compared with full-timers of their title (or of all). Raises
    InputError where their amounts look like what is paid, or cannot be compared.
    """
    part = usable & (fte < 1)
    if pay_is == "paid":
        return np.rint(cents / np.where(fte > 0, fte, 1)).astype(np.int64), (
            f"The amounts of {part.sum():,} part-timers were divided by their FTE (pay_is: paid).",
        )
    if not part.any() or pay_is == "full-time":
        return cents, ()
    full = usable & ~part
    if full.any():
        overall = np.median(cents[full])
        by_title = pd.Series(cents[full]).groupby(titles[full].to_numpy()).median()
        reference = titles[part].map(by_title).fillna(overall).to_numpy(dtype=float)
        ratio = cents[part] / reference
        as_rate, as_paid = (np.median(np.abs(np.log(r))) for r in (ratio, ratio / fte[part]))
        if as_rate <= as_paid:
            return cents, (
                f"The amounts of {part.sum():,} part-timers were taken for full-time pay, as they are near "
                "that of full-timers. State it with `pay_is`.",
            )
    raise InputError(
        f"The pay of {part.sum():,} part-timers may be what they are paid, or the rate of full-time work.",
        remedy="State it in the mapping YAML: `pay_is: paid` (divided by FTE) or `pay_is: full-time`.",
    )
