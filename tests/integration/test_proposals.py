"""Proposals: bound to what was simulated, voided when it changes, decided by others than the author."""

import shutil
from datetime import timedelta

import homes
import postgresql
import pytest

from planwise.app import proposals
from planwise.app.proposals import ProposeRequest, decide, list_proposals, propose
from planwise.app.requests import SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import simulate
from planwise.census import generate_census
from planwise.census.registry import set_ranges
from planwise.errors import InputError
from planwise.governance import EventType, open_ledger, utc_now
from planwise.governance.permissions import Forbidden
from planwise.governance.proposals import Decision, Status
from planwise.governance.roles import acting_as
from planwise.settings import Settings

QUIET = InProcessRunner(lambda _: None)
PLAN_A = {"merit_rate_level_1": 0.034, "years": 2}  # fewer models to run than the default's five


def make(settings):
    generate_census(settings, employees=120, seed=3)
    with acting_as("ann"):
        with open_ledger(settings) as ledger:
            ledger.scenarios.create("plan_a", PLAN_A)
        for name in ("baseline", "plan_a"):
            simulate(settings, SimulateRequest(scenario=name, years=str(PLAN_A["years"])), QUIET)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return homes.copy_of(tmp_path_factory, "proposals", make)


@pytest.fixture(params=["sqlite", "postgresql"])
def home(made, tmp_path, request):
    shutil.copytree(made.root, tmp_path / "home")
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("server")
        postgresql.clear(url)
    project = tmp_path / "project"
    shutil.copytree(made.project, project, ignore=shutil.ignore_patterns("__pycache__", ".cache"))
    settings = Settings(home=tmp_path / "home", project=project, ledger_url=url)
    if url is not None:
        with open_ledger(settings, actor="ann") as ledger:  # what is published is recorded when it opens
            ledger.scenarios.create("plan_a", PLAN_A)
    return settings


def submit(settings, by="ann", scenario="plan_a"):
    with acting_as(by):
        return propose(settings, ProposeRequest(scenario=scenario, rationale="In line with the market"))


def act(settings, by, decision, number=1, comment=""):
    with acting_as(by):
        return decide(settings, number, decision, comment)


def test_a_proposal_is_approved_by_another_person(home):
    made = submit(home)
    assert (made.status, made.approvals_needed, made.authors) == (Status.SUBMITTED, 1, ("ann",))
    levers = [(row["lever"], row["old"], row["new"]) for row in made.assessment["levers"]]
    assert levers == [("merit_rate_level_1", 0.033, 0.034)]
    assert made.assessment["effects"]["cost"]["value"] > 0
    with pytest.raises(Forbidden, match="ann submitted proposal 1 and may not approve it"):
        act(home, "ann", Decision.APPROVED)
    with pytest.raises(InputError, match="only an approved one is released"), open_ledger(home) as ledger:
        ledger.proposals.require_releasable(1)
    approved = act(home, "bob", Decision.APPROVED, comment="fine")
    assert approved.status is Status.APPROVED
    assert (
        timedelta(0)
        <= approved.expires_at - approved.approvals[0].at - timedelta(days=30)
        < timedelta(seconds=5)
    )
    with open_ledger(home) as ledger:
        assert ledger.proposals.require_releasable(1).fingerprint == made.fingerprint
        actions = [
            (event.payload["action"], event.actor, event.payload["comment"])
            for event in reversed(ledger.events.list(kind=EventType.APPROVAL_ACTION))
        ]
        assert ledger.events.verify().ok
    assert actions == [("SUBMITTED", "ann", "In line with the market"), ("APPROVED", "bob", "fine")]


def test_an_author_may_not_approve_what_another_submitted(home):
    with acting_as("eve"), open_ledger(home) as ledger:
        ledger.scenarios.set("plan_a", {"merit_rate_level_1": 0.035})
    simulate(home, SimulateRequest(scenario="plan_a"), QUIET)
    assert submit(home, by="bob").authors == ("ann", "eve")
    for name in ("ann", "eve"):
        with pytest.raises(Forbidden, match=f"{name} wrote proposal 1"):
            act(home, name, Decision.APPROVED)
    assert act(home, "mia", Decision.APPROVED).status is Status.APPROVED


def test_a_change_of_great_risk_needs_two_different_people(home, monkeypatch):
    real = proposals.assess_change
    monkeypatch.setattr(
        "planwise.release.assessment.ChangeAssessment.approvals_needed", property(lambda _: 2), raising=True
    )
    assert real is proposals.assess_change
    submit(home)
    assert act(home, "bob", Decision.APPROVED).status is Status.SUBMITTED
    with pytest.raises(Forbidden, match="approved proposal 1 already"):
        act(home, "bob", Decision.APPROVED)
    assert act(home, "mia", Decision.APPROVED).status is Status.APPROVED


def change_lever(settings):
    with open_ledger(settings) as ledger:
        ledger.scenarios.set("plan_a", {"merit_rate_level_1": 0.04})


def change_lever_in_force(settings):
    with open_ledger(settings) as ledger:
        ledger.dynamic_levers.replace({"cola_rate": 0.01})


def change_census(settings):
    set_ranges(settings, "synthetic_120", {1: (30_000, 70_000)})


def change_models(settings):
    file = next(iter(sorted(settings.project.rglob("marts/*.sql"))))
    file.write_text(file.read_text() + "\n-- another\n")


def change_code(_settings):
    proposals.version = lambda _: "99.0"


def change_gate(settings):
    folder = next((settings.published_dir / "plan_a").glob("*/manifest.json"))
    text = folder.read_text()
    folder.write_text(text.replace('"status": "passed', '"status": "failed', 1))


def delete(settings):
    with open_ledger(settings) as ledger:
        ledger.scenarios.delete("plan_a")


CHANGES = {
    "lever": (change_lever, "a lever or assumption has changed: merit_rate_level_1@2026 0.034 is now 0.04"),
    "lever in force": (change_lever_in_force, "a lever or assumption has changed: cola_rate@2026"),
    "census": (change_census, "the census has changed: content"),
    "models": (change_models, "a file of the models has changed"),
    "code": (change_code, "PlanWise has another version"),
    "gate": (change_gate, "the gate's result has changed"),
    "scenario": (delete, "Unknown scenario 'plan_a'"),
}


@pytest.mark.parametrize("decided", [Status.SUBMITTED, Status.APPROVED])
@pytest.mark.parametrize("change", CHANGES)
def test_a_proposal_voids_itself_and_says_why(home, monkeypatch, change, decided):
    monkeypatch.setattr(proposals, "version", proposals.version)
    submit(home)
    if decided is Status.APPROVED:
        act(home, "bob", Decision.APPROVED)
    assert [one.status for one in list_proposals(home)] == [decided]
    apply, reason = CHANGES[change]
    apply(home)
    (voided,) = list_proposals(home)
    assert voided.status is Status.VOIDED
    assert reason in voided.closed_reason
    with pytest.raises(InputError, match="Proposal 1 is voided"):
        act(home, "bob", Decision.APPROVED)
    with open_ledger(home) as ledger:
        (last,) = ledger.events.list(kind=EventType.APPROVAL_ACTION, limit=1)
        assert (last.payload["action"], last.payload["comment"]) == ("VOIDED", voided.closed_reason)


def test_an_approval_expires(home, monkeypatch):
    submit(home)
    act(home, "bob", Decision.APPROVED)
    now = utc_now() + timedelta(days=30, seconds=1)
    monkeypatch.setattr("planwise.governance.ledger.utc_now", lambda: now)
    (expired,) = list_proposals(home)
    assert (expired.status, "30 days" in expired.closed_reason) == (Status.EXPIRED, True)


@pytest.mark.parametrize(
    ("decision", "status"),
    [
        (Decision.REJECTED, Status.REJECTED),
        (Decision.REQUESTED_CHANGES, Status.CHANGES_REQUESTED),
        (Decision.WITHDRAWN, Status.WITHDRAWN),
    ],
)
def test_a_closed_proposal_stays_closed_and_another_follows(home, decision, status):
    submit(home)
    with pytest.raises(InputError, match="is proposed already"):
        submit(home, by="bob")
    assert act(home, "mia", decision, comment="why").status is status
    with pytest.raises(InputError, match=f"Proposal 1 is {status}: why"):
        act(home, "bob", Decision.APPROVED)
    assert act(home, "bob", Decision.COMMENTED, comment="a pity").reviews[-1].comment == "a pity"
    assert submit(home).id == 2


def test_what_cannot_be_proposed(home):
    with pytest.raises(InputError, match="nothing to release"):
        submit(home, scenario="baseline")
    with pytest.raises(InputError, match="Unknown scenario"):
        submit(home, scenario="nope")
    change_lever(home)
    with pytest.raises(InputError, match="is not what the scenario gives now"):
        submit(home)
    with open_ledger(home) as ledger:
        ledger.scenarios.create("unpublished")
    with pytest.raises(InputError, match="No result of scenario 'unpublished' is published"):
        submit(home, scenario="unpublished")
    with pytest.raises(InputError, match="no proposal 7"):
        act(home, "bob", Decision.APPROVED, number=7)
