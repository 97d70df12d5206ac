"""The Learn page: five sections; the address has section and topic."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.components.card import FRAME
from ui.components.html import Linked, link, to_html
from ui.components.page import LazyPane, Page
from ui.pages import BY_KEY
from ui.pages.learn import texts
from ui.pages.learn.lessons import LessonCheck, Lessons
from ui.pages.learn.texts import LIST_AND_TEXT, Glossary
from ui.session import Session
from ui.values.learning import SECTIONS, TROUBLE, Library, Topic, find


class Methods:
    """Notes on how figures are computed; the first one is shown at first."""

    def __init__(self, session: Session, library: Library) -> None:
        self._methods = {method.key: method for method in library.methods}
        self._list, self._text = Linked(session.go), Linked(session.go)
        self.layout = _side_by_side(self._list, self._text)

    def show(self, key: str) -> None:
        """Show a note."""
        method = self._methods.get(key) or next(iter(self._methods.values()))
        named = [(m.key, m.title) for m in self._methods.values()]
        self._list.html = texts.topics("Methods", named, method.key)
        where = f'<p class="quiet">Shown on {link(BY_KEY[method.page].title, method.page)}.</p>'
        self._text.html = texts.note_heading(method.title, method.summary) + to_html(method.body) + where


class Troubles:
    """Symptoms with cause and remedy; all of them are shown at first."""

    def __init__(self, session: Session, library: Library) -> None:
        self._troubles = {trouble.key: trouble for trouble in library.troubles}
        self._methods = {method.key: method.title for method in library.methods}
        self._list, self._text = Linked(session.go), Linked(session.go)
        self.layout = _side_by_side(self._list, self._text)

    def show(self, key: str) -> None:
        """Show one symptom, or all."""
        named = [(TROUBLE + trouble.key, trouble.symptom) for trouble in self._troubles.values()]
        self._list.html = texts.topics(
            "Symptoms",
            [("troubleshooting", "All symptoms"), *named],
            TROUBLE + key if key else "troubleshooting",
        )
        shown = [self._troubles[key]] if key in self._troubles else list(self._troubles.values())
        self._text.html = "".join(texts.trouble(trouble, self._methods) for trouble in shown)


def _side_by_side(listed: Linked, text: Linked) -> pn.Column:
    return pn.Column(pmui.Paper(listed, **FRAME), pmui.Paper(text, **FRAME), **LIST_AND_TEXT)


SECTION_CLASSES: Mapping[str, Callable[[Session, Library], Any]] = {
    "path": Lessons,
    "readiness": LessonCheck,
    "methods": Methods,
    "glossary": Glossary,
    "troubleshooting": Troubles,
}


class LearnPage(Page):
    """The page; a section is created when it is first shown."""

    key = "learn"
    title = "Learn"
    subtitle = "Courses, methods and terms of PlanWise, and troubleshooting"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        library = session.store.learning.library()
        self._library = library
        self._sections = {
            key: LazyPane(partial(make, session, library)) for key, make in SECTION_CLASSES.items()
        }
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
