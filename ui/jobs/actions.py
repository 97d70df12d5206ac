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

IN_LINE_MAX = 20  # each is a process, even while it waits
PLANS_MAX = 3  # at once: each takes a processor for some seconds


class JobActions:
    """Starts jobs in worker processes or as deployments; raises PlanWiseError for what is refused."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user
        FOLLOWER.ensure(settings)

    def where(self, kind: str) -> Route:
        """Return where such a job would run now."""
        return DEPLOYED.route(JobKind(kind))

    def start(self, kind: str, request: Mapping[str, Any], *, title: str) -> Job:
        """Start a job and return it; its process goes on when nobody looks.

        `request` is what the flow of that kind takes. Raises InputError when the role may not, Busy when too
        many wait, or the very same is under way.
        """
        what = JobKind(kind)
        self._user.require_run("look at plans" if what is JobKind.PLAN else "start runs and studies")
        PROCESSES.reap()
        self._refuse_too_many(what, request)
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
        """Ask a job to stop; it does within ten seconds. One that has ended stays as it is.

        Raises PrefectAway when its server does not answer; the flow run stops all the same when it looks.
        """
        self._user.require_run("cancel runs and studies")
        folder = folder_of(self._settings, job)
        if not folder.has_ended:
            folder.request_cancel(self._user.name)
            DEPLOYED.cancel(folder)
            FOLLOWER.ensure(self._settings)

    def _refuse_too_many(self, kind: JobKind, request: Mapping[str, Any]) -> None:
        folders = job_folders(self._settings)
        if kind is JobKind.PLAN:
            plans = [f for f in folders if f"-{JobKind.PLAN}-" in f.id and f.is_locked]
            if len(plans) >= PLANS_MAX:
                raise Busy("Other plans are being worked out.", remedy="Try again in a moment.")
            return
        working = [folder for folder in folders if is_working(folder)]
        if len(working) >= IN_LINE_MAX:
            raise Busy(
                f"{len(working)} jobs work or wait already.", remedy="Wait for some to end, or cancel them."
            )
        reader = JobReader(self._settings)
        for job in (reader.get(folder.id) for folder in working):
            if job.kind is kind and dict(job.request) == dict(request):
                raise InputError(
                    f"The same is under way: {job.title}, started by {job.started_by}.",
                    remedy="Watch that one, or cancel it first.",
                )


WRITING = Lock()  # two tabs of one user may write at once


class LearningActions:
    """Writes the progress of one user; every role may learn."""

    def __init__(self, settings: Settings, user: User) -> None:
        self._settings = settings
        self._user = user

    def answer(self, answers: Mapping[str, int]) -> LearningProgress:
        """Keep the answers of the readiness check; raises InputError when they cannot be kept."""
        with WRITING:
            return self._keep(LearningProgress(dict(answers), self._now().checked))

    def check(self, module: Module, choice: int) -> LearningProgress:
        """Keep a module as done if its question is answered right; a wrong answer changes nothing."""
        with WRITING:
            now = self._now()
            if choice != module.check.answer or module.key in now.checked:
                return now
            day = datetime.now(UTC).date().isoformat()
            return self._keep(LearningProgress(now.answers, {**now.checked, module.key: day}))

    def restart(self) -> LearningProgress:
        """Forget answers and modules."""
        with WRITING:
            return self._keep(LearningProgress())

    def _now(self) -> LearningProgress:
        return LearningReader(self._settings).progress(self._user.name)

    def _keep(self, progress: LearningProgress) -> LearningProgress:
        file = progress_file(self._settings, self._user.name)
        kept = {"user": self._user.name, "answers": progress.answers, "checked": progress.checked}
        try:
            write_json(file, kept, mode=0o600)
        except OSError as error:
            raise InputError(
                f"What you learnt cannot be kept in {file}: {error.strerror}.",
                remedy="Free space or change the folder's permissions, then answer again.",
            ) from error
        return progress


class ScenarioActions:
    """Writes to the ledger; raises InputError for what is refused, Busy when another process writes long."""

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

    def update(
        self, name: str, changes: Mapping[str, object], *, seen: Mapping[str, Value] | None = None
    ) -> Scenario:
        """Put changes on top of a scenario's own overrides; refused when these are not as `seen`."""
        self._user.require_edit("change scenarios")
        with self._ledger() as ledger:
            original = ledger.scenarios.get(name)
            if seen is not None and canonical_overrides(seen) != canonical_overrides(original.overrides):
                raise InputError(
                    f"{name} has been changed meanwhile; nothing was saved.",
                    remedy="It is read anew, with your edits on it: look at them, then save again.",
                )
            wanted = canonical_overrides(changes)
            years = self._years(original.census, merged_overrides(original.overrides, wanted))
            return ledger.scenarios.set(name, wanted, years=years)

    def delete(self, name: str) -> None:
        """Delete a scenario's definition; what it published stays."""
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
    """What one user may do to one home, a subject an attribute; made for each session, holds nothing open."""

    def __init__(self, settings: Settings, user: User) -> None:
        self.jobs = JobActions(settings, user)
        self.learning = LearningActions(settings, user)
        self.scenarios = ScenarioActions(settings, user)
