"""Numbers with their units: separators, signs, a real minus, n/a for a missing number."""

import math

from planwise.formatting import amount_short, count, number, percent, points, ratio

NBSP = "\N{NO-BREAK SPACE}"


def test_a_negative_number_has_a_real_minus_sign():
    assert percent(-0.0299, 2) == "−2.99%" and count(-1234567.8) == "−1,234,568"
    assert points(-0.001) == f"−0.10{NBSP}pp" and ratio(-0.0692, 4) == "−0.0692"


def test_a_zero_has_no_sign():
    assert points(-0.0000001) == f"0.00{NBSP}pp" and percent(-1e-9, sign=True) == "0.0%"
    assert count(-0.2, sign=True) == "0" and ratio(0.0, 3, sign=True) == "0.000"
    assert amount_short(0, sign=True) == "0" and amount_short(-0.3) == "0"


def test_a_missing_number_is_not_available():
    for show in (amount_short, count, number, percent, points, ratio):
        assert show(None) == "n/a" and show(math.nan) == "n/a"


def test_differences_have_a_sign():
    assert points(0.001) == f"+0.10{NBSP}pp" and points(0.001, sign=False) == f"0.10{NBSP}pp"
    assert percent(0.05, sign=True) == "+5.0%" and count(12, sign=True) == "+12"
    assert amount_short(1234567.8, sign=True) == f"+1.2{NBSP}M" and amount_short(12, sign=True) == "+12"


def test_large_amounts_are_shortened():
    assert amount_short(1_290_000_000) == f"1.29{NBSP}B" and amount_short(808_400_000) == f"808.4{NBSP}M"
    assert amount_short(112_324) == "112,324" and amount_short(-2e6, currency="$") == f"−$2.0{NBSP}M"


def test_a_number_without_a_unit_keeps_its_significant_digits():
    assert number(330000000.0) == "330,000,000" and number(0.02) == "0.02" and number(3) == "3"
    assert number(4.5e-6) == "0" and number(0.25) == "0.25" and number(1234567.8) == "1,234,568"
