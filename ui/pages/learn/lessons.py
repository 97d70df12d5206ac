"""Lessons with their questions, and the readiness check."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from ui.components import html
from ui.components.card import FRAME
from ui.components.html import Linked, to_html
from ui.components.page import PAIR, PARTS, STACK, show
from ui.pages.learn import texts
from ui.pages.learn.texts import LIST_AND_TEXT, UNANSWERED
from ui.session import Session
from ui.values.learning import LearningProgress, Library, Module, Stage, path, readiness


class Lessons:
    """The course outline beside one module, or beside the user's progress if none is chosen."""

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
        self._check.on_click(self._check_answer)
        self._feedback = html.pane("")
        self._question_heading = html.pane("")
        self._reads = Linked(session.go)
        self._body = pmui.Paper(pn.Column(**PARTS), **FRAME)
        side = pmui.Paper(self._outline, **FRAME)
        self.layout = pn.Column(side, self._body, **LIST_AND_TEXT)

    def show(self, key: str) -> None:
        """Show a module, or the user's progress."""
        progress, problem = self._progress()
        stages = self._stages(progress)
        self._module = self._library.modules.get(key)
        self._outline.html = texts.outline(stages, key)
        self._feedback.object = problem
        if self._module is None:
            self._text.html = texts.progress_summary(
                self._library.form, readiness(self._library.form, progress.answers), stages
            )
            show(self._body[0], self._text, self._feedback)
        else:
            self._fill(self._module, progress)
            parts = (
                self._text,
                self._open,
                self._reads,
                self._question_heading,
                self._question,
                self._check,
                self._feedback,
            )
            show(self._body[0], *parts)

    def _fill(self, module: Module, progress: LearningProgress) -> None:
        course = next(c.title for c in self._library.courses if module in c.modules)
        self._text.html = texts.lesson(module, course, progress) + to_html(module.does)
        titles = {method.key: method.title for method in self._library.methods}
        self._reads.html = texts.reads({key: titles[key] for key in module.reads})
        self._open.label = module.open.text
        self._question_heading.object = html.card_heading("Check yourself", "")
        done = module.key in progress.checked
        self._question.param.update(
            label=module.check.text,
            options=[UNANSWERED, *module.check.choices],
            value=module.check.choices[module.check.answer] if done else UNANSWERED,
        )
        if done:
            self._feedback.object = html.notice(module.check.why, tone="good")

    def _check_answer(self, _: Any) -> None:
        module, chosen = self._module, self._question.value
        if module is None or chosen not in module.check.choices:
            self._feedback.object = html.notice("Choose an answer first.", tone="warn")
            return
        choice = module.check.choices.index(chosen)
        if choice != module.check.answer:
            self._feedback.object = html.notice(
                "Not correct. Read the module again and choose another answer.", tone="warn"
            )
            return
        try:
            progress = self._session.actions.learning.check(module, choice)
        except InputError as error:
            self._feedback.object = html.error_notice(error)
            return
        self._outline.html = texts.outline(self._stages(progress), module.key)
        self._fill(module, progress)

    def _go(self) -> None:
        """Open the module's page with its selection and example edits; the user's own edits are kept."""
        if self._module is None:
            return
        opening = self._module.open
        if opening.edits and self._session.draft.is_empty:
            try:
                self._session.draft.replace(opening.edits)
            except InputError as error:
                self._session.notify_error(error, "warning")
        elif opening.edits:
            self._session.notify("Your edits are kept; the module's example was not applied.")
        self._session.go(opening.page, **opening.selection)

    def _stages(self, progress: LearningProgress) -> tuple[Stage, ...]:
        return path(self._library.courses, readiness(self._library.form, progress.answers), progress)

    def _progress(self) -> tuple[LearningProgress, str]:
        try:
            return self._session.store.learning.progress(self._session.user.name), ""
        except InputError as error:
            return LearningProgress(), html.error_notice(error)


INTRODUCTION = (
    "Nine questions, about two minutes. The score shows which modules you can skip. It is not shown to other "
    "users, and you can answer again at any time."
)


BESIDE: dict[str, Any] = {  # the three parts side by side if there is room
    **PAIR,
    "styles": {**PAIR["styles"], "grid-template-columns": "repeat(auto-fit, minmax(360px, 1fr))"},
}


class LessonCheck:
    """The questions in three groups, below the result once there is one."""

    def __init__(self, session: Session, library: Library) -> None:
        self._session = session
        self._form = library.form
        self._questions = {
            question.key: pmui.RadioBoxGroup(
                label=question.text, options=[UNANSWERED, *question.choices], margin=(4, 0, 10, 0)
            )
            for question in self._form.questions
        }
        self._button = pmui.Button(label="Show my path", margin=0)
        self._button.on_click(self._answer)
        self._message = html.pane("")
        self._score = Linked(session.go)
        self._result = pmui.Paper(self._score, **FRAME)
        groups = [
            pmui.Paper(
                html.pane(
                    html.card_heading(part.title, f"{part.weight:.0%} of the score"),
                    margin=(0, 0, 10, 0),
                ),
                *(self._questions[q.key] for q in self._form.questions if q.part == part.key),
                **FRAME,
            )
            for part in self._form.parts
        ]
        self._form_layout = pn.Column(
            html.pane(f'<p class="quiet">{INTRODUCTION}</p>'),
            pn.Column(*groups, **BESIDE),
            pn.Column(self._button, self._message, **PARTS),
            **STACK,
        )
        self.layout = pn.Column(**STACK)
        self._filled = False

    def show(self, key: str) -> None:
        """Show the questions with the stored answers."""
        try:
            progress = self._session.store.learning.progress(self._session.user.name)
        except InputError as error:
            progress = LearningProgress()
            self._message.object = html.error_notice(error)
        if not self._filled:
            self._filled = True
            for question in self._form.questions:
                choice = progress.answers.get(question.key, -1)
                if 0 <= choice <= question.most:
                    self._questions[question.key].value = question.choices[choice]
        self._show(progress)

    def _show(self, progress: LearningProgress) -> None:
        found = readiness(self._form, progress.answers)
        if found:
            self._score.html = texts.score(self._form, found)
        show(self.layout, *([self._result] if found else []), self._form_layout)

    def _answer(self, _: Any) -> None:
        missing = [q for q in self._form.questions if self._questions[q.key].value not in q.choices]
        if missing:
            left = "1 question is" if len(missing) == 1 else f"{len(missing)} questions are"
            self._message.object = html.notice(f"{left} not answered yet: {missing[0].text}", tone="warn")
            return
        answers = {q.key: q.choices.index(self._questions[q.key].value) for q in self._form.questions}
        try:
            progress = self._session.actions.learning.answer(answers)
        except InputError as error:
            self._message.object = html.error_notice(error)
            return
        found = readiness(self._form, progress.answers)
        assert found is not None
        self._message.object = html.notice(
            f"Readiness {found.score:.0f} of 100. The result is at the top.", tone="good"
        )
        self._show(progress)
