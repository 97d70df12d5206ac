"""Release: what is shown before a change, who may make it, actuals, the page itself."""

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from planwise.app.monitor import MonitorReport
from planwise.app.release import ReleaseReport
from planwise.errors import Busy, PlanWiseError
from planwise.governance import open_ledger
from planwise.governance.permissions import Forbidden
from planwise.jobs import JobFailure, JobKind, JobReader, JobWriter, State, new_job
from planwise.parameters import Risk
from planwise.release.actuals import ActualCheck, ReleasedFigures, Trigger
from planwise.release.releases import Change, Release, ReleaseKind, Releases, ReleaseState, ReleaseStep
from tests.ui.published import publish_by_hand
from ui.jobs.actions import JobActions
from ui.jobs.governance import ReleaseActions
from ui.pages.release.actuals import compared, state_html
from ui.pages.release.page import ReleasePage, SwitchDialog, approved_html, report_html
from ui.pages.release.rollout import RolloutCards, in_force_last, phases_of
from ui.session import Services, Session
from ui.store import Store
from ui.values.releases import ReleaseOverview, history_frame
from ui.values.user import User

OLGA, ANN, ADA = User("olga", "operator"), User("ann", "analyst"), User("ada", "auditor")
CHANGE = Change(
    kind=ReleaseKind.RELEASE,
    scenario="lean",
    fingerprint="a" * 32,
    levers={"cola_rate": 0.02, "merit_rate_level_1@2027": 0.03},
    scenario_before="baseline",
    fingerprint_before="b" * 32,
    levers_before={"merit_rate_level_1@2027": 0.035},
    released_before=None,
    proposal=3,
)
DRY = ReleaseReport(CHANGE, False, "checkpoint_1", 44, 0.1, None, "")
DONE = Release(
    **vars(CHANGE),
    id=1,
    checkpoint="checkpoint_1",
    state=ReleaseState.DONE,
    step=ReleaseStep.PUBLISHED,
    started_at=datetime(2026, 5, 1, 9, tzinfo=UTC),
    ended_at=datetime(2026, 5, 1, 9, 1, tzinfo=UTC),
    by="olga",
)
JOB = SimpleNamespace(id="1")
OVERRUN = Trigger("budget overrun", "payroll", 0.10, Risk.HIGH)
CHECKS = (
    ActualCheck(date(2026, 6, 30), "payroll", 112.0, 100.0, OVERRUN),
    ActualCheck(date(2026, 6, 30), "satisfaction", 7.0, None, None, "the plan has no figure"),
)


def monitoring(checks=(), fired=()):
    plan = ReleasedFigures("prod", "a" * 32, {})
    return MonitorReport(plan, DONE.ended_at, date(2026, 6, 1), checks, checks[:1], fired)


def test_before_a_change_levers_results_and_the_checkpoint_are_shown():
    shown = report_html(DRY, {"lean": "Lean & fit (lean)", "baseline": "baseline"}.__getitem__)
    assert "Cost-of-living raise" in shown and "default</td><td>2.00%" in shown
    assert ", 2027" in shown and "3.50%</td><td>3.00%" in shown
    assert "baseline · bbbbbbbbbbbb" in shown and "Lean &amp; fit (lean) · aaaaaaaaaaaa" in shown
    assert "checkpoint_1 keeps what is in force now" in shown and "0 run, 44 reused" in shown
    same = report_html(
        replace(DRY, change=replace(CHANGE, levers=CHANGE.levers_before), recovered="Undone."), str
    )
    assert "No lever in force changes." in same and "Undone." in same


def dialog(settings, make, user=OLGA):
    session = Session(Services(settings, Store(settings)), user)
    session.actions.releases = SimpleNamespace(release=make, rollback=make)
    done = []
    return SwitchDialog(session, lambda: done.append(True)), session, done


def test_a_change_is_made_only_after_its_dry_run_and_a_confirmation(settings):
    asked = []

    def make(what, *, apply):
        asked.append((what, apply))
        return replace(DRY, applied=apply)

    found, session, done = dialog(settings, make)
    found.release(3, "lean")
    assert found._act.label == "Release" and found.dialog.open
    assert asked == [(3, False)] and not found._act.disabled and "0 run, 44" in found._about.object
    asyncio.run(found._acted())
    assert asked == [(3, False), (3, True)] and done and not found.dialog.open
    assert "lean is in force (released)" in session.notices[0].text


def test_a_change_that_cannot_be_made_says_why_and_offers_nothing(settings):
    def make(what, *, apply):
        raise Busy("The warehouse is in <use>.", remedy="Wait.")

    found, _, done = dialog(settings, make)
    found.rollback("checkpoint_1")
    assert "in &lt;use&gt;" in found._about.object and found._act.disabled and not done


def test_the_core_refuses_who_may_not_and_a_form_is_read_like_a_file(settings, monkeypatch):
    with pytest.raises(Forbidden, match="ann"):
        ReleaseActions(settings, ANN, None).release(1, apply=False)
    with pytest.raises(Forbidden, match="ada"):
        ReleaseActions(settings, ADA, None).upload("actuals.csv", 10)
    read = []
    actions = ReleaseActions(settings, OLGA, None)
    monkeypatch.setattr(actions, "record_file", lambda file: read.append(file.read_text()))
    actions.record("2026-06-30", [("payroll", "30,000,000"), ("turnover", "14%")])
    assert read == ['date,metric,value\n2026-06-30,payroll,"30,000,000"\n2026-06-30,turnover,14%\n']


def test_a_change_is_a_job_whose_outcome_is_reported(settings):
    started = []

    def start(kind, request, *, title):
        folder = new_job(settings, JobKind(kind), request, title=title, started_by="olga", role="operator")
        started.append((kind, request, title))
        with open_ledger(settings, actor="olga", role="operator") as ledger:
            made = Releases(ledger).start(CHANGE)
        if len(started) == 1:
            result = ReleaseReport(made, True, made.checkpoint, 44, 0.1, None, "").as_json()
            JobWriter(folder).end(State.DONE, result=result)
        else:
            JobWriter(folder).end(
                State.FAILED, error=JobFailure("It is voided.", "Propose again.", "InputError")
            )
        return JobReader(settings).get(folder.id)

    actions = ReleaseActions(settings, OLGA, start)
    report = actions.release(3, apply=True)
    assert started == [("release", {"proposal": 3, "apply": True}, "Release proposal 3")]
    assert (report.change.scenario, report.change.by, report.applied) == ("lean", "olga", True)
    with pytest.raises(PlanWiseError, match=r"voided"):
        actions.rollback("checkpoint_1", apply=True)
    assert started[1][2] == "Roll back to checkpoint_1"
    user_may = JobActions(settings, ANN)
    for kind in ("release", "rollback"):
        with pytest.raises(Forbidden, match="may not release"):
            user_may.start(kind, {}, title="")
    with pytest.raises(Forbidden, match="may not release"):
        user_may.cancel(JobReader(settings).list()[0].id)


def test_actuals_say_what_fired_what_was_not_compared_and_when_the_review_is():
    frame = compared(monitoring(CHECKS), "Lean").frame
    assert frame["result"].tolist() == ["HIGH: budget overrun", "not compared: the plan has no figure"]
    assert frame["deviation"][0] == 0.12
    assert "Review was due on 2026-05-31." in state_html(monitoring())
    assert "No trigger has fired." in state_html(monitoring())
    fired = {
        "trigger": "budget <overrun>",
        "on": "2026-06-30",
        "severity": "HIGH",
        "deviation": 0.12,
        "recommended": "rollback",
    }
    shown = state_html(monitoring(fired=(fired,)))
    assert "Budget &lt;overrun&gt;, 2026-06-30" in shown and "+12.0% from the plan" in shown
    assert "a rollback is recommended" in shown


def test_the_page_shows_what_is_in_force_and_disables_what_the_role_may_not(settings, monkeypatch):
    publish_by_hand(settings, "prod")
    store = Store(settings)
    with open_ledger(settings, actor="olga", role="operator", clock=lambda: DONE.ended_at) as ledger:
        releases = Releases(ledger)
        started = releases.start(
            replace(CHANGE, proposal=None, kind=ReleaseKind.ROLLBACK, target="checkpoint_0")
        )
        releases.fail(started, "The gate failed.")
        assert history_frame(releases.list(), str).iloc[0].tolist()[1:4] == [
            "Rollback to checkpoint_0", "lean", "failed",
        ]  # fmt: skip
        failed = releases.list()
    found = ReleaseOverview(DONE, (), (), (DONE, *failed), "", monitoring())
    monkeypatch.setattr(store.releases, "overview", lambda recovered: found)
    page = ReleasePage(Session(Services(settings, store), ANN))
    page._session.actions.releases = SimpleNamespace(checkpoints=lambda: ((), ""))
    asyncio.run(page._read())
    assert "olga, proposal 3" in page._state.html and "proposal=3" in page._state.html
    assert "320" in page._figures.object  # headcount of the result that is in force
    assert page._ask.disabled and "ann (analyst) may not release" in page._reason.object
    assert not page._actuals._record.disabled and all(one.visible for one in page._files)
    page._back_to("checkpoint_1")
    assert "may not release" in page._session.notices[0].text and not page._switch.dialog.open


def test_approved_proposals_are_named_with_cost_and_who_approved():
    effects = {"cost": {"value": 250_000.0}, "employees": {"value": 380.0}}
    one = SimpleNamespace(
        id=3, scenario="<lean>", status="approved", closed_reason="", expires_at=None,
        assessment={"effects": effects}, approvals=[SimpleNamespace(by="bob")],
    )  # fmt: skip
    shown = approved_html([one], lambda name: f"Lean year ({name})")
    assert "Proposal 3: Lean year (&lt;lean&gt;)" in shown and "380 people; approved by bob" in shown
    assert "No approved proposal waits" in approved_html([], str)


def phase(number, levers):
    kpis = [{"increase_rate": 0.03 + number / 1000, "increase_cost": 6e5 + number, "payroll": 1e6 * number}]
    return {
        "phase": number,
        "scenario": f"lean_phase_{number}",
        "share": number / 2,
        "levers": levers,
        "gate": "passed",
        "kpis": [*kpis, {**kpis[0], "payroll": 2e6 * number}],
    }


def test_phases_are_shown_with_their_levers_increases_and_payroll():
    levers = [{"lever": "cola_rate", "value": 0.02}, {"lever": "merit_rate_level_1@2027", "value": 0.03}]
    found = phases_of({"scenario": "lean", "phases": [phase(1, levers), phase(2, [])]}, "$", str)
    first = found.frame.iloc[0]
    assert first["levers"].startswith("Cost-of-living raise 2.00%, ") and first["levers"].endswith(
        ", 2027 3.00%"
    )
    assert found.frame["payroll"].tolist() == [2e6, 4e6] and found.frame["share"].tolist() == [0.5, 1.0]
    assert found.figure["data"][0]["y"] == pytest.approx([0.031, 0.032])


def test_the_scenario_in_force_is_the_last_to_rehearse():
    assert in_force_last(("a", "b", "c"), "a") == ("b", "c", "a")
    assert in_force_last(("a", "b"), "") == ("a", "b")


def test_a_rehearsal_is_a_job_of_the_pace_and_for_who_may_store_and_run(settings):
    with open_ledger(settings, actor="ann", role="analyst") as ledger:
        for name in ("lean", "lean_phase_1", "old"):
            ledger.scenarios.create(name, {"cola_rate": 0.01})
        ledger.scenarios.archive("old")
    store, started = Store(settings), []
    assert store.rehearsable() == ("lean",)
    session = Session(Services(settings, store), ANN)
    session.actions.jobs = SimpleNamespace(start=lambda *what, **named: started.append(what) or JOB)
    cards = RolloutCards(session)
    cards._panel = SimpleNamespace(watch=started.append, job=None)
    cards.show(store.rehearsable(), None)
    asyncio.run(cards._started())
    cards._pace.value, cards._phases.value = "equal", 5
    asyncio.run(cards._started())
    assert started[::2] == [
        ("rollout", {"scenario": "lean", "tolerance": "low"}),
        ("rollout", {"scenario": "lean", "phases": 5}),
    ]
    session.user = OLGA
    cards.show(store.rehearsable(), None)
    assert cards._start.disabled and "olga (operator) may not create" in cards._reason.object
