"""The Run page: what it saves and starts, what it watches, who may do what."""

import pytest

from planwise.census import generate_census
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.jobs import JobFailure, JobKind, JobWriter, State, new_job
from tests.ui.jobs import JOB, PLAN
from ui.pages.run import plan
from ui.pages.run.form import RunRequest
from ui.pages.run.page import RunPage
from ui.session import Services, Session
from ui.store import Store
from ui.values.user import User


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
    assert choice.wanted() == RunRequest("baseline", {"cola_rate": 0.03})
    choice._name.value = "Bad name"
    with pytest.raises(InputError, match="cannot name a scenario"):
        choice.saved()
    choice._name.value = "higher"
    choice.was_saved(choice.saved())
    assert session.draft.is_empty and session.draft.scenario == session.selection.scenario == "higher"
    assert (choice.from_draft, choice._scenario.value) == (False, "higher")
    assert "3.00%" in choice._difference.object


def test_edits_may_change_the_scenario_itself(home):
    session = session_of(home)
    session.draft.start_from("lean", {"cola_rate": 0.02})
    choice = RunPage(session)._choice
    choice._over.value = True
    assert not choice._save_row.visible
    assert choice.saved() == "lean"
    assert session.store.plans.get("lean").overrides == {"cola_rate": 0.02}


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
    assert "when no other job is under way" in card._body.object and len(asked) == 1


def test_a_plan_that_nobody_will_see_is_stopped(home):
    session = session_of(home)
    card = plan.PlanCard(session)
    folder = new_job(home, JobKind.PLAN, {"scenario": "lean"}, title="Plan lean", started_by="ann")
    card._job = folder.id
    session.end()
    assert folder.cancel_requested
