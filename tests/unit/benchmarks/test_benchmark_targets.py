"""The benchmark of random targets, small: solve arrives every time, and the table says so."""

import random

import pytest

from benchmarks.targets import Bench, measure, summary

RUNS = 8


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    with Bench(tmp_path_factory.mktemp("targets"), employees=60, real=False, years=1) as bench:
        return measure(bench, RUNS, seed=3, strategies=("solve", "conservative"))


def test_solve_meets_every_reachable_target_in_three_plans(measured):
    runs, redrawn = measured
    solve = [run for run in runs if run.strategy == "solve"]
    assert len(solve) == RUNS and len(runs) == 2 * RUNS and redrawn >= 0
    assert all(run.within and run.plans <= 3 for run in solve)


def test_the_figures_are_those_of_the_runs(measured):
    figures = summary(measured[0])
    assert figures["solve"]["within_share"] == 1 and figures["solve"]["plans_max"] <= 3
    loops = [run for run in measured[0] if run.strategy == "conservative"]
    assert figures["conservative"]["plans_mean"] == sum(run.plans for run in loops) / RUNS
    assert max(run.plans for run in loops) <= 11  # ten iterations, and the start
    assert figures["conservative"]["within_share"] < 1


def test_draws_are_within_hard_bounds_and_the_same_by_seed(tmp_path):
    with Bench(tmp_path, employees=20, real=False, years=1) as bench:
        base, target = bench.draw(random.Random(5))
        assert (base, target) == bench.draw(random.Random(5))
        assert 0.01 <= target <= 0.06 and 0.01 <= base.value("cola_rate", bench.years[0]) <= 0.08
        assert bench.reaches(base, target) in (True, False) and not bench.reaches(base, 0.9)
