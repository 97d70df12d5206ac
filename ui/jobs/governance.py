"""What a user decides: proposals, releases, actuals. The core checks the role."""

import csv
import logging
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planwise.governance.permissions import Action
from planwise.governance.proposals import Decision, ReleaseProposal
from planwise.governance.publications import PROD
from planwise.governance.roles import acting_as
from planwise.settings import Settings
from ui.jobs.uploads import Upload
from ui.queries.comparisons import written
from ui.values.user import User

if TYPE_CHECKING:  # they bring SQLMesh and DuckDB, which take seconds
    from planwise.app.monitor import MonitorReport
    from planwise.app.release import ReleaseReport
    from planwise.release.releases import Checkpoint

LOG = logging.getLogger("planwise.ui")


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


class ReleaseActions:
    """Release, roll back and record actuals; raises PlanWiseError. What takes the warehouse takes seconds."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user

    def release(self, proposal: int, *, apply: bool) -> "ReleaseReport":
        """Release an approved proposal, or with `apply` false return what that would change."""
        from planwise.app.release import ReleaseRequest, release
        from planwise.app.runner import InProcessRunner

        with self._acting():
            return release(
                self._settings, ReleaseRequest(proposal=proposal, apply=apply), InProcessRunner(LOG.info)
            )

    def rollback(self, checkpoint: str, *, apply: bool) -> "ReleaseReport":
        """Put a checkpoint in force again, or with `apply` false return what that would change."""
        from planwise.app.release import RollbackRequest, rollback
        from planwise.app.runner import InProcessRunner

        with self._acting():
            request = RollbackRequest(checkpoint=checkpoint, apply=apply)
            return rollback(self._settings, request, InProcessRunner(LOG.info))

    def checkpoints(self) -> "tuple[tuple[Checkpoint, ...], str]":
        """Return what can be rolled back to, and what was finished or undone of an interrupted change."""
        from planwise.app.release import list_checkpoints

        with self._acting():
            return list_checkpoints(self._settings)

    def upload(self, name: str, size: int) -> Upload:
        """Return what takes the pieces of a file of actuals."""
        self._user.require(Action.MONITOR)
        return Upload(self._settings, name, size)

    def record_file(self, file: Path) -> "MonitorReport":
        """Compare the actuals of a file with the plan in force, and record what fires."""
        from planwise.app.monitor import MonitorRequest, monitor
        from planwise.app.runner import InProcessRunner

        with self._acting():
            return monitor(self._settings, MonitorRequest(actuals=file), InProcessRunner(LOG.info))

    def record(self, on: str, figures: Sequence[tuple[str, str]]) -> "MonitorReport":
        """Do so with the figures of a form, as typed, by metric."""
        with tempfile.TemporaryDirectory(prefix="planwise-") as folder:
            file = Path(folder) / "form.csv"
            with file.open("w", newline="", encoding="utf-8") as opened:
                rows = csv.writer(opened)
                rows.writerow(("date", "metric", "value"))
                rows.writerows((on, metric, value) for metric, value in figures)
            return self.record_file(file)

    def increases(self, suffix: str) -> bytes:
        """Return the increase list of the plan in force, csv or xlsx."""
        from planwise.app.papers import IncreasesRequest, list_increases

        with self._acting():
            return written(
                lambda file: list_increases(self._settings, IncreasesRequest(scenario=PROD, output=file)),
                suffix,
            )

    def _acting(self) -> AbstractContextManager[None]:
        return acting_as(self._user.name, self._user.role)
