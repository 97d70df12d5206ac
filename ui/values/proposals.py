"""A proposal as a page shows it: what its user may do, its figures and the tables behind them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from planwise.formatting import count, counted, money_short
from planwise.governance.permissions import Action
from planwise.governance.proposals import ACTIONS, OPEN, Decision, ReleaseProposal, Status, refusal
from ui.values.user import User

if TYPE_CHECKING:  # it brings DuckDB, which takes half a second
    from planwise.papers.layout import Paper
    from planwise.release.releases import Release


@dataclass(frozen=True)
class DecisionButton:
    """What one button does; `needs_comment` where the others have to know why."""

    decision: Decision
    label: str
    needs_comment: bool = False


BUTTONS = (
    DecisionButton(Decision.APPROVED, "Approve"),
    DecisionButton(Decision.REJECTED, "Reject", needs_comment=True),
    DecisionButton(Decision.REQUESTED_CHANGES, "Request changes", needs_comment=True),
    DecisionButton(Decision.COMMENTED, "Comment", needs_comment=True),
    DecisionButton(Decision.WITHDRAWN, "Withdraw"),
)


def refused(proposal: ReleaseProposal, decision: Decision, user: User) -> str:
    """Return why the user may not do this; empty when nothing forbids it."""
    if why := user.why_not(ACTIONS[decision]):
        return why
    found = refusal(proposal, decision, user.name)
    return "" if found is None else found.what


def why_not_propose(user: User) -> str:
    """Return why the user may not propose a scenario; empty when the role allows it."""
    return user.why_not(Action.PROPOSE)


def waits_for(proposal: ReleaseProposal, user: User) -> bool:
    """Whether a proposal waits for this user's decision."""
    return not refused(proposal, Decision.APPROVED, user)


def state_of(proposal: ReleaseProposal) -> str:
    """Return what a proposal waits for, or why it ended."""
    if proposal.status is Status.SUBMITTED:
        missing = proposal.approvals_needed - len(proposal.approvals)
        return f"{counted(missing, 'more approval')} needed"
    if proposal.status is Status.APPROVED and proposal.expires_at is not None:
        return f"to be released by {proposal.expires_at:%Y-%m-%d}"
    return proposal.closed_reason


def figure(proposal: ReleaseProposal, name: str) -> float | None:
    """Return a measured effect; None where it could not be measured."""
    value: float | None = proposal.assessment["effects"][name]["value"]
    return value


def figure_text(proposal: ReleaseProposal, name: str) -> str:
    """Return a measured effect as a text, money with its sign."""
    value = figure(proposal, name)
    if value is None:
        return "not measured"
    return count(value) if name == "employees" else money_short(value, sign=True)


COLUMNS = ("id", "scenario", "status", "approvals", "cost", "employees", "risk", "by", "on", "remark")


def frame_of(proposals: Sequence[ReleaseProposal], called: Callable[[str], str]) -> pd.DataFrame:
    """Return one row per proposal, with what its scenario is called."""
    rows = [
        {
            "id": one.id,
            "scenario": called(one.scenario),
            "status": str(one.status),
            "approvals": f"{len(one.approvals)} of {one.approvals_needed}",
            "cost": figure(one, "cost"),
            "employees": figure(one, "employees"),
            "risk": one.assessment["risk"]["level"] or "not measured",
            "by": one.submitted_by,
            "on": one.submitted_at,
            "remark": state_of(one),
        }
        for one in proposals
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def change_since(proposal: ReleaseProposal, releases: Iterable["Release"]) -> "Release | None":
    """Return the last change of what is in force since an open proposal was measured against it."""
    if proposal.status not in OPEN:
        return None
    later = [
        one
        for one in releases
        if one.state == "done" and one.ended_at is not None and one.ended_at > proposal.submitted_at
    ]
    return max(later, key=lambda one: one.id, default=None)


@dataclass(frozen=True)
class OpenedProposal:
    """A proposal with its decision record, and the change of what is in force that it does not know."""

    proposal: ReleaseProposal
    paper: "Paper"
    changed: "Release | None" = None

    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Return the exact figures behind the record's sections, by their title's first word."""
        found = self.proposal.assessment
        frames = {
            "What": pd.DataFrame(found["levers"]),
            "Risk": pd.DataFrame(found["risk"]["report"]["factors"]),
        }
        if found["costs"] is not None:
            frames["Cost"] = pd.DataFrame(list(_costs(found["costs"]["years"])))
            frames["People"] = pd.DataFrame(found["people"]["groups"])
        return frames


def _costs(years: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for year in years:
        yield {"simulation_year": year["simulation_year"], **year["payroll"]}
