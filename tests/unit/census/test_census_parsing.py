# ruff: noqa: E501 - tables are read by row
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.census.checks import parse_dates, parse_money
from planwise.errors import InputError

AS_OF = date(2015, 6, 30)


def cents(*texts: str, style: str | None = None) -> list[int | None]:
    money = parse_money(pd.Series(texts, dtype=object), style)
    return [None if bad else int(c) for c, bad in zip(money.cents, money.bad, strict=True)]


def days(*texts: str, as_of: date = AS_OF, fmt: str | None = None, past: bool = False) -> list[str | None]:
    dates = parse_dates(pd.Series(texts, dtype=object), as_of, fmt, past=past)
    return [None if pd.isna(d) else d.date().isoformat() for d in dates.days]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('$69,222.18 ', 6_922_218), ("69222.18", 6_922_218), ("69222", 6_922_200), ("69222.1", 6_922_210),
        ("69222.", 6_922_200), ("USD 69,222", 6_922_200), ("69 222.18", 6_922_218), ("69'222.18", 6_922_218),
        ("69\u00a0222.18", 6_922_218), ("69222.18 €", 6_922_218), ("£1,000", 100_000), ("-5", -500), ("(5.00)", -500), ("5-", -500),
        ("-$5", -500), ("$-5", -500), ("−5", -500), ("0.005", 1), ("69222.185", 6_922_219), ("69222.1849999", 6_922_218),
        ("", None), ("$", None), ("abc", None), ("1,23", None), ("1,2345", None), ("12,34,567", None), ("--5", None), ("(-5)", None),
        ("(5", None), ("5)", None), ("1e5", None), ("nan", None), ("inf", None), ("5 USD extra", None), ("１００", None), (".", None),
        ("1234567890123", None),
    ],
)  # fmt: skip
def test_money(text, expected):
    assert cents(text, style="1,234.56") == [expected]


def test_one_european_value_tells_for_the_column():
    assert cents("69.222,18 €", "50.000", "1000") == [6_922_218, 5_000_000, 100_000]


def test_one_american_value_tells_for_the_column():
    assert cents("69,222.18", "50.123", "69.222,18") == [6_922_218, 5_012, None]


def test_money_that_can_be_read_two_ways_is_refused_unless_stated():
    with pytest.raises(InputError, match="thousands or decimals"):
        cents("50.000", "60.000")
    assert cents("50.000", style="1.234,56") == [5_000_000]
    with pytest.raises(InputError, match=r"formats\.base_pay"):
        cents("1", style="money")


@given(
    st.lists(st.decimals(min_value=Decimal("0.01"), max_value=Decimal("999999999.99"), places=2), min_size=1)
)
def test_money_round_trips_through_every_usual_spelling(amounts: list[Decimal]):
    expected = [int(a * 100) for a in amounts]
    for spelling in ("{:.2f}", "${:,.2f} ", "{:,.2f}", "USD {:.2f}"):
        assert cents(*(spelling.format(a) for a in amounts)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2010-01-05", "2010-01-05"), ("2010-1-5", "2010-01-05"), ("20100105", "2010-01-05"), ("2010/01/05", "2010-01-05"),
        ("2010-01-05 00:00:00", "2010-01-05"), ("2010-01-05T12:30:00Z", "2010-01-05"), ("1/5/2010", "2010-01-05"),
        ("01/05/10", "2010-01-05"), ("5-Jan-2010", "2010-01-05"), ("05 January 2010", "2010-01-05"), ("Jan 5, 2010", "2010-01-05"),
        ("5-jan-68", "1968-01-05"), ("5.1.2010", "2010-01-05"), ("2/29/2012", "2012-02-29"), ("2/29/2011", None), ("13/13/2010", None),
        ("0/5/2010", None), ("2010", None), ("", None), ("n/a", None), ("00/00/00", None), ("1/5/210", None), ("1899-12-31", None),
        ("5-Foo-2010", None), ("9999-12-31", None),
    ],
)  # fmt: skip
def test_dates(text, expected):
    assert days(text) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6/30/15", "2015-06-30"), ("7/1/15", "2015-07-01"), ("1/1/35", "2035-01-01"), ("7/1/35", "1935-07-01"),
        ("5/1/52", "1952-05-01"), ("5/1/68", "1968-05-01"), ("5/1/69", "1969-05-01"), ("1/1/00", "2000-01-01"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("fmt", [None, "%m/%d/%y"])
def test_two_digit_years_lie_within_80_years_before_and_20_after_the_census(text, expected, fmt):
    assert days(text, fmt=fmt) == [expected]


def test_two_digit_birth_years_are_past():
    assert days("7/1/15", "6/30/15", past=True) == ["1915-07-01", "2015-06-30"]


def test_four_digit_years_are_never_moved():
    assert days("7/1/2068", "2068-07-01") == ["2068-07-01", "2068-07-01"]


def test_one_day_above_12_tells_the_order_for_the_column():
    assert days("13/02/2010", "03/02/2010") == ["2010-02-13", "2010-02-03"]
    assert days("02/13/2010", "03/02/2010") == ["2010-02-13", "2010-03-02"]


def test_an_order_that_no_value_tells_is_said():
    notice = parse_dates(pd.Series(["03/02/2010"]), AS_OF).notice
    assert notice and "month/day/year" in notice
    assert parse_dates(pd.Series(["03/03/2010", "03/13/2010"]), AS_OF).notice is None


@pytest.mark.parametrize("fmt", ["banana", "%m/%d", "%Y", "%H:%M"])
def test_a_format_that_gives_no_date_is_refused(fmt):
    with pytest.raises(InputError, match="does not name year, month and day"):
        days("1/1/2010", fmt=fmt)


def test_an_explicit_format_is_the_only_one():
    assert days("03.02.2010", "2010-02-03", fmt="%d.%m.%Y") == ["2010-02-03", None]


@given(st.lists(st.dates(date(1936, 1, 1), AS_OF), min_size=1))
def test_dates_round_trip_through_every_usual_spelling(dates: list[date]):
    expected = [d.isoformat() for d in dates]
    unambiguous = [*dates, date(2010, 12, 31)]
    assert days(*(d.isoformat() for d in dates)) == expected
    assert days(*(f"{d:%d-%b-%Y}" for d in dates)) == expected
    assert days(*(f"{d.month}/{d.day}/{d:%y}" for d in unambiguous))[:-1] == expected
    assert days(*(f"{d:%d/%m/%Y}" for d in unambiguous))[:-1] == expected
