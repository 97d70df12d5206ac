"""The card that says, before anything runs, what would: models, time, where, and who is in the way."""

from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from html import escape
from time import monotonic
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count, seconds
from planwise.jobs import Job, JobKind, State
from ui.components import html
from ui.components.card import FRAME
from ui.components.page import PARTS
from ui.pages.run.form import RunRequest
from ui.session import Session

LOOK_MILLISECONDS = 400
AGAIN_SECONDS = 2.0  # after which it is looked whether the warehouse is free
OTHER_PLAN = "(plan "  # of a holder that only looks
STILL_SECONDS = 1.0  # a choice that stands so long is planned without being asked
PAGE = "run"
WORKING = '<p class="quiet" role="status">Working out what must run…</p>'
KEPT = "What earlier runs have computed alike is not computed again"


class PlanCard:
    """Works out a plan as a job of its own, a moment after the choice was made, and shows it.

    What may take long is done on threads and looked for by a timer, so that no click waits for it.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._wanted: RunRequest | None = None
        self._shown_for: Any = None
        self._due: float | None = None
        self._starting: Future[Job] | None = None
        self._job = ""
        self._route: Future[Any] | None = None
        self._where = html.pane("")
        self._body = html.pane("")
        self._again = pmui.Button(
            label="Work it out again", variant="text", size="small", margin=(0, 0, 0, -5)
        )
        self._again.on_click(self._ask_again)
        self.layout = pmui.Paper(
            pn.Column(
                html.pane(html.card_heading("Before it runs", KEPT)),
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

    def ask(self, wanted: RunRequest | None, version: Any) -> None:
        """Show the plan of what is wanted now, and where it would run; what is shown already is not asked."""
        if self._route is None:
            where = self._session.actions.jobs.where
            self._route = self._session.services.threads.submit(where, JobKind.SIMULATE.value)
            self._watch()
        key = (wanted, version)
        if key == self._shown_for:
            return
        self._leave()
        self._shown_for, self._wanted = key, wanted
        if wanted is None:
            self._body.object = '<p class="quiet">Choose a scenario.</p>'
            return
        self._body.object = WORKING
        self._due = monotonic() + STILL_SECONDS
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
        session, wanted = self._session, self._wanted
        assert wanted is not None  # else nothing is due
        if not session.can_run:
            self._body.object = '<p class="quiet">Only those who may run see what would be run.</p>'
        elif any(not job.ended and job.kind is not JobKind.PLAN for job in session.store.jobs.list()):
            self._body.object = (
                '<p class="quiet">What must run is worked out when no other job is under way.</p>'
            )
        elif holder := session.store.jobs.holder():
            self._wait_for(holder)
        else:
            self._starting = session.services.threads.submit(
                session.actions.jobs.start,
                JobKind.PLAN.value,
                wanted.request(),
                title=f"Plan {wanted.scenario}",
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
        self.ask(self._wanted, "again")

    def _wait_for(self, holder: str) -> None:
        """Look again in a moment; who holds the warehouse is told, unless it only plans, too."""
        self._body.object = WORKING if OTHER_PLAN in holder else held(holder)
        self._due = monotonic() + AGAIN_SECONDS

    def _watch(self) -> None:
        if not self._timer.running:
            self._timer.start()

    def _leave(self) -> None:
        """Want no plan any more; one that is being worked out is stopped, as nobody will see it."""
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
    """Return what a plan found, or why it found nothing."""
    if job.state is not State.DONE or job.result is None:
        if job.error is not None and job.error.type == "Busy":
            return held(job.error.what.removeprefix("The warehouse is held by ").partition("; waited")[0])
        what = "It could not be worked out." if job.error is None else job.error.what
        return html.notice(what, "" if job.error is None else job.error.remedy, "bad")
    return _found(job.result)


def held(holder: str) -> str:
    """Return the notice that somebody else works on the warehouse."""
    return html.notice(
        f"The warehouse is held by {holder}.",
        "What must run is known when that has ended. A run that is started now waits for it.",
        "warn",
    )


def summary(found: Mapping[str, Any]) -> str:
    """Return a plan in one line: 3 models rebuild, 9 are reused, about 1.2 s."""
    models = int(found["models_to_run"])
    text = f"{count(models)} model{'' if models == 1 else 's'} rebuild{'s' if models == 1 else ''}, "
    text += f"{count(found['models_reused'])} reused"
    if found["models_seconds"] is not None:
        text += f", about {seconds(found['models_seconds'])}"
    return text


def _found(found: Mapping[str, Any]) -> str:
    estimate = "no past run is like it"
    if found["based_on_runs"]:
        runs = found["based_on_runs"]
        estimate = f"from {runs} past run{'' if runs == 1 else 's'} like it"
    whole = found["whole_seconds"]
    figures = (
        html.Kpi("Rebuilt", count(found["models_to_run"]), f"of {count(_all(found))} models"),
        html.Kpi("Reused", count(found["models_reused"]), "same parameters, census and code"),
        html.Kpi("Models take", _about(found["models_seconds"]), estimate),
        *([] if whole is None else [html.Kpi("In all", _about(whole), "with start, gate and publishing")]),
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
