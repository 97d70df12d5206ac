"""What the audit trail says of a period, scenario or person: counts, studies, approvals, and rules kept."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from statistics import fmean
from typing import Any

from planwise.formatting import counted
from planwise.governance.chain import AuditEvent, EventType
from planwise.governance.proposals import Decision
from planwise.governance.verifier import ChainCheck

WRITES = (EventType.SCENARIO_CREATED, EventType.SCENARIO_CLONED, EventType.PARAMETER_CHANGE)
COMPLIANT, NOT_COMPLIANT = "compliant", "not compliant"


@dataclass(frozen=True)
class Scope:
    """The events that are looked at; all of what is None."""

    since: datetime | None = None
    until: datetime | None = None
    scenario: str | None = None
    actor: str | None = None

    def __contains__(self, event: AuditEvent) -> bool:
        return (
            (self.since is None or event.at >= self.since)
            and (self.until is None or event.at <= self.until)
            and self.scenario in (None, event.scenario)
            and self.actor in (None, event.actor)
        )

    def __str__(self) -> str:
        parts = [
            f"from {self.since:%Y-%m-%d}" if self.since else "",
            f"to {self.until:%Y-%m-%d}" if self.until else "",
            f"of scenario {self.scenario}" if self.scenario else "",
            f"by {self.actor}" if self.actor else "",
        ]
        return ", ".join(part for part in parts if part) or "everything"


@dataclass(frozen=True)
class Studies:
    """Studies that began in the scope, and those of them that ended; seconds are of those that ended."""

    started: int
    completed: int
    mean_seconds: float | None

    @property
    def completion_rate(self) -> float | None:
        """The share that ended; None without any."""
        return self.completed / self.started if self.started else None


@dataclass(frozen=True)
class Approvals:
    """Decisions by kind; the cycle is from a submission to the last approval it needed."""

    decisions: Mapping[str, int]
    approved: int
    mean_cycle_seconds: float | None


@dataclass(frozen=True)
class RuleCheck:
    """One rule, how many cases of it there were, and the events that broke it."""

    name: str
    cases: int
    broken: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether no case broke it."""
        return not self.broken


@dataclass(frozen=True)
class ProposalTrace:
    """One proposal from its submission to its end: who did what, and its last decision."""

    proposal: str
    scenario: str
    submitted_by: str
    submitted_at: datetime
    approved_by: tuple[str, ...]
    released_by: str | None
    last: Decision
    last_by: str


@dataclass(frozen=True)
class Activity:
    """What happened in a scope: `roles` in which each person acted, `exports` by kind of file."""

    scope: Scope
    first: datetime | None
    last: datetime | None
    by_type: Mapping[str, int]
    by_actor: Mapping[str, int]
    roles: Mapping[str, tuple[str, ...]]
    exports: Mapping[str, int]
    studies: Studies
    approvals: Approvals
    proposals: tuple[ProposalTrace, ...]
    rules: tuple[RuleCheck, ...]
    verification: ChainCheck

    @property
    def compliance(self) -> str:
        """Whether the chain is whole and every rule was kept."""
        whole = self.verification.ok and all(rule.kept for rule in self.rules)
        return COMPLIANT if whole else NOT_COMPLIANT

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise audit report --json` prints."""
        scope = {name: value for name, value in asdict(self.scope).items() if value is not None}
        return {
            "scope": scope,
            "events": sum(self.by_type.values()),
            "by_type": dict(self.by_type),
            "by_actor": dict(self.by_actor),
            "roles": {name: list(roles) for name, roles in self.roles.items()},
            "exports": dict(self.exports),
            "studies": asdict(self.studies) | {"completion_rate": self.studies.completion_rate},
            "approvals": asdict(self.approvals),
            "proposals": [asdict(one) for one in self.proposals],
            "rules": [asdict(rule) | {"kept": rule.kept} for rule in self.rules],
            "verification": asdict(self.verification),
            "compliance": self.compliance,
            "head": self.verification.head,
        }


def activity_of(events: Iterable[AuditEvent], verification: ChainCheck, scope: Scope) -> Activity:
    """Return what happened in a scope, of all events of a ledger in any order."""
    ordered = sorted(events, key=lambda event: event.sequence)
    within = [event for event in ordered if event in scope]
    return Activity(
        scope=scope,
        first=within[0].at if within else None,
        last=within[-1].at if within else None,
        by_type=_counts(str(event.type) for event in within),
        by_actor=_counts(event.actor for event in within),
        roles=_roles(within),
        exports=_counts(event.subject or "" for event in within if event.type is EventType.EXPORT),
        studies=_studies(ordered, scope),
        approvals=_approvals(ordered, scope),
        proposals=tuple(_traces(ordered, scope)),
        rules=tuple(_rules(ordered, scope)),
        verification=verification,
    )


def _counts(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda entry: (-entry[1], entry[0])))


def _roles(within: Sequence[AuditEvent]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for event in within:
        found.setdefault(event.actor, set()).add(event.role)
    return {name: tuple(sorted(roles)) for name, roles in sorted(found.items())}


def _traces(ordered: Sequence[AuditEvent], scope: Scope) -> Iterator[ProposalTrace]:
    """Yield the proposals that something was done to within the scope, by the time of submission."""
    found = [one for one in _of_proposals(ordered) if any(event in scope for _, event in one)]
    for decisions in sorted(found, key=lambda one: one[0][1].sequence):
        submitted = decisions[0][1]
        ends = [
            (decision, event.actor) for decision, event in decisions if decision is not Decision.COMMENTED
        ]
        by = {
            kind: tuple(event.actor for decision, event in decisions if decision is kind)
            for kind in (Decision.APPROVED, Decision.RELEASED)
        }
        yield ProposalTrace(
            proposal=str(submitted.subject),
            scenario=submitted.scenario or "",
            submitted_by=submitted.actor,
            submitted_at=submitted.at,
            approved_by=by[Decision.APPROVED],
            released_by=next(iter(by[Decision.RELEASED]), None),
            last=ends[-1][0],
            last_by=ends[-1][1],
        )


def _studies(ordered: Sequence[AuditEvent], scope: Scope) -> Studies:
    """Pair each start with the next end of the same study; a study that is resumed starts again."""
    running: dict[str | None, AuditEvent] = {}
    started, seconds = 0, []
    for event in ordered:
        if event.type is EventType.OPTIMIZATION_START:
            started += event in scope
            running[event.subject] = event
        elif event.type is EventType.OPTIMIZATION_COMPLETE:
            begun = running.pop(event.subject, None)
            if begun is not None and begun in scope:
                given = event.payload.get("seconds")
                seconds.append(float(given) if given is not None else (event.at - begun.at).total_seconds())
    return Studies(started, len(seconds), fmean(seconds) if seconds else None)


def _of_proposals(ordered: Sequence[AuditEvent]) -> Iterator[list[tuple[Decision, AuditEvent]]]:
    """Yield the decisions on each proposal, in order."""
    decided = [event for event in ordered if event.type is EventType.APPROVAL_ACTION]
    decided.sort(key=lambda event: (str(event.subject), event.sequence))
    for _, of_one in groupby(decided, key=lambda event: event.subject):
        yield [(Decision(event.payload["action"]), event) for event in of_one]


def _approvals(ordered: Sequence[AuditEvent], scope: Scope) -> Approvals:
    made: Counter[str] = Counter()
    cycles = []
    for decisions in _of_proposals(ordered):
        made.update(decision for decision, event in decisions if event in scope)
        submitted = [event for decision, event in decisions if decision is Decision.SUBMITTED]
        approved = [event for decision, event in decisions if decision is Decision.APPROVED]
        if submitted and approved and approved[-1] in scope:
            cycles.append((approved[-1].at - submitted[0].at).total_seconds())
    return Approvals(dict(sorted(made.items())), len(cycles), fmean(cycles) if cycles else None)


def _rules(ordered: Sequence[AuditEvent], scope: Scope) -> Iterator[RuleCheck]:
    own: list[str] = []
    unapproved: list[str] = []
    late: list[str] = []
    approvals = releases = 0
    for decisions in _of_proposals(ordered):
        submitted = next(event for decision, event in decisions if decision is Decision.SUBMITTED)
        writers = {submitted.actor} | {
            event.actor
            for event in ordered
            if event.type in WRITES
            and event.scenario == submitted.scenario
            and event.sequence < submitted.sequence
        }
        state: Decision | None = None
        for decision, event in decisions:
            if decision is Decision.APPROVED and event in scope:
                approvals += 1
                if event.actor in writers:
                    own.append(_named(event))
            if decision is Decision.RELEASED and event in scope:
                releases += 1
                if state is not Decision.APPROVED:
                    (unapproved if state in (None, Decision.SUBMITTED) else late).append(_named(event))
            if decision is not Decision.COMMENTED:
                state = decision
    yield RuleCheck("No one approves what they wrote or submitted", approvals, tuple(own))
    yield RuleCheck("What is released was approved", releases, tuple(unapproved))
    yield RuleCheck("What is released was neither voided, rejected nor expired", releases, tuple(late))
    acts = [event for event in ordered if event in scope]
    yield RuleCheck(
        "Every act has a role",
        len(acts),
        # The first admin is made by someone without a role, once others have one.
        tuple(_named(event) for event in acts if not (event.role or event.type is EventType.ROLE_CHANGED)),
    )
    gates = {event.subject: event for event in ordered if event.type is EventType.GATE_FAILED}
    published = [
        event
        for event in acts
        if event.type is EventType.SIMULATION_RUN
        and event.payload.get("published")
        and event.subject in gates
    ]
    failed = tuple(
        _named(event)
        for event in published
        if gates[event.subject].payload.get("run") == event.payload.get("run")
    )
    runs = sum(event.type is EventType.SIMULATION_RUN for event in acts)
    yield RuleCheck("What is published passed its gate", runs, failed)


def _named(event: AuditEvent) -> str:
    return f"event {event.sequence} ({event.actor}, {event.subject or event.scenario or event.type})"


STEPS = {
    "ROLLOUT_START": "started",
    "CHECKPOINT": "has kept a checkpoint",
    "CHECKPOINT_REMOVED": "has lost its checkpoint, which maintenance removed",
    "COMPLETION": "completed",
    "ROLLBACK": "completed",
}
TEXT_MAX = 120  # characters of a value in a sentence


def sentence_of(event: AuditEvent) -> str:
    """Return what happened, in one line."""
    facts = event.payload
    write = SENTENCES.get(event.type)
    if write is not None:
        return write(event.subject or "", facts)
    return ", ".join(
        f"{_short(key)} {_short(value)}" for key, value in facts.items() if value not in (None, "")
    )


def _short(value: Any) -> str:
    text = f"{value:.10g}" if isinstance(value, float) else str(value).replace("_", " ")
    return text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]} …"


def _changed(subject: str, facts: Mapping[str, Any]) -> str:
    old, new = _value(facts["old"]), _value(facts["new"])
    reason = f": {facts['reason']}" if facts.get("reason") else ""
    return f"{subject} from {old} to {new}{reason}"


def _simulated(subject: str, facts: Mapping[str, Any]) -> str:
    done = "published" if facts.get("published") else "not published"
    return f"{facts['models_run']} models run, {facts['models_reused']} reused, {done} ({subject[:12]})"


def _decided(subject: str, facts: Mapping[str, Any]) -> str:
    comment = f": {facts['comment']}" if facts.get("comment") else ""
    return f"{subject.capitalize()} {str(facts['action']).replace('_', ' ').lower()}{comment}"


def _loaded(subject: str, facts: Mapping[str, Any]) -> str:
    rows = f", {facts['rows']:,} people" if "rows" in facts else ""
    return f"Census {subject} {facts.get('change', 'loaded')}{rows}"


def _implemented(subject: str, facts: Mapping[str, Any]) -> str:
    levers = ", ".join(
        f"{one['lever']} {_value(one['before'])} to {_value(one['after'])}"
        for one in facts.get("levers") or ()
    )
    number = subject.rpartition(" ")[2]
    name = f"{facts['kind']} {number}".capitalize() if "kind" in facts else subject.capitalize()
    action = str(facts.get("action", ""))
    what = STEPS.get(action, action.replace("_", " ").lower())
    return f"{name} {what}{f' ({levers})' if levers else ''}"


def _value(value: Any) -> str:
    return "default" if value is None else _short(value)


def _exported(subject: str, facts: Mapping[str, Any]) -> str:
    return f"{subject.capitalize()} as {facts['file']}" if "file" in facts else subject


SENTENCES: Mapping[EventType, Callable[[str, Mapping[str, Any]], str]] = {
    EventType.PARAMETER_CHANGE: _changed,
    EventType.SIMULATION_RUN: _simulated,
    EventType.APPROVAL_ACTION: _decided,
    EventType.IMPLEMENTATION_EVENT: _implemented,
    EventType.DATA_LOADED: _loaded,
    EventType.EXPORT: _exported,
    EventType.GATE_PASSED: lambda _, facts: f"Gate {facts.get('status')}",
    EventType.GATE_FAILED: lambda _, facts: f"Gate {facts.get('status')}",
    EventType.LOGIN: lambda subject, facts: f"{subject} signed in ({facts.get('method')})",
    EventType.ROLE_CHANGED: lambda subject, facts: (
        f"{subject}: {facts.get('old') or 'no role'} to {facts.get('new') or 'no role'}"
    ),
    EventType.MATCH_DECISION: lambda subject, facts: (
        f"Match of {facts.get('name')} ({subject}): "
        f"{facts.get('matched_name') or facts.get('matched_id') or 'none'}"
    ),
    EventType.OPTIMIZATION_START: lambda subject, _: f"Study {subject} started",
    EventType.OPTIMIZATION_COMPLETE: lambda subject, facts: f"Study {subject}: {facts.get('stopped')}",
    EventType.SCENARIO_CHANGED: lambda _, facts: f"Scenario {facts.get('change')}",
    EventType.SCENARIO_CREATED: lambda _, facts: _created(facts),
    EventType.SCENARIO_CLONED: lambda _, facts: f"{_created(facts)}, copied from {facts.get('parent')}",
}


def _created(facts: Mapping[str, Any]) -> str:
    by = f" by study {facts['study']}" if facts.get("study") else ""
    return f"Scenario created{by} with {counted(len(facts.get('overrides') or ()), 'override')}"
