"""The comparison of two records, and the command around it with measuring replaced by given figures."""

import json

import pytest

from benchmarks import simulation
from benchmarks.comparison import compare, regressions
from benchmarks.record import record
from planwise.cli.commands import run

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
    told = regressions(compare(metrics(n10=FIGURES), now))
    assert [d["figure"] for d in told["warnings"]] == [TRIAL]
    assert [d["figure"] for d in told["failures"]] == [RATIO]
    assert len(told["analysis"]) == 4


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


def test_a_regression_fails_only_when_asked_to(benchmark):
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
