"""Proposals and their decision records, read from the ledger."""

from collections.abc import Sequence

from planwise.governance import open_ledger
from planwise.governance.proposals import OPEN, ReleaseProposal
from planwise.release.releases import Releases
from planwise.settings import Settings
from ui.values.proposals import OpenedProposal, change_since


class ApprovalReader:
    """Reads the proposals of one home; blocking, so to be called on a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def list(self) -> Sequence[ReleaseProposal]:
        """Return all proposals, newest first; those that are no longer valid are ended."""
        from planwise.app.proposals import list_proposals  # brings DuckDB, which takes half a second

        return list_proposals(self._settings)

    def open(self, proposal: ReleaseProposal) -> OpenedProposal:
        """Return a proposal with its decision record."""
        from planwise.papers.proposals import proposal_paper

        with open_ledger(self._settings) as ledger:
            head, titles = ledger.events.head(), ledger.scenarios.titles()
            changed = change_since(proposal, Releases(ledger).list())
        paper = proposal_paper(self._settings, proposal, head, "decision", titles)
        return OpenedProposal(proposal, paper, changed)

    def open_of(
        self, scenario: str, proposals: Sequence[ReleaseProposal] | None = None
    ) -> ReleaseProposal | None:
        """Return the open proposal of a scenario, of these or of all; None without one."""
        found = self.list() if proposals is None else proposals
        return next((one for one in found if one.scenario == scenario and one.status in OPEN), None)
