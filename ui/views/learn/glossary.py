"""The glossary: search in words, levers, assumptions and figures; a link may name one of them."""

from collections.abc import Sequence
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.components.card import FRAME
from ui.components.layout import PARTS
from ui.components.linked import Linked
from ui.learning.content import Library, Term
from ui.learning.terms import KINDS
from ui.session import Session
from ui.views.learn import texts

EVERY = "Everything"
PLAIN = {"& .MuiToggleButton-root": {"textTransform": "none"}}
PLURALS = {"Words": KINDS[0], "Levers": KINDS[1], "Assumptions": KINDS[2], "Figures": KINDS[3]}


def matching(terms: Sequence[Term], searched: str, kind: str) -> tuple[Term, ...]:
    """Return the terms of a kind (empty: of every kind) that have each word of the search in name or meaning.

    Those that have the search in their name come first; otherwise the order stays.
    """
    words = searched.lower().replace("_", " ").split()

    def holds(term: Term) -> bool:
        text = f"{term.name} {term.means}".lower().replace("_", " ")
        return (not kind or term.kind == kind) and all(word in text for word in words)

    wanted = " ".join(words)
    return tuple(sorted(filter(holds, terms), key=lambda t: wanted not in t.name.lower().replace("_", " ")))


class Glossary:
    """A search field, a choice of kind, and the terms that match."""

    def __init__(self, session: Session, library: Library) -> None:
        self._session = session
        self._terms = library.terms
        self._methods = {method.key: method.title for method in library.methods}
        self._named = ""
        self._search = pmui.TextInput(label="Search the glossary", size="small", width=340, margin=0)
        self._kind = pmui.RadioButtonGroup(
            label="Kind of term", options=[EVERY, *PLURALS], value=EVERY, size="small", margin=0, sx=PLAIN
        )
        self._found = html.pane("", margin=0)
        self._list = Linked(session.go)
        missing = html.pane(html.notice(library.missing, tone="warn") if library.missing else "")
        self._search.param.watch(self._searched, "value_input")
        self._kind.param.watch(self._searched, "value")
        tools = pn.FlexBox(self._search, self._kind, gap="12px", align_items="flex-end")
        self.layout = pmui.Paper(pn.Column(missing, tools, self._found, self._list, **PARTS), **FRAME)
        self._fill()

    def show(self, key: str) -> None:
        """Show the term that a link names, or all."""
        if key != self._named:
            self._named = key
            self._fill()

    def _searched(self, _: Any) -> None:
        self._named = ""
        self._fill()

    def _fill(self) -> None:
        kind = PLURALS.get(self._kind.value, "")
        if self._named:
            terms: Sequence[Term] = [term for term in self._terms if term.name == self._named]
        else:
            terms = matching(self._terms, self._search.value_input or "", kind)
        self._found.object = f'<p class="quiet" role="status">{self._count(len(terms))}</p>'
        entries = "".join(texts.term(term, self._methods) for term in terms)
        every = texts.every_term() if self._named else ""
        self._list.html = f'{every}<dl class="glossary">{entries}</dl>' if terms else every

    def _count(self, found: int) -> str:
        if self._named:
            return f"Linked: {escape(self._named)}"
        if not found:
            return "No term has all of these words. Try fewer, or another kind."
        return f"{found} of {len(self._terms)} terms"
