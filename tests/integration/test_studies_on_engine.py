"""Studies on the real engine: targets by plans and previews, fronts, and where a budget cuts them."""

import statistics

import pytest
from engines import Engine

from planwise.engine.warehouse import open_warehouse
from planwise.settings import Settings
from planwise.study.constraints import highest_payroll
from planwise.study.optuna_storage import load_study
from planwise.study.pareto import knee
from planwise.study.trial import finished_trials


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with open_warehouse(settings, "test") as warehouse:
        yield Engine(settings, employees=500, years=2, warehouse=warehouse)


@pytest.mark.parametrize("difference", [-0.015, 0.008, 0.03])
def test_solve_meets_a_target_in_at_most_three_plans(engine, difference):
    name = f"solve_{round(1000 * difference) + 100}"
    result = engine.study(name, engine.baseline.growth + difference)
    assert result.converged and result.kind == "real" and abs(result.gap_pp) <= 0.1
    assert 1 <= result.real_plans <= 3
    trials = finished_trials(load_study(engine.settings, name))
    verified = next(trial for trial in trials if trial.kind == "real")
    same = [t for t in trials if t.kind == "preview" and t.digest == verified.digest]
    assert same and same[0].evaluation.kpis == verified.evaluation.kpis  # a preview is a plan, to the cent


def test_balanced_moves_towards_the_target_by_plans(engine):
    target = engine.baseline.growth + 0.01
    result = engine.study("balanced", target, strategy="balanced", max_iterations=3)
    trials = finished_trials(load_study(engine.settings, "balanced"))
    gaps = [abs(target - trial.evaluation.growth) for trial in trials if trial.kind == "real"]
    assert gaps == sorted(gaps, reverse=True) and len(gaps) == result.real_plans == 4
    assert trials[3].evaluation.environment == "trial_balanced_3"


def test_the_scenario_again_in_another_environment_runs_no_model(engine):
    engine.study("first", engine.baseline.growth, strategy="balanced", single_iteration=True)
    result = engine.study("again", engine.baseline.growth, strategy="balanced", single_iteration=True)
    assert result.converged and result.real_plans == 1
    planned = [t for t in finished_trials(load_study(engine.settings, "again")) if t.kind == "real"]
    assert [(t.evaluation.cache_hit, t.evaluation.models_run) for t in planned] == [(True, 0)]


def test_trial_environments_are_dropped_but_for_those_to_keep(engine):
    result = engine.study("dropped", engine.baseline.growth + 0.02, strategy="aggressive", max_iterations=2)
    assert result.environment in engine.warehouse.environments()
    engine.real.drop_environments(keep={result.environment})
    left = [name for name in engine.warehouse.environments() if name.startswith("trial_dropped_")]
    assert left == [result.environment]


def test_an_unreachable_target_takes_no_plan(engine):
    result = engine.study("unreachable", 0.4)
    assert (result.reachable, result.real_plans) == (False, 0)
    assert engine.baseline.growth < result.nearest_growth < 0.4


def test_levers_that_change_the_dynamics_are_solved_for_as_well(engine):
    levers = ("cola_rate", "promotion_probability_level_1")
    result = engine.study("dynamics", engine.baseline.growth + 0.006, tune=levers, preview=True)
    assert result.converged and result.kind == "preview" and set(result.levers) == set(levers)


TRIALS = 24
OBJECTIVES = (("cost", None), ("equity", None))
TRADED = ("cola_rate", "new_hire_salary_adjustment", "promotion_raise_level_1")
INSIDE = (0.03, 0.0451)  # the floor, and a point over the market's 3.5 %


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return Engine(Settings(home=tmp_path_factory.mktemp("home")), employees=300, years=2, seed=11)


def front_of(engine, name, strategy, constraints=(), **question):
    """Trade cost against spread above a floor: without one a freeze is best in both."""
    options = {"objectives": OBJECTIVES, "trials": TRIALS, "sampler_seed": 3} | question
    limits = ("increase>=0.03", *constraints)
    return engine.study(name, 0.03, strategy=strategy, constraints=limits, **options)


def budgets(engine, result):
    """Return the increase budgets of every year of each member of a front."""
    trials = {trial.number: trial for trial in finished_trials(load_study(engine.settings, result.study))}
    members = [trials[one["trial"]].evaluation.kpis for one in result.front]
    return [year["increase_rate"] for kpis in members for year in kpis]


def points(result):
    return [(one["values"]["cost"], one["values"]["equity"]) for one in result.front]


def payrolls(engine, result):
    """Return the highest payroll of each member of a front, as its trial has it."""
    trials = {trial.number: trial for trial in finished_trials(load_study(engine.settings, result.study))}
    return [highest_payroll(trials[one["trial"]].evaluation.kpis) for one in result.front]


def test_a_front_its_knee_and_three_picks(small):
    """Hiring cheaply costs less, and spreads pay within levels."""
    result = front_of(small, "front", "tpe", tune=TRADED)
    assert all(INSIDE[0] <= budget <= INSIDE[1] for budget in budgets(small, result))
    found, members = points(result), [one["trial"] for one in result.front]
    assert len(found) >= 3 and found == sorted(found)
    assert [equity for _, equity in found] == sorted((equity for _, equity in found), reverse=True)
    assert result.picks["knee"] == members[knee(found)]
    assert result.levers == result.front[knee(found)]["levers"]  # the answer is the knee
    first, middle, last = result.picks["diverse"]
    assert (first, last) == (members[0], members[-1]) and middle in members[1:-1]
    assert any(cost < 1 for cost, _ in found)  # cheaper than the scenario as it is


def test_a_budget_removes_exactly_the_points_above_it(small):
    """Random draws see no constraint, so both studies evaluate the same points."""
    free = front_of(small, "free", "random", tune=TRADED)
    of_free = payrolls(small, free)
    limit = statistics.median_low(of_free)
    cut = front_of(small, "cut", "random", constraints=(f"payroll<={limit}",), tune=TRADED)
    within = [point for point, payroll in zip(points(free), of_free, strict=True) if payroll <= limit]
    assert points(cut) == within and 0 < len(within) < len(of_free)
    assert max(payrolls(small, cut)) == limit


def test_auto_improves_a_weighted_objective_within_a_budget_and_says_why(small):
    limit = highest_payroll(small.baseline.kpis)
    result = front_of(
        small,
        "weighted",
        "auto",
        objectives=(("cost", 0.5), ("equity", 0.5)),
        trials=40,
        tune=("cola_rate", "merit_rate_level_1", "merit_rate_level_2"),
        constraints=(f"payroll<={limit}", "merit_monotone"),
    )
    assert result.strategy_reason.startswith("cobyqa: 5 constraints on 3 levers")  # floor and policy, too
    assert result.feasible and result.objective["value"] < 1  # what the scenario as it is has
    assert result.levers["merit_rate_level_1"] <= result.levers["merit_rate_level_2"]
