"""Start and cancel long work, in the name of the user."""

from collections.abc import Mapping
from typing import Any

from planwise.errors import Busy, InputError
from planwise.jobs import Job, JobKind, JobReader, folder_of, job_folders, new_job
from planwise.jobs.reader import remove_old_jobs
from planwise.jobs.writer import is_working
from planwise.settings import Settings
from ui.acting.deployments import DEPLOYED
from ui.acting.following import FOLLOWER
from ui.acting.routes import PREFECT, PROCESSES, Route
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
            plans = [f for f in folders if f"-{JobKind.PLAN}-" in f.id and f.is_held]
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
