"""Performance: measured blocks, alerts, verdicts against a baseline, the history and its command."""

import contextvars
import json
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime
from mmap import PAGESIZE, mmap
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from planwise.app.gates import list_gates, prune_gates
from planwise.app.maintain import MEASURED_RUNS_KEPT
from planwise.app.performance import prune_runs, run_measured
from planwise.app.requests import SimulateRequest
from planwise.app.runner import InProcessRunner, Stopped
from planwise.cli.commands import run as command
from planwise.errors import GateBlocked, InputError
from planwise.gate import GateCheck, GateResult
from planwise.governance import open_ledger
from planwise.monitoring import BlockFigures, add_block, describe_run, monitor_block, monitor_run
from planwise.monitoring.gate_history import GateHistory, GateOf
from planwise.monitoring.history import MeasuredRun, RunHistory
from planwise.monitoring.monitor import SAMPLE_SECONDS, TIMELINE_POINTS, MemorySampler
from planwise.monitoring.thresholds import (
    OVERRIDE_VARIABLE,
    AlertCollector,
    Severity,
    Verdict,
    noise_band,
    thresholds_in_force,
)
from planwise.monitoring.verdicts import assess_run
from planwise.settings import Settings

MB = 2**20
AT = datetime(2026, 3, 1, tzinfo=UTC)
THRESHOLDS = thresholds_in_force()


def spin(rounds=40_000):
    return sum(number * number for number in range(rounds))


def names(figures):
    return {"/".join(path): block.count for path, block in figures.walk()}


def test_blocks_form_the_tree_of_their_run():
    ended = []
    with monitor_run("simulate", on_block=lambda path, _: ended.append(path)) as run:
        for number in range(3):
            with monitor_block("model", records=10), monitor_block("audit") as audit:
                audit.records = number
        with pytest.raises(KeyError), monitor_block("gate"):
            raise KeyError
        add_block("fct_budget", 0.25, records=4)
        describe_run(employees=5, records=3)
        describe_run(records=4)
    expected = {"simulate": 1, "simulate/model": 3, "simulate/model/audit": 3}
    assert names(run.figures) == expected | {"simulate/gate": 1, "simulate/fct_budget": 1}
    model, gate, budget = run.figures.blocks
    assert (model.records, model.blocks[0].records, gate.failed) == (30, 3, 1)
    assert (budget.seconds, budget.records_per_second, budget.peak_memory_mb) == (0.25, 16, None)
    assert run.run.facts == {"employees": 5, "records": 7}
    assert ended[0] == ("simulate", "model", "audit") and ended[-1] == ("simulate",)
    assert BlockFigures.from_json(json.loads(json.dumps(run.figures.as_json()))).blocks[1] == replace(
        gate,
        **{n: round(getattr(gate, n), 6) for n in ("seconds", "cpu_seconds")},
        **{n: round(getattr(gate, n), 2) for n in ("peak_memory_mb", "memory_delta_mb")},
    )


def test_seconds_are_those_of_the_clock_and_of_the_processor():
    before = time.process_time()
    with monitor_block("sleeps", records=50) as asleep:
        time.sleep(0.05)
    between = time.process_time()
    with monitor_block("works") as works:
        spin(400_000)
    taken = time.process_time() - between
    assert asleep.figures.seconds >= 0.05 and asleep.figures.cpu_seconds <= between - before
    assert asleep.figures.records_per_second == 50 / asleep.figures.seconds
    assert 0.5 * taken < works.figures.cpu_seconds <= taken


def test_a_decorated_function_is_measured_in_the_run_of_its_caller():
    @monitor_block("doubled")
    def doubled(number):
        return 2 * number

    with monitor_run("a") as first:
        assert [doubled(number) for number in (1, 2)] == [2, 4]
    assert names(first.figures) == {"a": 1, "a/doubled": 2}
    with pytest.raises(RuntimeError, match="has not ended"), monitor_run("b") as open_run:
        assert open_run.figures


def test_runs_of_several_threads_do_not_mix():
    def measure(name, found):
        with monitor_run(name) as run, monitor_block(f"step of {name}"):
            time.sleep(0.01)
        found[name] = names(run.figures)

    found = {}
    threads = [threading.Thread(target=measure, args=(name, found)) for name in "abc"]
    with monitor_run("own") as own:
        joined = contextvars.copy_context()
        threads.append(threading.Thread(target=joined.run, args=(monitor_block("joined")(spin),)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {name: {name: 1, f"{name}/step of {name}": 1} for name in "abc"}
    assert names(own.figures) == {"own": 1, "own/joined": 1}


def touch_pages(block):
    """Make every page of the map resident without an object of its size, which the allocator may keep."""
    for offset in range(0, len(block), PAGESIZE):
        block[offset] = 1


def test_the_peak_is_the_highest_moment_and_not_the_end():
    with monitor_run("run") as run:
        # A map's memory goes back to the system at once, unlike that of an object.
        with monitor_block("holds"), mmap(-1, 64 * MB) as block:
            touch_pages(block)
            time.sleep(3 * SAMPLE_SECONDS)
        with monitor_block("rests"):
            time.sleep(3 * SAMPLE_SECONDS)
        kept = mmap(-1, 32 * MB)
        touch_pages(kept)
    holds, rests = run.figures.blocks
    assert holds.peak_memory_mb - rests.peak_memory_mb > 55
    assert abs(holds.memory_delta_mb) < 8 and 24 < run.figures.memory_delta_mb < 60 and len(kept)
    assert run.figures.peak_memory_mb >= holds.peak_memory_mb
    assert 0 < run.run.sampler.pressure < 1


PEAK = """
import resource
from planwise.monitoring import monitor_run
with monitor_run("allocates") as run:
    for size in (30, 220, 60):
        block = bytearray(size * 2**20)
        del block
print(run.figures.peak_memory_mb, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def test_the_peak_is_that_of_the_system():
    """From a shell, because the system counts the memory of the process that starts another as its own."""
    shell = ["sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, PEAK]
    done = subprocess.run(shell, check=True, capture_output=True, text=True)
    peak, highest = map(float, done.stdout.split())
    assert highest > 240 and abs(peak - highest) < 0.05 * highest


@pytest.mark.timing
def test_measuring_costs_less_than_a_twentieth():
    """A run of eight blocks of ten milliseconds: the cost of the blocks without work, and of the sampler.

    The least of several, in CPU seconds; `python -m benchmarks.monitoring` compares whole runs.
    """

    def cpu(work):
        started = time.process_time()
        with monitor_run("run"):
            work()
        return time.process_time() - started

    def blocks():
        for _ in range(8):
            with monitor_block("step", records=1):
                pass

    work_seconds, sampled_seconds = 8 * 0.010, 0.2
    of_blocks = min(cpu(blocks) for _ in range(20)) / work_seconds
    of_sampler = min(cpu(lambda: time.sleep(sampled_seconds)) for _ in range(3)) / sampled_seconds
    assert 0 < of_blocks + of_sampler < 0.05


def test_a_long_timeline_keeps_its_peaks():
    sampler = MemorySampler()
    sampler.stop()
    sampler.timeline = []
    for number in range(5 * TIMELINE_POINTS):
        sampler._extend(900 * MB if number == 700 else 100 * MB)
    assert TIMELINE_POINTS / 2 <= len(sampler.timeline) <= TIMELINE_POINTS
    assert [mb for _, mb in sampler.timeline].count(900) == 1


@pytest.mark.parametrize(
    ("measure", "value", "severity"),
    [
        ("seconds_per_record", 0.0049, None),
        ("seconds_per_record", 0.0051, Severity.WARNING),
        ("seconds_per_record", 0.051, Severity.CRITICAL),
        ("memory_delta_mb", 2049, Severity.WARNING),
        ("memory_pressure", 0.98, Severity.CRITICAL),
        ("match_rate", 0.76, None),
        ("match_rate", 0.74, Severity.WARNING),
        ("match_rate", 0.69, Severity.CRITICAL),
    ],
)
def test_alerts_have_the_severity_of_the_threshold_that_is_passed(measure, value, severity):
    collector = AlertCollector(THRESHOLDS.alerts)
    collector.check(measure, value, "run")
    assert [alert.severity for alert in collector.alerts] == ([severity] if severity else [])


def test_an_alert_is_kept_once_at_its_worst():
    collector = AlertCollector(THRESHOLDS.alerts)
    for seconds in (100.0, 900.0, 200.0):
        collector.check_block(("run", "step"), BlockFigures("step", seconds, 1, 1, 1, records=10_000))
    collector.check_block(("run", "small"), BlockFigures("small", 100.0, 1, 1, 1, records=9_999))
    collector.check_run(BlockFigures("run", 1, 1, 1, 3000), 0.5, {"match_rate": 0.72})
    assert [str(alert) for alert in collector.alerts] == [
        "critical: seconds per record of run / step is 0.09, threshold 0.05",
        "warning: memory delta mb of run is 3000, threshold 2048",
        "warning: match rate of run is 0.72, threshold 0.75",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("alerts: {speed: {warning: 1, critical: 2}}", "unknown alerts speed"),
        ("alerts: {match_rate: {warning: much}}", "alerts.match_rate.warning"),
        ("alarms: {}", "'alarms' is no section"),
        ("- 1", "is no mapping"),
        (None, "is no file"),
    ],
)
def test_a_file_of_thresholds_that_cannot_be_used_is_named(tmp_path, monkeypatch, content, message):
    file = tmp_path / "own.yaml"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(OVERRIDE_VARIABLE, str(file))
    with pytest.raises(InputError, match=message):
        thresholds_in_force()


def test_a_file_changes_single_thresholds(tmp_path, monkeypatch):
    file = tmp_path / "own.yaml"
    file.write_text("alerts: {memory_pressure: {critical: 0.99}}\nbaseline: {runs: 3}\n")
    monkeypatch.setenv(OVERRIDE_VARIABLE, str(file))
    own = thresholds_in_force()
    assert own.alerts["memory_pressure"].critical == 0.99 and own.baseline.runs == 3
    assert own.alerts["memory_pressure"].warning == THRESHOLDS.alerts["memory_pressure"].warning


def measured(seconds=10.0, cpu=5.0, peak=400.0, **fields):
    step = BlockFigures("run models", seconds / 2, cpu / 2, peak, 10.0, records=100)
    tiny = BlockFigures("record run", seconds / 1000, cpu / 1000, peak, 0.0)
    figures = BlockFigures("simulate", seconds, cpu, peak, 50.0, records=5000, blocks=(step, tiny))
    values = dict(kind="simulate", subject="baseline", state="done", by="kim", machine="M", version="1")
    values |= dict(started_at=datetime(2026, 3, 1, tzinfo=UTC), employees=1000, years=5, facts={})
    values |= dict(figures=figures, timeline=((0.0, 100.0), (1.0, 400.0)), alerts=())
    return MeasuredRun(**values | fields)


def earlier(*spread, **fields):
    return [measured(10.0 * f, 5.0 * f, 400.0 * f, id=n, **fields) for n, f in enumerate(spread, 1)]


STEADY = (0.99, 1.0, 1.01, 1.0, 1.0)


@pytest.mark.parametrize(
    ("now", "spread", "verdict"),
    [
        (measured(10.4, 5.2), STEADY, Verdict.PASS),
        (measured(11.5), STEADY, Verdict.WARNING),
        (measured(cpu=6.6), STEADY, Verdict.FAILURE),
        (measured(peak=470.0), STEADY, Verdict.PASS),
        (measured(peak=500.0), STEADY, Verdict.WARNING),
        (measured(peak=620.0), STEADY, Verdict.FAILURE),
        (measured(13.0, 6.5), (0.7, 1.0, 1.35, 0.8, 1.3), Verdict.PASS),  # as much as these differ themselves
        (measured(99.0), STEADY[:2], Verdict.PASS),  # too few to compare with
        (measured(state="blocked"), STEADY, Verdict.FAILURE),
    ],
)
def test_a_run_is_compared_with_the_median_of_earlier_ones(now, spread, verdict):
    found = assess_run(now, earlier(*spread), THRESHOLDS)
    assert found.verdict is verdict
    assert {figure.block for figure in found.figures} <= {"simulate", "simulate / run models"}


def test_a_match_rate_that_falls_is_a_regression():
    before = earlier(*STEADY, facts={"match_rate": 0.8})
    for rate, verdict in ((0.79, Verdict.PASS), (0.77, Verdict.WARNING), (0.74, Verdict.FAILURE)):
        assert assess_run(measured(facts={"match_rate": rate}), before, THRESHOLDS).verdict is verdict


def test_noise_is_the_spread_of_the_samples():
    assert noise_band([1.0, 1.0, 1.0], [2.0]) == 0
    assert noise_band([0.9, 1.0, 1.1] * 3) == pytest.approx(3 * 1.2533 * 1.4826 * 0.1 / 3)


def test_results_of_gates_are_kept_newest_first_without_samples_and_pruned(tmp_path):
    settings = Settings(home=tmp_path)
    with open_ledger(settings) as ledger, ledger.engine.begin() as opened:  # as the last version left it
        for table in ("gate_result", "match_decision"):
            opened.execute(text(f"DROP TABLE {table}"))
        opened.execute(text("UPDATE alembic_version SET version_num = '0008'"))
    assert list_gates(settings) == []
    check = GateCheck(
        "kpi_years", "d", "t", None, "warning", False, [1, 2], "at least 3", 2, 1, ({"row": 1},), "r", "why"
    )
    gate = GateResult("trial", (check, replace(check, expectation="other", success=True)), 0.1)
    with open_ledger(settings, actor="ann") as ledger:
        for subject in ("first", "second", "third"):
            GateHistory(ledger.engine).record(gate, GateOf.STUDY, subject, "f" * 8, at=AT, by=ledger.actor)
        assert [one.subject for one in GateHistory(ledger.engine).list("second")] == ["second"]
    newest, *_ = found = list_gates(settings, limit=2)
    assert [one.subject for one in found] == ["third", "second"]
    assert (newest.at, newest.by, newest.of, newest.status) == (AT, "ann", "study", "passed with warnings")
    assert [asdict(one) for one in newest.failed] == [
        {"name": "kpi_years", "table": "t", "column": "", "severity": "warning", "passed": False,
         "observed": [1, 2], "threshold": "at least 3", "evaluated_rows": 2, "unexpected_rows": 1,
         "reason": "why"}
    ]  # fmt: skip
    assert newest.as_json()["evaluated"] == 2
    assert prune_gates(settings, 1, dry_run=True) == prune_gates(settings, 1, dry_run=False) == 2
    assert [one.subject for one in list_gates(settings)] == ["third"]


def test_the_history_compares_like_with_like_and_is_pruned(tmp_path):
    settings = Settings(home=tmp_path)
    collector = AlertCollector(THRESHOLDS.alerts)
    collector.check("match_rate", 0.1, "simulate")
    with open_ledger(settings) as ledger:
        history = RunHistory(ledger.engine)
        kept = [
            history.record(one)
            for one in (
                measured(alerts=collector.alerts),
                measured(employees=2000),
                measured(kind="optimize"),
                measured(machine="another"),
                measured(state="failed"),
                measured(years=None),
                measured(),
                measured(),
            )
        ]
        assert kept[0] == measured(alerts=collector.alerts, id=1) and history.get(1) == kept[0]
        assert [run.id for run in history.list("simulate", limit=2)] == [8, 7]
        assert [run.id for run in history.comparable(kept[-1], limit=5)] == [7, 1]
        assert [run.id for run in history.comparable(kept[-1], limit=1)] == [7]
        with pytest.raises(InputError, match="no measured run 99"):
            history.get(99)
    assert prune_runs(settings, MEASURED_RUNS_KEPT, dry_run=False) == 0
    assert prune_runs(settings, 3, dry_run=True) == prune_runs(settings, 3, dry_run=False) == 5
    with open_ledger(settings) as ledger:
        assert [run.id for run in RunHistory(ledger.engine).list()] == [8, 7, 6]


class Listener(InProcessRunner):
    """Keeps what it is given; `flow_run` as that of Prefect's runner."""

    def __init__(self, flow_run=None):
        super().__init__(lambda message: None)
        self.flow_run, self.alerts, self.pages = flow_run, [], []

    def alert(self, message, facts):
        self.alerts.append(facts)

    def page(self, key, markdown, title):
        self.pages.append((key, title))


def work(settings, request, run):
    def count_people():
        describe_run(employees=20_000, years=5, records=100_000)

    run(count_people)
    if isinstance(request, Exception):
        raise request
    return "done"


def test_a_use_case_is_measured_and_stored(tmp_path, monkeypatch):
    file = tmp_path / "own.yaml"
    file.write_text("alerts: {memory_pressure: {warning: 0.0, critical: 1.0}}")
    monkeypatch.setenv(OVERRIDE_VARIABLE, str(file))
    settings, runner = Settings(home=tmp_path), Listener("red fox")
    assert run_measured(settings, "simulate", SimulateRequest(scenario="high"), work, runner) == "done"
    for error in (GateBlocked("no"), Stopped("stop"), ValueError("defect"), InputError("option")):
        with pytest.raises(type(error)):
            run_measured(settings, "simulate", error, work, Listener())
    with open_ledger(settings) as ledger:
        runs = RunHistory(ledger.engine).list()
    assert [run.state for run in runs] == ["failed", "cancelled", "blocked", "done"]  # nothing for bad input
    done = runs[-1]
    assert (done.kind, done.subject, done.employees, done.years) == ("simulate", "high", 20_000, 5)
    assert done.figures.records == 100_000
    assert names(done.figures) == {"simulate": 1, "simulate/count people": 1}
    assert [(a["measure"], a["subject"]) for a in runner.alerts] == [("memory_pressure", "high")]
    assert [alert.measure for alert in done.alerts] == ["memory_pressure"]
    assert runner.pages == [("performance", "Performance of simulate: WARNING")]


def test_a_ledger_that_cannot_be_written_does_not_fail_the_run(tmp_path):
    logged = []
    settings = Settings(home=tmp_path, ledger_url="mysql://nowhere")
    assert run_measured(settings, "k", SimpleNamespace(), work, InProcessRunner(logged.append)) == "done"
    assert len(logged) == 1 and "performance was not stored" in logged[0]


def test_the_command_lists_shows_and_reports(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PLANWISE_HOME", str(tmp_path))
    with open_ledger(Settings(home=tmp_path)) as ledger:
        for run in (*earlier(*STEADY), measured(20.0, subject="a|<b>")):
            RunHistory(ledger.engine).record(run)

    def call(*tokens):
        code = command(["performance", *tokens, "--json"])
        return code, json.loads(capsys.readouterr().out)

    assert [run["run"] for run in call("list", "--limit", "2")[1]["runs"]] == [6, 5]
    _, shown = call("show")
    assert (shown["run"], shown["verdict"], shown["baseline"]) == (6, "FAILURE", [5, 4, 3, 2, 1])
    page, text = tmp_path / "r.html", tmp_path / "r.md"
    assert call("report", "--output", str(page), "--strict")[0] == 1
    assert call("report", "5", "--output", str(text), "--strict") == (
        0,
        {"run": 5, "verdict": "PASS", "output": str(text)},
    )
    assert "a|&lt;b&gt;" in page.read_text() and "FAILURE" in page.read_text()
    assert "**Verdict:** PASS" in text.read_text() and "| – run models |" in text.read_text()
    assert call("report", "--output", str(tmp_path / "r.doc"))[0] == 2
    for tokens in (["list"], ["show"]):
        assert command(["performance", *tokens]) == 0
        assert "simulate" in capsys.readouterr().out
