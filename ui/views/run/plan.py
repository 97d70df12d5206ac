"""The card that says, before anything runs, what would: models, time, where, and who is in the way."""

from collections.abc import Mapping
from contextlib import suppress
from html import escape
from time import monotonic
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.jobs import Job, Kind, State
from ui.components import html
from ui.components.card import FRAME
from ui.components.layout import PARTS
from ui.formatting import count, seconds
from ui.session import Session
from ui.views.run.wanted import Wanted

LOOK_MILLISECONDS = 400
AGAIN_SECONDS = 1.0  # after which it is looked whether the warehouse is free
OTHER_PLAN = "(plan "  # of a holder that only looks
STILL_SECONDS = 1.0  # a choice that stands so long is planned without being asked
PAGE = "run"
KEPT = "What earlier runs have computed alike is not computed again"


class PlanCard:
    """Works out a plan as a job of its own, a moment after the choice was made, and shows it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._wanted: Wanted | None = None
        self._shown_for: Any = None
        self._since = 0.0
        self._job = ""
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

    def ask(self, wanted: Wanted | None, version: Any) -> None:
        """Show the plan of what is wanted now; nothing is done when it is what is shown already."""
        key = (wanted, version)
        if key == self._shown_for:
            return
        self._shown_for, self._wanted, self._since = key, wanted, monotonic()
        self._leave()
        if wanted is None:
            self._body.object = '<p class="quiet">Choose a scenario.</p>'
            return
        self._body.object = _working("Working out what must run…")
        self._timer.start()

    async def show_where(self) -> None:
        """Say where a run would take place."""
        route = await self._session.offload(self._session.actions.jobs.where, Kind.SIMULATE.value)
        self._where.object = f'<p class="quiet">Runs in {escape(route.how)}. {escape(route.why)}</p>'

    async def _look(self) -> None:
        if self._session.selection.page != PAGE:
            return
        if not self._job:
            if monotonic() - self._since >= STILL_SECONDS:
                await self._start()
            return
        try:
            job = self._session.store.jobs.get(self._job)
        except PlanWiseError:
            self._job = ""
            self._timer.stop()
            return
        if job.ended:
            self._job = ""
            self._timer.stop()
            if job.error is not None and job.error.type == "Busy":
                self._wait_for(self._session.store.jobs.holder() or OTHER_PLAN)
            else:
                self._body.object = planned(job)

    async def _start(self) -> None:
        self._timer.stop()
        if (wanted := self._wanted) is None:
            return
        session = self._session
        if not session.may_run:
            self._body.object = '<p class="quiet">Only those who may run see what would be run.</p>'
            return
        if any(not job.ended and job.kind is not Kind.PLAN for job in session.store.jobs.list()):
            self._body.object = (
                '<p class="quiet">What must run is worked out when no other job is under way.</p>'
            )
            return
        if holder := session.store.jobs.holder():
            self._wait_for(holder)
            return
        try:
            job = await session.offload(
                lambda: session.actions.jobs.start(
                    Kind.PLAN.value, wanted.request(), title=f"Plan {wanted.scenario}"
                )
            )
        except PlanWiseError as error:
            self._body.object = html.notice(error.what, error.remedy or "", "warn")
            return
        if wanted is not self._wanted:  # another choice was made meanwhile
            session.actions.jobs.cancel(job.id)
            return
        self._job = job.id
        self._timer.start()

    def _ask_again(self, *_: Any) -> None:
        self._shown_for, wanted = None, self._wanted
        self.ask(wanted, "again")
        self._since = 0.0

    def _wait_for(self, holder: str) -> None:
        """Look again in a moment; who holds the warehouse is told, unless it only plans, too."""
        self._body.object = _working("Working out what must run…") if OTHER_PLAN in holder else held(holder)
        self._since = monotonic() + AGAIN_SECONDS
        self._timer.start()

    def _leave(self) -> None:
        """Look no longer; a plan that nobody will see is stopped."""
        self._timer.stop()
        job, self._job = self._job, ""
        if job:
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
        html.Kpi("In all", _about(whole), "with start, gate and publishing"),
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


def _working(text: str) -> str:
    return f'<p class="quiet" role="status">{escape(text)}</p>'
