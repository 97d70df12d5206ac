"""Benchmarks: comparisons, targets, known answers and the edits of a session."""

import asyncio
import json
import math
import random
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import dashboard_sessions, simulation
from benchmarks.comparison import compare, regressions
from benchmarks.dashboard_sessions import Analyst
from benchmarks.fronts import distance, hypervolume
from benchmarks.known_answers import Answer, answers, report
from benchmarks.known_worlds import filled, fonseca, quadratics
from benchmarks.record import record
from benchmarks.study_time import misses
from benchmarks.targets import Bench, measure, summary
from planwise.cli.commands import run
from planwise.study.pareto import front

RATIO = "real_trial_to_raw_sql_ratio"
TRIAL = "real_trial_seconds_median"
FIGURES = {"raw_sql_seconds_median": 0.05, TRIAL: 0.4, RATIO: 8.0}


def metrics(peak_memory_mb=500.0, **by_size):
    sizes = {size.removeprefix("n"): figures for size, figures in by_size.items()}
    return {**next(iter(sizes.values())), "peak_memory_mb": peak_memory_mb, "by_employees": sizes}


def verdicts(baseline, current):
    return {(d.figure, d.employees): d.verdict for d in compare(baseline, current)}


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(0.5, "ok"), (1.0, "ok"), (1.09, "ok"), (1.11, "warning"), (1.24, "warning"), (1.26, "failure")],
)
@pytest.mark.parametrize("figure", [TRIAL, RATIO])
def test_time_and_ratio(figure, factor, verdict):
    slower = FIGURES | {figure: FIGURES[figure] * factor}
    found = verdicts(metrics(n10000=FIGURES), metrics(n10000=slower))
    assert found.pop((figure, "10000")) == verdict
    assert set(found.values()) == {"ok"}


@pytest.mark.parametrize(
    ("peak", "verdict"), [(590, "ok"), (610, "warning"), (740, "warning"), (760, "failure")]
)
def test_memory(peak, verdict):
    found = verdicts(metrics(n10=FIGURES), metrics(peak, n10=FIGURES))
    assert found["peak_memory_mb", "10"] == verdict


def test_sizes_are_compared_with_their_like_only():
    then = metrics(n10=FIGURES, n20=FIGURES)
    now = metrics(n20=FIGURES | {TRIAL: 9.0}, n30=FIGURES)
    found = verdicts(then, now)
    assert {size for _, size in found} == {"20"}
    assert found[TRIAL, "20"] == "failure"


def test_nothing_in_common_is_nothing_compared():
    assert compare(metrics(n10=FIGURES), metrics(n20=FIGURES)) == ()


def test_a_record_sorts_its_differences():
    now = metrics(n10=FIGURES | {TRIAL: 0.45, RATIO: 80.0})
    recorded = regressions(compare(metrics(n10=FIGURES), now))
    assert [d["figure"] for d in recorded["warnings"]] == [TRIAL]
    assert [d["figure"] for d in recorded["failures"]] == [RATIO]
    assert len(recorded["analysis"]) == 4


def test_a_record_has_the_first_size_on_top_and_every_size_below():
    made = record({20: FIGURES, 10: {TRIAL: 1.0}}, suite="trial", runs=3)["metrics"]
    assert made[TRIAL] == 0.4 and made["peak_memory_mb"] > 0
    assert made["by_employees"] == {"20": FIGURES, "10": {TRIAL: 1.0}}


@pytest.fixture
def benchmark(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*options, **figures):
        given = FIGURES | figures
        monkeypatch.setattr(simulation, "measure", lambda *_, simulate: given)
        code = run(["benchmark", "--employees", "10", "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return call


def test_the_command_writes_its_record(benchmark, tmp_path):
    code, answer = benchmark()
    (file,) = (tmp_path / "reports" / "benchmarks").glob("benchmark_*.json")
    stored = json.loads(file.read_text())
    assert code == 0
    assert answer == stored | {"output": str(file.relative_to(tmp_path))}


def test_a_regression_fails_only_with_its_option(benchmark):
    assert benchmark("--save-as-baseline")[0] == 0
    code, answer = benchmark("--baseline", "reports/benchmarks/baseline.json", **{TRIAL: 0.8})
    assert code == 0 and len(answer["regressions"]["failures"]) == 1
    assert benchmark("--fail-on-regression", **{TRIAL: 0.8})[0] == 1
    assert benchmark("--fail-on-regression", **{TRIAL: 0.41})[0] == 0


def test_a_failed_run_does_not_become_the_baseline(benchmark):
    benchmark("--save-as-baseline")
    assert benchmark("--fail-on-regression", "--save-as-baseline", **{TRIAL: 0.8})[0] == 1
    assert benchmark("--fail-on-regression", **{TRIAL: 0.8})[0] == 1


@pytest.mark.parametrize("content", [None, "{", "{}", '{"metrics": []}', '{"metrics": {}}'])
def test_a_baseline_that_says_nothing_is_bad_input(benchmark, tmp_path, content):
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_text(content)
    code, answer = benchmark("--baseline", str(file))
    assert code == 2 and answer["error"]["remedy"]


@pytest.mark.parametrize("options", [("--runs", "0"), ("--employees", "0"), ("--suite", "nonsense")])
def test_bad_numbers_are_bad_input(benchmark, options):
    assert benchmark(*options)[0] == 2


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
