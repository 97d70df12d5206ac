"""Run: choose a scenario, see what a run takes, watch it, see its result; jobs and past simulations."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import NOT_AVAILABLE, count, moment, money, percent, seconds
from planwise.jobs import Job, JobKind, State
from ui.components import html
from ui.components.card import FRAME, Card, Content, breakable
from ui.components.html import TableColumn
from ui.components.job_panel import STATES, JobPanel, outcome_of
from ui.components.page import PAIR, Page
from ui.components.table import PagedTable
from ui.pages.run.form import RunForm
from ui.pages.run.outcome import Outcome
from ui.pages.run.plan import PlanCard
from ui.session import Session
from ui.values.results import PastRun, ScenarioLabels

JOBS = (
    TableColumn("title", "Job", is_text=True),
    TableColumn("state", "State", is_text=True, whole=True),
    TableColumn("started", "Started", is_text=True, whole=True),
    TableColumn("seconds", "Took", lambda v: seconds(v)),
    TableColumn("by", "By", is_text=True, whole=True),
    TableColumn("what", "Outcome", is_text=True),
)
PAST = (
    TableColumn("title", "Scenario", is_text=True),
    TableColumn("census", "Census", breakable, is_text=True),
    TableColumn("started", "Started", is_text=True, whole=True),
    TableColumn("seconds", "Models took", seconds),
    TableColumn("models_run", "Models run", count),
    TableColumn("models_reused", "Reused", count),
    TableColumn("gate", "Gate", is_text=True, whole=True),
    TableColumn("published", "Published", lambda v: "yes" if v else "no", is_text=True, whole=True),
    TableColumn("growth", "Change in average pay a year", lambda v: percent(v, 2)),
    TableColumn("payroll", "Annual payroll, $", money),
    TableColumn("by", "By", is_text=True, whole=True),
)
COMMAND_LINE = "command line"
WHAT_MAX = 84  # characters of a cell; the job itself has all of it


class Jobs:
    """The card with the jobs; one is opened by its name."""

    def __init__(self, on_open: Callable[[str], None]) -> None:
        self._on_open = on_open
        self._heading = html.pane("")
        self._table = PagedTable(
            JOBS,
            key="id",
            caption="Jobs of the dashboard and of commands",
            noun="job",
            rows=8,
            opens="Show",
            on_open=lambda job: on_open(job) if job else None,
        )
        self.layout = pmui.Paper(self._heading, self._table.layout, **FRAME)

    def show(self, jobs: Sequence[Job], opened: str) -> None:
        """Show the jobs, without the brief ones."""
        real = [job for job in jobs if not job.kind.is_brief]
        active = sum(not job.ended for job in real)
        state = f"{active} running" if active else "none running"
        self._heading.object = html.card_heading(
            "Jobs", f"Started here or by a command, newest first · {state}"
        )
        self._table.show(job_frame(real))
        self._table.open(opened or None)


def job_frame(jobs: Sequence[Job]) -> pd.DataFrame:
    """Return one row per job: title, state, start, duration in seconds, user, outcome."""
    rows = [
        {
            "id": job.id,
            "title": job.title,
            "state": STATES[job.state][0],
            "started": _moment(job.started_at),
            "seconds": job.seconds(),
            "by": job.started_by,
            "what": _short(outcome_of(job) or (job.message if not job.ended else "")),
        }
        for job in jobs
    ]
    return pd.DataFrame(rows, columns=["id", *(column.name for column in JOBS)])


class Past:
    """The card with the ledger's simulations."""

    def __init__(self) -> None:
        self._card = Card(name="past simulations", with_chart=False, height=330)
        self.layout = self._card.layout

    def show(self, runs: Sequence[PastRun], labels: ScenarioLabels) -> None:
        """Show the runs, newest first."""
        self._card.show(
            Content(
                "Past simulations",
                "From the dashboard, commands and deployments · growth and payroll at the end of the horizon",
                past_frame(runs, labels),
                PAST,
                "simulation_runs.csv",
            )
        )


def past_frame(runs: Sequence[PastRun], labels: ScenarioLabels) -> pd.DataFrame:
    """Return one row per run."""
    rows = [
        {
            **{name: getattr(run, name) for name in PastRun.__dataclass_fields__ if name != "started_at"},
            "title": labels.of(run.scenario),
            "census": labels.census(run.scenario),
            "started": _moment(run.started_at),
            "by": run.by or COMMAND_LINE,
        }
        for run in runs
    ]
    return pd.DataFrame(rows, columns=["scenario", *(column.name for column in PAST)])


def _short(text: str) -> str:
    return text if len(text) <= WHAT_MAX else f"{text[: WHAT_MAX - 1]}…"


def _moment(at: datetime | None) -> str:
    return moment(at) if at else NOT_AVAILABLE


PAST_SHOWN = 50


class RunPage(Page):
    """The page's parts, made once; the job that is watched is in the address."""

    key = "run"
    title = "Run"
    subtitle = "Simulate every employee: models, audits, quality gate, publication"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._choice = RunForm(session, self._changed, self._run)
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
        """Show scenarios, edits, jobs and past runs."""
        try:
            self._choice.refresh()
        except PlanWiseError as error:
            self._show_error(error, tone="warn")
            return
        self._set_notices(())
        self._follow()
        self._plan.ask(self._choice.request(), self._results())

    def _results(self) -> Any:
        """Return what a plan depends on besides the request: the jobs that have ended."""
        return tuple(job.id for job in self._session.store.jobs.list() if job.ended and not job.kind.is_brief)

    def _lay_out(self) -> None:
        store, selected = self._session.store, self._session.selection
        jobs = store.jobs.list()
        past = store.jobs.past(PAST_SHOWN)
        parts: list[Any] = [self._heading, self._notices, self._pair]
        if self._panel.job is not None:
            parts += [self._watched, *([self._outcome.layout] if len(self._outcome.layout) else [])]
        if any(not job.kind.is_brief for job in jobs):
            self._jobs.show(jobs, selected.job)
            parts.append(self._jobs.layout)
        if past:
            self._past.show(past, self._session.store.labels())
            parts.append(self._past.layout)
        self._show(*parts)

    def _follow(self) -> None:
        """Watch the job of the address; without one, a job that is running."""
        session = self._session
        job_id = session.selection.job or next(
            (job.id for job in session.store.jobs.list() if not job.ended and not job.kind.is_brief),
            "",
        )
        watched = "" if self._panel.job is None else self._panel.job.id
        if job_id != watched:
            try:
                self._panel.show(job_id or None)
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
            await self._start(
                JobKind.SIMULATE, {"scenario": name}, f"Simulate {session.store.labels().of(name)}"
            )
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
        self._plan.ask(self._choice.request(), self._results())
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
        self._plan.ask(self._choice.request(), self._results())
