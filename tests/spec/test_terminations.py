# ruff: noqa: E501 - arithmetic is read in one line
"""Who leaves: hazards scaled so that their mean is the stated rate, clipped at 1, the excess redistributed."""

import pandas as pd
import pytest
from worlds import STILL, employee, shared, world

from planwise.errors import InputError
from planwise.parameters import catalogue
from planwise.parameters.calibrated_rates import store_rates

# Draws of 2026 with seed 42: D .032, H .343, A .372, F .409. Only tenure under a year counts, three times.
BANDS = tuple(catalogue().bands["tenure"])
LEVERS = STILL | {f"termination_multiplier_tenure_{band}": 1 for band in BANDS}
LEVERS |= {
    "termination_multiplier_tenure_under_1": 3,
    "termination_multiplier_level_1": 1,
    "headcount_growth": -1,
}
RECENT, LONG_AGO = "2025-07-01", "2015-07-01"


def people(recent):
    return [employee(i, birth_date=None, hire_date=RECENT if i == recent else LONG_AGO) for i in "ADFH"]


def voluntary(result):
    events = result.events[result.events.event_reason == "voluntary"]
    return dict(zip(events.employee_id, events.probability, strict=True))


def test_probabilities_are_proportional_and_their_mean_is_the_rate():
    """4 x .4 = 1.6 exits over weights 3 + 1 + 1 + 1: .8 for H, .2667 for the others; A, F are reduced instead."""
    result = world(people(recent="H"), LEVERS | {"termination_rate": 0.4})

    assert voluntary(result) == pytest.approx({"H": 0.8, "D": 1.6 / 6}, abs=1e-12)


def test_a_probability_over_one_is_clipped_and_the_excess_goes_to_the_others():
    """2.4 exits: 1.2 for D is clipped to 1; the other three share 1.4."""
    result = world(people(recent="D"), LEVERS | {"termination_rate": 0.6})

    expected = {"D": 1, "A": 1.4 / 3, "F": 1.4 / 3, "H": 1.4 / 3}
    assert voluntary(result) == pytest.approx(expected, abs=1e-12)


def test_all_leave_at_rate_one_and_none_at_rate_zero():
    everybody = world(people(recent="D"), LEVERS | {"termination_rate": 1})
    assert voluntary(everybody) == {"A": 1, "D": 1, "F": 1, "H": 1}

    nobody = world(people(recent="D"), LEVERS | {"termination_rate": 0, "headcount_growth": 0})
    assert len(nobody.events[nobody.events.event_type == "TERMINATION"]) == 0


def test_age_and_level_multiply():
    """D: 2 (age 20) x 0.5 (level 2) = 1, H: 2 x 1 = 2 (level 1), weights of a rate of .5: 1 exit over 3."""
    levers = LEVERS | {"termination_multiplier_age_under_25": 2, "termination_multiplier_level_2": 0.5}
    young = {"birth_date": "2005-06-01", "hire_date": LONG_AGO}
    result = world(
        [employee("D", level_id=2, base_pay=70_000, **young), employee("H", **young)],
        levers | {"termination_rate": 0.5},
    )

    assert voluntary(result) == pytest.approx({"D": 1 / 3, "H": 2 / 3}, abs=1e-12)


def test_an_unknown_age_is_neither_likelier_nor_less_likely():
    """D, of unknown age, counts once; H, of 70, three times: weights of 1 and 3 for one exit of two."""
    levers = LEVERS | {"termination_multiplier_age_over_69": 3, "termination_rate": 0.4}
    unknown, old = {"birth_date": None}, {"birth_date": "1955-06-01"}
    result = world([employee(i, hire_date=LONG_AGO, **f) for i, f in (("D", unknown), ("H", old))], levers)

    assert voluntary(result) == pytest.approx({"D": 0.2, "H": 0.6}, abs=1e-12)


def test_the_exit_is_dated_in_the_year_by_its_own_draw():
    """D's date draw is .114: day floor(.114 x 365) = 41 after 1 January."""
    result = world(people(recent="D"), LEVERS | {"termination_rate": 0.6})

    assert str(result.person("D")["termination_date"])[:10] == "2026-02-11"


def test_turnover_answers_to_pay_with_an_elasticity():
    """Pay raised by 1.08 x 1.10 against a market that stood still: p = .5 x 1.188^-2 = .354267 in the second year."""
    answering = {"years": 2, "termination_rate@2026": 0, "termination_rate@2027": 0.5, "headcount_growth": 0}
    answering |= {"turnover_pay_elasticity": 2, "cola_rate": 0.08, "merit_rate_level_1": 0.1}
    result = world([employee(i, birth_date=None) for i in "ACF"], LEVERS | answering)

    assert voluntary(result) == pytest.approx(dict.fromkeys("ACF", 0.35427), abs=1e-5)


def test_composition_acts_after_the_first_year():
    """A counts three times in 2026, once in 2027. Nobody leaves in 2026; 3 x .5 exits over 3 + 1 + 1 are .3 a unit."""
    rows = [employee("A", birth_date=None, hire_date=RECENT)]
    rows += [employee(i, birth_date=None, hire_date=LONG_AGO) for i in "CF"]
    levers = LEVERS | {"years": 2, "termination_rate": 0.5, "termination_rate@2026": 0, "headcount_growth": 0}

    assert voluntary(world(rows, levers)) == pytest.approx(dict.fromkeys("ACF", 0.3), abs=1e-12)
    stated = world(rows, levers | {"termination_rate@2027": 0.5})  # of that year's people
    assert voluntary(stated) == pytest.approx(dict.fromkeys("ACF", 0.5), abs=1e-12)


@pytest.mark.parametrize(
    "rates",
    [
        [("department", "Lab", None, None, 3)],
        [("department", "Lab", None, None, 1.5), ("job_title", "Chemist", None, None, 2)],
        [("department_tenure", "Lab", 0, 10, 9), ("department_tenure", "Lab", 10, None, 3)],
    ],
)
def test_calibrated_rates_multiply_by_department_title_and_the_departments_own_tenure(rates):
    """H, of the Lab for ten years, counts three times, D once: .8 exits of two people."""
    columns = ["dimension", "key", "lower_bound", "upper_bound", "multiplier"]
    part = pd.DataFrame(rates, columns=columns).assign(heads=1, events=1)
    key = store_rates(shared().settings, {"exit_multipliers": part})
    facts = {"birth_date": None, "hire_date": LONG_AGO}
    people = [employee("D", **facts), employee("H", department="Lab", job_title="Chemist", **facts)]
    result = world(people, LEVERS | {"termination_rate": 0.4, "calibrated_rates": key})

    assert voluntary(result) == pytest.approx({"D": 0.2, "H": 0.6}, abs=1e-12)


def test_a_world_moves_who_leaves_and_not_how_many():
    """Normal draws of seed 42: Lab .18188, Ops -1.57152. Half of each: exp(.09094) = 1.09520, exp(-.78576) = .45577.
    1.6 exits over 2 x 1.09520 + 2 x .45577 = 3.10194: .56491 for A and D of the Lab, .23509 for F and H (who stay)."""
    facts = {"birth_date": None, "hire_date": LONG_AGO}
    people = [employee(i, department="Lab" if i in "AD" else "Ops", **facts) for i in "ADFH"]
    result = world(people, LEVERS | {"termination_rate": 0.4, "exits_vary_by_department": 0.5})

    assert voluntary(result) == pytest.approx({"A": 0.56491, "D": 0.56491}, abs=1e-5)


def test_rates_that_the_home_lacks_are_an_error_that_says_what_to_do():
    with pytest.raises(InputError, match="no such rates") as raised:
        world(people(recent="D"), LEVERS | {"calibrated_rates": "0123456789abcdef"})
    assert "calibrated_rates=null" in str(raised.value)
