"""The page: a new study, the selected study, past studies."""

from typing import Any

import panel_material_ui as pmui

from planwise.jobs import Job
from ui.components.page import LazyPane, Page
from ui.session import Session
from ui.values.searches import Search
from ui.views.optimise.ask import Ask
from ui.views.optimise.asking import wish_of
from ui.views.optimise.history import History
from ui.views.optimise.study import StudyTab

NEW, STUDY, PAST = range(3)
TABS = ("New study", "Study", "Past studies")


class OptimisePage(Page):
    """Three parts, each made when it is first shown; the selected study is in the address."""

    key = "optimise"
    title = "Auto-optimise"
    subtitle = "Run a study to find the levers that meet a target, or the best trade-off"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._parts = (
            LazyPane(lambda: Ask(session, self._started)),
            LazyPane(lambda: StudyTab(session, self._edit_again)),
            LazyPane(lambda: History(session, self._opened)),
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
        """Show what is new in the part that is shown."""
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
        """Let the study be watched while its tab is shown, and only then."""
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

    def _edit_again(self, search: Search) -> None:
        self._tabs.active = NEW
        self._parts[NEW].part.ask_again(wish_of(search.header))
