"""What the editors of the What-if page say and take."""

import pytest

from tests.ui.whatif_sides import BASE, YEARS
from ui.views.whatif import levers


def test_the_editors_have_all_fifteen_levers_and_the_main_assumptions():
    board = levers.board(BASE, None, {})
    names = [lever["name"] for group in board["groups"] for lever in group["levers"]]
    assert sorted(names[:15]) == sorted(BASE.declared.levers)
    assert names[15:] == list(levers.REACH)
    assert board["years"] == list(YEARS)
    assert [group["folded"] for group in board["groups"]] == [False] * 5 + [True]
    merit = board["groups"][1]["levers"][0]
    assert (merit["low"], merit["high"], merit["unit"]) == (1.0, 10.0, "%")
    assert merit["recommended"] == pytest.approx([2.5, 4.5])
    assert merit["aria"] == "Merit raise a year, L1 Staff"


def test_a_locked_lever_says_who_locked_it():
    board = levers.board(BASE, None, {"cola_rate": "Locked by ann: agreed"})
    cola = board["groups"][0]["levers"][0]
    assert cola["locked"] == cola["hint"] == "Locked by ann: agreed"
    assert not board["groups"][1]["levers"][0]["locked"]


def test_values_are_in_the_units_that_are_typed_beside_the_base():
    new = BASE.with_levers({"cola_rate": 0.0315, "new_hire_salary_adjustment": 1.2})
    values = levers.values(BASE, new, None, None)
    assert values["cola_rate"]["value"] == 3.15
    assert values["cola_rate"]["base_text"] == "2.5%"
    assert values["cola_rate"]["changed"]
    assert values["new_hire_salary_adjustment"]["value"] == 1.2
    assert values["new_hire_salary_adjustment"]["base_text"] == "1.15×"
    assert not values["merit_rate_level_2"]["changed"]
    assert values["payroll_budget"]["value"] is None
    assert values["payroll_budget"]["base_text"] == "none"


def test_a_value_that_differs_by_year_varies_until_a_year_is_chosen():
    every = levers.values(BASE, BASE, None, None)["merit_rate_level_1"]
    assert (every["value"], every["varies"], every["base_text"]) == (None, True, "varies")
    assert every["position"] == pytest.approx((3.3 + 5) / 2)
    last = levers.values(BASE, BASE, 2027, None)["merit_rate_level_1"]
    assert (last["value"], last["varies"], last["base_text"]) == (5.0, False, "5%")


def test_a_problem_stands_at_its_lever():
    values = levers.values(BASE, BASE, None, levers.Problem("cola_rate", "too much"))
    assert values["cola_rate"]["problem"] == "too much"
    assert values["merit_rate_level_1"]["problem"] == ""


@pytest.mark.parametrize(
    ("name", "typed", "raw"),
    [
        ("cola_rate", 3.15, 0.0315),
        ("payroll_budget", 1e6, 1e6),
        ("cola_rate", "x", "x"),
        ("cola_rate", True, True),
    ],
)
def test_a_typed_number_is_what_the_parameter_calls_it(name, typed, raw):
    assert levers.raw_value(BASE.declared, name, typed) == (pytest.approx(raw) if raw == 0.0315 else raw)
