"""Method notes and troubleshooting: a list of topics, and the text of the chosen one."""

import panel as pn
import panel_material_ui as pmui

from ui.components.card import FRAME
from ui.components.linked import Linked, link
from ui.components.markdown import to_html
from ui.learning.content import Library
from ui.learning.topics import TROUBLE
from ui.pages import BY_KEY
from ui.session import Session
from ui.views.learn import texts
from ui.views.learn.layout import LIST_AND_TEXT


class Methods:
    """How figures are computed; without a choice the first note is shown."""

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
    """Symptom, cause, remedy; without a choice all of them are listed one below the other."""

    def __init__(self, session: Session, library: Library) -> None:
        self._troubles = {trouble.key: trouble for trouble in library.troubles}
        self._methods = {method.key: method.title for method in library.methods}
        self._list, self._text = Linked(session.go), Linked(session.go)
        self.layout = _side_by_side(self._list, self._text)

    def show(self, key: str) -> None:
        """Show one trouble, or all."""
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
