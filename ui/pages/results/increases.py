"""The increase list of the first planned year: its budget, who gets what, and the files."""

from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from math import ceil
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.formatting import count, money, money_short, percent, ratio, with_unit
from ui.components import html
from ui.components.card import FRAME, SMALL, Card, Content
from ui.components.downloads import FileButton
from ui.components.page import STACK, UpdateGuard
from ui.components.table import PagedRows
from ui.pages.results.events import NOT_ALLOWED
from ui.pages.results.request import ResultsView, Section
from ui.session import Session
from ui.store import Store
from ui.values.people import IncreaseBudget, IncreaseQuery

ROWS = 25  # of a page
DASH = "–"
NOTE = html.notice(
    "Base pay and raises are full-time amounts; the files have them at FTE, too. A row follows from the "
    "levers and from level and pay in the census: promotions and exits are drawn, so no row shows them. "
    "Promotions are a budget by level and department; the merit and COLA that come with them are a figure of "
    "their own. The list, these, and what people who leave do not get sum to the increase budget."
)
Found = tuple[IncreaseBudget, IncreaseQuery, tuple[pd.DataFrame, int] | None, int]


class Increases(Section):
    """The section: totals, groups, and for those who may see single people the list with its files."""

    key, title = "increases", "Increases"
    by_people, by_status = False, False

    def __init__(self, session: Session, changed: Callable[[], None], opened: Callable[[str], None]) -> None:
        self._session, self._changed, self._open = session, changed, opened
        self._allowed = session.can_see_individual_pay
        self._filling = UpdateGuard()
        self._scenario = ""
        self._totals = html.pane("")
        self._groups = Card(name="increase budget by group", with_chart=False, height=560)
        self._heading = html.pane("", min_width=0)
        self._text = pmui.TextInput(
            label="Id, title or department contains", width=260, size="small", margin=(4, 0)
        )
        self._rows = PagedRows(
            caption="Increases",
            opens="Timeline of",
            sort=["employee_id", False],
            sizing_mode="stretch_width",
            margin=0,
        )
        self._files = [
            FileButton(
                callback=partial(self._file, suffix),
                filename=f"increases.{suffix}",
                label=label,
                is_recorded=True,
                description=f"Download the increase list as {label}",
                **SMALL,
            )
            for suffix, label in (("csv", "CSV"), ("xlsx", "Excel"))
        ]
        self._text.param.watch(self._restart, "value")
        self._rows.param.watch(self._restart, "sort")
        self._rows.param.watch(self._turn, "page")
        self._rows.param.watch(self._row_opened, "opened")
        listed = pmui.Paper(
            pmui.Row(self._heading, *self._files, sizing_mode="stretch_width", margin=(0, 0, 6, 0)),
            self._text,
            self._rows,
            **FRAME,
        )
        self._people = listed if self._allowed else html.pane(NOT_ALLOWED)
        self.layout = pn.Column(
            self._totals,
            self._people,
            self._groups.layout,
            html.pane(NOTE),
            **STACK,
        )

    def read(self, store: Store, view: ResultsView) -> Found | InputError:
        """Return the budget and one page of the list, or why a result of an earlier version has none."""
        try:
            budget = store.people.increase_budget(view.scenario)
        except InputError as error:
            return error
        sort, descending = self._rows.sort
        query = IncreaseQuery(self._text.value.strip(), sort, descending)
        if not self._allowed:
            return budget, query, None, 0
        page, find = self._rows.page, partial(self._session.individual_pay.increases, view.scenario, query)
        found = find(offset=page * ROWS, limit=ROWS)
        last = max(ceil(found[1] / ROWS), 1) - 1
        if page > last:
            page, found = last, find(offset=last * ROWS, limit=ROWS)
        return budget, query, found, page

    def show(self, view: ResultsView, found: Any) -> None:
        """Show it."""
        is_missing = isinstance(found, InputError)
        self._people.visible = self._groups.layout.visible = not is_missing
        if isinstance(found, InputError):
            self._totals.object = html.error_notice(found)
            return
        budget, query, listed, page = found
        self._scenario = view.scenario
        self._totals.object = html.kpi_strip(tiles(budget))
        self._groups.show(by_group(view, budget))
        if listed is None:
            return
        frame, total = listed
        having = f" · with {query.text!r}" if query.text else ""
        subtitle = f"Base pay a year, full-time · raises of {budget.year}{having} · {view.label}"
        self._heading.object = html.card_heading("Increase list", subtitle)
        for button in self._files:
            suffix = str(button.filename).rpartition(".")[2]
            button.filename = f"increases_{view.scenario}_{budget.year}.{suffix}"
        written = columns(view)
        with self._filling:
            self._rows.param.update(
                head=[
                    {"name": c.name, "heading": with_unit(c.heading), "is_text": c.is_text} for c in written
                ],
                rows=[
                    {
                        "key": row["employee_id"],
                        "cells": [column.write(row[column.name]) for column in written],
                        "tone": "",
                        "mark": "",
                        "chosen": False,
                    }
                    for row in frame.to_dict("records")
                ],
                page=page,
                pages=max(ceil(total / ROWS), 1),
                total=f"{count(total)} {'person' if total == 1 else 'people'}",
                opened="",
            )

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
            self._open(event.new)

    async def _file(self, suffix: str) -> BytesIO:
        individual = self._session.individual_pay
        return BytesIO(await self._session.offload(individual.increases_file, self._scenario, suffix))


def tiles(budget: IncreaseBudget) -> Sequence[html.Kpi]:
    """Return the totals of the list: the increase budget and what it is made of."""
    year, total = budget.year, budget.totals
    parts = f"COLA {money_short(total['cola_cost'])}, merit {money_short(total['merit_cost'])}"
    bridge = {part: money_short(cost) for part, cost in budget.bridge.items()}
    steps = f"with promotions {bridge['promotions']}, exits {bridge['exits']}"
    return (
        html.Kpi(
            f"Increase budget, {year}", percent(total["increase_rate"], 2), "of base payroll at each date"
        ),
        html.Kpi(
            f"Increases, {year}",
            money_short(total["increase_cost"]),
            f"{parts}, lump sums {money_short(total['lump_sum_cost'])}",
        ),
        html.Kpi(
            "Increase list",
            bridge["listed"],
            f"of {money_short(total['opening_payroll'])}; {steps}, other draws {bridge['draws']}",
        ),
        html.Kpi(
            f"Promotion budget, {year}",
            percent(total["promotion_rate_of_payroll"], 2),
            f"{money_short(total['promotion_cost'])}, and the merit and COLA with them "
            f"{bridge['promotions']}",
        ),
    )


def columns(view: ResultsView) -> tuple[html.TableColumn, ...]:
    """Return the columns of the list; the first opens a person's timeline."""
    return (
        html.TableColumn("employee_id", "Employee", str, is_text=True),
        html.TableColumn("job_title", "Title", str, is_text=True),
        html.TableColumn("department", "Department", str, is_text=True),
        html.TableColumn("level", "Level", view.level, is_text=True),
        html.TableColumn("old_base_pay", "Pay before, $", money),
        html.TableColumn("cola", "COLA, $", _raise),
        html.TableColumn("merit", "Merit, $", _raise),
        html.TableColumn("lump_sum", "Lump sum, $", _raise),
        html.TableColumn("new_base_pay", "Pay after, $", money),
        html.TableColumn("increase_rate", "Increase", lambda v: percent(v, 2)),
        html.TableColumn("performance_rating", "Rating", count),
        html.TableColumn("position_in_range", "In range", lambda v: percent(v, 0)),
        html.TableColumn("compa_ratio_before", "Compa-ratio before", ratio),
        html.TableColumn("compa_ratio_after", "after", ratio),
        html.TableColumn("market_ratio_before", "To market before", ratio),
        html.TableColumn("market_ratio_after", "after", ratio),
        html.TableColumn("fte", "FTE", ratio),
        html.TableColumn("remark", "Remark", str, is_text=True),
    )


def by_group(view: ResultsView, budget: IncreaseBudget) -> Content:
    """Return the list and the promotion budget by level and department."""
    frame = budget.groups.assign(
        group=[
            view.level(group) if attribute == "level" and str(group).isdigit() else str(group)
            for attribute, group in budget.groups[["attribute", "group"]].itertuples(index=False)
        ]
    )
    drift = (
        html.TableColumn("drift_cost", "Drift, $", money),
        html.TableColumn("drift_share", "of payroll", lambda v: percent(v, 2, sign=True)),
    )
    return Content(
        "Budgets by group",
        f"Base pay × FTE, annualised · raises of {budget.year} · {view.label}",
        frame,
        (
            html.TableColumn("group", "Level or department", str, is_text=True),
            html.TableColumn("headcount", "People", count),
            html.TableColumn("opening_payroll", "Base payroll, $", money),
            html.TableColumn("list_cost", "Increase list, $", money),
            html.TableColumn("list_share", "of payroll", lambda v: percent(v, 2)),
            html.TableColumn("promotion_cost", "Promotions, $", money),
            html.TableColumn("promotion_share", "of payroll", lambda v: percent(v, 2)),
            html.TableColumn("with_promotions_cost", "Merit and COLA with them, $", money),
            *(drift if any(pd.notna(cost) and cost for cost in frame["drift_cost"]) else ()),
        ),
        f"increase_budget_{view.scenario}_{budget.year}.csv",
    )


def _raise(value: Any) -> str:
    return money(value) if value else DASH
