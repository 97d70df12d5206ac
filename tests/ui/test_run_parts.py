"""Parts of the Run page: requests, plans, jobs, gates, sweeps, figures."""

from dataclasses import replace

import pytest

from planwise.jobs import JobFailure, JobKind, JobStep, State
from planwise.parameters import parse_assignments, resolve
from tests.ui.jobs import JOB, NOON, PLAN
from tests.ui.published import publish_by_hand
from ui.components import html
from ui.components.differences import differences
from ui.components.job_panel import shown
from ui.components.result_cards import quality_gate
from ui.pages.run import outcome, plan
from ui.pages.run import page as history
from ui.pages.run.form import RunRequest, suggested_name
from ui.pages.run.outcome import sweep
from ui.store import Store
from ui.values.results import PastRun

YEARS = (2026, 2027, 2028)


GATE = (
    {"expectation": "payroll_usual", "table": "fct_scenario_kpis", "column": "payroll",
     "severity": "critical", "success": False, "observed": "9", "threshold": "at most 5",
     "offending rows": 2, "sample": "year=2026"},
    {"expectation": "raise_usual", "table": "t", "column": "", "severity": "warning", "success": False,
     "observed": "9", "threshold": "at most 5", "offending rows": 1, "sample": ""},
    {"expectation": "kpi_years", "table": "t", "column": "", "severity": "critical", "success": True,
     "observed": "2", "threshold": "2", "offending rows": 0, "sample": ""},
)  # fmt: skip


def effective(*sets):
    return resolve(YEARS, scenario=parse_assignments(sets))


def test_years_that_change_alike_are_one_difference():
    rows = differences(effective(), effective("cola_rate=0.03", "merit_rate_level_2@2027=0.05"))
    assert {row.label: (row.years, row.before, row.after) for row in rows} == {
        "Cost-of-living raise": ("all years", "2.50%", "3.00%"),
        "Merit rate, L2 Manager": ("2027", "3.30%", "5.00%"),
    }


def test_values_that_differ_by_year_are_apart():
    rows = differences(
        effective(), effective("cola_rate@2026=0.03", "cola_rate@2027=0.03", "cola_rate@2028=0.04")
    )
    assert [(row.years, row.after) for row in rows] == [("2026–2027", "3.00%"), ("2028", "4.00%")]


def test_another_horizon_is_a_difference_and_only_shared_years_are_compared():
    (row,) = differences(effective(), resolve((2026, 2027), scenario={}))
    assert (row.label, row.years, row.before, row.after) == ("Simulated years", "", "2026–2028", "2026–2027")


def test_what_is_wanted_is_what_the_flow_takes():
    wanted = RunRequest("lean", {"cola_rate@2027": 0.03, "seed": 7, "termination_rate": 0.1})
    assert wanted.request() == {
        "scenario": "lean",
        "levers": {"cola_rate@2027": 0.03},
        "assumptions": {"seed": 7, "termination_rate": 0.1},
    }
    assert RunRequest("lean").request() == {"scenario": "lean"}


@pytest.mark.parametrize(
    ("base", "taken", "name"),
    [("baseline", (), "baseline_2"), ("lean_2", ("lean_3",), "lean_4"), ("x" * 48, (), "x" * 46 + "_2")],
)
def test_a_free_name_is_suggested(base, taken, name):
    assert suggested_name(base, taken) == name


def test_a_plan_is_one_line_and_says_what_it_is_based_on():
    assert plan.summary(PLAN) == "3 models rebuild, 9 reused, about 1.2\u00a0s"
    assert plan.summary(PLAN | {"models_to_run": 1, "models_seconds": None}) == "1 model rebuilds, 9 reused"
    text = plan.planned(replace(JOB, kind=JobKind.PLAN, state=State.DONE, result=PLAN))
    assert "from 5 past runs like it" in text and "≈ 9.8" in text and "10,300 employees" in text
    unknown = PLAN | {"models_seconds": None, "whole_seconds": None, "based_on_runs": 0, "in_force": True}
    text = plan.planned(replace(JOB, kind=JobKind.PLAN, state=State.DONE, result=unknown))
    assert "no past run is like it" in text and "exactly these parameters" in text


def test_a_busy_warehouse_is_named_with_its_holder():
    busy = JobFailure(
        "The warehouse is held by process 7 (simulate x), since noon; waited 2 s.", "Wait.", "Busy"
    )
    text = plan.planned(replace(JOB, kind=JobKind.PLAN, state=State.FAILED, error=busy))
    assert "The warehouse is held by process 7 (simulate x), since noon." in text


def test_a_running_job_shows_the_steps_to_come_and_can_be_cancelled():
    steps = (JobStep("resolve scenario", "done", NOON, 0.4), JobStep("hold warehouse", "running", NOON))
    seen = shown(replace(JOB, steps=steps), may_cancel=True, now=NOON)
    assert [step["state"] for step in seen["steps"]] == ["done", "running", *["waiting"] * 5]
    late = (*steps, JobStep("record run", "done", NOON))
    assert shown(replace(JOB, steps=late), may_cancel=True, now=NOON)["steps"][-1]["state"] == "done"
    assert (seen["cancellable"], seen["question"], seen["text"]) == (True, "", "Running")
    assert seen["how"] == "Runs in a worker process on this machine."
    assert not shown(JOB, may_cancel=False, now=NOON)["cancellable"]
    assert shown(replace(JOB, cancelling=True), may_cancel=True, now=NOON)["text"] == "Stopping"


def test_work_that_took_long_is_stopped_after_a_question_only():
    later = NOON.replace(minute=1)
    assert "stays in force" in shown(JOB, may_cancel=True, now=later)["question"]
    assert "resumed" in shown(replace(JOB, kind=JobKind.OPTIMIZE), may_cancel=True, now=later)["question"]


@pytest.mark.parametrize(
    ("state", "mark"),
    [(State.FAILED, "failed"), (State.INTERRUPTED, "stopped"), (State.CANCELLED, "stopped")],
)
def test_the_step_in_hand_at_the_end_is_marked_by_how_it_ended(state, mark):
    job = replace(JOB, state=state, steps=(JobStep("run models", "running", NOON),), ended_at=NOON)
    seen = shown(job, may_cancel=True)
    assert [step["state"] for step in seen["steps"]] == [*["left"] * 3, mark, *["left"] * 3]
    assert not seen["cancellable"]


def test_only_web_addresses_become_links():
    assert shown(replace(JOB, link="javascript:alert(1)"), may_cancel=True, now=NOON)["link"] == ""
    assert shown(replace(JOB, link="http://p/run/1"), may_cancel=True, now=NOON)["link"] == "http://p/run/1"


def test_a_gate_that_blocked_shows_failures_first_with_rows():
    blocked = replace(JOB, state=State.FAILED, error=JobFailure("w", "r", "SimulationBlocked"))
    content = quality_gate(GATE, "lean", outcome.consequence(blocked))
    assert list(content.frame["outcome"]) == ["✕ failed, blocks", "! warning", "✓ passed"]
    assert content.frame["where"][0] == "fct_scenario_kpis.payroll"
    assert "1 of 3 expectations hold; nothing is published" in content.subtitle
    assert "Failed" in content.lead


def test_a_sweep_shows_what_is_infeasible_first_and_what_changed():
    row = {
        "scenario": "lean", "variant": "as it is", "feasible": True, "reasons": [], "growth": 0.03,
        "target_growth": 0.03, "payroll": 1e6, "headcount": 10, "fingerprint": "f", "gate": "passed",
        "published": True,
    }  # fmt: skip
    broken = row | {
        "scenario": "rich", "feasible": False, "reasons": ["<b>over</b> the budget"], "growth": None,
        "payroll": None, "headcount": None, "gate": None, "published": False,
    }  # fmt: skip
    found = {
        "rows": [row, broken], "previous_at": None, "complete": False, "became_infeasible": ["<i>rich</i>"],
        "became_feasible": [], "moved": None, "gone": [],
    }  # fmt: skip
    content = sweep(found)
    assert list(content.frame["scenario"]) == ["rich", "lean"]
    assert content.subtitle == (
        "2 scenarios and variants, 1 infeasible · the first sweep · stopped before its end"
    )
    table = html.table(content.frame, content.columns, content.title)
    assert "&lt;b&gt;over" in table and "not reached" in table and "n/a" in table
    assert "&lt;i&gt;rich" in content.lead and "<i>" not in content.lead


def test_figures_are_beside_the_baselines(settings):
    publish_by_hand(settings, "baseline", growth=0.03)
    publish_by_hand(settings, "lean", growth=0.025)
    store = Store(settings)
    content = outcome.figures(store.result("lean"), store.result("baseline"))
    assert content.frame.iloc[0].to_dict() == {
        "figure": "Annual growth (CAGR), mean base pay",
        "value": "2.50%", "baseline": "3.00%", "difference": "−0.50\u00a0pp",
    }  # fmt: skip
    assert len(outcome.figures(store.result("lean"), None).columns) == 2


def test_the_ways_on_depend_on_how_it_ended():
    done = outcome.ways(replace(JOB, state=State.DONE))
    assert "page=results&amp;scenario=lean" in done and "compare=baseline%2Clean" in done
    assert "page=plan" in outcome.ways(replace(JOB, state=State.FAILED))


def test_jobs_and_past_runs_are_rows():
    failed = replace(JOB, state=State.FAILED, error=JobFailure("No\nsuch thing", "r", "E"), ended_at=NOON)
    done = replace(
        JOB,
        state=State.DONE,
        ended_at=NOON,
        result={"gate": {"status": "passed"}, "models_run": 3, "models_reused": 9},
    )
    frame = history.job_frame([failed, done])
    assert list(frame["what"]) == ["No such thing", "Published; gate passed; 3 models ran, 9 reused"]
    past = PastRun("lean", NOON, 1.5, 3, 9, "passed", True, "", 0.03, 1e6)
    (row,) = history.past_frame([past]).to_dict("records")
    assert (row["by"], row["started"]) == ("command line", "2026-11-20\u00a012:00:00")
