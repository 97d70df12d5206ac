# ruff: noqa: E501 - arithmetic is read in one line
"""Pay earned: the pay of each period x its days / days in the year x FTE."""

from datetime import date

from worlds import STILL, employee, world

LEVERS = STILL | {"cola_rate": 0.02, "merit_rate_level_1": 0.033}


def test_a_whole_year_with_a_raise_in_the_middle():
    """51,000.00 for 181 days, 52,683.00 for 184 days of 365."""
    assert world([employee()], LEVERS).person("A")["prorated_pay"] == 51_848.42


def test_a_hire_who_leaves_again_is_paid_for_the_days_in_between():
    """Slot 2: 7 March to 23 June = 109 days; slot 1: 20 March to 26 September = 191 days, at 50,000."""
    flat = {"hire_range_position": 0.5, "hire_range_spread": 0, "new_hire_salary_adjustment": 1}
    growing = LEVERS | flat | {"headcount_growth": 0.5, "new_hire_termination_rate": 0.4466}
    result = world([employee(i) for i in "ABCDEFGH"], growing)

    second = result.person("NEW-2026-0000002")
    assert (str(second["hire_date"])[:10], str(second["termination_date"])[:10]) == (
        "2026-03-07",
        "2026-06-23",
    )
    assert second["prorated_pay"] == 14_931.51
    first = result.person("NEW-2026-0000001")
    assert (str(first["hire_date"])[:10], str(first["termination_date"])[:10]) == ("2026-03-20", "2026-09-26")
    assert first["prorated_pay"] == 26_164.38


def test_leap_year_with_an_exit_and_a_part_timer():
    """2028 has 366 days. G leaves on 28 November: 182 days at 51,000 and 151 at 52,683. F is there all year."""
    people = [employee("F", fte=0.5), employee("G")]
    levers = LEVERS | {"termination_rate": 0.3, "headcount_growth": -0.5}
    result = world(people, levers, as_of=date(2027, 12, 31))

    assert result.person("G", 2028)["prorated_pay"] == 47_095.99
    assert result.person("F", 2028)["prorated_pay"] == 25_923.05  # (182 x 51,000 + 184 x 52,683) / 366 / 2
    growth = result.compensation_growth.set_index("simulation_year").growth_prorated
    # per FTE-year: 73,019.04 / (.5 + 333 / 366) over 50,000
    assert round(growth[2028], 6) == round(73_019.04 / (0.5 + 333 / 366) / 50_000 - 1, 6)


def test_the_day_of_the_raise_is_paid_at_the_new_rate_and_the_last_day_is_paid():
    """D leaves on 11 February 2026, the day of the COLA: 41 days at 50,000 and one at 51,000."""
    levers = LEVERS | {"termination_rate": 0.05, "headcount_growth": -1, "cola_date": "02-11"}
    result = world([employee("D")], levers)

    assert result.chain("D") == [("COLA", "2026-02-11", 51_000.00), ("voluntary", "2026-02-11", 51_000.00)]
    assert result.person("D")["prorated_pay"] == 5_756.16  # (41 x 50,000 + 51,000) / 365
