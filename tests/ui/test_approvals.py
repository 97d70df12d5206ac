"""Approvals: who may do what to a proposal, the queue, what a decision and a new proposal write."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.governance.permissions import Forbidden
from planwise.governance.proposals import Decision, Status
from planwise.papers.layout import PaperSection
from planwise.release.releases import Release, ReleaseKind, ReleaseState
from tests.ui.published import publish_by_hand
from ui.components.scenario_dialogs import ProposeButton
from ui.jobs.governance import ProposalActions
from ui.pages.approvals.page import ApprovalsPage, queue_html
from ui.pages.approvals.proposal import _changed, _reasons, section_content
from ui.session import Services, Session
from ui.store import Store
from ui.values.proposals import BUTTONS, OpenedProposal, change_since, frame_of, refused, state_of, waits_for
from ui.values.results import ScenarioStatus
from ui.values.user import User

ANN, BOB, EVE = User("ann", "analyst"), User("bob", "approver"), User("eve", "admin")
ASSESSMENT = {
    "against": "baseline",
    "levers": [
        {"lever": "cola_rate", "label": "COLA", "years": None, "old": 0.025, "new": 0.02, "rate": -0.2}
    ],
    "assumptions": [],
    "effects": {
        "cost": {"value": -250_000.0, "why": None},
        "employees": {"value": 380.0, "why": None},
        "budget": {"value": None, "why": "no payroll budget is set"},
        "payroll": {"value": 25e6, "why": None},
    },
    "costs": None,
    "people": None,
    "impact_class": "MEDIUM",
    "risk": {
        "level": "MEDIUM",
        "total": 3,
        "report": {
            "components": {},
            "overall": None,
            "level": None,
            "factors": [],
            "mitigations": [],
            "not_measured": [],
        },
    },
}


@pytest.fixture
def ledger(settings):
    with open_ledger(settings, actor="ann", role="analyst") as opened:
        yield opened


def propose(ledger, scenario="lean", needed=1):
    return ledger.proposals.submit(
        scenario,
        binding={"fingerprint": "f" * 32},
        authors=["ann", "eve"],
        assessment=ASSESSMENT,
        approvals_needed=needed,
        rationale="Inflation <is> down.",
    )


def labels_that(user, proposal):
    return [one.label for one in BUTTONS if not refused(proposal, one.decision, user)]


def test_each_role_is_offered_what_it_may_do_and_told_why_not(ledger):
    proposal = propose(ledger)
    assert labels_that(ANN, proposal) == ["Comment", "Withdraw"]
    assert labels_that(BOB, proposal) == ["Approve", "Reject", "Request changes", "Comment"]
    assert labels_that(EVE, proposal) == ["Reject", "Request changes", "Comment", "Withdraw"]  # a co-author
    assert refused(proposal, Decision.APPROVED, ANN) == "ann (analyst) may not approve or reject a proposal."
    assert refused(proposal, Decision.APPROVED, EVE) == "eve wrote proposal 1 and may not approve it."
    assert [waits_for(proposal, one) for one in (ANN, BOB, EVE)] == [False, True, False]


def test_what_is_offered_is_what_the_ledger_allows(settings, ledger):
    """For each role and button, on an open and on a closed proposal."""
    for number, closed in ((1, False), (2, True)):
        proposal = propose(ledger, f"scenario_{number}", needed=3)
        if closed:
            proposal = ledger.proposals.decide(number, Decision.WITHDRAWN)
        for user in (ANN, BOB, EVE):
            for button in BUTTONS:
                with open_ledger(settings, actor=user.name, role=user.role) as own:
                    why = refused(proposal, button.decision, user)
                    engine_refuses = ""
                    try:
                        with own.engine.connect() as connection:
                            own.proposals.decide(number, button.decision, "x", connection=connection)
                            connection.rollback()
                    except InputError as error:
                        engine_refuses = error.what
                    assert why == engine_refuses


def test_a_person_approves_once_and_the_state_says_what_is_missing(settings, ledger):
    propose(ledger, needed=2)
    with open_ledger(settings, actor="bob", role="approver") as bobs:
        once = bobs.proposals.decide(1, Decision.APPROVED)
    assert refused(once, Decision.APPROVED, BOB) == "bob has approved proposal 1 already."
    assert state_of(once) == "1 more approval needed"
    with open_ledger(settings, actor="dora", role="approver") as doras:
        approved = doras.proposals.decide(1, Decision.APPROVED)
    assert approved.status is Status.APPROVED and state_of(approved).startswith("to be released by 2")
    row = frame_of([approved], "Title of {}".format).iloc[0]
    assert row["scenario"] == f"Title of {approved.scenario}"
    assert (row["approvals"], row["cost"], row["employees"]) == ("2 of 2", -250_000.0, 380.0)


def test_the_queue_says_who_asks_for_what_and_escapes_it(ledger):
    proposal = propose(ledger)
    shown = queue_html([proposal], lambda name: "<b>Lean</b>")
    assert "&lt;b&gt;Lean" in shown and "?page=approvals&amp;proposal=1" in shown
    assert "380 people, 0 of 1 approvals" in shown
    assert "No proposal waits" in queue_html([], str)


def test_reasons_are_told_once_for_all_buttons_of_it():
    told = _reasons([("Approve", "It is <over>."), ("Reject", "It is <over>."), ("Withdraw", "Not yours.")])
    assert "<b>Approve, Reject:</b> It is &lt;over&gt;." in told and told.count("<p") == 2


def test_a_section_is_a_table_whose_file_has_the_exact_figures(ledger):
    section = PaperSection("What", ("Why <so>.",), ("lever", "old"), (("COLA", "2.5%"),), 1, ("1 more",))
    opened = OpenedProposal(propose(ledger), None)
    content = section_content(section, opened.frames()["What"], 7)
    assert "Why &lt;so&gt;." in content.lead and "2.5%" in content.table and "1 more" in content.table
    assert content.frame["old"].tolist() == [0.025] and content.file_name == "proposal_7_what.csv"
    plain = section_content(PaperSection("Approvals", ("None.",)), None, 7)
    assert plain.table.strip() == "" and plain.frame.empty


def test_a_proposal_says_that_something_else_is_in_force_than_it_was_measured_against(ledger):
    proposal = propose(ledger)
    before, after = (proposal.submitted_at + timedelta(minutes=minutes) for minutes in (-1, 1))
    change = Release(
        ReleaseKind.RELEASE, "<rich>", "f", {}, "baseline", "b", {}, None, state=ReleaseState.DONE
    )
    old, new = replace(change, id=1, ended_at=before), replace(change, id=2, ended_at=after)
    failed = replace(new, id=3, state=ReleaseState.FAILED)
    assert change_since(proposal, (failed, new, old)) is new
    assert change_since(proposal, (failed, old)) is None
    assert change_since(replace(proposal, status=Status.RELEASED), (new,)) is None  # it was measured before
    assert "&lt;rich&gt; is in force since" in _changed(OpenedProposal(proposal, None, new))
    assert _changed(OpenedProposal(proposal, None)) == ""


def test_the_page_shows_the_queue_and_the_buttons_of_one(settings, ledger, monkeypatch):
    proposal = propose(ledger)
    paper = type("Record", (), {"sections": [PaperSection("What", ("x",))]})()
    store = Store(settings)
    monkeypatch.setattr(store.approvals, "list", lambda: [proposal])
    monkeypatch.setattr(store.approvals, "open", lambda one: OpenedProposal(one, paper))
    session = Session(Services(settings, store), BOB)
    session.selection.proposal = 1
    page = ApprovalsPage(session)
    asyncio.run(page._read())
    assert "proposal=1" in page._queue.html
    disabled = [widget.label for widget in page._view._buttons if widget.disabled]
    assert disabled == ["Withdraw"]
    assert page._propose.disabled and "bob (approver) may not propose" in page._propose.description
    session.selection.proposal = 9
    asyncio.run(page._read())
    assert "There is no proposal 9." in page._notices.object


def test_a_decision_is_the_users_and_the_core_checks_the_role(settings, ledger, monkeypatch):
    propose(ledger)
    monkeypatch.setattr("planwise.app.proposals.check_open", lambda settings, ledger, proposal: proposal)
    with pytest.raises(Forbidden, match="ann"):
        ProposalActions(settings, ANN).decide(1, "APPROVED", "")
    done = ProposalActions(settings, BOB).decide(1, "REJECTED", "Too much.")
    assert (done.status, done.closed_reason) == (Status.REJECTED, "Too much.")
    assert (done.reviews[0].action, done.reviews[0].by) == (Decision.REJECTED, "bob")
    event = ledger.events.list(limit=1)[0]
    assert (event.actor, event.role, event.payload["comment"]) == ("bob", "approver", "Too much.")


def test_a_scenario_is_proposed_from_its_result_unless_something_forbids_it(settings, ledger, monkeypatch):
    for name in ("baseline", "lean", "gone", "old", "changed", "open"):
        publish_by_hand(settings, name)
    for name in ("lean", "old", "changed", "open", "unrun"):
        ledger.scenarios.create(name, {"cola_rate": 0.01})
    ledger.scenarios.archive("old")
    propose(ledger, "open")
    store, changed = Store(settings), ScenarioStatus("changed", "stale", "COLA was 2%.", "")
    monkeypatch.setattr(store.statuses, "scenarios", lambda: (changed,))
    monkeypatch.setattr(store.approvals, "list", ledger.proposals.list)
    assert {name: store.why_not_proposed(name) for name in ("lean", "baseline", "prod", "gone", "old")} == {
        "lean": "",
        "baseline": "It is what is in force; choose a scenario with other levers.",
        "prod": "It is what is in force; choose a scenario with other levers.",
        "gone": "The scenario was deleted; only its result is left.",
        "old": "The scenario is archived; restore it first.",
    }
    assert store.why_not_proposed("unrun") == "It has no published result; run it first."
    assert store.why_not_proposed("changed") == "Its result is out of date; run it again. COLA was 2%."
    assert store.why_not_proposed("open") == "Proposal 1 of it is submitted."
    assert store.proposable(ledger.proposals.list()) == ("lean",)

    session = Session(Services(settings, store), ANN)
    button = ProposeButton(session)
    button.offer("lean", button.why_not("lean"))
    assert not button._button.disabled
    asyncio.run(button._ask())
    dialog = button._dialog
    assert dialog.dialog.open and dialog._scenario.value == "lean" and not dialog._study.visible
    dialog._why.value = " Less inflation. "
    made = []
    session.actions.proposals = SimpleNamespace(propose=lambda *what: made.append(what) or propose(ledger))
    asyncio.run(dialog._acted())
    assert made == [("lean", "Less inflation.", None)]
    assert (session.selection.page, session.selection.proposal) == ("approvals", 2)
    button.offer("lean", ProposeButton(Session(Services(settings, store), BOB)).why_not("lean"))
    assert button._button.disabled and "bob (approver) may not propose" in button._button.description
