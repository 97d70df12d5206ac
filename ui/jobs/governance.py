"""What a user decides: proposals and their papers. The core checks the role."""

from typing import Any

from planwise.governance.proposals import Decision, ReleaseProposal
from planwise.governance.roles import acting_as
from planwise.settings import Settings
from ui.queries.comparisons import written
from ui.values.user import User


class ProposalActions:
    """Propose scenarios and decide on proposals; raises PlanWiseError."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user

    def propose(self, scenario: str, rationale: str, study: str | None = None) -> ReleaseProposal:
        """Put a scenario's published result up for approval."""
        from planwise.app.proposals import ProposeRequest, propose

        with acting_as(self._user.name, self._user.role):
            return propose(
                self._settings, ProposeRequest(scenario=scenario, rationale=rationale, study=study)
            )

    def decide(self, number: int, decision: str, comment: str) -> ReleaseProposal:
        """Approve, reject, request changes, comment or withdraw."""
        from planwise.app.proposals import decide

        with acting_as(self._user.name, self._user.role):
            return decide(self._settings, number, Decision(decision), comment)

    def paper(self, number: int, kind: Any, suffix: str) -> bytes:
        """Return the decision record or the executive report of a proposal, pdf or html."""
        from planwise.app.papers import ProposalPaperRequest, write_proposal_paper

        with acting_as(self._user.name, self._user.role):
            return written(
                lambda file: write_proposal_paper(
                    self._settings, ProposalPaperRequest(proposal=number, kind=kind, output=file)
                ),
                suffix,
            )
