"""The readiness check: nine questions, the score with its formula, and what it changes."""

from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from ui.components import html
from ui.components.card import FRAME
from ui.components.layout import PAIR, PARTS, STACK, show
from ui.components.linked import Linked
from ui.learning.content import Library, Progress
from ui.learning.readiness import readiness
from ui.session import Session
from ui.views.learn import texts
from ui.views.learn.layout import UNANSWERED

INTRODUCTION = (
    "Nine questions, two minutes. The score marks which modules you may skip. No page shows it to others, "
    "and you can answer again at any time."
)


BESIDE: dict[str, Any] = {  # the three parts side by side where there is room: all on one screen
    **PAIR,
    "styles": {**PAIR["styles"], "grid-template-columns": "repeat(auto-fit, minmax(360px, 1fr))"},
}


class Check:
    """The questions in three groups; the result stands above them once there is one."""

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
        self._told = html.pane("")
        self._score = Linked(session.go)
        self._result = pmui.Paper(self._score, **FRAME)
        groups = [
            pmui.Paper(
                html.pane(
                    html.card_heading(part.title, f"counts {part.weight:.0%} of the score"),
                    margin=(0, 0, 10, 0),
                ),
                *(self._questions[q.key] for q in self._form.questions if q.part == part.key),
                **FRAME,
            )
            for part in self._form.parts
        ]
        self._asking = pn.Column(
            html.pane(f'<p class="quiet">{INTRODUCTION}</p>'),
            pn.Column(*groups, **BESIDE),
            pn.Column(self._button, self._told, **PARTS),
            **STACK,
        )
        self.layout = pn.Column(**STACK)
        self._filled = False

    def show(self, key: str) -> None:
        """Show the questions with what was answered."""
        try:
            progress = self._session.store.learning.progress(self._session.user.name)
        except InputError as error:
            progress = Progress()
            self._told.object = html.error_notice(error)
        if not self._filled:
            self._filled = True
            for question in self._form.questions:
                choice = progress.answers.get(question.key, -1)
                if 0 <= choice <= question.most:
                    self._questions[question.key].value = question.choices[choice]
        self._show(progress)

    def _show(self, progress: Progress) -> None:
        found = readiness(self._form, progress.answers)
        if found:
            self._score.html = texts.score(self._form, found)
        show(self.layout, *([self._result] if found else []), self._asking)

    def _answer(self, _: Any) -> None:
        missing = [q for q in self._form.questions if self._questions[q.key].value not in q.choices]
        if missing:
            left = "1 question is" if len(missing) == 1 else f"{len(missing)} questions are"
            self._told.object = html.notice(f"{left} not answered yet: {missing[0].text}", tone="warn")
            return
        answers = {q.key: q.choices.index(self._questions[q.key].value) for q in self._form.questions}
        try:
            progress = self._session.actions.learning.answer(answers)
        except InputError as error:
            self._told.object = html.error_notice(error)
            return
        found = readiness(self._form, progress.answers)
        assert found is not None
        self._told.object = html.notice(
            f"Readiness {found.score:.0f} of 100. It stands at the top.", tone="good"
        )
        self._show(progress)
