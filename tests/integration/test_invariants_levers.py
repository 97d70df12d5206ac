"""Invariant 9: every lever moves its output, in the right direction, and leaves alone what is not its own."""

import pytest
from worlds import effective_for, shared

from planwise.census import generate_census
from planwise.engine.preview import Preview
from planwise.parameters import catalogue

# What each lever raises in its first year.
MOVES = {
    **{f"merit_rate_level_{level}": "merit_cost" for level in (1, 2, 3, 4, 5)},
    "cola_rate": "cola_cost",
    "new_hire_salary_adjustment": "hire_cost",
    **{f"promotion_probability_level_{level}": "promotions" for level in (1, 2, 3, 4)},
    **{f"promotion_raise_level_{level}": "promotion_cost" for level in (1, 2, 3, 4)},
}
PAY_ONLY = [name for name in MOVES if not name.startswith("promotion_probability")]
DYNAMICS = ("headcount", "hires", "terminations", "promotions")
# The first year's own outputs that a lever of pay must leave as they are.
OTHERS = {
    "merit_cost": ("cola_cost", "promotion_cost"),  # hires of 1 January have merit too
    "cola_cost": (),
    "hire_cost": ("cola_cost", "promotion_cost"),  # hires of 1 January share the level's merit budget
    "promotion_cost": ("cola_cost", "hire_cost"),
}


@pytest.fixture(scope="module")
def evaluate():
    census = generate_census(shared().settings, employees=4000)
    preview = Preview(shared().settings, census)
    bases = {years: effective_for(census, {"years": years}) for years in (1, 3)}
    yield (
        lambda levers, years=3, **assumptions: (
            preview.evaluate(bases[years].with_levers(levers).with_assumptions(assumptions)).kpis
        )
    )
    preview.close()


@pytest.fixture(scope="module")
def baseline(evaluate):
    return evaluate({})


def test_the_fifteen_levers_are_all_here():
    assert set(MOVES) == set(catalogue().levers) and len(MOVES) == 15


@pytest.mark.parametrize("lever", MOVES)
def test_i09_more_of_a_lever_is_more_of_its_output(lever, evaluate, baseline):
    declared = catalogue().levers[lever]
    low, high = declared.bounds
    default = float(declared.default)
    middle = default if low < default else low + (high - low) / 4
    values = ((low + middle) / 2, middle, (middle + high) / 2)
    outputs = [evaluate({lever: value}, years=1)[0] for value in values]

    moved = [output[MOVES[lever]] for output in outputs]
    assert moved[0] < moved[1] < moved[2]
    assert evaluate({lever: default}, years=1)[0] == baseline[0]
    growth = [output["growth_all"] for output in outputs]
    assert growth[0] < growth[2]


@pytest.mark.parametrize("lever", PAY_ONLY)
def test_a_lever_of_pay_changes_no_headcount(lever, evaluate, baseline):
    high = catalogue().levers[lever].bounds[1]
    changed = evaluate({lever: high})

    for before, after in zip(baseline, changed, strict=True):
        assert [after[name] for name in DYNAMICS] == [before[name] for name in DYNAMICS]
    assert [changed[0][name] for name in OTHERS[MOVES[lever]]] == [
        baseline[0][name] for name in OTHERS[MOVES[lever]]
    ]


def test_a_lever_of_one_year_does_not_change_earlier_years(evaluate, baseline):
    changed = evaluate({"cola_rate@2027": 0.06, "promotion_probability_level_2@2028": 0.2})

    assert changed[0] == baseline[0]
    assert changed[1]["cola_cost"] > baseline[1]["cola_cost"]
    assert changed[1]["promotions"] == baseline[1]["promotions"]
    assert changed[2]["promotions"] > baseline[2]["promotions"]


@pytest.mark.parametrize(
    ("assumption", "output", "values"),
    [
        ("headcount_growth", "headcount", (-0.2, 0.03, 0.4)),
        ("termination_rate", "experienced_terminations", (0.05, 0.14, 0.3)),
        ("new_hire_termination_rate", "new_hire_terminations", (0.05, 0.25, 0.5)),
        ("market_movement", "hire_cost", (0, 0.03, 0.1)),
        ("hire_range_position", "hire_cost", (0.1, 0.35, 0.8)),
        ("merit_min_tenure_years", "merit_cost", (5, 2, 0)),
        ("promotion_min_tenure_years", "promotions", (6, 3, 0)),
        ("individual_raise_max", "merit_cost", (0.02, 0.03, 1)),
    ],
)
def test_an_assumption_moves_its_output_too(assumption, output, values, evaluate):
    found = [evaluate({}, years=1, **{assumption: value})[0][output] for value in values]

    assert found[0] < found[1] < found[2]
