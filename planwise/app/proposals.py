"""Propose a scenario, decide on proposals; open ones whose scenario, census or models changed are voided."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from pydantic import Field

from planwise.census import load_census, market_key
from planwise.comparison.compare import out_of_date
from planwise.comparison.sources import Source
from planwise.errors import InputError
from planwise.governance import Action, Ledger, effective_parameters, open_ledger
from planwise.governance.chain import EventType
from planwise.governance.proposals import ACTIONS, OPEN, Decision, ReleaseProposal, Status, changed_parts
from planwise.governance.publications import load_publication
from planwise.governance.request import Request
from planwise.governance.scenarios import ENGINE
from planwise.parameters import BASELINE, Chain, EffectiveParameters
from planwise.release.assessment import assess_change
from planwise.settings import Settings

WRITTEN_BY = (
    EventType.SCENARIO_CREATED,
    EventType.SCENARIO_CLONED,
    EventType.PARAMETER_CHANGE,
)
MODEL_FILES = ("*.sql", "*.py", "*.csv", "*.yaml")


class ProposeRequest(Request):
    """Put a scenario up for approval."""

    scenario: str = Field(description="Name of a scenario with a published result.")
    rationale: str = Field(default="", description="Why it should be released.")
    study: str | None = Field(default=None, description="The study that found its levers.")


def propose(settings: Settings, request: ProposeRequest) -> ReleaseProposal:
    """Submit a scenario's published result; raises InputError unless that is up to date."""
    with open_ledger(settings) as ledger:
        ledger.require(Action.PROPOSE)
        if request.scenario == BASELINE:
            raise InputError(
                f"{BASELINE} is what is in force; there is nothing to release.",
                remedy="Create a scenario with the levers to release.",
            )
        stored = ledger.scenarios.get(request.scenario)
        publication = load_publication(settings, request.scenario)
        stale = [
            remark.what
            for remark in out_of_date(settings, ledger, Source(publication))
            if remark.about in ("stale", "deleted")
        ]
        if stale:
            raise InputError(
                f"What is published of {request.scenario} is not what the scenario gives now. {stale[0]}",
                remedy=f"Run `planwise simulate --scenario {request.scenario}`, then propose it.",
            )
        assessed = assess_change(settings, ledger, request.scenario)
        return ledger.proposals.submit(
            request.scenario,
            binding=binding_of(settings, ledger, request.scenario),
            authors=_authors(ledger, request.scenario, stored.created_by),
            assessment=assessed.as_json(),
            approvals_needed=assessed.approvals_needed,
            rationale=request.rationale,
            study=request.study,
        )


def decide(settings: Settings, number: int, decision: Decision, comment: str = "") -> ReleaseProposal:
    """Approve, reject, request changes, comment or withdraw; ends a proposal that is no longer valid."""
    with open_ledger(settings) as ledger:
        ledger.require(ACTIONS[decision])
        check_open(settings, ledger, ledger.proposals.get(number))
        return ledger.proposals.decide(number, decision, comment)


def list_proposals(settings: Settings) -> list[ReleaseProposal]:
    """Return all proposals, newest first, those that are no longer valid ended."""
    with open_ledger(settings) as ledger:
        return [check_open(settings, ledger, proposal) for proposal in ledger.proposals.list()]


def check_open(settings: Settings, ledger: Ledger, proposal: ReleaseProposal) -> ReleaseProposal:
    """Void an open proposal whose binding has changed, expire an old approval; return its present state."""
    if proposal.status not in OPEN:
        return proposal
    if (
        proposal.status is Status.APPROVED
        and proposal.expires_at is not None
        and ledger.clock() > proposal.expires_at
    ):
        return ledger.proposals.expire(proposal.id)
    try:
        reason = changed_parts(proposal.binding, binding_of(settings, ledger, proposal.scenario))
    except InputError as error:
        reason = error.what
    return ledger.proposals.void(proposal.id, reason) if reason else proposal


def binding_of(settings: Settings, ledger: Ledger, scenario: str) -> dict[str, Any]:
    """Return what an approval is bound to, by part; see `planwise.governance.proposals.PARTS`.

    Raises InputError when the scenario, its census or its published result is gone.
    """
    stored = ledger.scenarios.get(scenario)
    census = load_census(settings, stored.census)
    publication = load_publication(settings, scenario)
    effective = effective_parameters(ledger, stored, census.first_year)
    return {
        "parameters": dict(_parameters(effective)),
        "census": {
            "name": census.name,
            "content": census.content_hash,
            "currency": census.currency,
            **({"market": market_key(census)} if census.market else {}),
        },
        "models": models_digest(settings),
        "code": version("planwise"),
        "gate": publication.manifest["gate"]["status"],
        "fingerprint": publication.fingerprint,
    }


def models_digest(settings: Settings) -> str:
    """Return a digest of every file of the SQLMesh project."""
    found = hashlib.sha256()
    files = {file for pattern in MODEL_FILES for file in settings.project.rglob(pattern)}
    for file in sorted(files):
        if "__pycache__" not in file.parts:
            found.update(str(file.relative_to(settings.project)).encode() + b"\0" + file.read_bytes())
    return found.hexdigest()


def _parameters(effective: EffectiveParameters) -> Iterator[tuple[str, Any]]:
    """Yield every value that a simulation depends on, by parameter and year."""
    for name, declared in effective.declared.parameters.items():
        if declared.chain is Chain.STUDY:
            continue
        for year in effective.years:
            value = effective.value(name, year)
            yield f"{name}@{year}", value if isinstance(value, int | float | str | None) else str(value)


def _authors(ledger: Ledger, scenario: str, created_by: str | None) -> set[str]:
    """Return everyone who made or changed the scenario, the one who started its study included."""
    found = {created_by} if created_by else set()
    for event in ledger.events.list(scenario=scenario):
        if event.type in WRITTEN_BY:
            found.add(event.actor)
        if event.type in WRITTEN_BY[:2]:
            break  # an earlier scenario of the same name was another one
    return {name for name in found if name != ENGINE}
