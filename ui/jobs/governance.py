"""What a user decides: proposals, releases, actuals. The core checks the role."""

import csv
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from planwise.errors import PlanWiseError
from planwise.governance import open_ledger
from planwise.governance.permissions import Action
from planwise.governance.proposals import Decision, ReleaseProposal
from planwise.governance.publications import PROD
from planwise.governance.roles import acting_as
from planwise.jobs import Job, JobKind, JobReader, State
from planwise.settings import Settings
from ui.jobs.uploads import Upload
from ui.queries.comparisons import written
from ui.values.user import User

if TYPE_CHECKING:  # they bring SQLMesh and DuckDB, which take seconds
    from planwise.app.monitor import MonitorReport
    from planwise.app.release import ReleaseReport
    from planwise.release.releases import Checkpoint

LOG = logging.getLogger("planwise.ui")
POLL_SECONDS = 0.3


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
    """Release, roll back and record actuals; raises PlanWiseError. What takes the warehouse takes seconds.

    A release or rollback is a job, which `start` starts: it goes on when the browser or the dashboard ends.
    """

    def __init__(self, settings: Settings, user: User, start: Callable[..., Job]) -> None:
        self._settings = settings
        self._user = user
        self._start = start

    def release(self, proposal: int, *, apply: bool) -> "ReleaseReport":
        """Release an approved proposal, or with `apply` false return what that would change."""
        from planwise.app.release import ReleaseRequest, release

        return self._change(JobKind.RELEASE, release, ReleaseRequest(proposal=proposal, apply=apply))

    def rollback(self, checkpoint: str, *, apply: bool) -> "ReleaseReport":
        """Put a checkpoint in force again, or with `apply` false return what that would change."""
        from planwise.app.release import RollbackRequest, rollback

        return self._change(JobKind.ROLLBACK, rollback, RollbackRequest(checkpoint=checkpoint, apply=apply))

    def _change(self, kind: JobKind, use_case: Callable[..., Any], request: Any) -> "ReleaseReport":
        from planwise.app.runner import InProcessRunner, title_of

        if not request.apply:
            with self._acting():
                report: ReleaseReport = use_case(self._settings, request, InProcessRunner(LOG.info))
                return report
        stored = request.model_dump(mode="json")
        return self._report(self._ended(self._start(kind, stored, title=title_of(kind, stored))))

    def _ended(self, job: Job) -> Job:
        """Return a job once it has ended; raises PlanWiseError unless it is done."""
        jobs = JobReader(self._settings)
        while not job.ended:
            time.sleep(POLL_SECONDS)
            job = jobs.get(job.id)
        if job.error is not None:
            raise PlanWiseError(job.error.what, remedy=job.error.remedy)
        if job.state is not State.DONE:
            raise PlanWiseError(f"{job.title}: {job.state}.", remedy="See the page Run, and start it again.")
        return job

    def _report(self, job: Job) -> "ReleaseReport":
        """Return what a job put in force, as the ledger has it."""
        from planwise.app.release import ReleaseReport
        from planwise.release.releases import Releases

        result = job.result or {}
        with open_ledger(self._settings) as ledger:
            made = next(one for one in Releases(ledger).list() if one.id == result.get("release"))
        return ReleaseReport(
            change=made,
            applied=bool(result["applied"]),
            checkpoint=made.checkpoint,
            models_reused=int(result["models_reused"]),
            seconds=float(result["seconds"]),
            gate=None,
            recovered=str(result["recovered"]),
        )

    def checkpoints(self) -> "tuple[tuple[Checkpoint, ...], str]":
        """Return what can be rolled back to, and what was finished or undone of an interrupted change."""
        from planwise.app.checkpoints import list_checkpoints

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
