"""The specification of a study, its search space, and the advice that depends on both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_worlds import BASE, LEVELS, LEVERS, SPACE, evaluation, problem_in

from benchmarks import analytic
from planwise.errors import InputError
from planwise.risk.worlds import replicate_seeds
from planwise.study import StudySpec
from planwise.study.constraints import NOT_RUN, held_text, violated
from planwise.study.objectives import PRESETS
from planwise.study.problem import Problem, evaluation_budget, problem_class, problem_of
from planwise.study.result import better_strategy
from planwise.study.space import levers_at, scaled, start_of
from planwise.study.spec import BUDGETS, STOPPED, state_text, stop_reason

YEARS = (2026, 2027, 2028, 2029, 2030)


def space_of(base=BASE, levels=LEVELS, **question):
    return problem_of(StudySpec(target_growth=0.03, **question), base, levels, "preview").space


questions = st.builds(
    StudySpec,
    target_growth=st.floats(-0.5, 0.5),
    tolerance=st.floats(1e-6, 0.05),
    tune=st.none() | st.just(("cola_rate@2027", "merit_rate_level_1")),
    by_year=st.booleans(),
    lock=st.sampled_from(((), ("cola_rate",))),
    objectives=st.sampled_from(((), PRESETS["growth"], (("cost", None), ("equity", None)))),
    constraints=st.sets(st.sampled_from(("payroll<=1e9", "merit_monotone", "raise<=.2"))).map(tuple),
    trials=st.none() | st.integers(1, 500),
    stagnation=st.none() | st.integers(1, 50),
    seeds=st.integers(0, 100),
)


@given(questions)
def test_a_question_is_read_back_from_json(question):
    import json

    again = StudySpec.from_json(json.loads(json.dumps(question.as_json())))
    assert again.as_json() == question.as_json()
    assert (again.weights, again.limits, again.tune) == (question.weights, question.limits, question.tune)


def test_the_spec_of_an_older_study_is_read_with_defaults():
    old = {"target_growth": 0.03, "strategy": "tpe", "tolerance": 0.001, "levers": None, "seed": 0}
    assert StudySpec.from_json(old) == StudySpec(target_growth=0.03, strategy="tpe")


def test_a_strategy_that_is_not_named_is_chosen_by_the_spec():
    assert StudySpec().chosen_strategy == "solve"
    assert StudySpec(objectives="balanced").chosen_strategy == "auto"
    assert StudySpec(strategy="tpe", objectives="balanced").chosen_strategy == "tpe"


@pytest.mark.parametrize(
    "change",
    [
        {"target_growth": 0.031},
        {"strategy": "tpe"},
        {"tolerance": 0.002},
        {"tune": ("cola_rate",)},
        {"by_year": True},
        {"lock": ("cola_rate",)},
        {"objectives": (("cost", 1.0),)},
        {"constraints": ("merit_monotone",)},
        {"seeds": 30},
        {"sampler_seed": 1},
    ],
)
def test_identity_covers_whatever_changes_the_answer(change):
    spec = {"target_growth": 0.03, "strategy": "solve", **change}
    assert StudySpec(**spec).identity != StudySpec(target_growth=0.03).identity


def test_identity_leaves_out_budgets_and_orders():
    budgets = {
        "max_iterations": 3,
        "trials": 7,
        "timeout_seconds": 9.0,
        "stagnation": 4,
        "stop_when_converged": True,
        "single_iteration": True,
    }
    assert set(budgets) == BUDGETS
    assert StudySpec(target_growth=0.03, **budgets).identity == StudySpec(target_growth=0.03).identity
    both = [
        StudySpec(target_growth=0.03, tune=levers, constraints=limits)
        for levers, limits in (
            (("cola_rate", "merit_rate_level_1"), ("merit_monotone", "payroll<=1e9")),
            (("merit_rate_level_1", "cola_rate"), ("payroll<=1000000000", "merit_monotone")),
        )
    ]
    assert both[0].identity == both[1].identity


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"seeds": -1}, r"--seeds must be at least 0 and at most 1,000 \(got -1\)"),
        ({"target_growth": 3}, "growth of average pay must be at least -0.5"),
        ({"target_growth": float("nan")}, "'growth=nan' has no value"),
        ({"target": "budget=0.035"}, "'budget' is not a measure"),
        ({"target": "payroll=-1"}, "must be above 0"),
        ({"target": "growth=0.03", "target_growth": 0.03}, "both give a target"),
        ({"tolerance": 0}, "--tolerance"),
        ({"max_iterations": 0}, "--max-iterations must be at least 1"),
        ({"max_iterations": 21}, r"--max-iterations .* at most 20"),
        ({"trials": 0}, "--trials must be at least 1"),
        ({"timeout_seconds": 0}, "--timeout must be above 0"),
        ({"stagnation": 0}, r"--stagnation must be at least 1 .*\(got 0\)"),
        ({"seeds": 0, "constraints": ("payroll<=1", "payroll_risk<=0.1")}, "over other draws"),
        ({"stop_when_converged": True, "objectives": (("cost", 1.0),)}, "needs a target"),
        ({"objectives": (("price", None),)}, "Unknown objective"),
        ({"constraints": ("price<=1",)}, "Unknown constraint"),
    ],
)
def test_a_spec_outside_its_limits_is_rejected(wrong, says):
    with pytest.raises(InputError, match=says):
        StudySpec(**({} if "target" in wrong else {"target_growth": 0.03}) | wrong)


@pytest.mark.parametrize(
    "question",
    [
        {"target_growth": 0.03, "constraints": ("adjusted_gap<=0.02",)},
        {"objectives": (("adjusted_gap", 1.0),)},
    ],
    ids=["constraint", "objective"],
)
def test_a_gap_that_cannot_be_measured_is_refused_with_its_reason_and_never_holds(question):
    problem = Problem(StudySpec(**question), SPACE, "preview")
    unmeasured = evaluation(adjusted_gap_max=(0.03, None), adjusted_gap_reason=(None, "one_group"))
    with pytest.raises(InputError, match="cannot be measured: by gender, there is one group only"):
        problem.with_baseline(unmeasured)
    problem = problem.with_baseline(evaluation())
    (shown,) = (one for one in problem.described(unmeasured) if one["name"] == "adjusted_gap")
    assert (shown["actual"], shown["satisfied"]) == (None, False) and "one group only" in shown["reason"]
    assert not problem.feasible(unmeasured)
    assert all("reason" not in one for one in problem.described(evaluation()))


@pytest.mark.parametrize(
    ("gate", "satisfied", "says"),
    [("not gated", None, NOT_RUN), ("passed", True, "met"), ("failed", False, "violated")],
)
def test_the_gate_of_a_preview_is_neither_met_nor_violated(gate, satisfied, says):
    (shown, *_) = Problem(StudySpec(target_growth=0.03), SPACE, "preview").described(evaluation(gate=gate))
    assert (shown["name"], shown["satisfied"], held_text(shown)) == ("gate", satisfied, says)
    assert violated([shown]) == (["gate"] if gate == "failed" else [])


def test_replicates_are_under_other_seeds_than_the_scenarios_own():
    problem = problem_of(
        StudySpec(target_growth=0.03, seeds=3), BASE.with_assumptions({"seed": 41}), LEVELS, "real"
    )
    assert problem.replicate_seeds == replicate_seeds(41, 4)[1:]
    assert 41 not in problem.replicate_seeds


def test_levers_by_year_are_one_dimension_a_year():
    space = space_of(by_year=True, tune=("cola_rate", "merit_rate_level_2@2028"))
    assert [one.name for one in space] == ["merit_rate_level_2@2028", *(f"cola_rate@{y}" for y in YEARS)]
    cola = space[-1]
    assert (cola.lever, cola.year, cola.start, cola.scale) == ("cola_rate", 2030, 0.025, pytest.approx(0.03))
    assert len(space_of(by_year=True)) == 5 * len(space_of())


def test_a_lever_of_one_year_starts_at_that_years_value():
    base = BASE.with_levers({"cola_rate@2027": 0.04})
    (cola,) = space_of(base, tune=("cola_rate@2027",))
    assert (cola.start, cola.in_force) == (0.04, (0.04, 0.04))
    (cola,) = space_of(base, tune=("cola_rate",))
    assert cola.start == pytest.approx(0.028) and cola.in_force == (0.025, 0.04)
    assert cola.change(0.03) == pytest.approx(0.01)


def test_locked_levers_are_not_tuned_however_they_are_spelled():
    names = {one.name for one in space_of(tie="none")}
    locked = space_of(tie="none", lock=("cola_rate",), constraints=("locked.merit_rate_level_1",))
    assert names - {one.name for one in locked} == {"cola_rate", "merit_rate_level_1"}
    years = space_of(by_year=True, tune=("cola_rate",), lock=("cola_rate@2027", "cola_rate@2029"))
    assert [one.year for one in years] == [2026, 2028, 2030]
    question = StudySpec(target_growth=0.03, lock=("cola_rate",))
    assert Problem(question, SPACE, "real").constraints(evaluation())["locked.cola_rate"] == 0


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"tune": ("cola_rate", "cola_rate@2027")}, "tuned twice"),
        ({"tune": ("cola_rate", "cola_rate")}, "tuned twice"),
        ({"tune": ("cola_rate@2040",)}, "2040 is not simulated"),
        ({"tune": ("cola_rate",), "lock": ("cola_rate",)}, "tuned and locked"),
        ({"tune": ("cola_rate",), "lock": ("cola_rate@2027",)}, "locked in one year"),
        ({"lock": ("cola",)}, "cola_rate"),
        ({"constraints": ("change.cola<=0.01",)}, "cola_rate"),
        ({"tune": ("seed",)}, "assumption"),
    ],
)
def test_levers_that_cannot_be_tuned_are_rejected(question, says):
    with pytest.raises(InputError, match=says):
        space_of(**question)


def test_pay_levers_move_people_where_pay_decides_who_leaves():
    assert not any(one.dynamics for one in space_of())
    elastic = BASE.with_assumptions({"turnover_pay_elasticity": 1.0})
    assert all(one.dynamics for one in space_of(elastic))
    assert space_of(tune=("promotion_probability_level_1",))[0].dynamics


@given(st.lists(st.floats(-10, 10), min_size=len(SPACE), max_size=len(SPACE)))
def test_points_and_levers_are_one_another_within_the_bounds(moves):
    import numpy as np

    levers = levers_at(SPACE, np.array(moves))
    assert all(lever.low <= levers[lever.name] <= lever.high for lever in SPACE)
    assert levers_at(SPACE, scaled(SPACE, levers)) == levers
    assert scaled(SPACE, {}).tolist() == [0.0] * len(SPACE) == scaled(SPACE, start_of(SPACE)).tolist()


WORLD = analytic.World(LEVERS)  # seven levers
FRONT = (("cost", None), ("equity", None))


@pytest.mark.parametrize(
    ("size", "found"),
    [(1, "simple"), (5, "simple"), (6, "moderate"), (12, "moderate"), (13, "complex"), (40, "complex")],
)
def test_classes_by_size(size, found):
    assert problem_class(size) == found


@pytest.mark.parametrize(
    ("levers", "question", "size", "budget"),
    [
        (LEVERS[:3], {}, 3, (20, 50, 100)),
        (LEVERS, {}, 7, (50, 100, 200)),
        (LEVERS, {"constraints": ("payroll<=1e9", "merit_monotone")}, 9, (50, 100, 200)),
        (LEVERS, {"objectives": (("cost", 0.5), ("equity", 0.5))}, 7, (50, 100, 200)),
        (LEVERS, {"objectives": FRONT}, 12, (50, 100, 200)),
        (LEVERS, {"objectives": FRONT, "constraints": ("payroll<=1e9",)}, 13, (100, 200, 500)),
    ],
)
def test_levers_constraints_and_objectives_make_the_size(levers, question, size, budget):
    found = evaluation_budget(problem_in(analytic.World(levers), **question))
    assert (found.size, (found.minimum, found.recommended, found.maximum)) == (size, budget)


def test_measured_seconds_become_expected_time():
    budget = evaluation_budget(problem_in(WORLD), 0.6)
    assert budget.seconds == pytest.approx((30, 60, 120)) and budget.affordable(10) == 16
    assert evaluation_budget(problem_in(WORLD)).seconds is None


def advice(strategy, *, converged=False, reachable=True, plans=11, evaluations=14, **question):
    problem = problem_in(WORLD, strategy=strategy, **question)
    return better_strategy(
        problem, converged=converged, reachable=reachable, real_plans=plans, evaluations=evaluations
    )


def test_a_loop_that_missed_the_target_is_advised_to_use_solve():
    found = advice("balanced")
    assert found.startswith("balanced did not meet the target in 11 plans") and "at most 2" in found


def test_a_loop_that_took_long_is_advised_to_use_solve_and_a_short_one_is_not():
    assert "took 11 plans" in advice("aggressive", converged=True)
    assert advice("aggressive", converged=True, plans=2) is None


def test_a_study_that_missed_a_plain_target_is_advised_to_use_solve():
    assert "`solve`" in advice("tpe", evaluations=50)
    assert advice("tpe", converged=True) is None


def test_there_is_no_advice_where_none_helps():
    assert advice("solve") is None
    assert advice("balanced", reachable=False) is None
    assert advice("balanced", single_iteration=True) is None
    assert advice("slsqp", objectives=(("cost", 0.5), ("targets", 0.5))) is None


def test_a_front_of_few_trials_is_advised_how_many():
    assert "give 100" in advice("tpe", objectives=FRONT, evaluations=20)
    assert advice("tpe", objectives=FRONT, evaluations=50) is None


@pytest.mark.parametrize(
    ("state", "converged", "reachable", "has_target", "text"),
    [
        ("running", None, None, True, "Running"),
        ("cancelled", True, True, True, "Cancelled"),
        ("failed: KeyError", False, True, True, "Failed"),
        ("trials", True, True, True, "Target met"),
        ("trials", False, True, True, "Target not met"),
        ("trials", True, True, False, "Best found"),
        ("timeout", None, None, True, "Ended without a result"),
        ("unreachable", False, False, True, "Out of reach"),
    ],
)
def test_a_stored_state_is_shown_in_words(state, converged, reachable, has_target, text):
    assert state_text(state, converged=converged, reachable=reachable, has_target=has_target) == text
    assert (stop_reason(state) == state) is (state not in STOPPED)
