"""Figures with their units: separators, signs, a real minus, n/a for none; spreadsheet formulas as text."""

import math
from zoneinfo import ZoneInfo

import duckdb
import pytest

from planwise import formatting as f

NBSP = "\N{NO-BREAK SPACE}"
UNITS = ("amount_short", "count", "exact_percent", "money", "money_short", "number", "percent", "points")
UNITS += ("ratio", "seconds")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f.count(10300), "10,300"),
        (f.count(-1234567.8), "−1,234,568"),
        (f.count(12, sign=True), "+12"),
        (f.seconds(0.048), f"48{NBSP}ms"),
        (f.seconds(5.15), f"5.2{NBSP}s"),
        (f.seconds(229.5), f"3.8{NBSP}min"),
        (f.exact_percent(0.03), "3.0%"),
        (f.exact_percent(0.0325), "3.25%"),
        (f.exact_percent(0.03125), "3.125%"),
        (f.exact_percent(-0.005), "−0.5%"),
        (f.exact_percent(0.03, 0), "3%"),
        (f.money(112323.74), "112,324"),
        (f.money(-1234.4), "−1,234"),
        (f.money(98, sign=True), "+98"),
        (f.money_short(1_286_544_110), f"1.29{NBSP}B"),
        (f.money_short(102_626_281, sign=True), f"+102.6{NBSP}M"),
        (f.money_short(-2_400_000), f"−2.4{NBSP}M"),
        (f.money_short(999_999), "999,999"),
        (f.amount_short(808_400_000), f"808.4{NBSP}M"),
        (f.amount_short(1234567.8, sign=True), f"+1.2{NBSP}M"),
        (f.amount_short(12, sign=True), "+12"),
        (f.percent(0.0318), "3.2%"),
        (f.percent(-0.0299, 2), "−2.99%"),
        (f.percent(0.087, sign=True), "+8.7%"),
        (f.percent_range(0.021, 0.034), "2.1–3.4%"),
        (f.points(0.0017), f"+0.17{NBSP}pp"),
        (f.points(-0.0274), f"−2.74{NBSP}pp"),
        (f.points(0.001, sign=False), f"0.10{NBSP}pp"),
        (f.ratio(1.0955), "1.10"),
        (f.ratio(-0.0692, 4), "−0.0692"),
        (f.number(330000000.0), "330,000,000"),
        (f.number(1234567.8), "1,234,568"),
        (f.number(0.02), "0.02"),
        (f.number(-0.25), "−0.25"),
        (f.number(3), "3"),
        (f.number(4.5e-6), "0"),
        (f.moment("2026-11-20T11:03:43+00:00"), f"2026-11-20{NBSP}11:03{NBSP}UTC"),
        (f.shortened("x" * 200), "x" * 89 + "…"),
    ],
)
def test_figures_are_written_with_separators_units_and_a_real_minus(written, expected):
    assert written == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f.TERMINAL.count(-1234), "-1,234"),
        (f.TERMINAL.percent(None), "-"),
        (f.TERMINAL.percent_range(0.1, None), "-"),
        (f.TERMINAL.points(-0.001), "-0.10 pp"),
        (f.TERMINAL.amount_short(-2_400_000), "-2.4 M"),
        (f.TERMINAL.amount_short(1_286_544_110, sign=True), "+1,286.5 M"),
        (f.TERMINAL.seconds(0.5), "500 ms"),
    ],
)
def test_a_terminal_has_signs_and_spaces_that_can_be_typed(written, expected):
    assert written == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f.points(-0.0000001), f"0.00{NBSP}pp"),
        (f.percent(-1e-9, sign=True), "0.0%"),
        (f.count(-0.2, sign=True), "0"),
        (f.ratio(0.0, 3, sign=True), "0.000"),
        (f.amount_short(0, sign=True), "0"),
        (f.money(-0.3), "0"),
    ],
)
def test_a_zero_has_no_sign(written, expected):
    assert written == expected


@pytest.mark.parametrize("name", UNITS)
@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_figure_that_is_not_there_is_not_a_zero(name, missing):
    assert getattr(f, name)(missing) == "n/a" and getattr(f.TERMINAL, name)(missing) == "-"


@pytest.mark.parametrize(
    ("level_id", "names", "expected"),
    [
        (1, None, "L1 Staff"),
        (2.0, None, "L2 Manager"),
        (3, None, "L3 Senior Manager"),
        (5, None, "L5 VP"),
        (6, None, "Level 6"),
        (math.nan, None, "n/a"),
        (2, {2: "Ingénieur"}, "L2 Ingénieur"),
        (2, {2: "Level 2"}, "Level 2"),
        (2, {2: "  "}, "Level 2"),
        (2, {2: "Pay band 2"}, "Pay band 2"),
        (2, {1: "Junior"}, "Level 2"),
    ],
)
def test_a_level_has_its_name_or_its_number(level_id, names, expected):
    assert f.level(level_id, names) == expected


def test_names_are_sorted_as_people_do():
    names = ["s10", "S2 b", "s2", "2", "10", "s1", "é", ""]
    assert sorted(names, key=f.natural_order) == ["", "2", "10", "s1", "s2", "S2 b", "s10", "é"]


def test_the_names_are_those_of_the_default_pay_structure():
    from planwise.census import default_levels

    assert f.level_names() == dict(default_levels()[["level_id", "name"]].itertuples(index=False))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Merit rate, level 1", "Merit rate, L1 Staff"),
        (
            "Merit falls with level: 2.00% in level 4, 3.00% in level 3.",
            "Merit falls with level: 2.00% in L4 Director, 3.00% in L3 Senior Manager.",
        ),
        ("Nobody is in level 9; level 12 neither.", "Nobody is in level 9; level 12 neither."),
    ],
)
def test_texts_of_the_core_call_levels_as_pages_do(text, shown):
    assert f.with_levels(text) == shown


@pytest.mark.parametrize(
    ("code", "amount", "heading"),
    [
        ("USD", "$112,324", "Payroll,\u00a0$"),
        ("", "112,324", "Payroll, amount"),
        ("GBP", "£112,324", "Payroll,\u00a0£"),
        ("CHF", "CHF\u00a0112,324", "Payroll,\u00a0CHF"),
        (None, "112,324", "Payroll, amount"),
    ],
)
def test_money_and_headings_have_the_currency_of_the_census(code, amount, heading):
    with f.in_currency(code):
        assert (f.money(112324), f.with_unit("Payroll, $")) == (amount, heading)
        assert f.with_unit("Cost of $5 lunches, a title") == "Cost of $5 lunches, a title"
        assert f.TERMINAL.money(112324) == amount.replace("\u00a0", " ")
    assert f.money(1) == "1"


def test_a_time_is_local_with_its_zone_and_levels_have_the_names_of_their_census():
    here = f.Local(levels={2: "Pay band 2"}, zone=ZoneInfo("Asia/Kolkata"))
    with f.written_for(here), f.in_currency("INR"):
        assert f.moment("2026-11-20T22:03:43+00:00") == f"2026-11-21{NBSP}03:33{NBSP}IST"
        assert f.level(2) == "Pay band 2" and f.with_levels("in level 2") == "in Pay band 2"
        assert f.money(5) == "₹5"


# What spreadsheets calculate, from their manuals and OWASP, not from the code under test. The last four are
# full-width, which Excel takes for the others; a tab or a line end comes before what is calculated.
CALCULATES = ("=", "+", "-", "@", "\t=", "\r=", "\n=", "\t", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@pytest.mark.parametrize("start", CALCULATES)
@pytest.mark.parametrize("blanks", ["", "  ", "\u00a0", "\ufeff"])
def test_what_calculates_gets_an_apostrophe(start, blanks):
    text = f"{blanks}{start}cmd|'/c calc'!A1"
    assert f.escape_formula(text) == f"'{text}"
    row = duckdb.execute("SELECT regexp_matches(?, ?)", [text, f.FORMULA_PATTERN]).fetchone()
    assert row == (True,)  # SQL reads the pattern alike


@pytest.mark.parametrize("value", ["Staff", "a=b", "'=1", "", -3.5, 7, None, True])
def test_what_does_not_stays(value):
    assert f.escape_formula(value) is value


def test_what_is_counted_agrees_with_its_number():
    found = [f.counted(n, "row") for n in (0, 1, 2, 1204)]
    assert found == ["0 rows", "1 row", "2 rows", "1,204 rows"]
    assert [f.counted(n, "row is", "rows are") for n in (1, 3)] == ["1 row is", "3 rows are"]
