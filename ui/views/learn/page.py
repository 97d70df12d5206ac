"""The Learn page: one of five sections below a row of links; the address names section and topic."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ui.components import html
from ui.components.linked import Linked
from ui.components.page import LazyPane, Page
from ui.learning.content import Library
from ui.learning.topics import SECTIONS, Topic, find
from ui.session import Session
from ui.views.learn import texts
from ui.views.learn.glossary import Glossary
from ui.views.learn.lessons import Lessons
from ui.views.learn.notes import Methods, Troubles
from ui.views.learn.readiness import Check

MAKERS: Mapping[str, Callable[[Session, Library], Any]] = {
    "path": Lessons,
    "readiness": Check,
    "methods": Methods,
    "glossary": Glossary,
    "troubleshooting": Troubles,
}


class LearnPage(Page):
    """Makes a section when it is first shown."""

    key = "learn"
    title = "Learn"
    subtitle = "Courses, methods and terms of PlanWise, and troubleshooting"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        library = session.store.learning.library()
        self._library = library
        self._sections = {key: LazyPane(partial(make, session, library)) for key, make in MAKERS.items()}
        self._links = Linked(session.go)
        self._follow_selection("topic")
        self.refresh()

    def refresh(self) -> None:
        """Show the section and topic of the address."""
        name = self._selection.topic
        topic = find(self._library, name) or Topic("path")
        unknown = html.notice(f"Learn has no topic {name!r}; the learning path is shown.", tone="warn")
        self._set_notices([] if find(self._library, name) else [unknown])
        self._links.html = texts.sections(SECTIONS, topic.section)
        section = self._sections[topic.section]
        section.part.show(topic.key)
        section.show()
        self._show(self._heading, self._links, self._notices, section.layout)
