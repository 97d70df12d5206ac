"""`planwise benchmark`: what is a regression, what is noise, the archive."""

import itertools
import json
from unittest.mock import Mock

import pandas as pd
import pytest

from benchmarks import repeat as repeating
from benchmarks import suites
from benchmarks.comparison import compare, regressions
from benchmarks.injected import Worse, main
from benchmarks.record import record
from benchmarks.repeat import (
    CPU_RATIO,
    GROWTH,
    PEAK,
    TO_RAW_SQL,
    WALL_RATIO,
    Measured,
    Meter,
    Samples,
    repeat,
)
from planwise.census import generate_census
from planwise.cli.commands import run as command
from planwise.monitoring.thresholds import Verdict
from planwise.settings import Settings

TRIAL = f"real_trial{CPU_RATIO}"
FIGURES = {TRIAL: 8.0, f"real_trial{WALL_RATIO}": 9.0, TO_RAW_SQL: 7.0, PEAK: 500.0, GROWTH: 0.0}
FIGURES |= {"real_trial_seconds_median": 0.4, "match_rate": 0.80, "study_gap_pp": 0.05, "study_real_plans": 1}


def made(suite="trial", samples=None, **by_size):
    sizes = {size.removeprefix("n"): figures for size, figures in by_size.items()}
    by_name = {size: samples or {} for size in sizes}
    return {"suite": suite, "metrics": {"by_employees": sizes}, "samples": by_name}


def verdicts(baseline, current):
    return {(d.figure, d.employees): d.verdict for d in compare(baseline, current)}


@pytest.mark.parametrize(
    ("figure", "now", "verdict"),
    [
        (TRIAL, 4.0, Verdict.PASS),
        (TRIAL, 8.7, Verdict.PASS),
        (TRIAL, 8.9, Verdict.WARNING),
        (TRIAL, 10.1, Verdict.FAILURE),
        (f"real_trial{WALL_RATIO}", 12.0, Verdict.FAILURE),
        (TO_RAW_SQL, 7.8, Verdict.WARNING),
        (PEAK, 590.0, Verdict.PASS),
        (PEAK, 610.0, Verdict.WARNING),
        (PEAK, 760.0, Verdict.FAILURE),
        (GROWTH, 3.9, Verdict.PASS),
        (GROWTH, 4.1, Verdict.WARNING),  # a fifth of the peak after 25 rounds
        (GROWTH, 10.1, Verdict.FAILURE),
        ("match_rate", 0.79, Verdict.PASS),
        ("match_rate", 0.77, Verdict.WARNING),
        ("match_rate", 0.74, Verdict.FAILURE),
        ("study_gap_pp", 0.19, Verdict.PASS),
        ("study_gap_pp", 0.21, Verdict.FAILURE),
        ("study_real_plans", 3, Verdict.FAILURE),
    ],
)
def test_each_figure_has_its_limits(figure, now, verdict):
    found = verdicts(made(n10=FIGURES), made(n10=FIGURES | {figure: now}))
    assert found.pop((figure, "10")) is verdict
    assert set(found.values()) == {Verdict.PASS}
    assert {name for name, _ in found} | {figure} == FIGURES.keys() - {"real_trial_seconds_median"}


STEADY, WILD = [7.9, 8.0, 8.0, 8.1, 8.0], [5.0, 8.0, 11.0, 6.0, 10.0]
BUSY_SAMPLES = [8.0, 7.85, 8.15, 7.8, 8.2]  # of a median with a standard error of 1.56 %


@pytest.mark.parametrize(
    ("samples", "now", "verdict"),
    [
        (STEADY, 8.7, Verdict.PASS),
        (STEADY, 9.5, Verdict.WARNING),
        (STEADY, 10.4, Verdict.FAILURE),  # 30 % slower
        (BUSY_SAMPLES, 9.2, Verdict.WARNING),
        (BUSY_SAMPLES, 9.7, Verdict.FAILURE),  # 21 % slower, and 4 % of noise
        (WILD, 9.5, Verdict.PASS),
        (WILD, 10.4, Verdict.WARNING),  # noise may excuse it, not hide it
    ],
)
def test_a_change_within_the_spread_of_the_runs_is_noise(samples, now, verdict):
    slower = made(n10=FIGURES | {TRIAL: now}, samples={TRIAL: STEADY})
    assert verdicts(made(n10=FIGURES, samples={TRIAL: samples}), slower)[TRIAL, "10"] is verdict


def test_like_is_compared_with_like():
    then, now = made(n10=FIGURES, n20=FIGURES), made(n20=FIGURES | {TRIAL: 90.0, PEAK: 9e9}, n30=FIGURES)
    found = verdicts(then, now)
    assert {size for _, size in found} == {"20"} and found[TRIAL, "20"] is Verdict.FAILURE
    assert (PEAK, "20") not in found  # the process measured other sizes before
    assert (PEAK, "20") not in verdicts(made(n20=FIGURES), made("all", n20=FIGURES))
    assert compare(made(n10=FIGURES), made(n20=FIGURES)) == ()


def test_a_record_sorts_its_differences_and_has_the_first_size_on_top():
    found = regressions(compare(made(n10=FIGURES), made(n10=FIGURES | {TRIAL: 9.0, TO_RAW_SQL: 70.0})))
    assert [d["figure"] for d in found["warnings"]] == [TRIAL]
    assert [d["figure"] for d in found["failures"]] == [TO_RAW_SQL]
    assert len(found["analysis"]) == len(FIGURES) - 1
    stored = record({20: FIGURES, 10: {TRIAL: 1.0}}, suite="trial", runs=3, samples={20: {TRIAL: [8.0]}})
    assert stored["metrics"][TRIAL] == 8.0 and stored["metrics"][PEAK] > 0
    assert stored["metrics"]["by_employees"] == {"20": FIGURES, "10": {TRIAL: 1.0}}
    assert stored["samples"] == {"20": {TRIAL: [8.0]}} and " CPUs, " in stored["environment"]["machine"]


def test_memory_that_is_kept_is_found_beside_buffers_that_fill_once():
    assert Measured({}, 1.0, [100, 160, 160, 161, 180, 181]).growth_mb == 1
    assert Measured({}, 1.0, [100, 160, 170, 180, 190, 201]).growth_mb == 10
    assert Measured({}, 1.0, [100]).growth_mb == 0


def work_of(_number):
    """A case of some milliseconds."""
    for number in range(200_000):
        number * number


@pytest.fixture
def work(monkeypatch):
    """The suites measure this work instead of simulations, and a smaller reference."""
    monkeypatch.setattr(repeating, "gc", Mock())  # a process of tests has much to go through
    monkeypatch.setattr(repeating, "REFERENCE_ROWS", 2_000)
    monkeypatch.setattr(repeating, "REFERENCE_LOOPS", 30_000)
    monkeypatch.setattr(
        suites, "measure", lambda suite, subject, runs, progress: repeat({suite: work_of}, runs, progress)
    )
    return work_of


@pytest.fixture
def benchmark(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def call(*options):
        code = command(
            [
                "benchmark",
                "--employees",
                "10",
                "--json",
                *(options if "--runs" in options else ("--runs", "7", *options)),
            ]
        )
        return code, json.loads(capsys.readouterr().out)

    return call


class Clock:
    """Goes on by a tick when it is looked at, and by what work takes."""

    TICK = 0.001

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += self.TICK
        return self.now


# Of a busy machine: each run takes up to a tenth longer than the fastest, and every fifth half as long again.
BUSY = (0.02, 0.07, 0.0, 0.5, 0.04, 0.1, 0.01, 0.03, 0.48, 0.05, 0.09, 0.02, 0.06)


@pytest.fixture
def worse(monkeypatch):
    """The suites measure work by a clock of their own, in a machine that is busy; how it is made worse."""
    clock, busy = Clock(), itertools.cycle(BUSY)
    found = Worse(clock=clock)

    def work(_number):
        clock.now += 0.1 * (1 + next(busy))

    monkeypatch.setattr(repeating, "gc", Mock())
    monkeypatch.setattr(repeating, "REFERENCE_ROWS", 10)
    monkeypatch.setattr(repeating, "REFERENCE_LOOPS", 10)
    meter = Meter(clock, clock, lambda: 500.0)
    monkeypatch.setattr(
        suites, "measure", lambda suite, _, *rest: found.repeat({suite: work}, *rest, meter=meter)
    )
    return found


def test_a_run_again_is_no_regression_but_a_slowdown_is(benchmark, worse, tmp_path):
    code, first = benchmark("--save-as-baseline")
    (file,) = (tmp_path / "reports" / "benchmarks").glob("benchmark_*.json")
    assert code == 0 and first == json.loads(file.read_text()) | {"output": str(file.relative_to(tmp_path))}
    code, again = benchmark("--fail-on-regression")
    assert code == 0 and again["regressions"]["failures"] == again["regressions"]["warnings"] == []
    for slow, kind, save in ((0.15, "warnings", ()), (0.3, "failures", ("--save-as-baseline",))):
        worse.slow = slow
        code, slower = benchmark("--fail-on-regression", *save)
        found = {d["figure"]: d["change"] for d in slower["regressions"][kind]}
        assert code == (kind == "failures") and found.keys() == {f"trial{CPU_RATIO}", f"trial{WALL_RATIO}"}
        assert list(found.values()) == pytest.approx([slow, slow], abs=0.03)
    assert json.loads((tmp_path / "reports/benchmarks/baseline.json").read_text())["at"] == first["at"]


@pytest.mark.timing
def test_on_this_machine_a_run_again_is_no_failure_but_three_tenths_more_are(benchmark, work, monkeypatch):
    assert benchmark("--save-as-baseline", "--runs", "15")[0] == 0
    code, again = benchmark("--fail-on-regression", "--runs", "15")
    assert code == 0 and again["regressions"]["failures"] == []
    worse = Worse(slow=0.3)
    monkeypatch.setattr(suites, "measure", lambda *given: worse.repeat({given[0]: work}, *given[2:]))
    code, slower = benchmark("--fail-on-regression", "--runs", "15")
    assert code == 1 and f"trial{CPU_RATIO}" in {d["figure"] for d in slower["regressions"]["failures"]}


@pytest.mark.parametrize(
    ("options", "figure"), [(("--slow", "9"), f"trial{CPU_RATIO}"), (("--leak-mb", "90"), GROWTH)]
)
def test_the_benchmark_made_worse_on_purpose_fails(work, tmp_path, monkeypatch, capsys, options, figure):
    """With so much more that no machine is too busy, and no process that measures it too large, for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(suites, "measure", lambda *given: suites.repeat({given[0]: work}, *given[2:]))
    common = ("--employees", "10", "--runs", "3", "--json")
    assert command(["benchmark", *common, "--save-as-baseline"]) == 0
    capsys.readouterr()
    assert main([*options, *common, "--fail-on-regression"]) == 1
    assert figure in {d["figure"] for d in json.loads(capsys.readouterr().out)["regressions"]["failures"]}
    assert suites.repeat is repeat


def fixed(ratio, runs=5):
    return Measured(
        {"trial": Samples([ratio] * runs, [ratio] * runs, [1.0] * runs, [1.0] * runs)}, 500.0, [1.0]
    )


def test_what_looks_slower_is_measured_again_before_it_is_a_regression(benchmark, monkeypatch):
    answers = [8.0, 12.0, 8.0, 8.0, 12.0, 12.0, 12.0]
    monkeypatch.setattr(suites, "measure", lambda *_: fixed(answers.pop(0)))
    assert benchmark("--save-as-baseline")[0] == 0
    assert benchmark("--fail-on-regression")[0] == 0 and len(answers) == 3
    assert benchmark("--fail-on-regression")[0] == 1 and answers == []


def test_of_all_suites_each_keeps_its_own_samples(benchmark, monkeypatch):
    """The ratio to raw SQL is of trials alone; a suite without one must not take its noise away."""
    samples = Samples([8.0, 9.0], [8.0, 9.0], [1.0, 1.0], [1.0, 1.0])
    cases = {"trial": {"real_trial": samples, "raw_sql": samples}, "study": {"study": samples}}
    monkeypatch.setattr(
        suites, "measure", lambda suite, *_: Measured(cases.get(suite, {suite: samples}), 500.0, [1.0])
    )
    code, found = benchmark("--suite", "all")
    assert code == 0 and found["samples"]["10"][TO_RAW_SQL] == [1.0, 1.0]
    assert found["samples"]["10"][f"study{CPU_RATIO}"] == [8.0, 9.0]


def test_the_history_is_a_table_and_a_trend(benchmark, monkeypatch, tmp_path, capsys):
    assert benchmark("--history")[0] == 2
    answers = [8.0, 12.0, 12.0, 12.0]
    monkeypatch.setattr(suites, "measure", lambda *_: fixed(answers.pop(0)))
    benchmark("--save-as-baseline", "--output", "reports/benchmarks/benchmark_1.json")
    benchmark("--fail-on-regression", "--output", "reports/benchmarks/benchmark_2.json")
    code, found = benchmark("--history")
    assert code == 0 and [row["failures"] for row in found["history"]] == [0, 2]
    page = (tmp_path / found["trend"]).read_text()
    assert f"trial{CPU_RATIO}, 10" in page and "<script src" not in page
    assert command(["benchmark", "--history"]) == 0
    printed = [
        line.split() for line in capsys.readouterr().out.splitlines() if " trial " in line and ":" in line
    ]
    assert [line[1:] for line in printed] == [["trial", "10", "500.00"], ["trial", "10", "500.00", "2"]]


@pytest.mark.parametrize("content", [None, "{", "{}", '{"metrics": []}', '{"metrics": {}}'])
def test_a_baseline_that_says_nothing_is_bad_input(benchmark, monkeypatch, tmp_path, content):
    monkeypatch.setattr(suites, "measure", lambda *_: fixed(8.0))
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_text(content)
    code, answer = benchmark("--baseline", str(file))
    assert code == 2 and answer["error"]["remedy"]


@pytest.mark.parametrize(
    "options",
    [
        ("--runs", "0"),
        ("--employees", "0"),
        ("--sample-size", "0"),
        ("--suite", "nonsense"),
        ("--suite", "enrich"),
    ],
)
def test_what_cannot_be_measured_is_bad_input(benchmark, options):
    assert benchmark(*options)[0] == 2


def test_a_sample_is_random_and_the_same_in_every_benchmark(tmp_path):
    census = generate_census(Settings(home=tmp_path / "own"), employees=300, seed=3)
    samples = [
        pd.read_parquet(suites.sampled_census(census, 40, Settings(home=tmp_path / name)).census_file)
        for name in ("a", "b")
    ]
    everyone = pd.read_parquet(census.census_file)
    ids = set(samples[0].employee_id)
    assert len(ids) == 40 and samples[0].equals(samples[1]) and ids <= set(everyone.employee_id)
    assert ids != set(everyone.employee_id[:40]) and len(ids & set(everyone.employee_id[:150])) > 5
