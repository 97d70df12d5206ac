"""A study killed at random moments loses nothing; one full of bad trials still ends with its best."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.kills import environments_left, killed_and_resumed
from planwise.census import generate_census
from planwise.engine.preview import Preview
from planwise.engine.warehouse import Warehouse
from planwise.errors import PlanWiseError
from planwise.gate import GateResult
from planwise.parameters import resolve, simulated_years
from planwise.settings import Settings
from planwise.study import PreviewEvaluator, RealEvaluator, StudySpec, census_levels, run_study
from planwise.study.optuna_storage import load_study
from planwise.study.trial import finished_trials

EMPLOYEES = 200
YEARS = 2
SCRIPT = Path(__file__).with_name("study_process.py")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    chosen = Settings(home=tmp_path_factory.mktemp("home"))
    generate_census(chosen, employees=EMPLOYEES, seed=7)
    return chosen


@pytest.mark.timeout(600)  # four processes that import everything, beside others
def test_a_study_killed_three_times_loses_nothing_and_does_nothing_twice(settings):
    def start(name):
        resumed = [] if name is None else [name]
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), str(settings.root), "12", "2", *resumed], cwd=SCRIPT.parents[2]
        )

    found = killed_and_resumed(
        settings, start, trials=12, kills=3, draw=random.Random(20261120), worker_share=0.34
    )
    assert found.wrong == []
    assert found.trials == 12 and found.kills
    assert environments_left(settings) == []


class Faulty(RealEvaluator):
    """A quarter of all plans break or fail their gate, whoever asks: their levers decide."""

    def evaluate(self, levers, *, number, seed=None):
        if fault(levers) == "breaks":
            raise PlanWiseError("The disk is full.")
        found = super().evaluate(levers, number=number, seed=seed)
        return replace(found, gate_status="failed") if fault(levers) == "gated" else found


def fault(levers):
    digit = round(1e6 * levers["cola_rate"]) % 8
    return {0: "breaks", 1: "gated"}.get(digit)


def test_a_study_a_quarter_of_whose_trials_fail_ends_with_the_best_feasible_one(settings):
    census = generate_census(settings, employees=EMPLOYEES, seed=7)
    base = resolve(simulated_years(YEARS, census.first_year), scenario={})
    preview, warehouse = (
        Preview(settings, census),
        Warehouse(settings.workers_dir / "faulty.duckdb", settings),
    )
    try:
        result = run_study(
            settings,
            StudySpec(
                target_growth=0.09,
                strategy="random",
                trials=24,
                seeds=0,
                tune=("cola_rate", "merit_rate_level_1"),
            ),
            name="faulty",
            scenario="baseline",
            base=base,
            levels=census_levels(census),
            preview=PreviewEvaluator(preview, base),
            real=Faulty(warehouse, census, base, "faulty", lambda kpis: GateResult("trial", (), 0.0)),
        )
    finally:
        warehouse.close()
        preview.close()
    plans = [t for t in finished_trials(load_study(settings, "faulty")) if t.kind == "real"]
    expected = {"breaks": "failed", "gated": "infeasible", None: "complete"}
    assert [trial.state for trial in plans] == [expected[fault(trial.levers)] for trial in plans]
    states = [trial.state for trial in plans]
    assert states.count("failed") >= 2 and states.count("infeasible") >= 2
    assert (result.real_plans, result.trials_failed) == (24, states.count("failed"))
    best = min(
        (trial for trial in plans if trial.state == "complete"),
        key=lambda trial: abs(trial.evaluation.growth - 0.09),
    )
    assert result.feasible and result.growth == pytest.approx(best.evaluation.growth, abs=2e-4)
