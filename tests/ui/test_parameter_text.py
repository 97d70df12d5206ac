import pytest

from planwise.errors import InputError
from planwise.parameters import catalogue
from ui.values.parameter_text import entered, typed, written

OF = catalogue().parameters


@pytest.mark.parametrize(
    ("name", "value", "shown", "as_typed"),
    [
        ("cola_rate", 0.033, "3.30%", "3.3"),
        ("cola_rate", 0.033333, "3.3333%", "3.3333"),
        ("market_movement", -0.015, "−1.50%", "-1.5"),
        ("promotion_probability_level_1", 0.0, "0.00%", "0"),
        ("new_hire_salary_adjustment", 1.15, "1.15×", "1.15"),
        ("termination_multiplier_level_1", 1.0, "1.00×", "1"),
        ("merit_min_tenure_years", 0.5, "0.5 years", "0.5"),
        ("promotion_min_tenure_years", 1.0, "1 year", "1"),
        ("payroll_budget", 1250000.0, "1,250,000", "1250000"),
        ("payroll_budget", None, "no budget", ""),
        ("range_adjustment", None, "the year's cola_rate", ""),
        ("seed", 2147483647, "2147483647", "2147483647"),
        ("years", 5, "5 years", "5"),
        ("years", "2026-2030", "2026–2030", "2026-2030"),
        ("merit_date", "07-01", "1 July", "07-01"),
        ("range_maximum_cap", False, "off", "off"),
    ],
)
def test_values_are_written_with_their_unit_and_typed_values_mean_the_same(name, value, shown, as_typed):
    assert written(OF[name], value) == shown
    assert typed(OF[name], value) == as_typed
    assert entered(OF[name], as_typed) == value


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("cola_rate", "3.5", 0.035),
        ("cola_rate", "3.5%", 0.035),
        ("cola_rate", " 3.5 % ", 0.035),
        ("cola_rate", "3,5", 0.035),
        ("market_movement", "−1.5%", -0.015),
        ("new_hire_salary_adjustment", "1.15×", 1.15),
        ("new_hire_salary_adjustment", "1.15x", 1.15),
        ("new_hire_salary_adjustment", "115%", 1.15),
        ("payroll_budget", "$1,250,000", 1250000.0),
        ("payroll_budget", "No budget", None),
        ("range_maximum_cap", "YES", True),
        ("awards", "department: Police=3.5%", "department: Police=0.035"),
        ("awards", " Department : Police = 3.5 % ; Fire=0 ", "department: Fire=0; Police=0.035"),
        ("awards", "", None),
    ],
)
def test_people_may_type_what_they_are_used_to(name, text, value):
    assert entered(OF[name], text) == value


@pytest.mark.parametrize(
    ("name", "text", "what", "remedy"),
    [
        (
            "cola_rate",
            "20",
            "20.00% is above the highest value allowed, 8.00%",
            "recommended are 0.00% to 3.00%",
        ),
        (
            "promotion_raise_level_1",
            "0.085",
            "0.085% is below the lowest value allowed, 5.00%",
            "did you mean 8.50%?",
        ),
        ("cola_rate", "a lot", "'a lot' is not a value of Cost-of-living raise", "3.5 or 3.5%"),
        ("cola_rate", "", "cannot be null", "Raise of everyone"),
        ("cola_rate", "=1+1", "'=1+1' is not a value", "3.5"),
        ("cola_rate", "1e400", "not a value", "3.5"),
        ("seed", "1.5", "'1.5' is not a value of Seed", "42"),
        ("merit_date", "02-30", "day of the year", "Merit date"),
        ("awards", "department: Police=26%", "an award of 0 to 25%", "Awards by group"),
        ("awards", "department: Police=3.5", "an award of 0 to 25%", "Awards by group"),
        ("awards", "department: Police=nan", "an award of 0 to 25%", "Awards by group"),
        ("awards", "dept: Police=3%", "an attribute (department, job_family", "Awards by group"),
        ("awards", "Police=3%", "an attribute (department, job_family", "Awards by group"),
        ("awards", "department: Police=3%; Police=2%", "named twice", "Awards by group"),
        ("years", "11", "11 years is above", "1 year to 10 years"),
    ],
)
def test_what_is_no_value_is_refused_in_the_unit_it_was_typed(name, text, what, remedy):
    with pytest.raises(InputError) as refused:
        entered(OF[name], text)
    assert what in refused.value.what
    assert remedy in refused.value.remedy
