"""A rollout in phases: its pace, its rehearsal as a job, each phase with levers, increases and payroll."""

from collections.abc import Mapping, Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import currency_mark, money_short, percent, written_for
from planwise.jobs import Job, JobKind, State
from planwise.parameters import catalogue
from planwise.parameters.values import parse_key
from ui.components import html
from ui.components.card import FRAME, Card, Content
from ui.components.charts import PALETTE, Series, bars
from ui.components.html import Linked, TableColumn, link
from ui.components.job_panel import JobPanel
from ui.components.page import PARTS, STACK, show
from ui.session import Session
from ui.values.parameter_text import full_label, written
from ui.values.releases import EQUAL, PACE_OPTIONS, PHASES_MAX, Called, phase_frame, why_not_rehearse

COLUMNS = (
    TableColumn("phase", "Phase"),
    TableColumn("scenario", "Scenario", is_text=True),
    TableColumn("share", "Of the change", lambda v: percent(v, 0)),
    TableColumn("levers", "Levers", is_text=True),
    TableColumn("increase_rate", "Increases", lambda v: percent(v, 2)),
    TableColumn("increase_cost", "Cost a year", money_short),
    TableColumn("payroll", "Payroll, last year", money_short),
    TableColumn("gate", "Gate", lambda v: str(v).capitalize(), is_text=True),
)
ABOUT = (
    "Each phase is stored as a scenario and simulated; propose, approve and release them one after another"
)


def in_force_last(names: Sequence[str], in_force: str) -> tuple[str, ...]:
    """Return the scenarios with the one in force at the end: it changes nothing, unless it was edited."""
    return tuple(sorted(names, key=lambda name: name == in_force))


class RolloutCards:
    """The card that rehearses a rollout, and that of its phases."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scenario = pmui.Select(label="Scenario", options=[], width=280, size="small", margin=(6, 0))
        self._pace = pmui.Select(
            label="Risk tolerance or number",
            options=dict(PACE_OPTIONS),
            value="low",
            width=320,
            size="small",
            margin=(6, 0),
        )
        self._phases = pmui.IntInput(
            label="Phases", value=3, start=1, end=PHASES_MAX, width=110, size="small", margin=(6, 0)
        )
        self._phases.visible = False
        self._pace.param.watch(lambda event: setattr(self._phases, "visible", event.new == EQUAL), "value")
        self._start = pmui.Button(
            label="Rehearse the phases", variant="contained", size="small", margin=0, on_click=self._started
        )
        self._reason, self._failed = html.pane(""), html.pane("")
        self._panel = JobPanel(session, self._show_phases)
        form = pmui.Paper(
            pn.Column(
                html.pane(html.card_heading("Release in phases", ABOUT)),
                pn.FlexBox(
                    *(self._scenario, self._pace, self._phases, self._start),
                    gap="12px",
                    align_items="center",
                    margin=0,
                ),
                self._reason,
                self._failed,
                self._panel.layout,
                **PARTS,
            ),
            **FRAME,
        )
        self._links = Linked(session.go)
        self._card = Card(name="phases", control=self._links)
        self._form = form
        self.layout = pn.Column(form, **STACK)

    def show(self, names: Sequence[str], last: Job | None) -> None:
        """Offer these scenarios, and show the last rehearsal."""
        options = self._session.store.labels().options(names)
        kept = self._scenario.value if self._scenario.value in names else next(iter(names), None)
        self._scenario.param.update(options=options, value=kept)
        why = why_not_rehearse(self._session.user) or ("" if names else "No scenario with a result yet.")
        self._start.param.update(
            disabled=bool(why), description=f"Rehearse the phases: {why}" if why else None
        )
        self._reason.object = f'<p class="quiet">{why}</p>' if why else ""
        if last is None or (self._panel.job is not None and self._panel.job.id == last.id):
            return
        self._panel.show(None if last.ended and last.state is State.DONE else last.id)
        self._show_phases(last)

    async def _started(self, *_: Any) -> None:
        session, name = self._session, self._scenario.value
        pace = (
            {"phases": self._phases.value} if self._pace.value == EQUAL else {"tolerance": self._pace.value}
        )
        title = f"Rehearse the rollout of {session.store.labels().of(name)}"
        self._start.param.update(loading=True, disabled=True)
        try:
            start = session.actions.jobs.start
            request = {"scenario": name, **pace}
            job = await session.offload(lambda: start(JobKind.ROLLOUT.value, request, title=title))
        except PlanWiseError as error:
            self._failed.object = html.error_notice(error)
            return
        finally:
            self._start.param.update(loading=False, disabled=False)
        self._failed.object = ""
        self._panel.watch(job.id)

    def _show_phases(self, job: Job) -> None:
        if job.result is None:
            return
        local = self._session.store.local(currency=str(job.result["currency"]))
        with written_for(local):
            mark = currency_mark(str(job.result["currency"]))
            self._card.show(phases_of(job.result, mark, self._session.store.labels().full))
        named = " · ".join(
            link(self._session.store.labels().of(one["scenario"]), "results", scenario=one["scenario"])
            for one in job.result["phases"]
        )
        self._links.html = f'<p class="quiet">{named}</p>'
        show(self.layout, self._form, self._card.layout)


def phases_of(rollout: Mapping[str, Any], mark: str, called: Called) -> Content:
    """Return the phases as a chart of their increases, with their levers and costs in the table."""
    frame = phase_frame(rollout, _lever, called)
    rates = frame["increase_rate"].tolist()
    costs = frame["increase_cost"].tolist()
    hover = [
        f"{percent(rate, 2)}, {money_short(cost)} a year" for rate, cost in zip(rates, costs, strict=True)
    ]
    figure = bars(
        [f"Phase {number}" for number in frame["phase"]],
        [Series("Increases", rates, hover, PALETTE[0])],
        y_format=".1%",
        y_title="",
    )
    return Content(
        f"Phases of {called(rollout['scenario'])}",
        f"Increases of the first year as % of pay; cost a year and payroll in the census's currency {mark}",
        frame,
        COLUMNS,
        f"rollout_{rollout['scenario']}.csv",
        figure,
    )


def _lever(key: str, value: Any) -> str:
    found = parse_key(key)
    declared = catalogue().levers.get(found.name)
    if declared is None:
        return f"{found.name} {value}"
    when = "" if found.year is None else f", {found.year}"
    return f"{full_label(declared)}{when} {written(declared, value)}"
