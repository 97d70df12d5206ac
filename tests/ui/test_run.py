"""The Run page: what it saves and starts, what it watches and reports, who may do what."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from planwise.census import generate_census
from planwise.errors import InputError
from planwise.formatting import Local, written_for
from planwise.governance import open_ledger
from planwise.jobs import Job, JobFailure, JobKind, JobStep, JobWriter, State, new_job
from planwise.parameters import parse_assignments, resolve
from tests.ui.published import publish_by_hand
from ui.components import html
from ui.components.card import quality_gate
from ui.components.differences import differences
from ui.components.job_panel import shown
from ui.components.scenario_dialogs import suggested_name
from ui.pages.run import outcome, plan
from ui.pages.run import page as history
from ui.pages.run.form import RunRequest
from ui.pages.run.outcome import sweep
from ui.pages.run.page import RunPage
from ui.session import Services, Session
from ui.store import Store
from ui.values.results import PastRun, ScenarioLabels
from ui.values.user import User

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
JOB = Job(
    id="20261120T120000000-simulate-abcdef",
    kind=JobKind.SIMULATE,
    title="Simulate lean",
    scenario="lean",
    started_by="ana",
    started_at=NOON,
    request={"scenario": "lean"},
    state=State.RUNNING,
    how="a worker process on this machine",
)
PLAN = {
    "scenario": "lean", "census": "tiny", "employees": 10_300, "models_to_run": 3, "models_reused": 9,
    "models": {"to_run": ["marts.fct_budget"], "reused": []}, "in_force": False, "models_seconds": 1.2,
    "whole_seconds": 9.8, "based_on_runs": 5,
}  # fmt: skip


@pytest.fixture
def home(settings):
    generate_census(settings, employees=50)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("lean", {"cola_rate": 0.01})
    return settings


def session_of(settings, role="analyst"):
    return Session(Services(settings, Store(settings)), User("ann", role))


def test_without_a_census_the_page_says_what_to_do(settings):
    page = RunPage(session_of(settings))
    assert "census" in page.layout[1].object


def test_edits_are_saved_under_a_free_name_and_a_bad_one_is_refused(home):
    session = session_of(home)
    session.draft.set("cola_rate", 0.03)
    choice = RunPage(session)._choice
    assert (choice.from_draft, choice.run.label, choice._name.value) == (True, "Save and run", "baseline_2")
    assert choice.request() == RunRequest("baseline", {"cola_rate": 0.03})
    choice._name.value = "Bad name"
    with pytest.raises(InputError, match="cannot name a scenario"):
        choice.saved()
    choice._name.value = "higher"
    choice.was_saved(choice.saved())
    assert session.draft.is_empty and session.draft.scenario == session.selection.scenario == "higher"
    assert (choice.from_draft, choice._scenario.value) == (False, "higher")
    assert "3.00%" in choice._difference.object


def test_edits_may_change_the_scenario_itself_unless_another_user_did(home):
    mine, theirs = session_of(home), session_of(home)
    choices = []
    for session, rate in ((mine, 0.02), (theirs, 0.04)):
        session.draft.start_from("lean", {"cola_rate": rate})
        choices.append(RunPage(session)._choice)
        choices[-1]._over.value = True
        assert not choices[-1]._save_row.visible
    assert choices[0].saved() == "lean"
    with pytest.raises(InputError, match="changed by another user; nothing was saved"):
        choices[1].saved()
    assert mine.store.plans.get("lean").overrides == {"cola_rate": 0.02}


@pytest.mark.parametrize(
    ("role", "stored", "edits"),
    [
        ("analyst", True, True),
        ("operator", True, False),
        ("auditor", False, False),
        ("approver", False, False),
    ],
)
def test_who_may_run(home, role, stored, edits):
    session = session_of(home, role)
    page = RunPage(session)
    assert page._choice.run.disabled is not stored
    session.draft.set("cola_rate", 0.03)
    page.refresh()
    assert page._choice.run.disabled is not edits
    if not stored:
        with pytest.raises(InputError, match="may not"):
            session.actions.jobs.start("simulate", {"scenario": "lean"}, title="t")
        with pytest.raises(InputError, match="may not"):
            session.actions.jobs.cancel(JOB.id)


def test_a_job_under_way_is_watched_by_whoever_comes(home):
    folder = new_job(home, JobKind.SIMULATE, {"scenario": "lean"}, title="Simulate lean", started_by="ben")
    writer = JobWriter(folder)
    with writer.lock():
        writer.started()
        page = RunPage(session_of(home))
        assert page._panel.job.id == folder.id
        assert page._panel.layout.job["text"] == "Running"
        writer.step("resolve scenario", "done", 0.1)
        page._panel._look()
        assert page._panel.layout.job["steps"][0]["state"] == "done"
    JobWriter(folder).end(State.FAILED, error=JobFailure("what", "remedy", "E"))
    page._panel._look()
    assert page._panel.layout.job["error"] == {"what": "what", "remedy": "remedy"}
    assert page._panel.layout.job["ended"]


def test_a_job_of_an_old_link_is_said_to_be_gone(home):
    session = session_of(home)
    session.selection.job = "20261120T120000000-simulate-abcdef"
    page = RunPage(session)
    assert page._panel.job is None and session.selection.job == ""
    assert "no job" in session.notices[0].text


def test_a_plan_is_asked_for_when_the_choice_stands_and_nobody_works(home, monkeypatch):
    session = session_of(home)
    session.selection.page = "run"
    asked = []
    folder = new_job(home, JobKind.PLAN, {"scenario": "lean"}, title="Plan lean", started_by="ann")

    def start(kind, request, *, title):
        asked.append((kind, request))
        return session.store.jobs.get(folder.id)

    monkeypatch.setattr(session.actions.jobs, "start", start)
    card = plan.PlanCard(session)
    card.ask(RunRequest("lean"), 1)
    card._look()
    assert asked == []
    card._due = 0.0
    card._look()
    card._starting.result(10)
    card._look()
    assert asked == [("plan", {"scenario": "lean"})]
    JobWriter(folder).end(State.DONE, result=PLAN)
    card._look()
    assert "3 models rebuild" in card._body.object
    card.ask(RunRequest("lean"), 1)
    assert card._due is None  # it is shown already
    working = new_job(home, JobKind.SIMULATE, {"scenario": "lean"}, title="t", started_by="ben")
    with JobWriter(working).lock():
        card.ask(RunRequest("baseline"), 1)
        card._due = 0.0
        card._look()
    assert "when no other job is running" in card._body.object and len(asked) == 1


def test_a_plan_that_nobody_will_see_is_stopped(home):
    session = session_of(home)
    card = plan.PlanCard(session)
    folder = new_job(home, JobKind.PLAN, {"scenario": "lean"}, title="Plan lean", started_by="ann")
    card._job = folder.id
    session.end()
    assert folder.cancel_requested


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
        "Cost-of-living raise": ("all years", "0.00%", "3.00%"),
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
    assert wanted.parameters() == {
        "scenario": "lean",
        "levers": {"cola_rate@2027": 0.03},
        "assumptions": {"seed": 7, "termination_rate": 0.1},
    }
    assert RunRequest("lean").parameters() == {"scenario": "lean"}


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
    assert "from 5 similar past runs" in text and "≈ 9.8" in text and "10,300 employees" in text
    unknown = PLAN | {"models_seconds": None, "whole_seconds": None, "based_on_runs": 0, "in_force": True}
    text = plan.planned(replace(JOB, kind=JobKind.PLAN, state=State.DONE, result=unknown))
    assert "no similar past run" in text and "exactly these parameters" in text


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
    content = quality_gate(GATE, "lean", outcome.consequence(blocked), individual_pay=True)
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
    assert content.frame["figure"].tolist()[:2] == ["Increase budget", "Cost of the increase budget"]
    assert content.frame.set_index("figure").loc["Change in average pay"].to_dict() == {
        "value": "2.50%", "baseline": "3.00%", "difference": "−0.50\u00a0pp",
    }  # fmt: skip
    assert content.subtitle.startswith("End of 2026 ")  # the next cycle
    market = content.frame.set_index("figure").loc["Compa-ratio to market"]
    assert (market["value"], market["difference"]) == ("n/a", "")
    assert len(outcome.figures(store.result("lean"), None).columns) == 2


def test_the_ways_on_depend_on_how_it_ended():
    done = outcome.links_of(replace(JOB, state=State.DONE))
    assert "page=results&amp;scenario=lean" in done and "compare=baseline%2Clean" in done
    assert "page=plan" in outcome.links_of(replace(JOB, state=State.FAILED))


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
    with written_for(Local(zone=ZoneInfo("Europe/Zurich"))):
        (row,) = history.past_frame([past], ScenarioLabels({}, "staff")).to_dict("records")
    assert (row["by"], row["started"]) == ("command line", "2026-11-20\u00a013:00\u00a0CET")
    assert (row["title"], row["census"]) == ("lean", "staff")
