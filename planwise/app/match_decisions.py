"""Decisions on matches: what waits for one after the last run, and what a person decides."""

from dataclasses import dataclass
from typing import Any

from planwise.enrichment.decisions import (
    DECISION,
    LINKED,
    MatchDecision,
    MatchDecisions,
    last_report,
    names_to_check,
)
from planwise.enrichment.declarations import declared_matching
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.settings import Settings


@dataclass(frozen=True)
class MatchesForReview:
    """The names of the last run that no exact step linked, the report of that run, and all decisions.

    Names and report are None before the first run.
    """

    names: list[dict[str, Any]] | None
    report: dict[str, Any] | None
    decisions: list[MatchDecision]


def decide_match(settings: Settings, decision: MatchDecision) -> MatchDecision:
    """Record what a name is; later runs apply it. Raises Forbidden, InputError."""
    declared_matching(decision.matching)
    with open_ledger(settings) as ledger:
        return MatchDecisions(ledger).record(decision)


def match_review(settings: Settings, matching: str) -> MatchesForReview:
    """Return what people may check after the last run of a matching; raises InputError for an unknown one."""
    declared_matching(matching)
    with open_ledger(settings) as ledger:
        decisions = MatchDecisions(ledger).list(matching)
    return MatchesForReview(names_to_check(settings, matching), last_report(settings, matching), decisions)


def review_queue(settings: Settings, matching: str) -> list[dict[str, Any]]:
    """Return the names of the last run that wait for a decision, the most frequent first."""
    found = names_to_check(settings, declared_matching(matching).matching)
    if found is None:
        raise InputError(
            f"Nothing has been matched for {matching} yet.", remedy=f"Run `planwise enrich {matching}` first."
        )
    return [row for row in found if row["status"] != LINKED and row["method"] != DECISION]
