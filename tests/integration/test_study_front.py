"""Cost against equity on the real engine: the front, its knee and picks, and where a budget cuts it."""

import statistics

import pytest

from planwise.census import generate_census
from planwise.engine.preview import Preview
from planwise.parameters import resolve, simulated_years
from planwise.settings import Settings
from planwise.study import PreviewEvaluator, StudySpec, census_levels, run_study
from planwise.study.constraints import highest_payroll
from planwise.study.optuna_storage import load_study
from planwise.study.pareto import knee
from planwise.study.trial import finished_trials

EMPLOYEES, YEARS, TRIALS = 300, 2, 24
OBJECTIVES = (("cost", None), ("equity", None))


class Engine:
    """One small census and its preview."""

    def __init__(self, home):
        self.settings = Settings(home=home)
        self.census = generate_census(self.settings, employees=EMPLOYEES, seed=11)
        self.base = resolve(simulated_years(YEARS, self.census.first_year), scenario={})
        self.preview = PreviewEvaluator(Preview(self.settings, self.census), self.base)

    def study(self, name, strategy, objectives=OBJECTIVES, trials=TRIALS, **question):
        return run_study(
            self.settings,
            StudySpec(
                target_growth=0.03,
                strategy=strategy,
                objectives=objectives,
                trials=trials,
                seeds=0,
                sampler_seed=3,
                **question,
            ),
            name=name,
            scenario="baseline",
            base=self.base,
            levels=census_levels(self.census),
            preview=self.preview,
            real=None,
        )


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return Engine(tmp_path_factory.mktemp("home"))


def points(result):
    return [(one["values"]["cost"], one["values"]["equity"]) for one in result.front]


def payrolls(engine, result):
    """Return the highest payroll of each member of a front, as its trial has it."""
    trials = {trial.number: trial for trial in finished_trials(load_study(engine.settings, result.study))}
    return [highest_payroll(trials[one["trial"]].evaluation.kpis) for one in result.front]


def test_a_front_its_knee_and_three_picks(engine):
    result = engine.study("front", "tpe")
    found, members = points(result), [one["trial"] for one in result.front]
    assert len(found) >= 3 and found == sorted(found)
    assert [equity for _, equity in found] == sorted((equity for _, equity in found), reverse=True)
    assert result.picks["knee"] == members[knee(found)]
    assert result.levers == result.front[knee(found)]["levers"]  # the answer is the knee
    first, middle, last = result.picks["diverse"]
    assert (first, last) == (members[0], members[-1]) and middle in members[1:-1]
    assert any(cost < 1 for cost, _ in found)  # cheaper than the scenario as it is


def test_a_budget_removes_exactly_the_points_above_it(engine):
    """Random draws see no constraint, so both studies evaluate the same points."""
    free = engine.study("free", "random")
    of_free = payrolls(engine, free)
    limit = statistics.median_low(of_free)
    cut = engine.study("cut", "random", constraints=(f"payroll<={limit}",))
    within = [point for point, payroll in zip(points(free), of_free, strict=True) if payroll <= limit]
    assert points(cut) == within and 0 < len(within) < len(of_free)
    assert max(payrolls(engine, cut)) == limit


def test_auto_improves_a_weighted_objective_within_a_budget_and_says_why(engine):
    start = engine.preview.evaluate({}, number=0)
    limit = highest_payroll(start.kpis)
    result = engine.study(
        "weighted",
        "auto",
        objectives=(("cost", 0.5), ("equity", 0.5)),
        trials=40,
        tune=("cola_rate", "merit_rate_level_1", "merit_rate_level_2"),
        constraints=(f"payroll<={limit}", "merit_monotone"),
    )
    assert result.strategy_reason.startswith("slsqp: 3 levers") and "2 constraints" in result.strategy_reason
    assert result.feasible and result.objective["value"] < 1  # what the scenario as it is has
    assert result.levers["merit_rate_level_1"] <= result.levers["merit_rate_level_2"]
