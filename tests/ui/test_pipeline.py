"""The Pipeline page: runs, gates, the last sweep and its causes, benchmarks; with and without a history."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from planwise.app.benchmark import BenchmarkTrend, benchmark_trend
from planwise.app.sweep_report import SweepInputs, SweepRow, compared, write_sweep
from planwise.gate import GateCheck, GateResult
from planwise.governance import open_ledger
from planwise.monitoring.gate_history import GateHistory, GateOf
from planwise.monitoring.history import MeasuredRun, RunHistory
from planwise.monitoring.monitor import BlockFigures
from planwise.monitoring.thresholds import PerformanceAlert, Severity
from ui.pages.pipeline import gates, runs, trends
from ui.pages.pipeline.page import PipelinePage, headline
from ui.session import Services, Session
from ui.store import Store
from ui.values.user import User

NOW = datetime.now(UTC)
FLOW_RUN = "0ce0b7a2-1f3d-4a52-8d2e-6a52b4f0c0de"
ALERT = PerformanceAlert(Severity.CRITICAL, "memory_pressure", "simulate", 0.98, 0.97)
MODEL = BlockFigures("a model", 1.5, 0, None, None)
BLOCKS = (
    BlockFigures("run models", 3.0, 2.5, 400.0, 10.0, 1400, blocks=(MODEL,)),
    BlockFigures("publish result", 0.5, 0.4, 410.0, 10.0),
)
RUN = MeasuredRun(
    kind="simulate", subject="lean", state="done", started_at=NOW, by="ann", machine="M", version="1",
    employees=700, years=2, facts={"flow_run": FLOW_RUN}, timeline=((0.0, 100.0), (1.0, 410.0)),
    alerts=(ALERT,), figures=BlockFigures("simulate", 4.0, 3.0, 410.0, 20.0, 1400, blocks=BLOCKS),
)  # fmt: skip
CHECK = GateCheck("pay_usual", "d", "t", "c", "critical", False, [1, 9], "at most 5", 10, 3, (), "r")
UNKNOWN = replace(CHECK, expectation="drift", success=True, observed=None, reason="nothing was released yet")
INPUTS = SweepInputs("tiny", "h", {"cola_rate": 0.02}, "1")
ROW = SweepRow(
    "lean", "as it is", True, (), growth=0.03, target_growth=0.03, payroll=1e6, headcount=9, inputs=INPUTS
)


def page_of(settings):
    page = PipelinePage(Session(Services(settings, Store(settings)), User("olga", "operator")))
    asyncio.run(page._read())
    return page


@pytest.fixture
def filled(settings, monkeypatch):
    """A home with four runs, two gates and two sweeps; a Prefect server is configured."""
    monkeypatch.setenv("PREFECT_API_URL", "http://localhost:4200/api")
    with open_ledger(settings, actor="olga") as ledger:
        for run in (
            replace(RUN, started_at=NOW - timedelta(days=30), alerts=()),
            replace(RUN, kind="enrich", facts={"match_rate": 0.81}, alerts=()),
            replace(RUN, subject="rich", state="blocked", alerts=()),
            RUN,
        ):
            RunHistory(ledger.engine).record(run)
        for subject, checks in (("lean", (CHECK, UNKNOWN)), ("rich", (UNKNOWN,))):
            GateHistory(ledger.engine).record(
                GateResult("simulation", checks, 0.1), GateOf.SCENARIO, subject, "f" * 32, at=NOW, by="olga"
            )
        for name in ("lean", "rich"):
            ledger.scenarios.create(name)
    rich = replace(ROW, scenario="rich", growth=0.05)
    first = compared([ROW, rich], None, asked="{}", complete=True, at=NOW - timedelta(days=1))
    write_sweep(settings, first)
    moved = replace(ROW, growth=0.034, inputs=replace(INPUTS, parameters={"cola_rate": 0.025}))
    fallen = replace(rich, feasible=False, reasons=("payroll over the budget",))
    write_sweep(settings, compared([moved, fallen], first, asked="{}", complete=True, at=NOW))
    return settings


def test_an_empty_home_says_what_will_be_here_and_creates_nothing(settings):
    page = page_of(settings)
    assert "Nothing has run in this home yet" in page._empty.object
    texts = json.dumps(
        [card._chart.figure for card in (page._durations, page._steps, page._gates, page._rates)]
    )
    for text in (runs.NO_RUN, gates.NO_GATE, trends.NO_ENRICHMENT):
        assert text in texts
    assert trends.NO_SWEEP in page._sweep._lead.object
    assert page._kind.disabled and page._run.disabled and page._gate.disabled
    assert not (settings.root / "ledger.sqlite").exists()


def test_a_run_has_its_steps_memory_alerts_and_page_in_prefect(filled):
    page = page_of(filled)
    assert list(page._kind.options.values()) == ["simulate", "enrich"]
    rows = page._durations._content.frame
    assert rows["run"].tolist() == [4, 3, 1] and rows["records_per_second"].tolist() == [350, 350, 350]
    steps = page._steps._content.frame
    assert steps["step"].tolist() == ["run models", "a model", "publish result"]
    assert steps["within"].tolist() == ["", "run models", ""]
    assert f'href="http://localhost:4200/runs/flow-run/{FLOW_RUN}"' in page._steps._lead.object
    assert page._memory._content.frame["megabytes"].tolist() == [100, 410]
    assert page._alerts._content.frame["value"].tolist() == [0.98]
    assert page._rates._content.frame["value"].tolist() == [0.81]
    assert [shape["y0"] for shape in page._rates._content.figure["layout"]["shapes"]] == [0.70, 0.75]
    page._run.value = 2
    assert "Steps of #2 enrich lean" in page._steps._heading.object


def test_gates_are_listed_with_what_did_not_hold_and_opened(filled):
    page = page_of(filled)
    assert page._gates._content.frame["failed"].tolist() == [0, 1]
    assert page._gates._content.frame["named"].tolist() == ["", "pay_usual"]
    (blocking, *_) = page._gates._content.figure["data"]
    assert (blocking["name"], blocking["y"]) == ("Blocks", [1, 0])
    page._gate.value = 1
    rows = page._expectations._content.frame
    assert rows["outcome"].tolist() == ["✕ failed, blocks", "– not known"]
    assert rows["observed"].tolist() == ["1, 9", "nothing (nothing was released yet)"]


def test_the_sweep_says_what_fell_what_moved_and_why(filled):
    page = page_of(filled)
    rows = page._sweep._content.frame
    assert rows["scenario"].tolist() == ["rich", "lean"]
    assert rows["change"].tolist() == ["Became infeasible", "Moved"]
    assert rows["moved"].round(6).tolist() == [0, 0.004]
    assert rows["what"].tolist() == ["payroll over the budget", "growth 3.000% → 3.400%"]
    assert rows["why"].tolist() == ["", "cola_rate 0.02 → 0.025"]
    assert "1 of 2 infeasible, 1 of them since the sweep before" in page._sweep._lead.object
    assert "<dd>because of cola_rate 0.02 → 0.025</dd>" in page._sweep._lead.object
    assert page._sweep._content.figure["data"][0]["x"] == [pytest.approx(0.004)]
    sweeps = Store(filled).sweeps.latest()
    assert sweeps.last.why == {"lean": "cola_rate 0.02 → 0.025"}


def test_the_headline_is_of_the_last_week(filled):
    found = Store(filled).pipeline.overview()
    tiles = {kpi.label: kpi for kpi in headline(found)}
    assert (tiles["Runs, last 7 days"].figure, tiles["Runs, last 7 days"].verdict) == (
        "3",
        "1 failed or blocked",
    )
    assert tiles["Gates, last 7 days"].verdict == "1 blocked"
    assert tiles["Performance alerts, last 7 days"].verdict == "1 critical"
    assert "the last: simulate lean, done after 4.0" in tiles["Runs, last 7 days"].note
    assert (tiles["Last sweep"].figure, tiles["Last sweep"].verdict) == ("1 moved", "1 infeasible")


def test_benchmarks_are_multiples_of_their_first_record_with_both_limits(tmp_path):
    none = benchmark_trend(tmp_path)
    assert none.series == {} and "has no benchmark records" in none.reason
    lead = trends.benchmark(none).lead
    assert "for those who install it" in lead and "<code>" not in lead  # no page does it
    for day, ratio in ((1, 2.0), (2, 2.5)):
        record = {"at": f"2026-03-0{day}T02:00:00+00:00", "suite": "trial"}
        metrics = {"by_employees": {"10000": {"real_trial_cpu_to_reference": ratio}}}
        file = tmp_path / f"benchmark_2026030{day}.json"
        file.write_text(json.dumps({**record, "metrics": metrics}))
    found = benchmark_trend(tmp_path)
    assert isinstance(found, BenchmarkTrend) and (found.warning, found.failure) == (1.10, 1.25)
    (points,) = found.series.values()
    assert [value for _, value in points] == [1, 1.25]
    layout = trends.benchmark(found).figure["layout"]
    assert [shape["y0"] for shape in layout["shapes"]] == [1.25, 1.10]
