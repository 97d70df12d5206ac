"""The Learn page: one of five sections below a row of links; the address names section and topic."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import panel as pn

from ui.components import html
from ui.components.layout import STACK, show
from ui.components.linked import Linked
from ui.learning.content import Library
from ui.learning.topics import SECTIONS, Topic, find
from ui.session import Session
from ui.views.learn import texts
from ui.views.learn.glossary import Glossary
from ui.views.learn.lessons import Lessons
from ui.views.learn.notes import Methods, Troubles
from ui.views.learn.readiness import Check


class Section(Protocol):
    """A part of the page; `show` is told which of its topics is looked at, empty for none."""

    layout: Any

    def show(self, key: str) -> None:
        """Show a topic."""


MAKERS: Mapping[str, Callable[[Session, Library], Section]] = {
    "path": Lessons,
    "readiness": Check,
    "methods": Methods,
    "glossary": Glossary,
    "troubleshooting": Troubles,
}


class Learn:
    """Makes a section when it is first looked at."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._library = session.store.learning.library()
        self._sections: dict[str, Section] = {}
        self._links = Linked(session.go)
        self._notice = html.pane("")
        self._box = pn.Column(**STACK)
        heading = html.pane(
            html.heading(
                "Learn", "Courses, methods and words of PlanWise, and what to do when something is wrong"
            )
        )
        self.layout = pn.Column(heading, self._links, self._notice, self._box, **STACK, margin=16)
        session.selection.param.watch(lambda _: self._follow(), "topic")
        self.refresh()

    def refresh(self) -> None:
        """Show what the address asks for."""
        self._show(self._session.selection.topic)

    def _follow(self) -> None:
        if self._session.selection.page == "learn":
            self.refresh()

    def _show(self, asked: str) -> None:
        found = find(self._library, asked)
        told = (
            ""
            if found
            else html.notice(
                f"There is no topic {asked!r} in Learn; the learning path is shown.", tone="warn"
            )
        )
        topic = found or Topic("path")
        self._notice.param.update(object=told, visible=bool(told))
        self._links.html = texts.sections(SECTIONS, topic.section)
        section = self._sections.get(topic.section)
        if section is None:
            section = MAKERS[topic.section](self._session, self._library)
            self._sections[topic.section] = section
        section.show(topic.key)
        show(self._box, section.layout)
