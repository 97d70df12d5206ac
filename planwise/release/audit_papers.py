"""The audit report and the compliance report as papers."""

from collections.abc import Iterator, Mapping

from planwise import formatting
from planwise.formatting import count, moment, percent
from planwise.governance.activity import Activity
from planwise.governance.chain import Head
from planwise.release.papers import Paper, PaperSection, footer_of, in_words


def audit_paper(activity: Activity, head: Head) -> Paper:
    """Return the audit report of a scope."""
    studies, approvals, found = activity.studies, activity.approvals, activity.verification
    seconds = "none ended" if studies.mean_seconds is None else formatting.seconds(studies.mean_seconds)
    cycle = (
        "none approved"
        if approvals.mean_cycle_seconds is None
        else formatting.seconds(approvals.mean_cycle_seconds)
    )
    rate = "none started" if studies.completion_rate is None else percent(studies.completion_rate)
    return Paper(
        title="Audit report",
        subtitle=_covered(activity),
        headline=(
            ("Events", count(sum(activity.by_type.values()))),
            ("Audit trail", "whole" if found.ok else "broken"),
            ("Compliance", activity.compliance),
        ),
        sections=(
            PaperSection("Events by type", (), ("type", "events"), _rows(_named(activity.by_type))),
            PaperSection("Events by person", (), ("person", "events"), _rows(activity.by_actor)),
            PaperSection(
                "Studies",
                (),
                ("figure", "value"),
                (
                    ("Optimisations started", count(studies.started)),
                    ("Optimisations completed", count(studies.completed)),
                    ("Completion rate", rate),
                    ("Mean time", seconds),
                ),
            ),
            PaperSection(
                "Approvals",
                (),
                ("figure", "value"),
                (
                    *_rows(_named(approvals.decisions)),
                    ("Proposals approved", count(approvals.approved)),
                    ("Mean time to approval", cycle),
                ),
            ),
            *_verification(activity),
        ),
        footer=footer_of(head),
    )


def compliance_paper(activity: Activity, head: Head) -> Paper:
    """Return which rules of the approval process were kept, and what they were checked on."""
    return Paper(
        title="Compliance report",
        subtitle=_covered(activity),
        headline=(
            ("Compliance", activity.compliance),
            ("Rules kept", f"{sum(r.kept for r in activity.rules)} of {len(activity.rules)}"),
            ("Audit trail", "whole" if activity.verification.ok else "broken"),
            ("Proposals", count(len(activity.proposals))),
        ),
        sections=(
            *_verification(activity),
            PaperSection(
                "Proposals and who decided",
                () if activity.proposals else ("None in this period.",),
                ("proposal", "scenario", "submitted by", "on", "approved by", "released by", "last decision"),
                tuple(
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
                ),
                words=9,
            ),
            PaperSection(
                "People and their roles",
                (),
                ("person", "roles in which they acted", "events"),
                tuple(
                    (name, ", ".join(role or "none" for role in roles), count(activity.by_actor[name]))
                    for name, roles in activity.roles.items()
                ),
                words=2,
            ),
            PaperSection(
                "Files that left PlanWise",
                () if activity.exports else ("None in this period.",),
                ("kind", "files"),
                _rows(_named(activity.exports)),
            ),
        ),
        footer=footer_of(head),
    )


def _covered(activity: Activity) -> str:
    """Return which events a report is of, and from when to when they go."""
    if activity.first is None or activity.last is None:
        return f"Events: {activity.scope}; none was found"
    return f"Events: {activity.scope}; {moment(activity.first)} to {moment(activity.last)}"


def _named(counts: Mapping[str, int]) -> Mapping[str, int]:
    return {in_words(str(name)): number for name, number in counts.items()}


def _rows(counts: Mapping[str, int]) -> tuple[tuple[str, str], ...]:
    return tuple((str(name), count(number)) for name, number in counts.items())


def _verification(activity: Activity) -> Iterator[PaperSection]:
    found = activity.verification
    text = (
        f"The chain of {found.events:,} events is whole."
        if found.ok
        else f"The chain is broken: {found.problem}."
    )
    yield PaperSection("Verification", (text,))
    rows = tuple(
        (rule.name, count(rule.cases), "kept" if rule.kept else f"broken by {len(rule.broken)}")
        for rule in activity.rules
    )
    yield PaperSection(
        "Rules",
        (),
        ("rule", "cases", "result"),
        rows,
        remarks=tuple(f"{rule.name}: {one}" for rule in activity.rules for one in rule.broken),
    )
