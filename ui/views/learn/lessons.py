"""The learning path: courses at the side, one module with its question beside them."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from ui.components import html
from ui.components.card import FRAME
from ui.components.layout import PARTS, show
from ui.components.linked import Linked
from ui.components.markdown import to_html
from ui.learning.content import Library, Module, Progress
from ui.learning.path import Stage, path
from ui.learning.readiness import readiness
from ui.session import Session
from ui.views.learn import texts
from ui.views.learn.layout import LIST_AND_TEXT, UNANSWERED


class Lessons:
    """What is chosen is a module's key; empty is where the user stands."""

    def __init__(self, session: Session, library: Library) -> None:
        self._session = session
        self._library = library
        self._module: Module | None = None
        self._outline = Linked(session.go)
        self._text = Linked(session.go)
        self._open = pmui.Button(label="Open", end_icon="arrow_forward", size="small", margin=0)
        self._open.on_click(lambda _: self._go())
        self._question = pmui.RadioBoxGroup(label="Question", options=[UNANSWERED], margin=(8, 0))
        self._check = pmui.Button(label="Check my answer", variant="outlined", size="small", margin=0)
        self._check.on_click(self._judge)
        self._verdict = html.pane("")
        self._asked = html.pane("")
        self._reads = Linked(session.go)
        self._body = pmui.Paper(pn.Column(**PARTS), **FRAME)
        side = pmui.Paper(self._outline, **FRAME)
        self.layout = pn.Column(side, self._body, **LIST_AND_TEXT)

    def show(self, key: str) -> None:
        """Show a module, or where the user stands."""
        progress, trouble = self._progress()
        stages = self._stages(progress)
        self._module = self._library.modules.get(key)
        self._outline.html = texts.outline(stages, key)
        self._verdict.object = trouble
        if self._module is None:
            self._text.html = texts.standing(
                self._library.form, readiness(self._library.form, progress.answers), stages
            )
            show(self._body[0], self._text, self._verdict)
        else:
            self._fill(self._module, progress)
            parts = (
                self._text,
                self._open,
                self._reads,
                self._asked,
                self._question,
                self._check,
                self._verdict,
            )
            show(self._body[0], *parts)

    def _fill(self, module: Module, progress: Progress) -> None:
        course = next(c.title for c in self._library.courses if module in c.modules)
        self._text.html = texts.lesson(module, course, progress) + to_html(module.does)
        titles = {method.key: method.title for method in self._library.methods}
        self._reads.html = texts.reads({key: titles[key] for key in module.reads})
        self._open.label = module.open.text
        self._asked.object = html.card_heading("Check yourself", "")
        done = module.key in progress.checked
        self._question.param.update(
            label=module.check.text,
            options=[UNANSWERED, *module.check.choices],
            value=module.check.choices[module.check.answer] if done else UNANSWERED,
        )
        if done:
            self._verdict.object = html.notice(module.check.why, tone="good")

    def _judge(self, _: Any) -> None:
        module, chosen = self._module, self._question.value
        if module is None or chosen not in module.check.choices:
            self._verdict.object = html.notice("Choose an answer first.", tone="warn")
            return
        choice = module.check.choices.index(chosen)
        if choice != module.check.answer:
            self._verdict.object = html.notice(
                "Not quite. Read the module again and choose another.", tone="warn"
            )
            return
        try:
            progress = self._session.actions.learning.check(module, choice)
        except InputError as error:
            self._verdict.object = html.error_notice(error)
            return
        self._outline.html = texts.outline(self._stages(progress), module.key)
        self._fill(module, progress)

    def _go(self) -> None:
        """Open the module's page in its state; edits of the user's own are left alone."""
        if self._module is None:
            return
        opening = self._module.open
        if opening.edits and self._session.draft.is_empty:
            try:
                self._session.draft.replace(opening.edits)
            except InputError as error:
                self._session.notify_error(error, "warning")
        elif opening.edits:
            self._session.notify("Your own edits are kept; the module's example is not put in.")
        self._session.go(opening.page, **opening.selection)

    def _stages(self, progress: Progress) -> tuple[Stage, ...]:
        return path(self._library.courses, readiness(self._library.form, progress.answers), progress)

    def _progress(self) -> tuple[Progress, str]:
        try:
            return self._session.store.learning.progress(self._session.user.name), ""
        except InputError as error:
            return Progress(), html.error_notice(error)
