"""Every change that a user of the dashboard can make: jobs, payroll files, censuses, scenarios, learning."""

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from planwise.errors import Busy, InputError
from planwise.formatting import counted
from planwise.governance import Ledger, Scenario, open_ledger, years_of
from planwise.governance.permissions import Action
from planwise.governance.roles import acting_as
from planwise.jobs import Job, JobKind, JobReader, folder_of, job_folders, new_job
from planwise.jobs.reader import remove_old_jobs
from planwise.jobs.writer import is_working
from planwise.parameters import Value, canonical_overrides, merged_overrides
from planwise.settings import Settings
from planwise.storage import write_json
from ui.jobs.deployments import DEPLOYED, FOLLOWER
from ui.jobs.governance import ProposalActions, ReleaseActions
from ui.jobs.routes import PREFECT, PROCESSES, Route
from ui.jobs.uploads import Upload
from ui.queries.learning import LearningReader, progress_file
from ui.values.learning import LearningProgress, Module
from ui.values.matches import NameToCheck
from ui.values.user import User

if TYPE_CHECKING:  # it brings pandas
    from planwise.enrichment.decisions import MatchDecision

QUEUE_MAX = 20  # each is a process, even while it waits
BRIEF_MAX = 3  # plans and checks at once: each takes a processor for some seconds


class JobActions:
    """Start jobs in worker processes or as deployments; raises PlanWiseError for invalid requests."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user
        FOLLOWER.ensure(settings)

    def where(self, kind: str) -> Route:
        """Return where a job of this kind would run now."""
        return DEPLOYED.route(JobKind(kind))

    def start(self, kind: str, request: Mapping[str, Any], *, title: str) -> Job:
        """Start a job and return it; its process does not depend on the dashboard.

        `request` is that of the flow of this kind. Raises InputError if the role may not start it or the same
        request is running, Busy if too many jobs wait.
        """
        what = JobKind(kind)
        self._user.require(_action_of(what))
        PROCESSES.reap()
        self._require_capacity(what, request)
        remove_old_jobs(self._settings)
        route = self.where(kind)
        folder = new_job(
            self._settings, what, request, title=title, started_by=self._user.name, role=self._user.role
        )
        if route.by == PREFECT:
            DEPLOYED.start(folder, route)
            FOLLOWER.ensure(self._settings)
        else:
            PROCESSES.start(self._settings, folder, route)
        return JobReader(self._settings).get(folder.id)

    def cancel(self, job: str) -> None:
        """Request cancellation of a job, which takes up to ten seconds; a job that has ended is not changed.

        Raises PrefectAway if its server does not respond; the flow run still stops when it reads the request.
        """
        self._user.require(Action.RUN)
        folder = folder_of(self._settings, job)
        if not folder.kind.is_census:
            self._user.require(_action_of(folder.kind))
        if not folder.has_ended:
            folder.request_cancel(self._user.name)
            DEPLOYED.cancel(folder)
            FOLLOWER.ensure(self._settings)

    def _require_capacity(self, kind: JobKind, request: Mapping[str, Any]) -> None:
        folders = job_folders(self._settings)
        if kind.is_brief:
            if sum(f.kind.is_brief and f.is_locked for f in folders) >= BRIEF_MAX:
                raise Busy(
                    "Other plans are being computed, or files checked.", remedy="Try again in a moment."
                )
            return
        working = [folder for folder in folders if is_working(folder)]
        if len(working) >= QUEUE_MAX:
            raise Busy(
                f"{counted(len(working), 'job is', 'jobs are')} running or waiting.",
                remedy="Wait for some to end, or cancel them.",
            )
        reader = JobReader(self._settings)
        for job in (reader.get(folder.id) for folder in working):
            if job.kind is kind and dict(job.request) == dict(request):
                raise InputError(
                    f"The same job is running: {job.title}, started by {job.started_by}.",
                    remedy="Follow that job, or cancel it first.",
                )


def _action_of(kind: JobKind) -> Action:
    """Return what the role of the person who starts a job must allow."""
    match kind:
        case JobKind.RELEASE | JobKind.ROLLBACK:
            return Action.RELEASE
        case JobKind.MONITOR:
            return Action.MONITOR
        case JobKind.TITLES:
            return Action.RUN
    return Action.EDIT if kind.is_census else Action.RUN


WRITING = Lock()  # two tabs of one user may write at once


class LearningActions:
    """Write the learning progress of one user; every role may."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user

    def answer(self, answers: Mapping[str, int]) -> LearningProgress:
        """Save the answers of the readiness check; raises InputError if they cannot be saved."""
        with WRITING:
            return self._keep(LearningProgress(dict(answers), self._now().checked))

    def check(self, module: Module, choice: int) -> LearningProgress:
        """Save a module as done if the answer is right; a wrong answer changes nothing."""
        with WRITING:
            now = self._now()
            if choice != module.check.answer or module.key in now.checked:
                return now
            day = datetime.now(UTC).date().isoformat()
            return self._keep(LearningProgress(now.answers, {**now.checked, module.key: day}))

    def restart(self) -> LearningProgress:
        """Delete answers and completed modules."""
        with WRITING:
            return self._keep(LearningProgress())

    def _now(self) -> LearningProgress:
        return LearningReader(self._settings).progress(self._user.name)

    def _keep(self, progress: LearningProgress) -> LearningProgress:
        file = progress_file(self._settings, self._user.name)
        kept = {"user": self._user.name, "answers": progress.answers, "checked": progress.checked}
        try:
            write_json(file, kept)
        except OSError as error:
            raise InputError(
                f"Your progress cannot be saved in {file}: {error.strerror}.",
                remedy="Free space or change the folder's permissions, then answer again.",
            ) from error
        return progress


class ScenarioActions:
    """Write scenarios to the ledger; raises InputError or, while another process writes, Busy."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user

    def save(
        self,
        name: str,
        *,
        base: str,
        changes: Mapping[str, object],
        description: str = "",
        title: str = "",
    ) -> Scenario:
        """Store a new scenario: the overrides of `base` with the changes on top."""
        self._user.require(Action.EDIT)
        with self._ledger() as ledger:
            original = ledger.scenarios.get(base)
            wanted = canonical_overrides(changes)
            years = self._years(original.census, merged_overrides(original.overrides, wanted))
            texts = {"description": description, "title": title}
            return ledger.scenarios.clone(base, name, wanted, years=years, **texts)

    def update(self, name: str, changes: Mapping[str, object], *, seen: Mapping[str, Value]) -> Scenario:
        """Add changes to a scenario's overrides; raises InputError if these differ from `seen`."""
        self._user.require(Action.EDIT)
        with self._ledger() as ledger:
            original = ledger.scenarios.get(name)
            wanted = canonical_overrides(changes)
            years = self._years(original.census, merged_overrides(original.overrides, wanted))
            return ledger.scenarios.set(name, wanted, seen=seen, years=years)

    def retitle(self, name: str, title: str) -> str:
        """Give a scenario another title, empty for none; return it on one line."""
        self._user.require(Action.EDIT)
        with self._ledger() as ledger:
            return ledger.scenarios.set(name, title=title).title

    def delete(self, name: str) -> None:
        """Delete a scenario's definition; its published results are kept."""
        self._user.require(Action.EDIT)
        with self._ledger() as ledger:
            ledger.scenarios.delete(name)

    def archive(self, name: str, *, restore: bool = False) -> None:
        """Take a scenario off the lists, or put it back."""
        self._user.require(Action.EDIT)
        with self._ledger() as ledger:
            ledger.scenarios.archive(name, restore=restore)

    def keep_trial(
        self, study: str, number: int, name: str, description: str = "", *, allow_risk: bool = False
    ) -> Scenario:
        """Store a study's trial as a scenario."""
        self._user.require(Action.EDIT)
        from planwise.study.scenario_from_trial import promote_trial  # Optuna is slow to import

        with acting_as(self._user.name, self._user.role):
            return promote_trial(
                self._settings,
                study,
                number,
                name,
                description=description or None,
                allow_risk=allow_risk,
            )

    def _ledger(self) -> Ledger:
        return open_ledger(self._settings, actor=self._user.name, role=self._user.role)

    def _years(self, census: str | None, overrides: Mapping[str, Value]) -> tuple[int, ...]:
        from planwise.census import load_census

        return years_of(overrides, load_census(self._settings, census).first_year)


class CensusActions:
    """Take payroll files and change censuses; raises InputError unless the role may."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user

    def upload(self, name: str, size: int) -> Upload:
        """Return what takes the pieces of a payroll file; also raises MachineError."""
        self._user.require(Action.EDIT)
        return Upload(self._settings, name, size)

    def found(self, upload: Upload) -> dict[str, Any]:
        """Return what the last check found; without the right to see single people's pay, no cells."""
        self._user.require(Action.EDIT)
        from planwise.app.check_census import CHECK_FILE, found_folder

        file = found_folder(upload.file) / CHECK_FILE
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if not self._user.can_see_individual_pay:
            found["sample"] = []
            for header in found["headers"]:
                header["examples"] = []
        return found

    def rejects(self, upload: Upload) -> bytes:
        """Return the rows that the last check rejected, as CSV."""
        self._user.require(Action.EDIT)
        self._user.require(Action.SEE_PAY)
        from planwise.app.check_census import found_folder

        return (found_folder(upload.file) / "rejects.csv").read_bytes()

    def mapping(self, text: str) -> dict[str, Any]:
        """Return the mapping that a YAML text states; raises InputError naming the key."""
        from planwise.census.mapping import mapping_of_text

        return mapping_of_text(text).model_dump(mode="json", exclude_defaults=True)

    def free_name(self, file: str) -> str:
        """Return the name of the census that a file gives."""
        from planwise.census.registry import name_from

        return name_from(Path(file))

    def use(self, name: str) -> None:
        """Put a census in use."""
        self._user.require(Action.EDIT)
        from planwise.app.censuses import use_census

        with self._acting():
            use_census(self._settings, name)

    def rename_levels(self, name: str, names: Mapping[int, str]) -> None:
        """Give the levels of a census other names."""
        self._user.require(Action.EDIT)
        from planwise.app.censuses import rename_levels

        with self._acting():
            rename_levels(self._settings, name, names)

    def set_ranges(
        self,
        name: str,
        ranges: Mapping[int, tuple[float, float]],
        *,
        given: bool = True,
        seen: str | None = None,
    ) -> str:
        """Give the levels of a census other pay ranges; return the hash of its content then."""
        self._user.require(Action.EDIT)
        from planwise.app.censuses import set_ranges

        with self._acting():
            return set_ranges(self._settings, name, ranges, given=given, seen=seen).content_hash

    def deletion(self, name: str) -> str:
        """Return what deleting a census removes; raises InputError while it is needed."""
        self._user.require(Action.EDIT)
        from planwise.app.deletion import census_deletion

        return str(census_deletion(self._settings, name))

    def delete(self, name: str) -> None:
        """Delete a census; raises InputError while it is needed."""
        self._user.require(Action.EDIT)
        from planwise.app.censuses import delete_census
        from planwise.app.deletion import census_deletion

        with self._acting():
            delete_census(self._settings, census_deletion(self._settings, name))

    def _acting(self) -> AbstractContextManager[None]:
        return acting_as(self._user.name, self._user.role)


class MatchActions:
    """Decide what names are; raises InputError, and Forbidden unless the role may."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user

    def decide(
        self, name: NameToCheck, matching: str, entry: str | None, called: str | None = None
    ) -> "MatchDecision":
        """Record that a name is the entry of this id, called so; None: nothing in the reference is it."""
        self._user.require(Action.EDIT)
        from planwise.app.match_decisions import decide_match
        from planwise.enrichment.decisions import MatchDecision

        decision = MatchDecision(matching, name.name, name.city, name.state, entry, called)
        with acting_as(self._user.name, self._user.role):
            return decide_match(self._settings, decision)


class Actions:
    """The actions of one user, by subject; created for each session, without open resources."""

    def __init__(self, settings: Settings, user: User) -> None:
        self.jobs = JobActions(settings, user)
        self.censuses = CensusActions(settings, user)
        self.learning = LearningActions(settings, user)
        self.matches = MatchActions(settings, user)
        self.proposals = ProposalActions(settings, user)
        self.releases = ReleaseActions(settings, user, self.jobs.start)
        self.scenarios = ScenarioActions(settings, user)
