"""The page: a new study, the selected study, past studies."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count, moment, seconds
from planwise.jobs import Job
from ui.components import html
from ui.components.card import FRAME, Card
from ui.components.downloads import FileButton, to_csv
from ui.components.html import TableColumn
from ui.components.page import STACK, Current, Debounced, LazyPane, Page, heading_row, on_page
from ui.components.table import PagedTable
from ui.pages.optimise.labels import found_text, gap, objectives_text, study_state, target_text
from ui.pages.optimise.new_study import NewStudy
from ui.pages.optimise.study import StudyTab
from ui.pages.optimise.trial_charts import compared_studies
from ui.session import Session
from ui.values.studies import StudySummary, StudyTrials

COMPARED_MAX = 4
COLUMNS = (
    TableColumn("study", "Study", is_text=True),
    TableColumn("state", "State", is_text=True),
    TableColumn("created_at", "Started", lambda v: moment(v) if v else "–", is_text=True),
    TableColumn("by", "By", is_text=True),
    TableColumn("title", "Scenario", is_text=True),
    TableColumn("census", "Census", is_text=True),
    TableColumn("strategy", "Strategy", is_text=True),
    TableColumn("minimises", "Minimises", is_text=True),
    TableColumn("target", "Target", is_text=True),
    TableColumn("trials", "Trials", count),
    TableColumn("reached", "Found", is_text=True),
    TableColumn("gap_pp", "To the target", gap),
    TableColumn("seconds", "Time", seconds),
)


class StudyHistory:
    """The table of studies; `on_open` receives the name of the one that is opened."""

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
        self._empty = html.pane('<p class="quiet">There is no study yet.</p>')
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
        self._list = Debounced(self._read)
        self._compare = Debounced(self._compare_chosen)

    def refresh(self) -> None:
        """Read the list again."""
        self._list.ask()

    async def _read(self, current: Current) -> None:
        try:
            found = await self._session.offload(self._session.store.studies.list)
            jobs = await self._session.offload(self._session.store.jobs.list)
        except PlanWiseError as error:
            on_page(partial(self._fail, error))
            return
        if current():
            by = {job.study: job.started_by for job in reversed(jobs) if job.study}
            on_page(partial(self._show, found, by))

    def _show(self, found: tuple[StudySummary, ...], by: Mapping[str, str]) -> None:
        self._frame = frame_of(found, by, self._session.store.labels().of)
        self._empty.visible, self.table.layout.visible = self._frame.empty, not self._frame.empty
        tones = {one.name: "bad" for one in found if study_state(one)[1] == "bad"}
        self.table.show(self._frame, tones=tones)

    async def _compare_chosen(self, current: Current) -> None:
        names = self.table.chosen[:COMPARED_MAX] if len(self.table.chosen) > 1 else ()
        try:
            found = [
                await self._session.offload(self._session.store.studies.get, str(name)) for name in names
            ]
        except PlanWiseError as error:
            on_page(partial(self._fail, error))
            return
        if current():
            on_page(partial(self._show_compared, found))

    def _show_compared(self, found: list[StudyTrials]) -> None:
        self._comparison.layout.visible = bool(found)
        self._notice.visible = False
        if found:
            self._comparison.show(compared_studies(found))

    def _fail(self, error: PlanWiseError) -> None:
        self._notice.param.update(object=html.error_notice(error), visible=True)


def frame_of(
    found: tuple[StudySummary, ...], by: Mapping[str, str], called: Callable[[str], str] = str
) -> pd.DataFrame:
    """Return one row per study, the newest first; `by` has the users of studies that a job started."""
    rows = []
    for one in found:
        header, spec = one.header, one.header.spec
        rows.append(
            {
                "study": one.name,
                "created_at": header.created_at,
                "by": by.get(one.name, "command line"),
                "scenario": header.scenario,
                "title": called(header.scenario),
                "census": header.census,
                "strategy": spec.chosen_strategy + (" (preview)" if header.kind == "preview" else ""),
                "minimises": objectives_text(spec.weights),
                "target": target_text(one.target),
                "trials": one.trials,
                "reached": found_text(one),
                "gap_pp": None if one.target is None else one.gap_pp,
                "seconds": one.seconds,
                "state": study_state(one)[0],
            }
        )
    frame = pd.DataFrame(rows, columns=["scenario", *(column.name for column in COLUMNS)])
    for name in ("trials", "gap_pp", "seconds"):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame


NEW, STUDY, PAST = range(3)
TABS = ("New study", "Study", "Past studies")


class OptimisePage(Page):
    """Three tabs, each made when it is first shown; the selected study is in the address."""

    key = "optimise"
    title = "Auto-optimise"
    subtitle = "Run a study to find the levers that meet a target, or the best trade-off"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._parts = (
            LazyPane(lambda: NewStudy(session, self._started)),
            LazyPane(lambda: StudyTab(session, self._repeat)),
            LazyPane(lambda: StudyHistory(session, self._opened)),
        )
        self._tabs = pmui.Tabs(
            *zip(TABS, (part.layout for part in self._parts), strict=True),
            active=STUDY if session.selection.study else NEW,
            dynamic=True,
            sizing_mode="stretch_width",
            margin=0,
        )
        self._tabs.param.watch(lambda _: self._show_tab(), "active")
        session.selection.param.watch(self._selected, "study")
        session.selection.param.watch(lambda _: self._activate(), "page")
        self._show(self._heading, self._tabs)
        self._show_tab()

    def refresh(self) -> None:
        """Update the tab that is shown."""
        self._parts[self._tabs.active].part.refresh()
        self._activate()

    def _show_tab(self) -> None:
        pane = self._parts[self._tabs.active]
        was_made = pane.is_made
        pane.show()
        self._activate()
        if was_made or self._tabs.active == PAST:
            pane.part.refresh()

    def _activate(self) -> None:
        """Poll the study only while its tab is shown."""
        if self._parts[STUDY].is_made:
            self._parts[STUDY].part.activate(self.is_shown and self._tabs.active == STUDY)

    def _selected(self, event: Any) -> None:
        if not event.new or self._selection.page != self.key:
            return
        if self._tabs.active != STUDY:
            self._tabs.active = STUDY
        else:
            self._parts[STUDY].part.refresh()

    def _started(self, job: Job) -> None:
        self._tabs.active = STUDY
        self._parts[STUDY].part.started(job)

    def _opened(self, name: str) -> None:
        self._selection.study = name
        self._tabs.active = STUDY

    def _repeat(self, study: StudyTrials) -> None:
        self._tabs.active = NEW
        self._parts[NEW].part.repeat(study.header)
