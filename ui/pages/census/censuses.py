"""The stored censuses: list, details, level names, use, delete."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count, moment, money
from ui.components import html
from ui.components.card import FRAME
from ui.components.downloads import Download
from ui.components.html import TableColumn
from ui.components.page import PARTS, STACK, UpdateGuard, show
from ui.components.scenario_dialogs import PLAIN, open_dialog
from ui.components.table import PagedTable
from ui.pages.census import file_report
from ui.session import Session
from ui.values.census import COLUMN_WORDS, CensusItem, CensusLevel

COLUMNS = (
    TableColumn("name", "Census", is_text=True),
    TableColumn("people", "People", count),
    TableColumn("as_of", "As of", is_text=True, whole=True),
    TableColumn("source", "From", is_text=True),
    TableColumn("currency", "Currency", is_text=True),
    TableColumn("scenarios", "Scenarios on it", is_text=True),
    TableColumn("created", "Brought in", is_text=True, whole=True),
)
SCENARIOS_NAMED = 3
SMALL: dict[str, Any] = {"size": "small", "margin": 0}
ROW: dict[str, Any] = {"styles": {"gap": "10px", "flex-wrap": "wrap", "align-items": "center"}, "margin": 0}
NAMES_CHANGED = "Results show the new names once their scenarios have run again."


class Censuses:
    """The list; the census that is opened is below it. `on_choose` gets the ticked names, oldest first."""

    def __init__(
        self, session: Session, on_change: Callable[[], None], on_choose: Callable[[tuple[str, ...]], None]
    ) -> None:
        self._session = session
        self._on_choose = on_choose
        self._items: dict[str, CensusItem] = {}
        self._damaged = html.pane("", visible=False)
        self._table = PagedTable(
            COLUMNS,
            key="name",
            caption="Stored censuses",
            noun="census",
            plural="censuses",
            rows=8,
            opens="Show",
            on_open=lambda name: self._open(name),
            on_choose=lambda _: self._chosen(),
        )
        self._details = CensusDetails(session, on_change)
        heading = html.card_heading(
            "Censuses", "Open one for its details; tick several years to calibrate on them"
        )
        self.layout = pn.Column(
            pmui.Paper(pn.Column(html.pane(heading), self._damaged, self._table.layout, **PARTS), **FRAME),
            **STACK,
        )

    def show(self, items: Sequence[CensusItem], damaged: Sequence[PlanWiseError]) -> None:
        """Show the censuses, and the errors of those that are damaged."""
        self._items = {item.name: item for item in items}
        self._damaged.param.update(
            object="".join(html.error_notice(error) for error in damaged), visible=bool(damaged)
        )
        self._table.show(
            census_frame(items, self._session.store.labels().of),
            marks={i.name: "in use" for i in items if i.in_use},
        )
        self._open(self._table.opened if self._table.opened in self._items else None)

    def choose(self, names: Sequence[str]) -> None:
        """Tick these censuses."""
        self._table.choose(tuple(names))

    @property
    def chosen(self) -> tuple[str, ...]:
        """The ticked censuses, the oldest first."""
        known = [self._items[name] for name in self._table.chosen if name in self._items]
        return tuple(item.name for item in sorted(known, key=lambda item: item.as_of))

    def _chosen(self) -> None:
        self._on_choose(self.chosen)

    def _open(self, name: str | None) -> None:
        self._table.open(name)
        item = self._items.get(name or "")
        if item is not None:
            self._details.show(item)
        show(self.layout, self.layout[0], *([self._details.layout] if item else []))


def census_frame(items: Sequence[CensusItem], called: Callable[[str], str] = str) -> pd.DataFrame:
    """Return one row per census; `called` gives a scenario's title."""
    rows = [
        {
            "name": item.name,
            "people": item.people,
            "as_of": item.as_of.isoformat(),
            "source": item.source,
            "currency": item.currency or "not stated",
            "scenarios": named_scenarios(item, called),
            "created": moment(item.created_at) if item.created_at else "",
        }
        for item in items
    ]
    return pd.DataFrame(rows, columns=[column.name for column in COLUMNS])


def named_scenarios(item: CensusItem, called: Callable[[str], str] = str) -> str:
    """Return the scenarios that simulate a census."""
    names = [called(name) for name in (*item.scenarios, *item.following)]
    more = len(names) - SCENARIOS_NAMED
    return ", ".join(names[:SCENARIOS_NAMED]) + (f" and {more} more" if more > 0 else "") or "none"


class CensusDetails:
    """One census: facts, report of its import, level names; use and delete."""

    def __init__(self, session: Session, on_change: Callable[[], None]) -> None:
        self._session = session
        self._on_change = on_change
        self._item: CensusItem | None = None
        self._heading = html.pane("")
        self._facts = html.pane("")
        self._counts = html.pane("")
        self._reasons = html.pane("", styles={"--table-height": "240px"})
        self._notes = html.pane("")
        self._use = pmui.Button(label="Use this census", variant="contained", **SMALL)
        self._use.on_click(self._used)
        self._delete = pmui.Button(label="Delete…", variant="text", color="error", **SMALL)
        self._delete.on_click(self._ask)
        self._rejects = Download(
            self._rejected_rows,
            session.notify_error,
            label="Rejected rows (CSV)",
            busy="Reading…",
            is_recorded=False,
            **SMALL,
        )
        self._names = LevelNames(session, on_change)
        self._dialogs = pn.Column()
        self._question = html.pane("")
        self._confirm = pmui.Button(label="Delete", variant="contained", color="error", size="small")
        self._confirm.on_click(self._deleted)
        self._cancel = pmui.Button(label="Cancel", variant="text", size="small")
        self._cancel.on_click(lambda _: self._close())
        end = {"gap": "8px", "justify-content": "flex-end"}
        self.confirmation = pmui.Dialog(
            pn.Column(
                self._question,
                pn.Row(self._cancel, self._confirm, sizing_mode="stretch_width", styles=end),
                sizing_mode="stretch_width",
                styles={"gap": "12px"},
            ),
            title="Delete the census?",
            title_variant="h6",
            width_option="sm",
            sx=PLAIN,
            close_on_click=True,
        )
        self._body = pn.Column(**PARTS)
        self.layout = pmui.Paper(self._body, **FRAME)

    def show(self, item: CensusItem) -> None:
        """Show one census."""
        self._item = item
        report = self._session.store.censuses.report(item)
        self._heading.object = html.card_heading(
            item.name, f"{count(item.people)} people as of {item.as_of} · {item.source}"
        )
        facts = {
            "Levels": item.levels_from,
            "Currency": item.currency or "not stated",
            "Also known": ", ".join(COLUMN_WORDS[fact].lower() for fact in item.available) or "nothing more",
            "Scenarios": ", ".join(map(self._session.store.labels().of, (*item.scenarios, *item.following)))
            or "none",
            "Content": item.content_hash[:12],
        }
        self._facts.object = html.facts(facts)
        may = self._session.can_edit
        self._use.param.update(
            disabled=item.in_use or not may, label="In use" if item.in_use else "Use this census"
        )
        self._delete.disabled = not may
        self._names.show(item)
        parts: list[Any] = [
            self._heading,
            pn.Row(self._use, self._rejects, self._delete, **ROW) if len(self._body) == 0 else self._body[1],
            self._facts,
        ]
        self._rejects.visible = (
            bool(report and report["rows_rejected"]) and self._session.can_see_individual_pay
        )
        if report is not None:
            self._counts.object = file_report.counts(report)
            self._reasons.object = file_report.reasons(report)
            parts += [self._counts, self._reasons]
            if self._session.can_see_individual_pay:  # notes may name lines with their amounts
                self._notes.object = (
                    f'<p class="group-title">Columns</p>{file_report.columns_used(report)}'
                    f'<p class="group-title">Notes of the import</p>{file_report.warnings(report)}'
                )
                parts.append(self._notes)
        show(self._body, *parts, self._names.layout, self._dialogs)

    async def _used(self, *_: Any) -> None:
        item = self._item
        if item is not None and await self._attempt(self._session.actions.censuses.use, item.name):
            self._session.notify(f"{item.name} is in use.", tone="success", remedy="Run the baseline on it.")

    async def _ask(self, *_: Any) -> None:
        """Show what would be deleted, or why it may not be."""
        item = self._item
        assert item is not None  # its button is shown with it
        try:
            what = await self._session.offload(self._session.actions.censuses.deletion, item.name)
        except PlanWiseError as error:
            self._session.notify_error(error, "warning")
            return
        self._question.object = html.notice(f"This cannot be undone. {what}", "", "warn")
        open_dialog(self._dialogs, self.confirmation)

    async def _deleted(self, *_: Any) -> None:
        item = self._item
        assert item is not None
        if await self._attempt(self._session.actions.censuses.delete, item.name):
            self._session.notify(f"{item.name} is deleted.", tone="success")
        self._close()

    def _close(self) -> None:
        self.confirmation.open = False

    async def _attempt(self, work: Callable[[str], None], name: str) -> bool:
        try:
            await self._session.offload(work, name)
        except PlanWiseError as error:
            self._session.notify_error(error)
            return False
        finally:
            self._on_change()
        return True

    async def _rejected_rows(self) -> bytes:
        item, session = self._item, self._session
        assert item is not None
        self._rejects.filename = f"rejects_{item.name}.csv"
        return await session.offload(session.store.censuses.rejects, item, session.user)


class LevelNames:
    """The names of a stored census's levels, which may be changed."""

    def __init__(self, session: Session, on_change: Callable[[], None]) -> None:
        self._session = session
        self._on_change = on_change
        self._item: CensusItem | None = None
        self._filling = UpdateGuard()
        self._fields: dict[int, Any] = {}
        self._ranges = html.pane("")
        self._problem = html.pane("", visible=False)
        self._save = pmui.Button(label="Save the names", variant="outlined", disabled=True, **SMALL)
        self._save.on_click(self._saved)
        grid = (
            ":host { display: grid; gap: 12px 16px; max-height: none; "
            "grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); }"
        )
        self._row = pn.Column(sizing_mode="stretch_width", margin=0, stylesheets=[grid])
        heading = html.pane('<h3 class="card-title">Levels and their names</h3>')
        self.layout = pn.Column(heading, self._row, self._problem, self._save, **PARTS)

    def show(self, item: CensusItem) -> None:
        """Show the levels of a census; names that were typed stay while it does not change."""
        if self._item is not None and (item.name, item.levels) == (self._item.name, self._item.levels):
            self._item = item
            return
        self._item = item
        self._problem.visible = False
        for level in item.levels:
            if level.level_id not in self._fields:
                field = pmui.TextInput(
                    label="", max_length=60, size="small", sizing_mode="stretch_width", margin=0
                )
                field.param.watch(lambda _: self._changed(), "value")
                self._fields[level.level_id] = field
        with self._filling:
            for level in item.levels:
                self._fields[level.level_id].param.update(
                    value=level.name,
                    label=f"Name of level {level.level_id}",
                    helper_text=range_text(level),
                    disabled=not self._session.can_edit,
                )
        show(self._row, *(self._fields[level.level_id] for level in item.levels))
        self._changed()

    def _typed(self) -> dict[int, str]:
        assert self._item is not None
        return {level.level_id: str(self._fields[level.level_id].value) for level in self._item.levels}

    def _changed(self) -> None:
        if self._filling or self._item is None:
            return
        now = {level.level_id: level.name for level in self._item.levels}
        self._save.disabled = self._typed() == now or not self._session.can_edit

    async def _saved(self, *_: Any) -> None:
        item, session = self._item, self._session
        assert item is not None
        try:
            await session.offload(session.actions.censuses.rename_levels, item.name, self._typed())
        except PlanWiseError as error:
            self._problem.param.update(object=html.error_notice(error), visible=True)
            return
        session.notify(f"The levels of {item.name} have other names.", tone="success", remedy=NAMES_CHANGED)
        self._on_change()


def range_text(level: CensusLevel) -> str:
    """Return a level's pay range a year."""
    return f"{money(level.minimum)} to {money(level.maximum)}"


def in_use_line(item: CensusItem) -> str:
    """Return which census is in use, as HTML."""
    return (
        f'<p class="strong">{escape(item.name)}: {count(item.people)} people as of {item.as_of} '
        f'{html.chip("in use", "good")}</p><p class="quiet">{escape(item.source)}</p>'
    )
