"""The page: a new study, the study that is looked at, past studies."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.jobs import Job
from ui.components import html
from ui.components.layout import STACK, show
from ui.searches import Search
from ui.session import Session
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
        self._parts = pmui.RadioButtonGroup(
            label="Part of the page",
            options={name: place for place, name in enumerate(TABS)},
            value=STUDY if session.selection.study else NEW,
            size="small",
            margin=0,
        )
        self._parts.param.watch(lambda _: self._show(), "value")
        heading = html.pane(
            html.heading(
                "Auto-optimise", "Let a study look for the levers that meet a target, or the best trade-off"
            ),
            min_width=280,
        )
        self._box = pn.Column(**STACK)
        head = pn.FlexBox(
            heading, self._parts, justify_content="space-between", align_items="center", gap="16px"
        )
        self.layout = pn.Column(head, self._box, **STACK, margin=16)
        session.selection.param.watch(self._selected, "study")
        session.selection.param.watch(lambda _: self._activate(), "page")
        self._show()

    def refresh(self) -> None:
        """Show what is new in the part that is looked at."""
        part = self._part()
        part.refresh()
        self._activate()

    def _part(self) -> Any:
        if self._parts.value == NEW:
            self._ask = self._ask or Ask(self._session, self._started)
            return self._ask
        if self._parts.value == STUDY:
            self._study = self._study or StudyTab(self._session, self._ask_again)
            return self._study
        self._past = self._past or History(self._session, self._opened)
        return self._past

    def _show(self) -> None:
        fresh = {NEW: self._ask, STUDY: self._study, PAST: self._past}[self._parts.value] is None
        part = self._part()
        show(self._box, part.layout)
        self._activate()
        if not fresh or self._parts.value == PAST:
            part.refresh()

    def _activate(self) -> None:
        if self._study is not None:
            shown = self._session.selection.page in ("", "optimise")
            self._study.activate(shown and self._parts.value == STUDY)

    def _selected(self, event: Any) -> None:
        if not event.new or self._session.selection.page != "optimise":
            return
        if self._parts.value != STUDY:
            self._parts.value = STUDY
        elif self._study is not None:
            self._study.refresh()

    def _started(self, job: Job) -> None:
        self._parts.value = STUDY
        assert self._study is not None
        self._study.started(job)

    def _opened(self, name: str) -> None:
        self._session.selection.study = name
        self._parts.value = STUDY

    def _ask_again(self, search: Search) -> None:
        self._parts.value = NEW
        assert self._ask is not None
        self._ask.ask_again(wish_of(search.asked))
