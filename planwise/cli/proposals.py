"""`planwise propose`, `approve`, `reject`, `request-changes`, `comment`, `withdraw`, `proposals`."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from planwise.app.proposals import ProposeRequest, decide, list_proposals
from planwise.app.proposals import propose as submit
from planwise.cli.options import Home, Json
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.formatting import count, counted, in_currency, money
from planwise.governance.proposals import Decision, ReleaseProposal, Status

Number = Annotated[int, Parameter(help="Number of a proposal; see `planwise proposals`.")]
Comment = Annotated[str, Parameter(help="A comment that stays with the proposal.")]


def propose(
    request: Annotated[ProposeRequest, Parameter(name="*")], home: Home = None, json: Json = False
) -> None:
    """Put a scenario's published result up for approval; it is bound to exactly what was simulated."""
    made = submit(settings_for(home), request)
    if json:
        emit_json(made.as_json())
        return
    show(made)
    progress().print(f"Next: another person approves it: planwise approve {made.id} --as NAME")


def approve(proposal: Number, /, *, comment: Comment = "", home: Home = None, json: Json = False) -> None:
    """Approve a proposal; neither its author nor the one who submitted it may."""
    _decide(proposal, Decision.APPROVED, comment, home, json=json)


def reject(proposal: Number, /, *, comment: Comment = "", home: Home = None, json: Json = False) -> None:
    """Reject a proposal for good."""
    _decide(proposal, Decision.REJECTED, comment, home, json=json)


def request_changes(
    proposal: Number, /, *, comment: Comment = "", home: Home = None, json: Json = False
) -> None:
    """Send a proposal back; after the changes it is proposed again."""
    _decide(proposal, Decision.REQUESTED_CHANGES, comment, home, json=json)


def comment(proposal: Number, text: str, /, *, home: Home = None, json: Json = False) -> None:
    """Comment on a proposal.

    Parameters
    ----------
    text
        The comment.

    """
    _decide(proposal, Decision.COMMENTED, text, home, json=json)


def withdraw(proposal: Number, /, *, comment: Comment = "", home: Home = None, json: Json = False) -> None:
    """Take a proposal back before it is released."""
    _decide(proposal, Decision.WITHDRAWN, comment, home, json=json)


def proposals(*, home: Home = None, json: Json = False) -> None:
    """List proposals, newest first; those whose scenario has changed since are voided, and say why."""
    found = list_proposals(settings_for(home))
    if json:
        emit_json({"proposals": [proposal.as_json() for proposal in found]})
        return
    table = Table("proposal", "scenario", "status", "approvals", "submitted by", "on", "remark", **PLAIN)
    for one in found:
        approvals = f"{len(one.approvals)} of {one.approvals_needed}"
        expiry = f"until {one.expires_at:%Y-%m-%d}" if one.expires_at else ""
        remark = one.closed_reason or (expiry if one.status is Status.APPROVED else "")
        cells = (
            one.scenario,
            one.status,
            approvals,
            one.submitted_by,
            f"{one.submitted_at:%Y-%m-%d}",
            remark,
        )
        table.add_row(str(one.id), *map(Text, cells))
    results().print(table if found else "No proposals yet: planwise propose SCENARIO")


def show(proposal: ReleaseProposal) -> None:
    """Print a proposal with its impact and risk."""
    with in_currency(proposal.binding["census"].get("currency")):
        _print(proposal)


def _print(proposal: ReleaseProposal) -> None:
    impact = proposal.assessment
    left = proposal.approvals_needed - len(proposal.approvals)
    more = f", {counted(left, 'approval')} needed" if left > 0 else ""
    lines = [
        f"Proposal {proposal.id}: {proposal.scenario}, {proposal.status}{more}.",
        f"Cost: {_figure(impact, 'cost', money)}; people: {_figure(impact, 'employees', count)}; "
        f"risk of the change {impact['risk']['level'] or 'not measured'}, impact {impact['impact_class']}.",
        f"Bound to fingerprint {proposal.fingerprint}.",
    ]
    for line in lines:
        results().print(line, markup=False, soft_wrap=True)


def _figure(impact: Mapping[str, Any], name: str, write: Callable[[float], str]) -> str:
    figure = impact["effects"][name]
    return f"not measured ({figure['why']})" if figure["value"] is None else write(figure["value"])


def _decide(number: int, decision: Decision, comment: str, home: Home, *, json: bool) -> None:
    proposal = decide(settings_for(home), number, decision, comment)
    if json:
        emit_json(proposal.as_json())
        return
    show(proposal)
    if proposal.status is Status.APPROVED:
        progress().print(f"Next: planwise release {number} --as NAME")
