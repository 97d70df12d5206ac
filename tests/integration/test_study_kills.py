"""A study killed at random moments loses nothing; one full of bad trials still ends with its best."""

import os
import random
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from engines import Engine

from benchmarks.kills import environments_left, killed_and_resumed
from planwise.census import generate_census
from planwise.engine.warehouse import Warehouse
from planwise.errors import PlanWiseError
from planwise.settings import Settings
from planwise.study import RealEvaluator
from planwise.study.optuna_storage import load_study
from planwise.study.trial import finished_trials

SCRIPT = Path(__file__).with_name("study_process.py")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    chosen = Settings(home=tmp_path_factory.mktemp("home"))
    generate_census(chosen, employees=200, seed=7)
    return chosen


@pytest.mark.timeout(600)  # three processes that import everything, beside others
def test_a_study_killed_twice_loses_nothing_and_does_nothing_twice(settings):
    def start(name):
        resumed = [] if name is None else [name]
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), str(settings.root), "8", "2", *resumed],
            cwd=SCRIPT.parents[2],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    found = killed_and_resumed(
        settings, start, trials=8, kills=2, draw=random.Random(20261120), worker_share=0.34
    )
    assert found.wrong == []
    assert found.trials == 8 and found.kills
    assert environments_left(settings) == []


class Faulty(RealEvaluator):
    """A quarter of all plans break or fail their gate, as their levers decide."""

    def evaluate(self, levers, *, number, seed=None):
        if fault(levers) == "breaks":
            raise PlanWiseError("The disk is full.")
        found = super().evaluate(levers, number=number, seed=seed)
        return replace(found, gate_status="failed") if fault(levers) == "gated" else found


def fault(levers):
    digit = round(1e6 * levers["cola_rate"]) % 8
    return {0: "breaks", 1: "gated"}.get(digit)


def test_a_study_a_quarter_of_whose_trials_fail_ends_with_the_best_feasible_one(settings):
    with closing(Warehouse(settings.workers_dir / "faulty.duckdb", settings)) as warehouse:
        engine = Engine(settings, employees=200, years=1, warehouse=warehouse, evaluator=Faulty)
        with closing(engine.preview):
            result = engine.study(
                "faulty",
                0.09,
                strategy="random",
                trials=24,
                sampler_seed=1,
                tune=("cola_rate", "merit_rate_level_1"),
            )
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
