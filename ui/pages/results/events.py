"""The event explorer: filtered, sorted and paged by the query; what is filtered can be downloaded."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.formatting import count, counted, money, percent, with_unit
from ui.components import html
from ui.components.card import FRAME, SMALL
from ui.components.downloads import FileButton, to_csv, to_excel
from ui.components.page import STACK, UpdateGuard
from ui.components.table import PagedRows
from ui.pages.results.request import ResultsView, Section, levels, reason, status
from ui.session import Session
from ui.store import Store
from ui.values.people import EVENT_KINDS, EventPage, EventQuery

ROWS = 25  # of a page
DASH = "–"  # a missing value: no pay before a hire, no draw for a raise
EMPLOYEE_PART = 1  # of an event's id: year/employee/type/reason
LEVEL_CELL = 3  # shows the level before, too
CSV_ROWS, EXCEL_ROWS = 100_000, 50_000  # of a download; the mart's Parquet file has them all
NOT_ALLOWED = html.notice(
    "Single employees are for analysts, auditors and administrators.",
    "The other sections show groups of ten people or more.",
    "warn",
)


@dataclass(frozen=True)
class EventTablePage:
    """What was read: the query, the events of one page, and which page it is."""

    query: EventQuery
    found: EventPage
    page: int


class Explorer(Section):
    """The section: controls, table, downloads."""

    key, title = "events", "Events"
    status = "everyone"

    def __init__(self, session: Session, changed: Callable[[], None], opened: Callable[[str], None]) -> None:
        self._session, self._changed, self._open = session, changed, opened
        self._allowed = session.can_see_individual_pay
        self._filling = UpdateGuard()
        self._view: tuple[ResultsView, EventQuery] | None = None
        self._heading = html.pane("", min_width=0)
        select: dict[str, Any] = {"size": "small", "margin": (4, 0)}
        self._kind = pmui.Select(
            label="Kind of event",
            options={"All events": "", **{text: key for key, (text, _) in EVENT_KINDS.items()}},
            width=180,
            **select,
        )
        self._years = pmui.Select(
            label="Years", options={"Chosen year": False, "All years": True}, value=False, width=150, **select
        )
        self._id = pmui.TextInput(label="Employee ID contains", placeholder="EMP-0001", width=230, **select)
        self._rows = PagedRows(
            caption="Events",
            opens="Timeline of",
            sort=["effective_date", False],
            sizing_mode="stretch_width",
            margin=0,
        )
        self._csv = FileButton(
            callback=self._as_csv,
            filename="events.csv",
            label="CSV",
            description="Download the events as CSV",
            **SMALL,
        )
        self._excel = FileButton(
            callback=self._as_excel,
            filename="events.xlsx",
            label="Excel",
            description="Download the events as Excel",
            **SMALL,
        )
        self._kind.param.watch(self._choose_kind, "value")
        self._years.param.watch(self._restart, "value")
        self._id.param.watch(self._restart, "value")
        self._rows.param.watch(self._restart, "sort")
        self._rows.param.watch(self._turn, "page")
        self._rows.param.watch(self._row_opened, "opened")
        body = pmui.Paper(
            pmui.Row(self._heading, self._csv, self._excel, sizing_mode="stretch_width", margin=(0, 0, 6, 0)),
            pn.FlexBox(self._kind, self._years, self._id, gap="12px", align_items="center"),
            self._rows,
            **FRAME,
        )
        self.layout = pn.Column(body if self._allowed else html.pane(NOT_ALLOWED), **STACK)

    def read(self, store: Store, view: ResultsView) -> EventTablePage | None:
        """Return one page of events."""
        if not self._allowed:
            return None
        query = self._query(view)
        page = self._rows.page
        found = self._session.individual_pay.events(view.scenario, query, offset=page * ROWS, limit=ROWS)
        last = max(ceil(found.total / ROWS), 1) - 1
        if page > last:
            page = last
            found = self._session.individual_pay.events(view.scenario, query, offset=page * ROWS, limit=ROWS)
        return EventTablePage(query, found, page)

    def show(self, view: ResultsView, found: Any) -> None:
        """Show it."""
        if found is None:
            return
        self._view = (view, found.query)
        total = found.found.total
        self._heading.object = html.card_heading("Events", subtitle(view, found.query, total))
        names = f"events_{view.scenario}_{found.query.year or 'all_years'}"
        self._csv.filename, self._excel.filename = f"{names}.csv", f"{names}.xlsx"
        with self._filling:
            self._kind.value = view.event
            self._rows.param.update(
                head=[
                    {"name": c.name, "heading": with_unit(c.heading), "is_text": c.is_text}
                    for c in columns(view)
                ],
                rows=rows(view, found.found.frame),
                page=found.page,
                pages=max(ceil(total / ROWS), 1),
                total=counted(total, "event"),
                opened="",
            )

    def _query(self, view: ResultsView) -> EventQuery:
        sort, descending = self._rows.sort
        return EventQuery(
            people=view.people,
            year=None if self._years.value else view.year,
            kind=view.event,
            employee=self._id.value.strip(),
            sort=sort,
            descending=descending,
        )

    def _choose_kind(self, event: Any) -> None:
        if not self._filling:
            with self._filling:
                self._rows.page = 0
            self._session.selection.event = event.new

    def _restart(self, *_: Any) -> None:
        """Show the first page of another query."""
        if not self._filling:
            with self._filling:
                self._rows.page = 0
            self._changed()

    def _turn(self, *_: Any) -> None:
        if not self._filling:
            self._changed()

    def _row_opened(self, event: Any) -> None:
        if not self._filling and event.new:
            self._open(event.new.split("/")[EMPLOYEE_PART])

    async def _as_csv(self) -> BytesIO:
        return await self._session.offload(self._export, CSV_ROWS, to_csv)

    async def _as_excel(self) -> BytesIO:
        return await self._session.offload(self._export, EXCEL_ROWS, _workbook)

    def _export(self, limit: int, write: Callable[[pd.DataFrame], BytesIO]) -> BytesIO:
        assert self._view is not None
        view, query = self._view
        return write(self._session.individual_pay.export_events(view.scenario, query, limit=limit).frame)


def _workbook(frame: pd.DataFrame) -> BytesIO:
    return to_excel({"events": frame})


def subtitle(view: ResultsView, query: EventQuery, total: int) -> str:
    """Return which events these are, and how many of them a download has."""
    period = f"{view.result.years[0]}–{view.result.last_year}" if query.year is None else str(query.year)
    bound = "".join(
        f" · {name} has the first {count(rows)} in this order"
        for name, rows in (("CSV", CSV_ROWS), ("Excel", EXCEL_ROWS))
        if total > rows
    )
    kind = EVENT_KINDS[query.kind][0] if query.kind else "All events"
    having = f" · employee id has {query.employee!r}" if query.employee else ""
    return f"{kind} · {period} · {view.who()} · {view.label}{having}{bound}"


def columns(view: ResultsView) -> tuple[html.TableColumn, ...]:
    """Return the columns of the table; the first opens a person's timeline."""
    return (
        html.TableColumn("employee_id", "Employee", str, is_text=True),
        html.TableColumn("effective_date", "Date", lambda v: f"{v:%Y-%m-%d}", is_text=True),
        html.TableColumn("event_reason", "Event", reason, is_text=True),
        html.TableColumn("level_id", "Level", view.level, is_text=True),
        html.TableColumn("department", "Department", str, is_text=True),
        html.TableColumn("employment_status", "Status in the year", status, is_text=True),
        html.TableColumn("previous_compensation", "Pay before, $", lambda v: DASH if v != v else money(v)),
        html.TableColumn("compensation_amount", "Pay after, $", money),
        html.TableColumn("applied_rate", "Rate", lambda v: DASH if v != v else percent(v, 2)),
        html.TableColumn("probability", "Probability", lambda v: DASH if v != v else percent(v, 1)),
    )


def rows(view: ResultsView, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as texts; the key is the event's id."""
    written = columns(view)
    found = []
    for row in frame.to_dict("records"):
        cells = [column.write(row[column.name]) for column in written]
        cells[LEVEL_CELL] = levels(row["previous_level_id"], row["level_id"], view.level)
        found.append({"key": row["event_id"], "cells": cells, "tone": "", "mark": "", "chosen": False})
    return found
