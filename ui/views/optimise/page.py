"""The page: a new study, the study that is looked at, past studies."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.jobs import Job
from ui.components import html
from ui.components.layout import STACK, show
from ui.session import Session
from ui.values.searches import Search
from ui.views.optimise.ask import Ask
from ui.views.optimise.asking import wish_of
from ui.views.optimise.history import History
from ui.views.optimise.study import StudyTab

NEW, STUDY, PAST = range(3)
TABS = ("New study", "Study", "Past studies")


class Optimise:
    """Three parts, each made when it is first looked at; the study that is chosen is in the address."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ask: Ask | None = None
        self._study: StudyTab | None = None
        self._past: History | None = None
        heading = html.pane(
            html.heading(
                "Auto-optimise",
                "Let a study look for the levers that meet a target, or for the best trade-off",
            )
        )
        self._boxes = tuple(pn.Column(**STACK, margin=0) for _ in TABS)
        self._parts = pmui.Tabs(
            *zip(TABS, self._boxes, strict=True),
            active=STUDY if session.selection.study else NEW,
            dynamic=True,
            sizing_mode="stretch_width",
            margin=0,
        )
        self._parts.param.watch(lambda _: self._show(), "active")
        self.layout = pn.Column(heading, self._parts, **STACK, margin=16)
        session.selection.param.watch(self._selected, "study")
        session.selection.param.watch(lambda _: self._activate(), "page")
        self._show()

    def refresh(self) -> None:
        """Show what is new in the part that is looked at."""
        part = self._part()
        part.refresh()
        self._activate()

    def _part(self) -> Any:
        if self._parts.active == NEW:
            self._ask = self._ask or Ask(self._session, self._started)
            return self._ask
        if self._parts.active == STUDY:
            self._study = self._study or StudyTab(self._session, self._ask_again)
            return self._study
        self._past = self._past or History(self._session, self._opened)
        return self._past

    def _show(self) -> None:
        fresh = {NEW: self._ask, STUDY: self._study, PAST: self._past}[self._parts.active] is None
        part = self._part()
        show(self._boxes[self._parts.active], part.layout)
        self._activate()
        if not fresh or self._parts.active == PAST:
            part.refresh()

    def _activate(self) -> None:
        if self._study is not None:
            shown = self._session.selection.page in ("", "optimise")
            self._study.activate(shown and self._parts.active == STUDY)

    def _selected(self, event: Any) -> None:
        if not event.new or self._session.selection.page != "optimise":
            return
        if self._parts.active != STUDY:
            self._parts.active = STUDY
        elif self._study is not None:
            self._study.refresh()

    def _started(self, job: Job) -> None:
        self._parts.active = STUDY
        assert self._study is not None
        self._study.started(job)

    def _opened(self, name: str) -> None:
        self._session.selection.study = name
        self._parts.active = STUDY

    def _ask_again(self, search: Search) -> None:
        self._parts.active = NEW
        assert self._ask is not None
        self._ask.ask_again(wish_of(search.asked))
