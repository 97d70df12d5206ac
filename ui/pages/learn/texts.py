"""HTML of the Learn page, and the glossary."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.components.card import FRAME
from ui.components.html import Linked, link
from ui.components.page import PARTS
from ui.session import Session
from ui.values.learning import (
    KINDS,
    MINUTES_PER_HOUR,
    MODULE,
    GlossaryTerm,
    LearningProgress,
    LearningStep,
    Library,
    Module,
    Readiness,
    ReadinessForm,
    Stage,
    State,
    Trouble,
    next_module,
)

PAGE = "learn"
BUTTON = re.compile(r"\*([^*]+)\*")
STATES: Mapping[State, tuple[str, html.Tone]] = {
    "done": ("done", "good"),
    "optional": ("optional", ""),
    "open": ("", ""),
}


def sections(titles: Mapping[str, str], chosen: str) -> str:
    """Return the row of links to the sections."""
    links = "".join(
        _current(link(title, PAGE, topic=key), current=key == chosen) for key, title in titles.items()
    )
    return f'<nav class="tabs" aria-label="Sections of Learn">{links}</nav>'


def topics(heading: str, named: Sequence[tuple[str, str]], chosen: str) -> str:
    """Return a list of links, topic and text, with the chosen one marked."""
    items = "".join(
        f"<li>{_current(link(text, PAGE, topic=topic), current=topic == chosen)}</li>"
        for topic, text in named
    )
    return f'<nav class="topics" aria-label="{escape(heading)}"><ul>{items}</ul></nav>'


def outline(stages: Sequence[Stage], chosen: str) -> str:
    """Return the courses with their modules, each with its minutes and whether it is done or optional."""
    parts = []
    for stage in stages:
        course = stage.course
        items = "".join(_item(step, chosen) for step in stage.steps)
        parts.append(
            f'<h2 class="course">{escape(course.title)} <span>{course.hours} h</span></h2>'
            f'<p class="about">{escape(course.about)}</p><ul>{items}</ul>'
        )
    return f'<nav class="topics" aria-label="Courses">{"".join(parts)}</nav>'


def progress_summary(form: ReadinessForm, found: Readiness | None, stages: Sequence[Stage]) -> str:
    """Return the user's progress: readiness, hours done and left, next module."""
    done = sum(stage.minutes_done for stage in stages)
    left = sum(stage.minutes_left for stage in stages)
    following = next_module(stages)
    to_do = (
        link(f"{following.title} ({following.minutes} min)", PAGE, topic=MODULE + following.key)
        if following
        else "nothing: you have completed the path"
    )
    score = (
        f"{found.score:.0f} of 100, {escape(found.band.name.lower())}"
        if found
        else f"not taken yet: {link('take the check', PAGE, topic='readiness')}, it shows what you can skip"
    )
    facts = {"Readiness": score, "Done": hours(done), "Left": hours(left), "Next": to_do}
    rows = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts.items())
    return (
        f'<h2 class="card-title">Your learning path</h2><dl class="facts">{rows}</dl>'
        + (bars(form, found) if found else "")
        + f'<p class="quiet">{len(stages)} courses, {sum(s.course.hours for s in stages)} hours in all. '
        "Each module is a task on a page with your own data, and a question at the end. "
        "The right answer marks it as done.</p>"
    )


def bars(form: ReadinessForm, found: Readiness) -> str:
    """Return the share of points of each part as a bar with its figure and weight."""
    rows = "".join(
        f'<div class="bar"><span>{escape(part.title)}</span><span class="track" aria-hidden="true">'
        f'<span style="width:{found.shares[part.key]:.0%}"></span></span>'
        f"<span>{found.shares[part.key]:.0%} × {part.weight:.0%}</span></div>"
        for part in form.parts
    )
    return f'<div class="bars">{rows}</div>'


def score(form: ReadinessForm, found: Readiness) -> str:
    """Return the result of the readiness check with its formula."""
    terms = " + ".join(f"{part.weight:g} × {found.shares[part.key]:.0%}" for part in form.parts)
    return (
        f'<h2 class="card-title">Readiness {found.score:.0f} of 100: {escape(found.band.name)}</h2>'
        f'<p class="quiet">{escape(found.band.advice)}</p>{bars(form, found)}'
        f'<p class="quiet">Score = 100 × ({terms}): the share of points of each part, times its weight.</p>'
        f"<p>{link('Go to your learning path', PAGE, topic='path')}</p>"
    )


def lesson(module: Module, course: str, progress: LearningProgress) -> str:
    """Return the heading of a module."""
    day = progress.checked.get(module.key)
    mark = html.chip(f"done on {day}", "good") if day else ""
    return (
        f'<p class="card-subtitle">{escape(course)} · {module.minutes} min</p>'
        f'<h2 class="card-title">{escape(module.title)} {mark}</h2>'
    )


def reads(titles: Mapping[str, str]) -> str:
    """Return links to the method notes of a module."""
    links = ", ".join(link(title, PAGE, topic=key) for key, title in titles.items())
    return f'<p class="quiet">Read more: {links}</p>' if titles else ""


def term_entry(entry: GlossaryTerm, methods: Mapping[str, str]) -> str:
    """Return a term of the glossary with its kind, details and method."""
    name = escape(entry.name)
    shown = f"<code>{name}</code>" if entry.kind != "Word" else name
    more = f'<p class="quiet">{escape(entry.details)}</p>' if entry.details else ""
    see = f'<p class="quiet">See {link(methods[entry.see], PAGE, topic=entry.see)}</p>' if entry.see else ""
    return (
        f'<dt>{shown} <span class="kind">{escape(entry.kind.lower())}</span></dt>'
        f"<dd>{escape(entry.means)}{more}{see}</dd>"
    )


def trouble(entry: Trouble, methods: Mapping[str, str]) -> str:
    """Return a symptom with message, cause and remedy."""
    message = f"<dt>Message</dt><dd><code>… {escape(entry.says)} …</code></dd>" if entry.says else ""
    see = f"<dt>Read</dt><dd>{link(methods[entry.see], PAGE, topic=entry.see)}</dd>" if entry.see else ""
    return (
        f'<section class="trouble"><h2 class="card-title">{escape(entry.symptom)}</h2>'
        f'<dl class="facts">{message}<dt>Cause</dt><dd>{escape(entry.cause)}</dd>'
        f"<dt>Remedy</dt><dd>{html_code(entry.remedy)}</dd>{see}</dl></section>"
    )


def html_code(text: str) -> str:
    """Return a text as HTML; parts in backticks are code, those between asterisks names of buttons."""
    parts = escape(text).split("`")
    return "".join(
        f"<code>{part}</code>" if place % 2 else BUTTON.sub(r"<strong>\1</strong>", part)
        for place, part in enumerate(parts)
    )


def hours(minutes: int) -> str:
    """Return minutes as text: 45 min, 2 h, 3 h 30 min."""
    whole, rest = divmod(minutes, MINUTES_PER_HOUR)
    return " ".join([*([f"{whole} h"] if whole else []), *([f"{rest} min"] if rest or not whole else [])])


def _item(step: LearningStep, chosen: str) -> str:
    module = step.module
    anchor = link(module.title, PAGE, topic=MODULE + module.key)
    minutes = f'<span class="minutes">{_state(step.state)}{module.minutes} min</span>'
    return f"<li>{_current(anchor, current=module.key == chosen)}{minutes}</li>"


def _state(state: State) -> str:
    text, tone = STATES[state]
    return f"{html.chip(text, tone)} " if text else ""


def _current(anchor: str, *, current: bool) -> str:
    return anchor.replace("<a ", '<a aria-current="page" ', 1) if current else anchor


def note_heading(title: str, summary: str) -> str:
    """Return the heading of a method note."""
    return f'<h2 class="card-title">{escape(title)}</h2><p class="card-subtitle">{escape(summary)}</p>'


def every_term() -> str:
    """Return the link from one term to all."""
    return f"<p>{link('Show the whole glossary', PAGE, topic='glossary')}</p>"


EVERY = "Everything"
PLAIN = {"& .MuiToggleButton-root": {"textTransform": "none"}}
PLURALS = {"Words": KINDS[0], "Levers": KINDS[1], "Assumptions": KINDS[2], "Figures": KINDS[3]}


def matching(terms: Sequence[GlossaryTerm], searched: str, kind: str) -> tuple[GlossaryTerm, ...]:
    """Return the terms of a kind (empty: any kind) with every word of the search in name or meaning.

    Names that begin with the search come first, then names that have it; otherwise the order is kept.
    """
    words = searched.lower().replace("_", " ").split()

    def matches(term: GlossaryTerm) -> bool:
        text = f"{term.name} {term.means}".lower().replace("_", " ")
        return (not kind or term.kind == kind) and all(word in text for word in words)

    phrase = " ".join(words)

    def rank(term: GlossaryTerm) -> int:
        name = term.name.lower().replace("_", " ")
        return 0 if name.startswith(phrase) else 1 if phrase in name else 2

    return tuple(sorted(filter(matches, terms), key=rank))


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
        self._search.param.watch(self._searched, "value_input")
        self._kind.param.watch(self._searched, "value")
        tools = pn.FlexBox(self._search, self._kind, gap="12px", align_items="flex-end")
        self.layout = pmui.Paper(pn.Column(tools, self._found, self._list, **PARTS), **FRAME)
        self._fill()

    def show(self, key: str) -> None:
        """Show the term of a link, or all terms."""
        if key != self._named:
            self._named = key
            self._fill()

    def _searched(self, _: Any) -> None:
        self._named = ""
        self._fill()

    def _fill(self) -> None:
        kind = PLURALS.get(self._kind.value, "")
        if self._named:
            terms: Sequence[GlossaryTerm] = [term for term in self._terms if term.name == self._named]
        else:
            terms = matching(self._terms, self._search.value_input or "", kind)
        self._found.object = f'<p class="quiet" role="status">{self._count(len(terms))}</p>'
        entries = "".join(term_entry(term, self._methods) for term in terms)
        every = every_term() if self._named else ""
        self._list.html = f'{every}<dl class="glossary">{entries}</dl>' if terms else every

    def _count(self, found: int) -> str:
        if self._named:
            return f"Linked: {escape(self._named)}"
        if not found:
            return "No term matches. Use fewer words or another kind."
        return f"{found} of {len(self._terms)} terms"


UNANSWERED = "Not answered yet"  # the library's radio buttons need a choice
LIST_AND_TEXT: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "stylesheets": [
        ":host { display: grid; gap: 16px; align-items: start; "
        "grid-template-columns: minmax(260px, 2fr) minmax(0, 5fr); } "
        "@media (max-width: 900px) { :host { grid-template-columns: minmax(0, 1fr); } }"
    ],
}
