"""What was run before: jobs of the dashboard, and simulations of the ledger, whoever started them."""

from collections.abc import Callable, Sequence

import pandas as pd
import panel_material_ui as pmui

from planwise.jobs import Job, JobKind
from ui.components import html
from ui.components.card import FRAME, Card, Content
from ui.components.html import Column
from ui.components.job import STATES, what_came_of
from ui.components.paged import PagedTable
from ui.values.formatting import NBSP, NOT_AVAILABLE, count, money, percent, seconds
from ui.values.runs import PastRun

JOBS = (
    Column("title", "Job", is_text=True),
    Column("state", "State", is_text=True, whole=True),
    Column("started", "Started, UTC", is_text=True, whole=True),
    Column("seconds", "Took", lambda v: seconds(v)),
    Column("by", "By", is_text=True, whole=True),
    Column("what", "What came of it", is_text=True),
)
PAST = (
    Column("scenario", "Scenario", is_text=True),
    Column("started", "Started, UTC", is_text=True, whole=True),
    Column("seconds", "Models took", seconds),
    Column("models_run", "Models run", count),
    Column("models_reused", "Reused", count),
    Column("gate", "Gate", is_text=True, whole=True),
    Column("published", "Published", lambda v: "yes" if v else "no", is_text=True, whole=True),
    Column("growth", "Growth a year", lambda v: percent(v, 2)),
    Column("payroll", "Annual payroll, $", money),
    Column("by", "By", is_text=True, whole=True),
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
        """Show the jobs; plans are left out, they are looked at once."""
        real = [job for job in jobs if job.kind is not JobKind.PLAN]
        active = sum(not job.ended for job in real)
        state = f"{active} under way" if active else "none under way"
        self._heading.object = html.card_heading(
            "Jobs", f"Started here or by a command, the newest first · {state}"
        )
        self._table.show(job_frame(real))
        self._table.open(opened or None)


def job_frame(jobs: Sequence[Job]) -> pd.DataFrame:
    """Return one row per job: what, how it stands, when, how long in seconds, who, what came of it."""
    rows = [
        {
            "id": job.id,
            "title": job.title,
            "state": STATES[job.state][0],
            "started": _moment(job.started_at),
            "seconds": job.seconds(),
            "by": job.started_by,
            "what": _short(what_came_of(job) or (job.message if not job.ended else "")),
        }
        for job in jobs
    ]
    return pd.DataFrame(rows, columns=["id", *(column.name for column in JOBS)])


class Past:
    """The card with the ledger's simulations."""

    def __init__(self) -> None:
        self._card = Card(name="past simulations", with_chart=False, height=330)
        self.layout = self._card.layout

    def show(self, runs: Sequence[PastRun]) -> None:
        """Show them, the newest first."""
        self._card.show(
            Content(
                "Past simulations",
                "Every simulation, wherever it was started · growth and payroll at the end of the horizon",
                past_frame(runs),
                PAST,
                "simulation_runs.csv",
            )
        )


def past_frame(runs: Sequence[PastRun]) -> pd.DataFrame:
    """Return one row per run."""
    rows = [
        {
            **{name: getattr(run, name) for name in PastRun.__dataclass_fields__ if name != "started_at"},
            "started": _moment(run.started_at),
            "by": run.by or COMMAND_LINE,
        }
        for run in runs
    ]
    return pd.DataFrame(rows, columns=[column.name for column in PAST])


def _short(text: str) -> str:
    return text if len(text) <= WHAT_MAX else f"{text[: WHAT_MAX - 1]}…"


def _moment(at: object) -> str:
    return f"{at:%Y-%m-%d}{NBSP}{at:%H:%M:%S}" if at else NOT_AVAILABLE
