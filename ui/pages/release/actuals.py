"""Actuals against the plan in force: a form, a CSV file, what was compared, what fired."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import is_missing, number, percent
from ui.components import html
from ui.components.card import FRAME, Card, Content
from ui.components.differences import counted
from ui.components.downloads import FilePicker
from ui.components.html import TableColumn
from ui.components.page import PARTS, STACK, show
from ui.session import Session
from ui.values.releases import actuals_frame, why_not_monitor

METRICS = {
    "payroll": "Payroll, a year",
    "headcount": "Headcount",
    "turnover": "Turnover, 14%",
    "satisfaction": "Satisfaction",
    "market_position": "Market position, 1.02",
}
COLUMNS = (
    TableColumn("on", "Date", is_text=True, whole=True),
    TableColumn("metric", "Metric", is_text=True),
    TableColumn("actual", "Actual", number),
    TableColumn("planned", "Plan", lambda v: "" if is_missing(v) else number(v)),
    TableColumn("deviation", "Difference", lambda v: "" if is_missing(v) else percent(v, sign=True)),
    TableColumn("result", "Result", is_text=True),
)
HINT = "CSV with the columns metric, value (and date), or one row per date with a column per metric."
NO_PLAN = '<p class="quiet">No plan is published yet; simulate the baseline first.</p>'


class ActualsCards:
    """The cards of actuals; `done` is called after some were recorded."""

    def __init__(self, session: Session, done: Callable[[], None]) -> None:
        self._session, self._done = session, done
        self._state = html.pane("")
        self._failed = html.pane("")
        self._on = pmui.TextInput(
            label="Date", value=f"{datetime.now(UTC):%Y-%m-%d}", size="small", width=130
        )
        self._fields = {
            metric: pmui.TextInput(label=label, size="small", width=190) for metric, label in METRICS.items()
        }
        self._record = pmui.Button(
            label="Compare and record", variant="contained", size="small", on_click=self._recorded
        )
        self._picker = FilePicker(session.actions.releases.upload, self._arrived, self._fail, hint=HINT)
        self._picker.accept = ".csv"
        fields = pn.FlexBox(self._on, *self._fields.values(), gap="8px", margin=0)
        form = pmui.Paper(
            pn.Column(
                html.pane(html.card_heading("Record actuals", "Empty fields are left out")),
                fields,
                self._record,
                self._picker,
                self._failed,
                **PARTS,
            ),
            **FRAME,
        )
        state = pmui.Paper(
            html.pane(html.card_heading("Against the plan", "Triggers that fired, and the review")),
            self._state,
            **FRAME,
        )
        self._card = Card(name="actuals", with_chart=False, height=420)
        self._parts = (state, form)
        self.layout = pn.Column(*self._parts, **STACK)

    def show(self, report: Any) -> None:
        """Show what has fired so far; None without a plan."""
        why = why_not_monitor(self._session.user) or ("" if report else "There is no plan to compare with.")
        spoken = f"Compare and record: {why}" if why else None  # it is also the button's name
        self._record.param.update(disabled=bool(why), description=spoken)
        self._picker.disabled = bool(why)
        self._state.object = NO_PLAN if report is None else state_html(report)

    async def _recorded(self, *_: Any) -> None:
        figures = [
            (metric, text)
            for metric, field in self._fields.items()
            if (text := (field.value_input or field.value or "").strip())
        ]
        on = (self._on.value_input or self._on.value or "").strip()
        await self._take(partial(self._session.actions.releases.record, on, figures))

    def _arrived(self, upload: Any) -> None:
        async def take() -> None:
            try:
                await self._take(partial(self._session.actions.releases.record_file, upload.file))
            finally:
                upload.discard()

        pn.state.execute(take)

    async def _take(self, record: Callable[[], Any]) -> None:
        """Compare on a thread, and show what was compared, or why not."""
        self._record.param.update(loading=True, disabled=True)
        try:
            report = await self._session.offload(record)
        except PlanWiseError as error:
            self._fail(error)
            return
        finally:
            self._record.param.update(loading=False, disabled=False)
        self._failed.object = ""
        for field in self._fields.values():
            field.param.update(value="", value_input="")
        self._card.show(compared(report))
        show(self.layout, *self._parts, self._card.layout)
        fired = len(report.recorded)
        text = f"{counted(len(report.checks), 'actual')} compared, {counted(fired, 'trigger')} fired."
        self._session.notify(text, tone="warning" if fired else "success")
        self._done()

    def _fail(self, error: PlanWiseError) -> None:
        self._failed.object = html.error_notice(error)


def compared(report: Any) -> Content:
    """Return the actuals beside the plan as a table."""
    return Content(
        "Actuals compared",
        f"Against {report.plan.scenario} ({report.plan.fingerprint[:12]})",
        actuals_frame(report),
        COLUMNS,
        "actuals.csv",
    )


def state_html(report: Any) -> str:
    """Return the review date and the triggers that fired on the plan in force."""
    if report.review_on is None:
        review = "Nothing is released yet; actuals are compared with the baseline."
    else:
        review = f"Review {'was due' if report.review_due else 'due'} on {report.review_on}."
    return f'<p class="quiet">{escape(review)}</p>{_fired(report.fired)}{_advice(report)}'


def _fired(fired: Sequence[Any]) -> str:
    if not fired:
        return '<p class="quiet">No trigger has fired.</p>'
    items = "".join(
        f'<li><span class="what">{escape(str(one["trigger"]).capitalize())}, {escape(one["on"])}</span>'
        f'<span class="act">{html.chip(one["severity"], _tone(one["severity"]))}</span>'
        f'<span class="why">{escape(percent(one["deviation"], sign=True))} from the plan; '
        f"{escape(one['recommended'])} recommended</span></li>"
        for one in fired
    )
    return f'<ul class="items">{items}</ul>'


def _tone(severity: str) -> html.Tone:
    return "bad" if severity == "HIGH" else "warn"


def _advice(report: Any) -> str:
    if not report.rollback_recommended:
        return ""
    return html.notice(
        "A trigger of high severity fired: a rollback is recommended.",
        "Nothing is rolled back by itself; see the checkpoints.",
        "warn",
    )
