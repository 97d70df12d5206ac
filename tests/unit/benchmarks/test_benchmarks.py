"""Benchmarks: targets, known answers and the edits of a session."""

import asyncio
import json
import math
import random
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import dashboard_sessions
from benchmarks.dashboard_sessions import Analyst
from benchmarks.fronts import distance, hypervolume
from benchmarks.known_answers import Answer, answers, report
from benchmarks.known_worlds import filled, fonseca, quadratics
from benchmarks.study_time import misses
from benchmarks.targets import Bench, measure, summary
from planwise.study.pareto import front

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


def test_quick_studies_meet_their_bars():
    found = list(answers(quick=True))
    assert len({one.study for one in found}) == 6
    assert [one for one in found if one.verdict == "missed"] == []
    assert report(found).row_count == len(found)


def test_a_bar_that_is_missed_says_so():
    assert Answer("s", "solve", "1", "2", 0.5, "of it", 0.1, 3).verdict == "missed"
    assert Answer("s", "solve", "1", "2", 0.5, "of it", None, 3).verdict == ""


def test_hypervolume_is_the_area_of_the_staircase():
    assert hypervolume([(1, 2), (2, 1)], (3, 3)) == 3
    assert hypervolume([(1, 2), (2, 1), (2, 2), (5, 0)], (3, 3)) == 3  # dominated, and beyond
    assert hypervolume([], (3, 3)) == 0


def test_hypervolume_of_the_convex_front_is_its_integral():
    """√f₁ + √f₂ = √2 on 0..2: reference² less what lies under the front, 2² / 6, beside its end at 2."""
    _, known = quadratics()
    assert hypervolume(known.tolist(), (2.0, 2.0)) == pytest.approx(4 - 4 / 6, rel=5e-3)


def test_distance_is_the_mean_to_the_nearest():
    assert distance([(0, 0), (1, 0)], np.array([[0, 1], [1, 0]])) == 0.5


@pytest.mark.parametrize("made", [quadratics, fonseca])
def test_known_fronts_are_fronts_of_their_worlds(made):
    world, known = made()
    assert len(front(known.tolist())) == len(known)
    rng = np.random.default_rng(3)
    for z in rng.uniform(-1.0, 1.5, (300, 3)):
        point = (world.cost(z), world.equity(z))
        beaten = np.all(known <= np.array(point) + 0.02, axis=1)
        assert beaten.any() or min(point) > known.max()


def test_least_change_within_bounds_by_hand():
    """Slopes 1 and 2 for a gap of 5: free it is (1, 2); with the second held at 1.5 the first makes up."""
    slopes, low = np.array([1.0, 2.0]), np.array([-9.0, -9.0])
    assert filled(slopes, 5.0, low, np.array([9.0, 9.0])) == pytest.approx([1, 2])
    assert filled(slopes, 5.0, low, np.array([9.0, 1.5])) == pytest.approx([2, 1.5])
    assert math.isclose(slopes @ filled(slopes, -5.0, low, np.array([9.0, 9.0])), -5.0)


BEFORE = {"number": 1, "key": "old", "html": ""}


class Session:
    """Answers each edit with the next of what it is to show."""

    def __init__(self, *answers):
        self.shown, self.answers = BEFORE, list(answers)

    def values(self, component, attribute):
        return self.shown

    async def tell(self, component, **message):
        self.told = message

    async def until(self, holds):
        while not holds(self):
            self.shown = self.answers.pop(0)  # IndexError: it waits for ever
        return 0.1


def edited(*answers):
    return asyncio.run(Analyst(Session(*answers), random.Random(1)).edit())


def test_a_refused_edit_is_waited_for_until_it_is_simulated():
    refused, simulated = {**BEFORE, "number": 2}, {"number": 2, "key": "new", "html": "simulated in 9 ms"}
    assert edited(refused, simulated) == 0.1
    with pytest.raises(IndexError):
        edited(refused)


def test_an_answer_from_a_cache_measures_nothing():
    with pytest.raises(RuntimeError, match="from a cache"):
        edited({"number": 2, "key": "new", "html": "simulated before in 9 ms, from cache"})


def test_a_session_that_shows_the_figures_of_another_one_is_found(monkeypatch, tmp_path):
    kpi = {"growth_compound": 0.0523, "mean_base_pay": 108_732.4, "headcount": 11_593}
    recorded = []

    def run(command, **_):
        recorded.append(command)
        return SimpleNamespace(stdout=json.dumps({"kpis": [kpi]}))

    monkeypatch.setattr(dashboard_sessions.subprocess, "run", run)
    session = Session()
    analyst = Analyst(session, random.Random(1), {"cola_rate": 3.1})
    session.shown = {**BEFORE, "html": "5.23% $108,732 11,593"}
    analyst.compare(tmp_path)
    assert recorded[0][-2:] == ("--set", "cola_rate=3.1%")
    session.shown = {**BEFORE, "html": "5.23% $108,731 11,593"}
    with pytest.raises(RuntimeError, match="108,732"):
        analyst.compare(tmp_path)


@pytest.mark.parametrize(
    ("changed", "employees", "says"),
    [
        ({}, 10_000, []),
        ({"warm_answer_seconds": 4.2}, 10_000, ["answer after 4.2 s, more than 4 s"]),
        ({"warm_answer_seconds": 4.2}, 20_000, []),
        ({"warm_plans": 3.0}, 20_000, ["3 plans, more than 2"]),
        ({"expected_ratio": 0.4}, 2_000, ["expected 0.40 times what it took"]),
    ],
)
def test_a_study_is_late_when_its_answer_or_its_whole_takes_longer_than_told(changed, employees, says):
    assert (
        misses({"warm_answer_seconds": 3.9, "warm_plans": 1.0, "expected_ratio": 1.9} | changed, employees)
        == says
    )
