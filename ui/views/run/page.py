"""Run: choose what, see what it takes, watch it, see what came of it."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.jobs import Job, JobKind, State
from ui.components.card import FRAME
from ui.components.job import JobPanel
from ui.components.layout import PAIR
from ui.components.page import Page
from ui.session import Session
from ui.views.run.choice import Choice
from ui.views.run.history import Jobs, Past
from ui.views.run.outcome import Outcome
from ui.views.run.plan import PlanCard

PAST_SHOWN = 50


class RunPage(Page):
    """The page's parts, made once; the job that is watched is in the address."""

    key = "run"
    title = "Run"
    subtitle = "Simulate every employee: models, audits, quality gate, publication"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._choice = Choice(session, self._changed, self._run)
        self._choice.sweep.on_click(self._sweep)
        self._plan = PlanCard(session)
        self._panel = JobPanel(session, self._ended)
        self._watched = pmui.Paper(self._panel.layout, **FRAME)
        self._outcome = Outcome(session)
        self._jobs = Jobs(self._open)
        self._past = Past()
        self._pair = pn.Column(self._choice.layout, self._plan.layout, **PAIR)
        session.selection.param.watch(lambda _: self._follow(), "job")
        self._follow_draft()
        self.refresh()

    def refresh(self) -> None:
        """Show what is new: scenarios, edits, jobs, past runs."""
        try:
            self._choice.refresh()
        except PlanWiseError as error:
            self._show_error(error, tone="warn")
            return
        self._set_notices(())
        self._follow()
        self._plan.ask(self._choice.wanted(), self._results())

    def _results(self) -> Any:
        """Return what a plan depends on, besides what is wanted: what was run and published since."""
        return tuple(
            job.id for job in self._session.store.jobs.list() if job.ended and job.kind is not JobKind.PLAN
        )

    def _lay_out(self) -> None:
        store, selected = self._session.store, self._session.selection
        jobs = store.jobs.list()
        past = store.jobs.past(PAST_SHOWN)
        parts: list[Any] = [self._heading, self._notices, self._pair]
        if self._panel.job is not None:
            parts += [self._watched, *([self._outcome.layout] if len(self._outcome.layout) else [])]
        if any(job.kind is not JobKind.PLAN for job in jobs):
            self._jobs.show(jobs, selected.job)
            parts.append(self._jobs.layout)
        if past:
            self._past.show(past)
            parts.append(self._past.layout)
        self._show(*parts)

    def _follow(self) -> None:
        """Watch the job of the address; without one, one's own that is under way."""
        session = self._session
        wanted = session.selection.job or next(
            (job.id for job in session.store.jobs.list() if not job.ended and job.kind is not JobKind.PLAN),
            "",
        )
        watched = "" if self._panel.job is None else self._panel.job.id
        if wanted != watched:
            try:
                self._panel.show(wanted or None)
            except PlanWiseError as error:
                session.notify_error(error, "warning")
                self._panel.show(None)
                session.selection.job = ""
            self._outcome.show(self._panel.job)
        self._lay_out()

    async def _run(self, *_: Any) -> None:
        session = self._session
        self._choice.problem(None)
        self._choice.busy("Starting…")
        try:
            name = await session.offload(self._choice.saved)
            self._choice.was_saved(name)
            self._choice.busy("Starting…")
            await self._start(JobKind.SIMULATE, {"scenario": name}, f"Simulate {name}")
        except PlanWiseError as error:
            self._choice.problem(error)
        finally:
            self._choice.busy()

    async def _sweep(self, *_: Any) -> None:
        self._choice.problem(None)
        self._choice.busy("Starting…")
        try:
            await self._start(JobKind.SWEEP, {}, "Sweep all scenarios")
        except PlanWiseError as error:
            self._choice.problem(error)
        finally:
            self._choice.busy()

    async def _start(self, kind: JobKind, request: dict[str, Any], title: str) -> None:
        session = self._session
        job = await session.offload(lambda: session.actions.jobs.start(kind.value, request, title=title))
        session.selection.job = job.id

    def _ended(self, job: Job) -> None:
        self._outcome.show(job)
        self._lay_out()
        self._plan.ask(self._choice.wanted(), self._results())
        session = self._session
        if not self.is_shown:
            link = ("run", {"job": job.id})
            if job.state is State.DONE:
                session.notify(f"{job.title}: done.", tone="success", link=link)
            elif job.state is not State.CANCELLED:
                what = "" if job.error is None else " ".join(job.error.what.split())
                session.notify(f"{job.title}: {job.state}. {what}", tone="error", link=link)

    def _open(self, job: str) -> None:
        self._session.selection.job = job

    def _changed(self) -> None:
        self._plan.ask(self._choice.wanted(), self._results())
