"""Papers of a proposal and of the audit trail; monitoring after a release; what is recorded of exports."""

import csv
import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import weasyprint
from comparison_worlds import publish, staff
from jinja2 import UndefinedError

from planwise.app.monitor import MonitorRequest, fired_triggers, monitor
from planwise.app.papers import (
    AuditReportRequest,
    ProposalPaperRequest,
    report_audit,
    write_proposal_paper,
)
from planwise.app.runner import InProcessRunner
from planwise.errors import InputError
from planwise.governance import EventType, open_ledger
from planwise.governance.activity import Scope, activity_of
from planwise.governance.proposals import Decision
from planwise.governance.verifier import ChainCheck
from planwise.papers import proposals
from planwise.papers.audit import audit_paper, compliance_paper
from planwise.papers.layout import compose, render_html
from planwise.papers.proposals import proposal_paper
from planwise.parameters import BASELINE
from planwise.release.assessment import MITIGATIONS, assess_change

QUIET = InProcessRunner(log=lambda _: None)
BEGIN = datetime(2026, 11, 2, 8, tzinfo=UTC)
RATIONALE = "The union asked for | one per cent. " * 40


class Clock:
    """A time that each person sets."""

    now = BEGIN

    def __call__(self):
        return self.now


@pytest.fixture
def proposed(settings):
    """A home with a proposal of `plan`, approved after two hours."""
    publish(settings, BASELINE, staff(*[1_000] * 12), create=False)
    publish(settings, "plan", staff(*[1_500] * 6, *[1_000] * 6), overrides={"cola_rate": 0.01})
    publish(settings, "lean", staff(*[500] * 12), overrides={"merit_rate_level_1": 0.02})
    clock = Clock()
    with open_ledger(settings, actor="ana", clock=clock) as ledger:
        ledger.proposals.submit(
            "plan",
            binding={"fingerprint": "f" * 64, "census": "c"},
            authors=["ana"],
            assessment=assess_change(settings, ledger, "plan").as_json(),
            approvals_needed=1,
            rationale=RATIONALE,
        )
    clock.now += timedelta(hours=2)
    with open_ledger(settings, actor="bob", clock=clock) as ledger:
        ledger.proposals.decide(1, Decision.APPROVED, "with care")
    return settings


def crowded(assessment):
    """The same with as many levers, years, groups and factors as there can be."""
    found = json.loads(json.dumps(assessment))
    found["levers"] = [row | {"label": f"{row['label']} {n}"} for row in found["levers"] for n in range(30)]
    found["costs"]["years"] *= 5
    found["people"]["groups"] *= 20
    found["risk"]["report"]["factors"] *= 20
    found["risk"]["report"]["mitigations"] = list(MITIGATIONS.values())
    return found


def test_the_executive_report_is_one_page_with_the_chains_head(proposed, monkeypatch):
    figures = {"increase_rate": 0.03, "increase_cost": 3e3, "payroll": 1e5, "risk": "LOW"}
    monkeypatch.setattr(proposals, "plan_figures", lambda own, year: figures | {"scenario": own.scenario})
    monkeypatch.setattr(proposals, "alternatives", lambda *of: [figures | {"scenario": "lean"}])
    with open_ledger(proposed) as ledger:
        head, proposal = ledger.events.head(), ledger.proposals.get(1)
    titles = {"plan": "One per cent & more", "lean": "Lean " * 40}
    html = render_html(proposal_paper(proposed, proposal, head, "executive", titles))
    assert "Proposal 1: One per cent &amp; more (plan)" in html
    assert "One per cent &amp; more (plan), proposed" in html and "Lean… (lean)" in html
    assert f"{head.events} events, head {head.hash}" in html
    for text in ("Cost-of-living raise", "0.0%", "1.0%", "from 0", "Risk: LOW", "+3,000", "1 of 1"):
        assert text in html
    crowd = replace(proposal, assessment=crowded(proposal.assessment))
    most = proposal_paper(proposed, crowd, head, "executive", titles)
    for page in (html, render_html(most)):
        assert len(weasyprint.HTML(string=page).render().pages) == 1


@pytest.mark.parametrize("suffix", ["md", "html", "pdf"])
def test_a_decision_record_is_named_written_and_recorded(proposed, tmp_path, suffix):
    file = tmp_path / f"record.{suffix}"
    paper = write_proposal_paper(proposed, ProposalPaperRequest(proposal=1, kind="decision", output=file))
    assert paper.title == "Decision record OPT-20261102-plan"
    assert dict(paper.headline) == {"State": "approved", "Decision maker": "bob", "Review": "2026-12-02"}
    content = file.read_bytes()
    if suffix == "pdf":
        assert content.startswith(b"%PDF")
    else:
        text = content.decode()
        assert "with care" in text and "turnover_voluntary" not in text.lower()
    if suffix == "md":
        assert r"asked for \| one" in text and "| --- | --- |" in text
    with open_ledger(proposed) as ledger:
        (export,) = ledger.events.list(kind=EventType.EXPORT)
    assert (export.subject, export.scenario, export.payload["proposal"]) == ("decision paper", "plan", 1)
    assert export.payload["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_audit_report_of_a_scenario(proposed, tmp_path):
    with open_ledger(proposed, actor="ana") as ledger:
        for name, seconds in (("s1", 30), ("s2", 50), ("s3", None)):
            ledger.events.record(EventType.OPTIMIZATION_START, scenario="plan", subject=name)
            if seconds:
                ledger.events.record(
                    EventType.OPTIMIZATION_COMPLETE,
                    scenario="plan",
                    subject=name,
                    payload={"seconds": seconds},
                )
        ledger.events.record(EventType.OPTIMIZATION_START, scenario="lean", subject="s4")
    file = tmp_path / "audit.csv"
    found = report_audit(proposed, AuditReportRequest(scenario="plan", output=file))
    assert (found.studies.started, found.studies.completed, found.studies.mean_seconds) == (3, 2, 40)
    assert found.studies.completion_rate == pytest.approx(2 / 3)
    assert found.approvals.decisions == {"APPROVED": 1, "SUBMITTED": 1}
    assert found.approvals.mean_cycle_seconds == 7_200
    assert found.compliance == "compliant" and found.verification.ok
    rows = [tuple(row) for row in csv.reader(file.open())]
    assert ("Studies", "Optimisations started", "3") in rows and (
        "headline",
        "Compliance",
        "compliant",
    ) in rows
    assert rows[-1][0] == "footer" and found.verification.head in rows[-1][2]
    later = report_audit(proposed, AuditReportRequest(since=date(2027, 1, 1)))
    assert later.by_type == {} and later.studies.completion_rate is None


def test_rules_that_were_broken_are_named(proposed):
    """A ledger that was written around the product: own approval, release without one."""
    with open_ledger(proposed, actor="ana") as ledger:
        for action in ("APPROVED", "VOIDED", "RELEASED"):
            ledger.events.record(
                EventType.APPROVAL_ACTION, scenario="plan", subject="proposal 1", payload={"action": action}
            )
        events = ledger.events.list()
    found = activity_of(events, ChainCheck(True, len(events), "h"), Scope(scenario="plan"))
    assert [rule.kept for rule in found.rules] == [False, True, False, True, True]
    assert found.compliance == "not compliant" and "(ana, proposal 1)" in found.rules[0].broken[0]
    (trace,) = found.proposals
    assert (trace.approved_by, trace.released_by, trace.last_by) == (("bob", "ana"), "ana", "ana")
    with open_ledger(proposed) as ledger:
        assert "not compliant" in render_html(audit_paper(found, ledger.events.head()))
        rules = render_html(compliance_paper(found, ledger.events.head()))
    assert "broken by 1" in rules and "bob, ana" in rules and "Released by ana" in rules


def test_texts_are_templates_and_facts_are_not(proposed):
    """A rationale with braces is shown as written; an unknown fact is an error, not an empty text."""
    with open_ledger(proposed) as ledger:
        head, proposal = ledger.events.head(), ledger.proposals.get(1)
    odd = replace(proposal, rationale="{{ head }} {% if %}")
    for kind in ("decision", "executive"):
        paper = proposal_paper(proposed, odd, head, kind, {})
        assert any("{{ head }} {% if %}" in section.paragraphs for section in paper.sections)
    with pytest.raises(UndefinedError, match="by_type"):
        compose("audit", {"covered": ""}, "")


def test_a_paper_of_another_kind_is_not_written(proposed, tmp_path):
    with pytest.raises(InputError, match=r"neither \.md, \.html, \.pdf nor \.csv"):
        write_proposal_paper(proposed, ProposalPaperRequest(proposal=1, output=tmp_path / "a.docx"))
    with open_ledger(proposed) as ledger:
        assert ledger.events.list(kind=EventType.EXPORT) == []


def test_a_trigger_is_recorded_once_and_recommends_without_acting(proposed, tmp_path):
    """The baseline's payroll of 2027 is 792,000: 871,200 is 10 % over it. Pay is 132 % of the market."""
    file = tmp_path / "actuals.csv"
    file.write_text("date,payroll,market_position\n2027-06-30,871200,1.32\n2027-03-31,871199,1.32\n")
    first = monitor(proposed, MonitorRequest(actuals=file), QUIET)
    again = monitor(proposed, MonitorRequest(actuals=file), QUIET)
    assert first.plan.scenario == BASELINE and first.review_on is None
    assert [(one.on.month, one.metric, one.fired) for one in first.checks] == [
        (3, "payroll", False),
        (3, "market_position", False),
        (6, "payroll", True),
        (6, "market_position", False),
    ]
    assert first.checks[1].planned == pytest.approx(1.32)
    assert (len(first.recorded), len(again.recorded), again.rollback_recommended) == (1, 0, True)
    with open_ledger(proposed) as ledger:
        (trigger,) = ledger.events.list(kind=EventType.IMPLEMENTATION_EVENT)
        assert len(ledger.events.list(kind=EventType.DATA_LOADED)) == 2
        assert ledger.dynamic_levers.current() == {}
    assert fired_triggers(proposed) == (trigger.payload,)
    assert trigger.payload["action"] == "TRIGGER" and trigger.payload["recommended"] == "rollback"


def test_a_release_is_reviewed_after_thirty_days(proposed):
    with open_ledger(proposed, clock=lambda: BEGIN) as ledger:
        ledger.events.record(
            EventType.IMPLEMENTATION_EVENT, scenario="plan", payload={"action": "COMPLETION"}
        )
    found = monitor(proposed, MonitorRequest(), QUIET)
    assert found.review_on == date(2026, 12, 2) and found.checks == () and not found.rollback_recommended
