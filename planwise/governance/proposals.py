"""Proposals: a scenario put up for approval, bound to what was approved; decisions and comments."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, insert, select, update

from planwise.errors import InputError
from planwise.governance.chain import Events, EventType
from planwise.governance.connection import reading, writing
from planwise.governance.models import ProposalRow, ReviewRow
from planwise.governance.permissions import Action, Forbidden

TABLE = ProposalRow.__table__
REVIEWS = ReviewRow.__table__
VALID_DAYS = 30  # of an approval
PARTS: Mapping[str, str] = {
    "scenario": "the scenario is no longer what was proposed",
    "parameters": "a lever or assumption has changed",
    "census": "the census has changed",
    "models": "a file of the models has changed",
    "code": "PlanWise has another version",
    "gate": "the gate's result has changed",
    "fingerprint": "the published result is another one",
}


class Status(StrEnum):
    """Where a proposal is."""

    SUBMITTED = "submitted"
    CHANGES_REQUESTED = "changes requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"
    EXPIRED = "expired"
    RELEASED = "released"


class Decision(StrEnum):
    """What is done to a proposal; the value is how the audit trail names it."""

    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    REQUESTED_CHANGES = "REQUESTED_CHANGES"
    COMMENTED = "COMMENTED"
    WITHDRAWN = "WITHDRAWN"
    VOIDED = "VOIDED"
    EXPIRED = "EXPIRED"
    RELEASED = "RELEASED"


OPEN = (Status.SUBMITTED, Status.APPROVED)  # those that a change of what they are bound to voids
AFTER: Mapping[Decision, Status] = {
    Decision.REJECTED: Status.REJECTED,
    Decision.REQUESTED_CHANGES: Status.CHANGES_REQUESTED,
    Decision.WITHDRAWN: Status.WITHDRAWN,
    Decision.VOIDED: Status.VOIDED,
    Decision.EXPIRED: Status.EXPIRED,
    Decision.RELEASED: Status.RELEASED,
}
ACTIONS: Mapping[Decision, Action] = {
    Decision.APPROVED: Action.APPROVE,
    Decision.REJECTED: Action.APPROVE,
    Decision.REQUESTED_CHANGES: Action.APPROVE,
    Decision.WITHDRAWN: Action.PROPOSE,
    Decision.COMMENTED: Action.READ,
    Decision.RELEASED: Action.RELEASE,
}


@dataclass(frozen=True)
class Review:
    """One decision or comment."""

    action: Decision
    by: str
    at: datetime
    comment: str


@dataclass(frozen=True)
class ReleaseProposal:
    """A proposal; `binding` is what must not change, by part, and `assessment` its risk and impact."""

    id: int
    scenario: str
    status: Status
    binding: Mapping[str, Any]
    authors: tuple[str, ...]
    submitted_by: str
    submitted_at: datetime
    rationale: str
    study: str | None
    assessment: Mapping[str, Any]
    approvals_needed: int
    expires_at: datetime | None
    closed_reason: str
    reviews: tuple[Review, ...]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the published result that is proposed."""
        return str(self.binding["fingerprint"])

    @property
    def approvals(self) -> tuple[Review, ...]:
        """The approvals so far."""
        return tuple(review for review in self.reviews if review.action is Decision.APPROVED)

    def as_json(self) -> dict[str, Any]:
        """Return the proposal as one object."""
        return {
            "proposal": self.id,
            **{name: value for name, value in vars(self).items() if name not in ("id", "assessment")},
            "fingerprint": self.fingerprint,
            "reviews": [vars(review) for review in self.reviews],
            "impact": {key: value for key, value in self.assessment.items() if key != "risk"},
            "risk": self.assessment.get("risk"),
        }


class Proposals:
    """Submit, read and decide on proposals; each step is an event in the same transaction."""

    def __init__(
        self,
        engine: Engine,
        *,
        actor: str,
        clock: Callable[[], datetime],
        events: Events,
        require: Callable[[Action], None],
    ) -> None:
        self._engine = engine
        self._actor = actor
        self._clock = clock
        self._events = events
        self._require = require

    def submit(
        self,
        scenario: str,
        *,
        binding: Mapping[str, Any],
        authors: Collection[str],
        assessment: Mapping[str, Any],
        approvals_needed: int,
        rationale: str = "",
        study: str | None = None,
    ) -> ReleaseProposal:
        """Submit a scenario; raises InputError while another proposal of it is open."""
        self._require(Action.PROPOSE)
        values = {
            "scenario": scenario,
            "status": Status.SUBMITTED,
            "binding": dict(binding),
            "authors": sorted(set(authors)),
            "submitted_by": self._actor,
            "submitted_at": self._clock(),
            "rationale": rationale,
            "study": study,
            "assessment": dict(assessment),
            "approvals_needed": approvals_needed,
        }
        with writing(self._engine) as connection:
            query = select(TABLE.c.id).where(TABLE.c.scenario == scenario, TABLE.c.status.in_(OPEN))
            if (other := connection.execute(query).scalar()) is not None:
                raise InputError(
                    f"The scenario {scenario} is proposed already (proposal {other}).",
                    remedy=f"Decide on it first, or withdraw it: `planwise withdraw {other}`.",
                )
            stored = connection.execute(insert(ProposalRow).values(values).returning(TABLE.c.id))
            number = stored.scalar_one()
            self._record(connection, number, scenario, Decision.SUBMITTED, rationale, binding)
            return _get(connection, number)

    def get(self, number: int) -> ReleaseProposal:
        """Return a proposal; raises InputError for an unknown one."""
        with reading(self._engine) as connection:
            return _get(connection, number)

    def list(self, *, open_only: bool = False) -> list[ReleaseProposal]:
        """Return the proposals, newest first."""
        query = select(TABLE.c.id).order_by(TABLE.c.id.desc())
        query = query.where(TABLE.c.status.in_(OPEN)) if open_only else query
        with reading(self._engine) as connection:
            return [_get(connection, number) for number in connection.execute(query).scalars().all()]

    def decide(
        self, number: int, decision: Decision, comment: str = "", *, connection: Connection | None = None
    ) -> ReleaseProposal:
        """Approve, reject, request changes, comment, withdraw or release; return the proposal after it.

        Raises Forbidden for a role that may not, and for the author or submitter who would approve, and
        InputError for a proposal that is not open.
        """
        self._require(ACTIONS[decision])
        if connection is not None:
            return self._decide(connection, number, decision, comment)
        with writing(self._engine) as own:
            return self._decide(own, number, decision, comment)

    def void(self, number: int, reason: str) -> ReleaseProposal:
        """End an open proposal because what it is bound to has changed."""
        return self._end(number, Decision.VOIDED, reason)

    def expire(self, number: int) -> ReleaseProposal:
        """End an approval whose time is over."""
        return self._end(number, Decision.EXPIRED, f"not released within {VALID_DAYS} days of its approval")

    def require_releasable(self, number: int) -> ReleaseProposal:
        """Return a proposal that may be released; raises InputError for another, with its state."""
        proposal = self.get(number)
        if proposal.status is not Status.APPROVED:
            missing = proposal.approvals_needed - len(proposal.approvals)
            why = f": {proposal.closed_reason}" if proposal.closed_reason else ""
            more = f" (approvals still needed: {missing})" if proposal.status is Status.SUBMITTED else why
            raise InputError(
                f"Proposal {number} is {proposal.status}{more}; only an approved one is released.",
                remedy="See `planwise proposals`; propose the scenario again if it is closed.",
            )
        if proposal.expires_at is not None and self._clock() > proposal.expires_at:
            self.expire(number)
            raise InputError(
                f"The approval of proposal {number} expired on {proposal.expires_at:%Y-%m-%d}.",
                remedy=f"Propose it again: `planwise propose {proposal.scenario}`.",
            )
        return proposal

    def _end(self, number: int, decision: Decision, reason: str) -> ReleaseProposal:
        with writing(self._engine) as connection:
            proposal = _get(connection, number, to_change=True)
            if proposal.status not in OPEN:
                return proposal
            return self._close(connection, proposal, decision, reason)

    def _decide(
        self, connection: Connection, number: int, decision: Decision, comment: str
    ) -> ReleaseProposal:
        proposal = _get(connection, number, to_change=True)
        if (refused := refusal(proposal, decision, self._actor)) is not None:
            raise refused
        self._keep_review(connection, number, decision, comment)
        self._record(connection, number, proposal.scenario, decision, comment, proposal.binding)
        if decision in AFTER:
            closed = {"status": AFTER[decision], "closed_reason": comment}
            connection.execute(update(ProposalRow).where(ProposalRow.id == number).values(closed))
        elif decision is Decision.APPROVED and len(proposal.approvals) + 1 >= proposal.approvals_needed:
            approved = {
                "status": Status.APPROVED,
                "expires_at": self._clock() + timedelta(days=VALID_DAYS),
            }
            connection.execute(update(ProposalRow).where(ProposalRow.id == number).values(approved))
        return _get(connection, number)

    def _close(
        self, connection: Connection, proposal: ReleaseProposal, decision: Decision, reason: str
    ) -> ReleaseProposal:
        self._keep_review(connection, proposal.id, decision, reason)
        self._record(connection, proposal.id, proposal.scenario, decision, reason, proposal.binding)
        values = {"status": AFTER[decision], "closed_reason": reason}
        connection.execute(update(ProposalRow).where(ProposalRow.id == proposal.id).values(values))
        return _get(connection, proposal.id)

    def _keep_review(self, connection: Connection, number: int, decision: Decision, comment: str) -> None:
        values = {"proposal": number, "action": decision, "by": self._actor, "at": self._clock()}
        connection.execute(insert(ReviewRow).values({**values, "comment": comment}))

    def _record(
        self,
        connection: Connection,
        number: int,
        scenario: str,
        decision: Decision,
        comment: str,
        binding: Mapping[str, Any],
    ) -> None:
        payload = {
            "action": decision,
            "proposal": number,
            "comment": comment,
            "fingerprint": binding["fingerprint"],
        }
        self._events.record(
            EventType.APPROVAL_ACTION,
            scenario=scenario,
            subject=f"proposal {number}",
            payload=payload,
            connection=connection,
        )


def refusal(proposal: ReleaseProposal, decision: Decision, actor: str) -> InputError | None:
    """Return why this cannot be done to a proposal now by this person, whatever the role; None if it can."""
    is_open = proposal.status is Status.SUBMITTED
    if decision in (Decision.WITHDRAWN, Decision.RELEASED):
        is_open = proposal.status in OPEN
    if not is_open and decision is not Decision.COMMENTED:
        why = f": {proposal.closed_reason}" if proposal.closed_reason else ""
        return InputError(
            f"Proposal {proposal.id} is {proposal.status}{why}.", remedy="See `planwise proposals`."
        )
    if decision is not Decision.APPROVED:
        return None
    if actor in (*proposal.authors, proposal.submitted_by):
        did = "submitted" if actor == proposal.submitted_by else "wrote"
        return Forbidden(
            f"{actor} {did} proposal {proposal.id} and may not approve it.",
            remedy="Another person with the role approver has to.",
        )
    if actor in {review.by for review in proposal.approvals}:
        return Forbidden(
            f"{actor} has approved proposal {proposal.id} already.",
            remedy=f"It needs {proposal.approvals_needed} approvals by different people.",
        )
    return None


def changed_parts(binding: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Return which parts of a binding are not as they were, in words; empty for none.

    The values that can be shown are; of a part that is a table, the entries that differ.
    """
    found = []
    for part, text in PARTS.items():
        before, after = binding.get(part), now.get(part)
        if before == after:
            continue
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            keys = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
            found += [f"{text}: {key} {before.get(key)} is now {after.get(key)}" for key in keys]
        else:
            found.append(f"{text}: {_short(before)} is now {_short(after)}")
    return "; ".join(found)


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text[:12] if len(text) > HASH_SHOWN else text


HASH_SHOWN = 30


def _get(connection: Connection, number: int, *, to_change: bool = False) -> ReleaseProposal:
    query = select(TABLE).where(TABLE.c.id == number)
    row = connection.execute(query.with_for_update() if to_change else query).mappings().first()
    if row is None:
        raise InputError(f"There is no proposal {number}.", remedy="See `planwise proposals`.")
    reviews = connection.execute(
        select(REVIEWS).where(REVIEWS.c.proposal == number).order_by(REVIEWS.c.id)
    ).mappings()
    return _proposal(row, tuple(reviews))


def _proposal(row: RowMapping, reviews: Sequence[RowMapping]) -> ReleaseProposal:
    return ReleaseProposal(
        **{
            **row,
            "status": Status(row["status"]),
            "authors": tuple(row["authors"]),
            "reviews": tuple(
                Review(Decision(one["action"]), one["by"], one["at"], one["comment"]) for one in reviews
            ),
        }
    )
