"""Every change that a user of the dashboard can make: jobs, scenarios, learning progress."""

from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from planwise.errors import Busy, InputError
from planwise.governance import Ledger, Scenario, open_ledger, years_of
from planwise.jobs import Job, JobKind, JobReader, folder_of, job_folders, new_job
from planwise.jobs.reader import remove_old_jobs
from planwise.jobs.writer import is_working
from planwise.parameters import Value, canonical_overrides, merged_overrides
from planwise.settings import Settings
from planwise.storage import write_json
from ui.jobs.deployments import DEPLOYED, FOLLOWER
from ui.jobs.routes import PREFECT, PROCESSES, Route
from ui.queries.learning import LearningReader, progress_file
from ui.values.learning import LearningProgress, Module
from ui.values.user import User

QUEUE_MAX = 20  # each is a process, even while it waits
PLANS_MAX = 3  # at once: each takes a processor for some seconds


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
        self._user.require_run("look at plans" if what is JobKind.PLAN else "start runs and studies")
        PROCESSES.reap()
        self._require_capacity(what, request)
        remove_old_jobs(self._settings)
        route = self.where(kind)
        folder = new_job(self._settings, what, request, title=title, started_by=self._user.name)
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
        self._user.require_run("cancel runs and studies")
        folder = folder_of(self._settings, job)
        if not folder.has_ended:
            folder.request_cancel(self._user.name)
            DEPLOYED.cancel(folder)
            FOLLOWER.ensure(self._settings)

    def _require_capacity(self, kind: JobKind, request: Mapping[str, Any]) -> None:
        folders = job_folders(self._settings)
        if kind is JobKind.PLAN:
            plans = [f for f in folders if f"-{JobKind.PLAN}-" in f.id and f.is_locked]
            if len(plans) >= PLANS_MAX:
                raise Busy("Other plans are being computed.", remedy="Try again in a moment.")
            return
        working = [folder for folder in folders if is_working(folder)]
        if len(working) >= QUEUE_MAX:
            raise Busy(
                f"{len(working)} jobs are running or waiting.", remedy="Wait for some to end, or cancel them."
            )
        reader = JobReader(self._settings)
        for job in (reader.get(folder.id) for folder in working):
            if job.kind is kind and dict(job.request) == dict(request):
                raise InputError(
                    f"The same job is running: {job.title}, started by {job.started_by}.",
                    remedy="Follow that job, or cancel it first.",
                )


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

    def save(self, name: str, *, base: str, changes: Mapping[str, object], description: str = "") -> Scenario:
        """Store a new scenario: the overrides of `base` with the changes on top."""
        self._user.require_edit("create scenarios")
        with self._ledger() as ledger:
            original = ledger.scenarios.get(base)
            wanted = canonical_overrides(changes)
            years = self._years(original.census, merged_overrides(original.overrides, wanted))
            return ledger.scenarios.clone(base, name, wanted, description=description, years=years)

    def update(self, name: str, changes: Mapping[str, object], *, seen: Mapping[str, Value]) -> Scenario:
        """Add changes to a scenario's overrides; raises InputError if these differ from `seen`."""
        self._user.require_edit("change scenarios")
        with self._ledger() as ledger:
            original = ledger.scenarios.get(name)
            wanted = canonical_overrides(changes)
            years = self._years(original.census, merged_overrides(original.overrides, wanted))
            return ledger.scenarios.set(name, wanted, seen=seen, years=years)

    def delete(self, name: str) -> None:
        """Delete a scenario's definition; its published results are kept."""
        self._user.require_edit("delete scenarios")
        with self._ledger() as ledger:
            ledger.scenarios.delete(name)

    def keep_trial(self, study: str, number: int, name: str, description: str = "") -> Scenario:
        """Store a study's trial as a scenario."""
        self._user.require_edit("create scenarios")
        from planwise.study.scenario_from_trial import promote_trial  # Optuna is slow to import

        return promote_trial(
            self._settings, study, number, name, description=description or None, actor=self._user.name
        )

    def _ledger(self) -> Ledger:
        return open_ledger(self._settings, actor=self._user.name)

    def _years(self, census: str | None, overrides: Mapping[str, Value]) -> tuple[int, ...]:
        from planwise.census import load_census

        return years_of(overrides, load_census(self._settings, census).first_year)


class Actions:
    """The actions of one user, by subject; created for each session, without open resources."""

    def __init__(self, settings: Settings, user: User) -> None:
        self.jobs = JobActions(settings, user)
        self.learning = LearningActions(settings, user)
        self.scenarios = ScenarioActions(settings, user)
