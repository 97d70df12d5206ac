"""From a question to what is on the page: figures first, then the charts, then who is affected."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

import panel as pn

from planwise.errors import InputError, PlanWiseError
from planwise.parameters import validate
from ui.components import html
from ui.components.layout import on_page
from ui.live_preview.values import Impact, Previewed
from ui.session import Session
from ui.views.whatif import charts, findings, people, strip
from ui.views.whatif.asking import Question
from ui.views.whatif.parts import Parts
from ui.views.whatif.strip import Side

PURPOSE = "what-if"
CHARTS_SECONDS = 0.25  # between two drawings of the charts while a slider is dragged
STILL_SECONDS = 0.15  # without another edit, before it is asked who is affected by one that is not final


class Answers:
    """Asks the previews and shows what they say; of several questions the newest is what counts."""

    def __init__(
        self, session: Session, parts: Parts, on_error: Callable[[PlanWiseError | None], None]
    ) -> None:
        self._session = session
        self._parts = parts
        self._on_error = on_error
        self._last: Question | None = None
        self._base: tuple[tuple[str, ...], Previewed] | None = None
        self._impact: tuple[str, Impact] | None = None
        self._drawn_at = 0.0
        self._is_there = False
        self._dealt_with = 0  # the newest edit that changed nothing: refused, or already answered
        parts.figures.shown = {"html": strip.waiting(), "number": 0, "key": ""}
        parts.dimension.param.watch(lambda _: self._show_affected(), "value")

    def ask(self, question: Question) -> None:
        """Ask; the same question again is answered by the answer to the first."""
        last = self._last
        if last is not None and last.same(question):
            last.number, last.live = question.number, question.live
            if last.answer is not None:
                self.answered(question.number)
            return
        self._last = question
        pn.state.execute(partial(self._answer, question))

    def answered(self, number: int) -> None:
        """Say that an edit is dealt with, though the figures are what they were."""
        self._dealt_with = max(self._dealt_with, number)
        if self._last is None or self._last.answer is not None:  # else the figures to come say so
            self._parts.figures.shown = {**self._parts.figures.shown, "number": number}

    async def _answer(self, question: Question) -> None:
        previews = self._session.previews
        try:
            if previews is None:
                raise InputError(
                    "This server was started without previews.", remedy="Start it with `planwise serve`."
                )
            base = await self._base_of(question)
            answer = await previews.kpis(question.scenario, question.effective, purpose=PURPOSE)
            if answer is None or base is None:
                return
            await self._page_is_there()
            question.answer = answer
            on_page(partial(self._show_figures, question, base, answer))
            if question is self._last or time.monotonic() - self._drawn_at > CHARTS_SECONDS:
                await asyncio.sleep(0)  # the figures are on their way before the charts are made
                self._drawn_at = time.monotonic()
                on_page(partial(self._show_charts, question, base, answer))
            if question.live:
                await asyncio.sleep(STILL_SECONDS)
            if question is not self._last:
                return
            impact = await previews.impact(
                question.scenario, question.effective, base=question.base, purpose=PURPOSE
            )
            if impact is not None and question is self._last:
                on_page(partial(self._show_impact, question, impact))
        except PlanWiseError as error:
            if question is self._last:
                self._last = None  # so that the same can be asked again
                on_page(partial(self._failed, question, error))

    async def _page_is_there(self) -> None:
        """Wait until the browser has the page: an answer from the cache would be lost before that."""
        if not self._is_there:
            await self._session.offload(_nothing)
            self._is_there = True

    async def _base_of(self, question: Question) -> Previewed | None:
        """Return the KPIs of the base scenario over the years that are simulated; asked once."""
        key = question.key[:3]
        if self._base is None or self._base[0] != key:
            previews = self._session.previews
            if previews is None:
                return None
            found = await previews.kpis(question.scenario, question.base, purpose=f"{PURPOSE} base")
            if found is None:
                return None
            self._base = (key, found)
        return self._base[1]

    def _failed(self, question: Question, error: PlanWiseError) -> None:
        self._on_error(error)
        self.answered(question.number)

    def _show_figures(self, question: Question, base: Previewed, answer: Previewed) -> None:
        shown = strip.figures(
            question.scenario, Side(base.kpis), Side(answer.kpis), question.effective, question.year, answer
        )
        number = max(question.number, self._dealt_with)
        self._parts.figures.shown = {"html": shown, "number": number, "key": answer.key}
        self._on_error(None)

    def _show_charts(self, question: Question, base: Previewed, answer: Previewed) -> None:
        before, now, name = Side(base.kpis), Side(answer.kpis), question.scenario
        target, budget = (
            question.effective.number_or_none(goal) for goal in ("target_growth", "payroll_budget")
        )
        about = findings.found(validate(question.effective), question.effective, now)
        self._parts.growth.show(charts.growth(name, before, now, target))
        self._parts.payroll.show(charts.payroll(name, before, now, budget))
        self._parts.bridge.show(charts.bridge(name, before, now, question.year, target))
        self._parts.findings_heading.object = html.card_heading(findings.title(about), "")
        self._parts.findings.object = findings.as_html(about)
        self._parts.findings_box.visible = bool(about)

    def _show_impact(self, question: Question, impact: Impact) -> None:
        self._impact = (question.scenario, impact)
        self._parts.levels.show(people.levels(question.scenario, impact, question.year))
        self._show_affected()

    def _show_affected(self) -> None:
        if self._impact is not None:
            self._parts.affected.show(people.affected(*self._impact, self._parts.dimension.value))


def _nothing() -> None:
    """Do nothing: what is offloaded comes back when the browser has the page."""
