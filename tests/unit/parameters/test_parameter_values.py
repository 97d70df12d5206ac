"""How values, years and assignments are written, and their canonical form."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.errors import InputError
from planwise.parameters import catalogue, merged_overrides, parse_assignments, simulated_years
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
        ("merit_groups", "Department: Sales = x1.10; Eng=+0.5pp", "department: Eng=+0.005; Sales=x1.1"),
        ("merit_groups", "manager:a=b=-0.001", "manager_id: a=b=-0.001"),
        ("merit_groups", 'location: "A; ""B"" = C" = x2;D=+0.01', 'location: "A; ""B"" = C"=x2; D=+0.01'),
        ("merit_groups", 'location: "A"=x2; B "b"=x2', 'location: A=x2; B "b"=x2'),
        (
            "merit_groups",
            "department: Eng=-0.000035; Legal=x1.123456",
            "department: Eng=-0.000035; Legal=x1.123456",
        ),
        ("merit_groups", "none", None),
        ("awards", "Department: Roads=0.000035; Police = 2.5%", "department: Police=0.025; Roads=0.000035"),
        (
            "awards",
            "Department: Police = 3%; Fire=.025; Other = 0",
            "department: Fire=0.025; Other=0; Police=0.03",
        ),
        ("awards", 'location: "A; B" = 2.5 %', 'location: "A; B"=0.025'),
        ("awards", "", None),
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
        ("merit_groups", "gender: F=x1.1", "is not an attribute .department, "),
        ("merit_groups", "department: Eng=1.1", "at most 10%. or a factor"),
        ("merit_groups", "department: Eng=x9", "at most 3"),
        ("awards", "department: Eng=26%", "0 to 25%"),
        ("awards", "department: Eng=-1%", "0 to 25%"),
        ("awards", "department: Eng=x1.1", "0 to 25%"),
        ("awards", "department: Eng=1%; Eng=2%", "named twice"),
        ("merit_groups", "department: Eng=x1.1; Eng=x1.2", "named twice"),
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
def test_an_invalid_value_is_rejected(name, given_, message):
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


NAMES = sorted(catalogue().levers)


def test_assignments_become_canonical_overrides():
    assert parse_assignments(["cola_rate=0.03", "merit_rate_level_3@2028 = 4%"], "lever") == {
        "cola_rate": 0.03,
        "merit_rate_level_3@2028": 0.04,
    }


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("cola_rate", None, "is not an assignment"),
        ("=0.03", None, "not a parameter name"),
        ("cola_rate@28=0.03", None, "not a parameter name"),
        ("cola_rate@=0.03", None, "not a parameter name"),
        ("merit_rate_level_6=0.03", None, "Unknown parameter 'merit_rate_level_6'"),
        ("seed=1", "lever", "seed is not a lever but an assumption"),
        ("cola_rate=0.03", "assumption", "cola_rate is not an assumption but a lever"),
        ("seed@2027=1", None, "one value for all years"),
        ("cola_rate=abc", None, "cola_rate = 'abc' is not a number"),
    ],
)
def test_an_invalid_assignment_is_rejected(text, kind, message):
    with pytest.raises(InputError, match=message):
        parse_assignments([text], kind)


def test_a_parameter_set_twice_is_rejected_but_not_its_years():
    with pytest.raises(InputError, match="cola_rate is set twice"):
        parse_assignments(["cola_rate=0.03", "cola_rate=0.04"])
    assert len(parse_assignments(["cola_rate=0.03", "cola_rate@2027=0.04", "cola_rate@2028=0.04"])) == 3


def test_an_all_years_override_drops_the_years_before_it():
    old = {"cola_rate": 0.02, "cola_rate@2027": 0.05, "seed": 1}
    assert merged_overrides(old, {"cola_rate": 0.03}) == {"cola_rate": 0.03, "seed": 1}
    assert merged_overrides(old, {"cola_rate@2028": 0.03}) == {**old, "cola_rate@2028": 0.03}


@given(
    st.dictionaries(
        st.tuples(st.sampled_from(NAMES), st.none() | st.integers(1000, 9999)),
        st.integers(0, 2_000_000).map(lambda micro: micro / 1e6),
    )
)
def test_what_is_written_is_what_is_read(wanted):
    keys = {key: name if year is None else f"{name}@{year}" for key in wanted for name, year in [key]}
    texts = [f"{keys[key]}={value!r}" for key, value in wanted.items()]
    assert parse_assignments(texts) == {keys[key]: value for key, value in wanted.items()}


@given(st.integers(1, 10), st.integers(1990, 2100))
def test_a_count_and_the_range_it_means_are_the_same(count, first):
    expected = tuple(first + i for i in range(count))
    assert simulated_years(count, first) == expected
    assert simulated_years(str(count), first) == expected
    assert simulated_years(f"{first}-{first + count - 1}", first) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "0 years, outside 1 to 10"),
        (11, "11 years, outside 1 to 10"),
        ("2026-2036", "11 years, outside 1 to 10"),
        ("2030-2026", "-3 years, outside 1 to 10"),
        ("2027-2029", "starts in 2027, but the first year after the census is 2026"),
        ("2.5", "whole number"),
        ("five", "not a number"),
        (None, "null"),
    ],
)
def test_other_horizons_are_rejected(value, message):
    with pytest.raises(InputError, match=message):
        simulated_years(value, 2026)
