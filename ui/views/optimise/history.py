"""Past studies: what was asked, by whom, what came of it; open one, compare two."""

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from ui.components import html
from ui.components.card import FRAME, Card
from ui.components.file_button import FileButton
from ui.components.html import Column
from ui.components.layout import STACK, on_page
from ui.components.page import heading_row
from ui.components.paged import PagedTable
from ui.exports.csv import to_csv
from ui.session import Session
from ui.values.formatting import count, moment, percent, seconds
from ui.values.searches import Search, SearchSummary
from ui.views.optimise.convergence import compared
from ui.views.optimise.latest import Current, Latest
from ui.views.optimise.measures import gap
from ui.views.optimise.words import objectives_text, standing, target_text

COMPARED_MAX = 4
TONES: Mapping[str, str] = {"bad": "bad"}
COLUMNS = (
    Column("study", "Study", is_text=True),
    Column("state", "State", is_text=True),
    Column("created_at", "Begun", lambda v: moment(v) if v else "–", is_text=True),
    Column("by", "By", is_text=True),
    Column("scenario", "Scenario", is_text=True),
    Column("strategy", "Strategy", is_text=True),
    Column("minimises", "Minimises", is_text=True),
    Column("target", "Target", target_text),
    Column("trials", "Trials", count),
    Column("growth", "Growth found", lambda v: percent(v, 2)),
    Column("gap_pp", "Target − growth", gap),
    Column("seconds", "Time", seconds),
)


class History:
    """The table of studies; `on_open` is told the name of one that was opened."""

    def __init__(self, session: Session, on_open: Callable[[str], None]) -> None:
        self._session = session
        self._frame = pd.DataFrame(columns=[column.name for column in COLUMNS])
        self.table = PagedTable(
            COLUMNS,
            key="study",
            caption="Studies, the newest first",
            noun="study",
            plural="studies",
            opens="Open study",
            on_open=lambda name: on_open(str(name)) if name is not None else None,
            on_choose=lambda _: self._compare.ask(),
        )
        self._comparison = Card(name="studies compared")
        self._comparison.layout.visible = False
        self._notice = html.pane("", visible=False)
        csv = FileButton(
            callback=lambda: to_csv(self._frame),
            filename="studies.csv",
            label="CSV",
            description="Download the list of studies as CSV",
            variant="text",
            size="small",
            margin=0,
        )
        head = html.pane(
            html.card_heading(
                "Past studies", "Open one by its name; tick two to four to compare how they converge"
            ),
            min_width=0,
        )
        self._empty = html.pane('<p class="quiet">No study has been run in this home yet.</p>')
        self.layout = pn.Column(
            pmui.Paper(
                heading_row(head, csv),
                self._empty,
                self.table.layout,
                **FRAME,
            ),
            self._notice,
            self._comparison.layout,
            **STACK,
        )
        self._list = Latest(self._read)
        self._compare = Latest(self._compare_chosen)

    def refresh(self) -> None:
        """Read the list again."""
        self._list.ask()

    async def _read(self, current: Current) -> None:
        try:
            found = await self._session.offload(self._session.store.searches.list)
            jobs = await self._session.offload(self._session.store.jobs.list)
        except PlanWiseError as error:
            on_page(partial(self._fail, error))
            return
        if current():
            by = {job.study: job.started_by for job in reversed(jobs) if job.study}
            on_page(partial(self._show, found, by))

    def _show(self, found: tuple[SearchSummary, ...], by: Mapping[str, str]) -> None:
        self._frame = frame_of(found, by)
        self._empty.visible, self.table.layout.visible = self._frame.empty, not self._frame.empty
        tones = {one.name: "bad" for one in found if standing(one)[1] == "bad"}
        self.table.show(self._frame, tones=tones)

    async def _compare_chosen(self, current: Current) -> None:
        names = self.table.chosen[:COMPARED_MAX] if len(self.table.chosen) > 1 else ()
        try:
            found = [
                await self._session.offload(self._session.store.searches.get, str(name)) for name in names
            ]
        except PlanWiseError as error:
            on_page(partial(self._fail, error))
            return
        if current():
            on_page(partial(self._show_compared, found))

    def _show_compared(self, found: list[Search]) -> None:
        self._comparison.layout.visible = bool(found)
        self._notice.visible = False
        if found:
            self._comparison.show(compared(found))

    def _fail(self, error: PlanWiseError) -> None:
        self._notice.param.update(object=html.error_notice(error), visible=True)


def frame_of(found: tuple[SearchSummary, ...], by: Mapping[str, str]) -> pd.DataFrame:
    """Return one row a study, the newest first; a study begun by a command has nobody's name."""
    rows = [
        {
            "study": one.name,
            "created_at": one.created_at,
            "by": by.get(one.name, "command line"),
            "scenario": one.scenario,
            "strategy": one.strategy + (" (preview)" if one.kind == "preview" else ""),
            "minimises": objectives_text(one.objectives),
            "target": one.target,
            "trials": one.trials,
            "growth": one.growth,
            "gap_pp": None if one.target is None else one.gap_pp,
            "seconds": one.seconds,
            "state": standing(one)[0],
        }
        for one in found
    ]
    frame = pd.DataFrame(rows, columns=[column.name for column in COLUMNS])
    for name in ("target", "trials", "growth", "gap_pp", "seconds"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame
