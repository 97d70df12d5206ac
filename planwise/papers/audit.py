"""The facts of the audit report and of the compliance report."""

from collections.abc import Mapping
from typing import Any

from planwise.formatting import count, moment
from planwise.governance.activity import Activity
from planwise.governance.chain import Head
from planwise.papers.layout import Paper, Row, compose, footer_of, in_words


def audit_paper(activity: Activity, head: Head) -> Paper:
    """Return the audit report of a scope."""
    facts = _common(activity) | {
        "by_type": activity.by_type,
        "studies": activity.studies,
        "approvals": activity.approvals,
        "types": _rows(_named(activity.by_type)),
        "persons": _rows(activity.by_actor),
        "decisions": _rows(_named(activity.approvals.decisions)),
    }
    return compose("audit", facts, footer_of(head))


def compliance_paper(activity: Activity, head: Head) -> Paper:
    """Return which rules of the approval process were kept, and what they were checked on."""
    facts = _common(activity) | {
        "kept": sum(rule.kept for rule in activity.rules),
        "proposals": [
            (
                one.proposal.removeprefix("proposal "),
                one.scenario,
                one.submitted_by,
                moment(one.submitted_at),
                ", ".join(one.approved_by) or "no one",
                one.released_by or "not released",
                f"{in_words(one.last)} by {one.last_by}",
            )
            for one in activity.proposals
        ],
        "roles": [
            (name, ", ".join(role or "none" for role in roles), count(activity.by_actor[name]))
            for name, roles in activity.roles.items()
        ],
        "exports": _rows(_named(activity.exports)),
    }
    return compose("compliance", facts, footer_of(head))


def _common(activity: Activity) -> dict[str, Any]:
    """Return what both say: the events covered, the verification and the rules."""
    covered = f"Events: {activity.scope}; none was found"
    if activity.first is not None and activity.last is not None:
        covered = f"Events: {activity.scope}; {moment(activity.first)} to {moment(activity.last)}"
    return {
        "covered": covered,
        "compliance": activity.compliance,
        "verification": activity.verification,
        "rules": [
            (rule.name, count(rule.cases), "kept" if rule.kept else f"broken by {len(rule.broken)}")
            for rule in activity.rules
        ],
        "broken_rules": [f"{rule.name}: {one}" for rule in activity.rules for one in rule.broken],
    }


def _named(counts: Mapping[str, int]) -> Mapping[str, int]:
    return {in_words(str(name)): number for name, number in counts.items()}


def _rows(counts: Mapping[str, int]) -> list[Row]:
    return [(str(name), count(number)) for name, number in counts.items()]
