"""Charts of a study and its levers."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.formatting import count, percent, points, ratio
from ui.components import point_charts
from ui.components.card import Card, Content
from ui.components.charts import DOWN, HEIGHT, NOTE_HEIGHT, TOTAL, Figure, note, ranked, with_vertical_line
from ui.components.html import TableColumn
from ui.components.page import PAIR, STACK, UpdateGuard
from ui.components.point_charts import trial_chart, trial_marks
from ui.pages.optimise import answer
from ui.pages.optimise import answer as health
from ui.pages.optimise import convergence as tradeoffs
from ui.pages.optimise.convergence import BY_GROWTH, BY_SCORE, compared_trials, convergence, measures
from ui.pages.optimise.form import SEGMENTS
from ui.pages.optimise.labels import OUTCOMES, Measure, lever_measure, measures_of, named
from ui.session import Session
from ui.values.studies import StudyLever, StudyTrials

PERCENT = 100
AXES_MAX = 16
BARS_MAX = 15  # of a chart; the table has every lever
LINES_MAX = 300  # lines of a chart; the table has every trial
METHODS: Mapping[str, str] = {
    "ped-anova": "share by PED-ANOVA over {trials} distinct trials",
    "linear": "{reason}",
    "none": "{reason}",
}


def parallel(study: StudyTrials, chosen: tuple[int, ...]) -> Content:
    """Return each trial as a line over its levers and outcomes; chosen trials and the answer stand out."""
    rows = compared_trials(study)
    outcomes = [one for one in OUTCOMES if one.column in ("growth", "cost", "within_level_cv")]
    measures = [*map(lever_measure, study.levers), *outcomes]
    columns = (
        TableColumn("trial", "Trial", count),
        TableColumn("state", "State", is_text=True),
        *(TableColumn(one.column, one.name, one.write) for one in measures),
    )
    subtitle = "Each axis from its least to its most over the trials"
    moving = [one for one in measures if rows[one.column].nunique() > 1]
    levers = [one for one in moving if one not in outcomes]
    most = AXES_MAX - len(outcomes)
    if len(levers) > most:
        kept = _with_growth(rows, levers)[:most]
        subtitle += f" · the {most} of {len(levers)} levers that go most with growth"
        levers = [one for one in levers if one in kept]
    shown = [*levers, *(one for one in outcomes if one in moving)]
    if len(rows) > LINES_MAX:
        subtitle += f" · the last {LINES_MAX} of {len(rows)} trials"
    if chosen:
        subtitle += f" · {len(chosen)} chosen stand out"
    if len(rows) < 2 or len(shown) < 2:
        figure = note(f"Needs at least 2 different trials; there are {len(rows)}.", NOTE_HEIGHT)
    else:
        figure = _lines(study, rows.tail(LINES_MAX), shown, chosen)
    return Content("Levers and outcomes", subtitle, rows, columns, f"levers_{study.name}.csv", figure)


def _with_growth(rows: pd.DataFrame, levers: list[Measure]) -> list[Measure]:
    """Return the levers, that first whose values go most with growth, up or down."""
    together = rows[[one.column for one in levers]].corrwith(rows["growth"]).abs().fillna(0.0)
    return sorted(levers, key=lambda one: -float(together[one.column]))


def _lines(study: StudyTrials, rows: pd.DataFrame, axes: list[Measure], chosen: tuple[int, ...]) -> Figure:
    best = study.best
    groups = []
    for trial, state in zip(rows["trial"], rows["state"], strict=True):
        groups.append(2 if trial == best else 1 if trial in chosen else 3 if state != "feasible" else 0)
    names = ("Feasible", "Chosen", "Answer" if study.outcome is not None else "Best so far", "Infeasible")
    used = sorted(set(groups), key=lambda group: (group != 0, group != 3, group))
    columns = [one.column for one in axes]
    figure = point_charts.parallel(
        [(one.name, one.write) for one in axes],
        rows[columns].to_numpy().tolist(),
        rows["trial"].astype(int).tolist(),
        groups,
        names,
        [(float(rows[name].min()), float(rows[name].max())) for name in columns],
    )
    figure["data"] = [trace for group in used for trace in figure["data"] if trace["name"] == names[group]]
    return figure


def importance(study: StudyTrials, found: Mapping[str, Any]) -> Content:
    """Return how much growth depends on each lever over all trials."""
    labels = {lever.name: lever.label for lever in study.levers}
    shares = sorted(found.get("shares", {}).items(), key=lambda item: -item[1])
    frame = pd.DataFrame(
        [{"lever": labels.get(name, name), "name": name, "share": share} for name, share in shares],
        columns=["lever", "name", "share"],
    )
    said = METHODS.get(str(found.get("method")), "{reason}").format(**{"trials": 0, "reason": "", **found})
    columns = (
        TableColumn("lever", "Lever", is_text=True),
        TableColumn("share", "Share of growth's variation", lambda v: percent(v, 1)),
    )
    top = frame.head(BARS_MAX)
    figure = (
        ranked(
            top["lever"].tolist(),
            top["share"].tolist(),
            [percent(value, 1) for value in top["share"]],
            x_title="Share",
            x_format=".0%",
        )
        if len(frame)
        else note(f"{said}.", NOTE_HEIGHT)
    )
    subtitle = f"Of annual growth · {said}{_of_all(frame)}"
    return Content("Importance of levers", subtitle, frame, columns, f"importance_{study.name}.csv", figure)


def slices(study: StudyTrials, lever: StudyLever, outcome: Measure) -> Content:
    """Return one lever against one outcome, trial by trial."""
    rows = compared_trials(study).dropna(subset=[lever.column, outcome.column])
    of = lever_measure(lever)
    columns = (
        TableColumn("trial", "Trial", count),
        TableColumn("state", "State", is_text=True),
        TableColumn(lever.column, lever.label, of.write),
        TableColumn(outcome.column, outcome.name, outcome.write),
    )
    if rows[lever.column].nunique() < 2:
        figure = note(f"Needs trials at 2 or more values of {lever.label}.", HEIGHT)
    else:
        hover = f"trial %{{customdata}}<br>%{{x:{of.axis}}}<br>%{{y:{outcome.axis}}}"
        feasible = rows["state"] == "feasible"
        data = [
            trial_marks(
                name,
                part[lever.column],
                part[outcome.column],
                color=color,
                symbol=symbol,
                ids=part["trial"].tolist(),
                hover=hover,
                opacity=0.75,
            )
            for name, part, symbol, color in (
                ("Feasible", rows.loc[feasible], "circle", TOTAL),
                ("Infeasible", rows.loc[~feasible], "x", DOWN),
            )
            if len(part)
        ]
        figure = trial_chart(
            data, x_title=lever.label, y_title=outcome.name, x_format=of.axis, y_format=outcome.axis
        )
        if lever.start is not None:
            with_vertical_line(figure, lever.start)
    dashed = "" if lever.start is None else f" · dashed: in force, {of.write(lever.start)}"
    subtitle = f"{outcome.name} by {lever.label}, every trial{dashed}"
    return Content("One lever at a time", subtitle, rows, columns, f"slice_{study.name}.csv", figure)


def sensitivity(study: StudyTrials) -> Content:
    """Return by how much growth answers to each lever around the answer."""
    found = (study.outcome or {}).get("sensitivity")
    by_lever = found.get("by_lever") if isinstance(found, Mapping) else found
    labels = {lever.name: lever.label for lever in study.levers}
    rows = []
    if isinstance(by_lever, Mapping):
        rows = [
            {"lever": labels.get(name, name), "name": name, **{k: one.get(k) for k in SLOPE}}
            for name, one in by_lever.items()
        ]
    frame = pd.DataFrame(rows, columns=["lever", "name", *SLOPE])
    frame = frame.sort_values("per_width", key=lambda v: v.abs(), ascending=False) if len(frame) else frame
    columns = (
        TableColumn("lever", "Lever", is_text=True),
        TableColumn("per_width", "Growth for its recommended range's width", points),
        TableColumn("per_pp", "Growth for 1 pp of the lever", lambda v: points(v, 3)),
        TableColumn("slope", "Slope", lambda v: ratio(v, 4)),
    )
    why = by_lever if isinstance(by_lever, str) else "comes when the study has ended with an answer"
    top = frame.head(BARS_MAX)
    figure = (
        ranked(
            top["lever"].tolist(),
            (top["per_width"] * PERCENT).tolist(),
            [points(value) for value in top["per_width"]],
            x_title="Annual growth (CAGR), percentage points",
            x_format=".1f",
            color=[TOTAL if (value or 0) >= 0 else DOWN for value in top["per_width"]],
        )
        if len(frame)
        else note(f"Sensitivity: {why}.", NOTE_HEIGHT)
    )
    subtitle = "Annual growth when one lever crosses its recommended range, around the answer" + _of_all(
        frame
    )
    return Content("Sensitivity", subtitle, frame, columns, f"sensitivity_{study.name}.csv", figure)


def _of_all(frame: pd.DataFrame) -> str:
    return f" · the first {BARS_MAX} of {len(frame)}" if len(frame) > BARS_MAX else ""


SLOPE = ("slope", "per_pp", "per_width", "share")


SELECT: dict[str, Any] = {"size": "small", "margin": 0, "width": 250}
NAMES = {BY_GROWTH: "Growth", BY_SCORE: "Objective"}


class Charts:
    """Charts of one study; `on_choose` is told which trials a box on the trade-offs has in it."""

    def __init__(self, session: Session, on_choose: Callable[[tuple[int, ...]], None]) -> None:
        self._session, self._on_choose = session, on_choose
        self._study: StudyTrials | None = None
        self._chosen: tuple[int, ...] = ()
        self._filling = UpdateGuard()
        self._measure = pmui.RadioButtonGroup(
            label="Measured by", options={"Growth": BY_GROWTH}, value=BY_GROWTH, **SEGMENTS
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

    def show_convergence(self, study: StudyTrials, another: bool) -> None:
        """Draw the convergence; the rest waits for `show`."""
        self._study = study
        if another:
            offered = measures(study)
            self._quietly(
                lambda: self._measure.param.update(
                    options={NAMES[one]: one for one in offered}, value=offered[0], visible=len(offered) > 1
                )
            )
        self._draw_convergence()

    def show_importance(self, study: StudyTrials, found: Mapping[str, Any]) -> None:
        """Draw what growth depends on, which takes a moment to find out."""
        self._importance.show(importance(study, found))

    def show(self, study: StudyTrials, another: bool) -> None:
        """Draw everything else; axes and choices stay unless it is another study."""
        self._study = study
        self._quietly(lambda: self._offer(study, another))
        self._levers.show(answer.levers(study))
        self._limits.show(answer.limits(study))
        self._limits.layout.visible = len((study.outcome or {}).get("constraints", ())) > 1
        if another:
            self.choose(())
        self._draw_tradeoffs()
        self._parallel.show(parallel(study, self._chosen))
        self._draw_slices()
        self._feasibility.show(health.feasibility(study))
        self._sensitivity.show(sensitivity(study))
        self._robustness.show(health.robustness(study))
        self._robustness.layout.visible = study.spec.seeds > 0

    def choose(self, numbers: tuple[int, ...]) -> None:
        """Let these trials stand out."""
        self._chosen = numbers
        self._quietly(lambda: self._tradeoffs.plot.param.update(selected=list(numbers) or None))
        if self._study is not None:
            self._parallel.show(parallel(self._study, numbers))

    def _offer(self, study: StudyTrials, another: bool) -> None:
        offered = measures_of(study)
        options = {one.name: one.column for one in offered}
        x, y = tradeoffs.axes_of(study)
        first = offered[0].column if offered else None
        for widget, start in ((self._x, x), (self._y, y), (self._outcome, "growth")):
            keep = widget.value if not another and widget.value in options.values() else start
            widget.param.update(options=options, value=keep if keep in options.values() else first)
        levers = {lever.label: lever.name for lever in study.levers}
        keep = self._lever.value if not another and self._lever.value in levers.values() else None
        self._lever.param.update(options=levers, value=keep or next(iter(levers.values()), None))

    def _draw_convergence(self) -> None:
        if self._study is not None:
            self.convergence.show(convergence(self._study, self._measure.value))

    def _draw_tradeoffs(self) -> None:
        if self._study is not None:
            offered = measures_of(self._study) or OUTCOMES
            x, y = named(offered, self._x.value), named(offered, self._y.value)
            self._tradeoffs.show(tradeoffs.tradeoffs(self._study, x, y))

    def _draw_slices(self) -> None:
        if self._study is not None and self._study.levers:
            lever = next(
                (one for one in self._study.levers if one.name == self._lever.value), self._study.levers[0]
            )
            outcome = named(measures_of(self._study) or OUTCOMES, self._outcome.value)
            self._slices.show(slices(self._study, lever, outcome))

    def _boxed(self, event: Any) -> None:
        if not self._filling:
            self._on_choose(tuple(int(number) for number in event.new or ()))

    def _redraw(self, draw: Callable[[], None]) -> None:
        if not self._filling:
            draw()

    def _quietly(self, work: Callable[[], Any]) -> None:
        with self._filling:
            work()
