"""One spelling for each value."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.errors import InputError
from planwise.parameters import catalogue
from planwise.parameters.values import canonical


def of(name, value):
    return canonical(catalogue().parameters[name], value)


@pytest.mark.parametrize(
    ("name", "given_", "expected"),
    [
        ("cola_rate", "0.03", 0.03),
        ("cola_rate", " .03 ", 0.03),
        ("cola_rate", "3%", 0.03),
        ("cola_rate", "3.3 %", 0.033),
        ("cola_rate", "3e-2", 0.03),
        ("cola_rate", Decimal("0.03"), 0.03),
        ("cola_rate", 0.1 + 0.2, 0.3),
        ("cola_rate", 0.0300000049, 0.03),
        ("headcount_growth", -0.0000001, 0.0),
        ("payroll_budget", "1000000.004", 1000000.0),
        ("seed", "7", 7),
        ("seed", 7.0, 7),
        ("range_maximum_cap", "TRUE", True),
        ("range_maximum_cap", False, False),
        ("merit_date", "09-30", "09-30"),
        ("range_adjustment", "null", None),
        ("range_adjustment", None, None),
        ("years", "5", 5),
        ("years", "2026-2030", "2026-2030"),
        ("years", "2026 - 2030", "2026-2030"),
    ],
)
def test_canonical_values(name, given_, expected):
    found = of(name, given_)
    assert found == expected
    assert type(found) is type(expected)


def test_zero_has_no_sign():
    assert str(of("headcount_growth", "-0")) == "0.0"


@pytest.mark.parametrize(
    ("name", "given_", "message"),
    [
        ("cola_rate", "nan", "not a number"),
        ("cola_rate", float("nan"), "not a finite number"),
        ("cola_rate", float("inf"), "not a finite number"),
        ("cola_rate", "1e999", "not a finite number"),
        ("cola_rate", "three", "not a number"),
        ("cola_rate", "0,03", "not a number"),
        ("cola_rate", "0.0_3", "not a number"),
        ("cola_rate", "٣", "not a number"),
        ("cola_rate", True, "not a number"),
        ("cola_rate", [0.03], "not a number"),
        ("cola_rate", None, "null"),
        ("cola_rate", "", "null"),
        ("new_hire_salary_adjustment", "115%", "not a number"),
        ("seed", 1.5, "whole number"),
        ("seed", "nan", "not a number"),
        ("range_maximum_cap", "yes", "true or false"),
        ("range_maximum_cap", 1, "true or false"),
        ("merit_date", "02-29", "every year has"),
        ("merit_date", "04-31", "MM-DD"),
        ("merit_date", "7-1", "MM-DD"),
        ("merit_date", 701, "MM-DD"),
        ("years", "soon", "not a number"),
    ],
)
def test_what_is_no_value_is_refused(name, given_, message):
    with pytest.raises(InputError, match=message) as caught:
        of(name, given_)
    assert name in caught.value.what


@given(st.floats(0.0, 1.0))
def test_canonical_is_idempotent_and_near(value):
    once = of("cola_rate", value)
    assert of("cola_rate", once) == once
    assert of("cola_rate", repr(once)) == once
    assert abs(once - value) <= 0.5e-6 + 1e-12


@given(st.text(max_size=12))
def test_any_text_is_a_finite_number_or_an_input_error(text):
    try:
        value = of("cola_rate", text)
    except InputError:
        return
    assert isinstance(value, float)
    assert value == value and abs(value) != float("inf")
