"""The Audit page: the trail of events with filters, its verification, reports and export."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count, counted, moment
from ui.components import html
from ui.components.card import FRAME, SMALL
from ui.components.downloads import Download, FileButton, to_csv
from ui.components.html import TableColumn
from ui.components.page import STACK, Page, show
from ui.components.table import PagedTable
from ui.session import Session
from ui.values.audit import EVENTS_MAX, AuditFilter, AuditTrail, Verification

ROWS = 25  # of a page
NOT_ALLOWED = html.notice(
    "The audit trail is for approvers, auditors and administrators.",
    "Ask one of them, or an administrator for the role.",
    "warn",
)
COLUMNS = (
    TableColumn("sequence", "Event"),
    TableColumn("at", "Time", moment, is_text=True, whole=True),
    TableColumn("actor", "Person", is_text=True),
    TableColumn("type", "Type", lambda kind: str(kind).replace("_", " ").capitalize(), is_text=True),
    TableColumn("scenario", "Scenario", is_text=True),
    TableColumn("what", "What", is_text=True),
)
SELECT: dict[str, Any] = {"size": "small", "margin": (4, 0), "width": 190}
UNVERIFIED = (
    "Every event has the hash of the one before it. Verification reads them all and names the first that "
    "differs from what was recorded. With a head noted earlier, on paper or in a report, it also finds a "
    "ledger that was replaced."
)


class AuditPage(Page):
    """One session's page; reads the trail when it is shown."""

    key = "audit"
    title = "Audit"
    subtitle = "Who did what and when, in a record that cannot be changed unnoticed"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._trail: AuditTrail | None = None
        self._kind, self._actor, self._scenario = (
            pmui.Select(label=label, options={text: ""}, **SELECT)
            for label, text in (
                ("Type", "All types"),
                ("Person", "Everyone"),
                ("Scenario", "All scenarios"),
            )
        )
        self._since = pmui.DatePicker(label="From", size="small", width=170, margin=(4, 0))
        self._until = pmui.DatePicker(label="To", size="small", width=170, margin=(4, 0))
        for control in (self._kind, self._actor, self._scenario, self._since, self._until):
            control.param.watch(self._filter, "value")
        self._heading_of_list = html.pane("", min_width=0)
        self._table = PagedTable(
            COLUMNS,
            key="sequence",
            caption="Events",
            noun="event",
            rows=ROWS,
            opens="Details of event",
            on_open=self._open,
        )
        self._table.layout.sort = ["sequence", True]
        self._details = html.pane("")
        self._csv = FileButton(
            callback=self._as_csv,
            filename="audit_events.csv",
            label="CSV",
            description="Download the events listed as CSV",
            **SMALL,
        )
        self._reports = [
            self._download(label, f"audit_report{suffix}", "Writing …", partial(self._report, suffix))
            for label, suffix in (("Report (PDF)", ".pdf"), ("Report (HTML)", ".html"))
        ]
        self._export = self._download("Export", "audit_trail.jsonl", "Writing …", self._exported)
        self._anchor = pmui.TextInput(
            label="Head noted earlier (optional)",
            placeholder="count:hash, or the hash",
            size="small",
            sizing_mode="stretch_width",
            margin=(4, 0),
        )
        self._verify = pmui.Button(
            label="Verify the trail", icon="verified", variant="contained", size="small", margin=(4, 0, 10, 0)
        )
        self._verify.on_click(lambda _: pn.state.execute(self._verified))
        self._result = html.pane("")
        self._head = html.pane("")
        checked = pmui.Paper(
            html.pane(html.card_heading("Verification", UNVERIFIED)),
            self._head,
            self._anchor,
            self._verify,
            self._result,
            **FRAME,
        )
        listed = pmui.Paper(
            pmui.Row(
                self._heading_of_list,
                self._csv,
                *self._reports,
                self._export,
                sizing_mode="stretch_width",
                margin=(0, 0, 6, 0),
            ),
            pn.FlexBox(
                *(self._kind, self._actor, self._scenario, self._since, self._until),
                gap="12px",
                align_items="center",
            ),
            self._table.layout,
            self._details,
            **FRAME,
        )
        self._body = pn.Column(checked, listed, **STACK)
        self.refresh()

    def refresh(self) -> None:
        """Read the trail anew."""
        if not self._session.can_audit:
            show(self.layout, self._heading, html.pane(NOT_ALLOWED))
            return
        pn.state.execute(self._read)

    async def _read(self) -> None:
        try:
            trail = await self._session.offload(self._session.audit.trail, self._chosen())
        except PlanWiseError as error:
            self._show_error(error)
            return
        self._trail = trail
        with self._filling:
            for control, text, values in (
                (self._kind, "All types", trail.kinds),
                (self._actor, "Everyone", trail.actors),
                (self._scenario, "All scenarios", trail.scenarios),
            ):
                control.options = {
                    text: "",
                    **{_words(value, control is self._kind): value for value in values},
                }
        self._head.object = html.facts({"Head": trail.head})
        shown = f" The newest {count(EVENTS_MAX)} are listed." if trail.total > EVENTS_MAX else ""
        self._heading_of_list.object = html.card_heading(
            "Events", f"{counted(trail.total, 'event')}, newest first.{shown}"
        )
        self._table.show(trail.rows)
        self._set_notices([])
        self._show(self._heading, self._notices, self._body)

    def _chosen(self) -> AuditFilter:
        return AuditFilter(
            self._kind.value or "",
            self._actor.value or "",
            self._scenario.value or "",
            self._since.value,
            self._until.value,
        )

    def _filter(self, _: Any) -> None:
        if not self._filling:
            self._table.open(None)
            self._details.object = ""
            pn.state.execute(self._read)

    def _open(self, sequence: Any) -> None:
        if self._trail is None or sequence is None:
            self._details.object = ""
            return
        rows = self._trail.rows
        row = rows[rows["sequence"] == sequence].iloc[0]
        facts = {key: _text(value) for key, value in json.loads(row["details"]).items()}
        heading = html.card_heading(
            f"Event {sequence}", f"{row['actor']} ({row['role']}), {moment(row['at'])}"
        )
        self._details.object = heading + html.facts(facts)

    async def _verified(self) -> None:
        self._verify.disabled = True
        try:
            found = await self._session.offload(self._session.audit.verify, self._anchor.value.strip())
            self._result.object = verification(found)
        except PlanWiseError as error:
            self._result.object = html.error_notice(error)
        finally:
            self._verify.disabled = False

    async def _report(self, suffix: str) -> bytes:
        return await self._session.offload(self._session.audit.report, self._chosen(), suffix)

    async def _exported(self) -> bytes:
        return await self._session.offload(self._session.audit.export)

    def _as_csv(self) -> Any:
        rows = pd.DataFrame() if self._trail is None else self._trail.rows
        return to_csv(rows.assign(at=[at.isoformat() for at in rows["at"]]) if len(rows) else rows)

    def _download(self, label: str, name: str, busy: str, write: Callable[[], Any]) -> Download:
        made = Download(write, self._session.notify_error, label=label, busy=busy, **SMALL)
        made.filename = name
        return made


def verification(found: Verification) -> str:
    """Return the result of a verification."""
    if found.ok:
        return html.notice(f"The trail is whole: {counted(found.events, 'event')}.", tone="good")
    return html.notice(
        f"The trail is broken: {found.problem}.",
        "Keep a copy of the ledger, compare it with the last export or backup, and find who could write.",
        "bad",
    )


def _words(value: str, is_kind: bool) -> str:
    return value.replace("_", " ").capitalize() if is_kind else value


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items()) or "none"
    return "none" if value in (None, "") else str(value)
