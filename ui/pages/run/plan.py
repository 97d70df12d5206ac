"""The plan of a run before it starts: models, time, where it runs, and what it waits for."""

from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from html import escape
from time import monotonic
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count, counted, seconds
from planwise.jobs import Job, JobKind, State
from ui.components import html
from ui.components.card import FRAME
from ui.components.page import PARTS
from ui.pages.run.form import RunRequest
from ui.session import Session

LOOK_MILLISECONDS = 400
RETRY_SECONDS = 2.0  # between two checks whether the warehouse is free
OTHER_PLAN = "(plan "  # in the name of a process that locks the warehouse for a plan only
IDLE_SECONDS = 1.0  # without another choice, before a plan is computed
PAGE = "run"
WORKING = '<p class="quiet" role="status">Computing what must run…</p>'
REUSE = "Tables that earlier runs computed from the same inputs are reused"


class PlanCard:
    """Computes a plan as a job of its own, a moment after a choice was made, and shows it.

    Slow work is done on threads and polled by a timer, so that no click waits for it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._request: RunRequest | None = None
        self._shown_for: Any = None
        self._due: float | None = None
        self._starting: Future[Job] | None = None
        self._job = ""
        self._route: Future[Any] | None = None
        self._where = html.pane("")
        self._body = html.pane("")
        self._again = pmui.Button(label="Compute again", variant="text", size="small", margin=(0, 0, 0, -5))
        self._again.on_click(self._ask_again)
        self.layout = pmui.Paper(
            pn.Column(
                html.pane(html.card_heading("Before it runs", REUSE)),
                self._body,
                self._where,
                self._again,
                **PARTS,
            ),
            **FRAME,
        )
        self._timer = session.every(LOOK_MILLISECONDS, self._look)
        self._timer.stop()
        session.on_end(self._leave)

    def ask(self, request: RunRequest | None, version: Any) -> None:
        """Show the plan of a request and where it would run; a plan that is shown is not computed again."""
        if self._route is None:
            where = self._session.actions.jobs.where
            self._route = self._session.services.threads.submit(where, JobKind.SIMULATE.value)
            self._watch()
        key = (request, version)
        if key == self._shown_for:
            return
        self._leave()
        self._shown_for, self._request = key, request
        if request is None:
            self._body.object = '<p class="quiet">Choose a scenario.</p>'
            return
        self._body.object = WORKING
        self._due = monotonic() + IDLE_SECONDS
        self._watch()

    def _look(self) -> None:
        if self._session.selection.page != PAGE:
            return
        if self._route is not None and self._route.done():
            route, self._route = self._route.result(), None
            self._where.object = f'<p class="quiet">Runs in {escape(route.how)}. {escape(route.why)}</p>'
        if self._starting is not None:
            self._started(self._starting)
        elif self._job:
            self._follow()
        elif self._due is not None and monotonic() >= self._due:
            self._due = None
            self._start()
        if (self._route, self._starting, self._due, self._job) == (None, None, None, ""):
            self._timer.stop()

    def _start(self) -> None:
        session, request = self._session, self._request
        assert request is not None  # else nothing is due
        if not session.can_run:
            self._body.object = '<p class="quiet">A plan is shown to roles that can start runs.</p>'
        elif any(not job.ended and not job.kind.is_brief for job in session.store.jobs.list()):
            self._body.object = '<p class="quiet">The plan is computed when no other job is running.</p>'
        elif holder := session.store.jobs.holder():
            self._wait_for(holder)
        else:
            self._starting = session.services.threads.submit(
                session.actions.jobs.start,
                JobKind.PLAN.value,
                request.parameters(),
                title=f"Plan {request.scenario}",
            )

    def _started(self, starting: Future[Job]) -> None:
        if not starting.done():
            return
        self._starting = None
        try:
            self._job = starting.result().id
        except PlanWiseError as error:
            self._body.object = html.error_notice(error, "warn")

    def _follow(self) -> None:
        try:
            job = self._session.store.jobs.get(self._job)
        except PlanWiseError as error:  # its files were removed under it
            self._job = ""
            self._body.object = html.error_notice(error, "warn")
            return
        if not job.ended:
            return
        self._job = ""
        if job.error is not None and job.error.type == "Busy":
            self._wait_for(self._session.store.jobs.holder() or OTHER_PLAN)
        else:
            self._body.object = planned(job)

    def _ask_again(self, *_: Any) -> None:
        self._shown_for = None
        self.ask(self._request, "again")

    def _wait_for(self, holder: str) -> None:
        """Try again in a moment; name the process that locks the warehouse, unless it only plans."""
        self._body.object = WORKING if OTHER_PLAN in holder else held(holder)
        self._due = monotonic() + RETRY_SECONDS

    def _watch(self) -> None:
        if not self._timer.running:
            self._timer.start()

    def _leave(self) -> None:
        """Drop the plan; one that is being computed is cancelled."""
        self._due = None
        starting, self._starting = self._starting, None
        job, self._job = self._job, ""
        if starting is not None:
            starting.add_done_callback(self._stop_unseen)
        elif job:
            self._stop(job)

    def _stop_unseen(self, starting: Future[Job]) -> None:
        if starting.exception() is None:
            self._stop(starting.result().id)

    def _stop(self, job: str) -> None:
        with suppress(PlanWiseError):
            self._session.actions.jobs.cancel(job)


def planned(job: Job) -> str:
    """Return a plan's result, or its error, as HTML."""
    if job.state is not State.DONE or job.result is None:
        if job.error is not None and job.error.type == "Busy":
            return held(job.error.what.removeprefix("The warehouse is held by ").partition("; waited")[0])
        what = "The plan could not be computed." if job.error is None else job.error.what
        return html.notice(what, "" if job.error is None else job.error.remedy, "bad")
    return _found(job.result)


def held(holder: str) -> str:
    """Return the notice that another process locks the warehouse."""
    return html.notice(
        f"The warehouse is held by {holder}.",
        "The plan is computed once it is released. A run that is started now waits for it.",
        "warn",
    )


def summary(found: Mapping[str, Any]) -> str:
    """Return a plan in one line: 3 models rebuild, 9 are reused, about 1.2 s."""
    models = int(found["models_to_run"])
    text = f"{counted(models, 'model rebuilds', 'models rebuild')}, "
    text += f"{count(found['models_reused'])} reused"
    if found["models_seconds"] is not None:
        text += f", about {seconds(found['models_seconds'])}"
    return text


def _found(found: Mapping[str, Any]) -> str:
    estimate = "no similar past run"
    if found["based_on_runs"]:
        runs = found["based_on_runs"]
        estimate = f"from {counted(runs, 'similar past run')}"
    whole = found["whole_seconds"]
    figures = (
        html.Kpi("Rebuilt", count(found["models_to_run"]), f"of {count(_all(found))} models"),
        html.Kpi("Reused", count(found["models_reused"]), "same parameters, census and code"),
        html.Kpi("Models take", _about(found["models_seconds"]), estimate),
        *([] if whole is None else [html.Kpi("In total", _about(whole), "with start, gate and publishing")]),
    )
    lead = f'<p class="strong">{escape(summary(found))}</p>'
    if found["in_force"]:
        lead += html.notice(
            f"{found['scenario']} is published with exactly these parameters, census and models.",
            "A run would gate and publish the same figures again.",
        )
    names = "".join(f"<li>{escape(str(name))}</li>" for name in found["models"]["to_run"])
    details = f"<details><summary>Models that rebuild</summary><ul>{names}</ul></details>" if names else ""
    people = f"{count(found['employees'])} employees of {escape(str(found['census']))}"
    return f'<div class="parts">{lead}{html.kpi_strip(figures)}<p class="quiet">{people}</p>{details}</div>'


def _all(found: Mapping[str, Any]) -> int:
    return int(found["models_to_run"]) + int(found["models_reused"])


def _about(value: float | None) -> str:
    return "n/a" if value is None else f"≈ {seconds(value)}"
