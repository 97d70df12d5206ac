"""Actuals against the plan in force: a form, a CSV file, what was compared, what fired."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from html import escape
from io import StringIO
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count, counted, is_missing, money_short, number, percent, ratio
from ui.components import html
from ui.components.card import FRAME, SMALL, Card, Content
from ui.components.charts import DOWN, UP, Series, bars
from ui.components.downloads import FileButton, FilePicker
from ui.components.html import TableColumn
from ui.components.page import PARTS, STACK, show
from ui.session import Session
from ui.values.releases import actuals_frame, why_not_monitor

METRICS: Mapping[str, tuple[str, Callable[[Any], str]]] = {  # label, and how the plan's figure is written
    "payroll": ("Payroll a year", money_short),
    "headcount": ("Headcount", count),
    "turnover": ("Turnover a year, such as 14%", percent),
    "satisfaction": ("Satisfaction", number),
    "market_position": ("Compa-ratio to market", ratio),
}
TEMPLATE = "date,payroll,headcount,turnover,satisfaction,market_position\n{day},,,,,\n"
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
            label="Date",
            value=f"{datetime.now(UTC):%Y-%m-%d}",
            helper_text="YYYY-MM-DD",
            size="small",
            width=150,
            margin=(6, 0),
        )
        self._fields = {
            metric: pmui.TextInput(label=label, helper_text=" ", size="small", width=250, margin=(6, 0))
            for metric, (label, _) in METRICS.items()
        }
        self._record = pmui.Button(
            label="Compare and record", variant="contained", size="small", margin=0, on_click=self._recorded
        )
        self._picker = FilePicker(session.actions.releases.upload, self._arrived, self._fail, hint=HINT)
        self._picker.accept = ".csv"
        self._on.param.watch(lambda _: self._show_plan(), "value")
        self._report: Any = None
        template = FileButton(
            callback=lambda: StringIO(TEMPLATE.format(day=self._on.value)),
            filename="actuals.csv",
            label="Template (CSV)",
            description="Template (CSV): an empty file of actuals with its columns",
            is_recorded=True,  # nothing of the home is in it
            **SMALL,
        )
        fields = pn.FlexBox(self._on, *self._fields.values(), gap="12px", margin=0)
        form = pmui.Paper(
            pn.Column(
                html.pane(html.card_heading("Record actuals", "Empty fields are left out")),
                fields,
                pn.Row(self._record, template, styles={"gap": "12px", "align-items": "center"}, margin=0),
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
        self._card = Card(name="actuals", height=420)
        self._parts = (state, form)
        self.layout = pn.Column(*self._parts, **STACK)

    def show(self, report: Any) -> None:
        """Show what has fired so far; None without a plan."""
        why = why_not_monitor(self._session.user) or ("" if report else "There is no plan to compare with.")
        spoken = f"Compare and record: {why}" if why else None  # it is also the button's name
        self._record.param.update(disabled=bool(why), description=spoken)
        self._picker.disabled = bool(why)
        self._state.object = NO_PLAN if report is None else state_html(report)
        self._report = report
        self._show_plan()

    def _show_plan(self) -> None:
        """Write the plan's figure of the date's year below each field."""
        years = {} if self._report is None else self._report.plan.years
        year = str(self._on.value)[:4]
        plan = years.get(int(year)) if year.isdecimal() else None
        for metric, (_, write) in METRICS.items():
            planned = (plan or {}).get(metric)
            text = (
                f"No figure in the plan for {year}" if planned is None else f"Plan {year}: {write(planned)}"
            )
            self._fields[metric].helper_text = text

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
        self._card.show(compared(report, self._session.store.labels().full(report.plan.scenario)))
        show(self.layout, *self._parts, self._card.layout)
        fired = len(report.recorded)
        text = f"{counted(len(report.checks), 'actual')} compared, {counted(fired, 'trigger')} fired."
        self._session.notify(text, tone="warning" if fired else "success")
        self._done()

    def _fail(self, error: PlanWiseError) -> None:
        self._failed.object = html.error_notice(error)


def compared(report: Any, called: str) -> Content:
    """Return the actuals beside the plan, whose scenario is called so, as a table."""
    measured = [one for one in report.checks if one.deviation is not None]
    series = [
        Series(
            text,
            [one.deviation if one.fired is fired else None for one in measured],
            [percent(one.deviation, sign=True) for one in measured],
            color,
        )
        for text, fired, color in (("Within its limit", False, UP), ("Trigger fired", True, DOWN))
    ]
    places = [f"{one.metric.replace('_', ' ').capitalize()}, {one.on}" for one in measured]
    return Content(
        "Actuals compared",
        f"Difference from the plan, % of it · {called} · {report.plan.fingerprint[:12]}",
        actuals_frame(report),
        COLUMNS,
        "actuals.csv",
        bars(places, series, y_format="+.1%", y_title="", stacked=True),
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
