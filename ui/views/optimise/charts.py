"""The cards of a study: made once, filled from its trials, with the choices that people make on them."""

from collections.abc import Callable, Mapping
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components.card import Card
from ui.components.filling import Filling
from ui.components.layout import PAIR, STACK
from ui.session import Session
from ui.values.searches import Search
from ui.views.optimise import answer, health, lever_charts, tradeoffs
from ui.views.optimise.convergence import GROWTH, SCORE, convergence, measures
from ui.views.optimise.looks import SWITCHES
from ui.views.optimise.measures import OUTCOMES, measures_of, named

SELECT: dict[str, Any] = {"size": "small", "margin": 0, "width": 250}
NAMES = {GROWTH: "Growth", SCORE: "Objective"}


class Charts:
    """Charts of one study; `on_choose` is told which trials a box on the trade-offs has in it."""

    def __init__(self, session: Session, on_choose: Callable[[tuple[int, ...]], None]) -> None:
        self._session, self._on_choose = session, on_choose
        self._search: Search | None = None
        self._chosen: tuple[int, ...] = ()
        self._filling = Filling()
        self._measure = pmui.RadioButtonGroup(
            label="Measured by", options={"Growth": GROWTH}, value=GROWTH, **SWITCHES
        )
        self._x, self._y, self._lever, self._outcome = (
            pmui.Select(label=label, options={}, **SELECT) for label in ("Across", "Up", "Lever", "Outcome")
        )
        self.convergence = Card(name="convergence", control=self._measure)
        self._levers = Card(name="levers in force and new", with_chart=False, height=520)
        self._limits = Card(name="constraints", with_chart=False)
        row = {"sizing_mode": "stretch_width", "styles": {"gap": "12px"}, "margin": (10, 0, 4, 0)}
        self._tradeoffs = Card(name="trade-offs", control=pn.Row(self._x, self._y, **row))
        self._parallel = Card(name="levers and outcomes")
        self._importance = Card(name="importance of levers")
        self._slices = Card(name="one lever at a time", control=pn.Row(self._lever, self._outcome, **row))
        self._feasibility = Card(name="feasibility")
        self._sensitivity = Card(name="sensitivity")
        self._robustness = Card(name="robustness")
        self.answer_layout = pn.Column(
            pn.Column(self.convergence.layout, self._levers.layout, **PAIR), self._limits.layout, **STACK
        )
        self.layout = pn.Column(
            self._tradeoffs.layout,
            self._parallel.layout,
            pn.Column(self._importance.layout, self._sensitivity.layout, **PAIR),
            pn.Column(self._slices.layout, self._feasibility.layout, **PAIR),
            self._robustness.layout,
            **STACK,
        )
        self._measure.param.watch(lambda _: self._redraw(self._draw_convergence), "value")
        for widget in (self._x, self._y):
            widget.param.watch(lambda _: self._redraw(self._draw_tradeoffs), "value")
        for widget in (self._lever, self._outcome):
            widget.param.watch(lambda _: self._redraw(self._draw_slices), "value")
        self._tradeoffs.plot.param.watch(self._boxed, "selected")

    def show_convergence(self, search: Search, another: bool) -> None:
        """Draw the convergence; the rest waits for `show`."""
        self._search = search
        if another:
            offered = measures(search)
            self._quietly(
                lambda: self._measure.param.update(
                    options={NAMES[one]: one for one in offered}, value=offered[0], visible=len(offered) > 1
                )
            )
        self._draw_convergence()

    def show_importance(self, search: Search, found: Mapping[str, Any]) -> None:
        """Draw what growth depends on, which takes a moment to find out."""
        self._importance.show(lever_charts.importance(search, found))

    def show(self, search: Search, another: bool) -> None:
        """Draw everything else; axes and choices stay unless it is another study."""
        self._search = search
        self._quietly(lambda: self._offer(search, another))
        self._levers.show(answer.levers(search))
        self._limits.show(answer.limits(search))
        self._limits.layout.visible = len((search.outcome or {}).get("constraints", ())) > 1
        if another:
            self.choose(())
        self._draw_tradeoffs()
        self._parallel.show(lever_charts.parallel(search, self._chosen))
        self._draw_slices()
        self._feasibility.show(health.feasibility(search))
        self._sensitivity.show(lever_charts.sensitivity(search))
        self._robustness.show(health.robustness(search))
        self._robustness.layout.visible = search.spec.seeds > 0

    def choose(self, numbers: tuple[int, ...]) -> None:
        """Let these trials stand out."""
        self._chosen = numbers
        self._quietly(lambda: self._tradeoffs.plot.param.update(selected=list(numbers) or None))
        if self._search is not None:
            self._parallel.show(lever_charts.parallel(self._search, numbers))

    def _offer(self, search: Search, another: bool) -> None:
        offered = measures_of(search)
        options = {one.name: one.column for one in offered}
        x, y = tradeoffs.axes_of(search)
        first = offered[0].column if offered else None
        for widget, start in ((self._x, x), (self._y, y), (self._outcome, "growth")):
            keep = widget.value if not another and widget.value in options.values() else start
            widget.param.update(options=options, value=keep if keep in options.values() else first)
        levers = {lever.label: lever.name for lever in search.levers}
        keep = self._lever.value if not another and self._lever.value in levers.values() else None
        self._lever.param.update(options=levers, value=keep or next(iter(levers.values()), None))

    def _draw_convergence(self) -> None:
        if self._search is not None:
            self.convergence.show(convergence(self._search, self._measure.value))

    def _draw_tradeoffs(self) -> None:
        if self._search is not None:
            offered = measures_of(self._search) or OUTCOMES
            x, y = named(offered, self._x.value), named(offered, self._y.value)
            self._tradeoffs.show(tradeoffs.tradeoffs(self._search, x, y))

    def _draw_slices(self) -> None:
        if self._search is not None and self._search.levers:
            lever = next(
                (one for one in self._search.levers if one.name == self._lever.value), self._search.levers[0]
            )
            outcome = named(measures_of(self._search) or OUTCOMES, self._outcome.value)
            self._slices.show(lever_charts.slices(self._search, lever, outcome))

    def _boxed(self, event: Any) -> None:
        if not self._filling:
            self._on_choose(tuple(int(number) for number in event.new or ()))

    def _redraw(self, draw: Callable[[], None]) -> None:
        if not self._filling:
            draw()

    def _quietly(self, work: Callable[[], Any]) -> None:
        with self._filling:
            work()
