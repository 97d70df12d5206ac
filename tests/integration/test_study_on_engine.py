"""Studies on the real engine: a small census, previews and plans."""

import pytest

from planwise.census import generate_census
from planwise.engine.preview import Preview
from planwise.engine.warehouse import open_warehouse
from planwise.gate import GateResult
from planwise.parameters import resolve, simulated_years
from planwise.settings import Settings
from planwise.study import PreviewEvaluator, RealEvaluator, StudySpec, census_levels, run_study
from planwise.study.optuna_storage import load_study
from planwise.study.trial import finished_trials

EMPLOYEES = 1_000
YEARS = 3


class Engine:
    """One warehouse and one preview for all studies of this module."""

    def __init__(self, settings, warehouse):
        self.settings, self.warehouse = settings, warehouse
        self.census = generate_census(settings, employees=EMPLOYEES, seed=7)
        self.base = resolve(simulated_years(YEARS, self.census.first_year), scenario={})
        self.preview = PreviewEvaluator(Preview(settings, self.census), self.base)
        self.baseline = self.preview.evaluate({}, number=0).growth

    def study(self, name, growth, *, preview=False, **question):
        self.real = RealEvaluator(
            self.warehouse, self.census, self.base, name, lambda kpis: GateResult("trial", (), 0.0)
        )
        return run_study(
            self.settings,
            StudySpec(target_growth=growth, **{"seeds": 0, **question}),
            name=name,
            scenario="baseline",
            base=self.base,
            levels=census_levels(self.census),
            preview=self.preview,
            real=None if preview else self.real,
        )


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    with open_warehouse(settings, "test") as warehouse:
        yield Engine(settings, warehouse)


@pytest.mark.parametrize("difference", [-0.015, 0.008, 0.03])
def test_solve_meets_a_target_in_at_most_three_plans(engine, difference):
    name = f"solve_{round(1000 * difference) + 100}"
    result = engine.study(name, engine.baseline + difference)
    assert result.converged and result.kind == "real" and abs(result.gap_pp) <= 0.1
    assert 1 <= result.real_plans <= 3
    trials = finished_trials(load_study(engine.settings, name))
    verified = next(trial for trial in trials if trial.kind == "real")
    same = [t for t in trials if t.kind == "preview" and t.digest == verified.digest]
    assert same and same[0].evaluation.kpis == verified.evaluation.kpis  # a preview is a plan, to the cent


def test_balanced_moves_towards_the_target_by_plans(engine):
    target = engine.baseline + 0.01
    result = engine.study("balanced", target, strategy="balanced", max_iterations=3)
    trials = finished_trials(load_study(engine.settings, "balanced"))
    gaps = [abs(target - trial.evaluation.growth) for trial in trials if trial.kind == "real"]
    assert gaps == sorted(gaps, reverse=True) and len(gaps) == result.real_plans == 4
    assert trials[3].evaluation.environment == "trial_balanced_3"


def test_the_scenario_again_in_another_environment_runs_no_model(engine):
    engine.study("first", engine.baseline, strategy="balanced", single_iteration=True)
    result = engine.study("again", engine.baseline, strategy="balanced", single_iteration=True)
    assert result.converged and result.real_plans == 1
    planned = [t for t in finished_trials(load_study(engine.settings, "again")) if t.kind == "real"]
    assert [(t.evaluation.cache_hit, t.evaluation.models_run) for t in planned] == [(True, 0)]


def test_trial_environments_are_dropped_but_for_those_to_keep(engine):
    result = engine.study("dropped", engine.baseline + 0.02, strategy="aggressive", max_iterations=2)
    assert result.environment in engine.warehouse.environments()
    engine.real.drop_environments(keep={result.environment})
    left = [name for name in engine.warehouse.environments() if name.startswith("trial_dropped_")]
    assert left == [result.environment]


def test_an_unreachable_target_takes_no_plan(engine):
    result = engine.study("unreachable", 0.4)
    assert (result.reachable, result.real_plans) == (False, 0)
    assert engine.baseline < result.nearest_growth < 0.4


def test_levers_that_change_the_dynamics_are_solved_for_as_well(engine):
    levers = ("cola_rate", "promotion_probability_level_1")
    result = engine.study("dynamics", engine.baseline + 0.006, tune=levers, preview=True)
    assert result.converged and result.kind == "preview" and set(result.levers) == set(levers)
