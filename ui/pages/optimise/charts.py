"""The cards of a study: charts of its trials and of what its answer rests on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.formatting import count, counted, percent, points, ratio
from ui.components.card import Card, Content
from ui.components.charts import BAD, DOWN, NOTE_HEIGHT, TARGET, UP, note, ranked
from ui.components.html import TableColumn
from ui.components.page import PAIR, STACK, UpdateGuard
from ui.components.point_charts import seed_histogram
from ui.pages.optimise import answer
from ui.pages.optimise.form import SEGMENTS
from ui.pages.optimise.labels import GROWTH, OUTCOMES, TrialMeasure, measures_of, reached_measure
from ui.pages.optimise.trial_charts import (
    convergence,
    convergence_measures,
    first_axes,
    levers_and_outcomes,
    one_lever,
    tradeoffs,
)
from ui.values.axes import round_step
from ui.values.comparison import DRAWN, LUCK_ALONE
from ui.values.studies import CANDIDATE, FAILED, FEASIBLE, LIMIT, StudyTrials

PERCENT = 100
BARS_MAX = 15  # of a chart; the table has every lever
SEEDS_MIN = 5  # of a histogram
METHODS: Mapping[str, str] = {
    "ped-anova": "share by PED-ANOVA over {trials} distinct trials",
    "linear": "{reason}",
    "none": "{reason}",
}
LIMIT_NAMES = {"gate": "quality gate", "raise_max": "raise (highest)", "raise_min": "raise (lowest)"}
AFTER_THE_END = "available once the study has ended with an answer"
SELECT: Mapping[str, Any] = {"size": "small", "margin": 0, "width": 250}
ROW: Mapping[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"gap": "12px"},
    "margin": (10, 0, 4, 0),
}


def importance(study: StudyTrials, found: Mapping[str, Any]) -> Content:
    """Return how much the target's measure depends on each lever over all trials."""
    shares = sorted(found.get("shares", {}).items(), key=lambda item: -item[1])
    rows = [{"lever": _lever_label(study, name), "name": name, "share": share} for name, share in shares]
    frame = pd.DataFrame(rows, columns=["lever", "name", "share"])
    method = METHODS.get(str(found.get("method")), "{reason}")
    method = method.format(**{"trials": 0, "reason": "", **found})
    top = frame.head(BARS_MAX)
    texts = [percent(value, 1) for value in top["share"]]
    figure = note(f"{method}.", NOTE_HEIGHT)
    if len(frame):
        figure = ranked(top["lever"].tolist(), top["share"].tolist(), texts, x_title="Share", x_format=".0%")
    columns = (
        TableColumn("lever", "Lever", is_text=True),
        TableColumn("share", "Share of its variation", lambda v: percent(v, 1)),
    )
    subtitle = f"Of {reached_measure(study).name.lower()} · {method}{_of_all(frame)}"
    return Content("Importance of levers", subtitle, frame, columns, f"importance_{study.name}.csv", figure)


def sensitivity(study: StudyTrials) -> Content:
    """Return by how much the target's measure responds to each lever around the answer."""
    found = (study.outcome or {}).get("sensitivity")
    by_lever = found.get("by_lever") if isinstance(found, Mapping) else found
    slopes = by_lever if isinstance(by_lever, Mapping) else {}
    rows = [{"lever": _lever_label(study, name), "name": name, **one} for name, one in slopes.items()]
    frame = pd.DataFrame(rows, columns=["lever", "name", "slope", "per_pp", "per_width", "share"])
    frame = frame.sort_values("per_width", key=lambda v: v.abs(), ascending=False) if rows else frame
    top = frame.head(BARS_MAX)
    figure = note(f"Sensitivity: {by_lever if isinstance(by_lever, str) else AFTER_THE_END}.", NOTE_HEIGHT)
    if rows:
        figure = ranked(
            top["lever"].tolist(),
            (top["per_width"] * PERCENT).tolist(),
            [points(value) for value in top["per_width"]],
            x_title=f"{reached_measure(study).name}, percentage points",
            x_format=".1f",
            color=[UP if (value or 0) >= 0 else DOWN for value in top["per_width"]],
        )
    columns = (
        TableColumn("lever", "Lever", is_text=True),
        TableColumn("per_width", "For its recommended range's width", points),
        TableColumn("per_pp", "For 1 pp of the lever", lambda v: points(v, 3)),
        TableColumn("slope", "Slope", lambda v: ratio(v, 4)),
    )
    subtitle = (
        f"{reached_measure(study).name} when one lever crosses its recommended range, around the answer"
    )
    subtitle += _of_all(frame)
    return Content("Sensitivity", subtitle, frame, columns, f"sensitivity_{study.name}.csv", figure)


def feasibility(study: StudyTrials) -> Content:
    """Return how many candidates exceed each constraint."""
    trials = study.trials.loc[(study.trials["role"] == CANDIDATE) & study.trials["growth"].notna()]
    written = {limit.key: str(limit) for limit in study.spec.limits}
    rows = []
    for name in study.named(LIMIT):
        values = trials[f"{LIMIT}{name}"].dropna()
        if len(values):
            label = LIMIT_NAMES.get(name) or written.get(name, name.replace("_", " "))
            over = values > 0
            rows.append((label, int(over.sum()), len(values), float(over.mean()), float(values.max())))
    frame = pd.DataFrame(rows, columns=["constraint", "failed", "trials", "share", "worst"])
    frame = frame.sort_values("share", ascending=False, kind="stable")
    figure = note("No trial has been evaluated yet.", NOTE_HEIGHT)
    if rows:
        figure = ranked(
            frame["constraint"].tolist(),
            frame["share"].tolist(),
            [f"{row.failed:,} of {row.trials:,}" for row in frame.itertuples()],
            x_title="Share of trials that exceed it",
            x_format=".0%",
            color=BAD,
            x_range=(0, 1.12),
        )
    columns = (
        TableColumn("constraint", "Constraint", is_text=True),
        TableColumn("failed", "Trials that exceed it", count),
        TableColumn("trials", "Of", count),
        TableColumn("share", "Share", lambda v: percent(v, 1)),
        TableColumn("worst", "Worst value (up to 0 is met)", lambda v: ratio(v, 4)),
    )
    failed = int((study.trials["state"] == FAILED).sum())
    feasible = float((trials["state"] == FEASIBLE).mean()) if len(trials) else 0.0
    subtitle = (
        f"{percent(feasible, 0)} of {counted(len(trials), 'trial')} "
        f"{'is' if len(trials) == 1 else 'are'} feasible"
    )
    subtitle += f"; {failed:,} failed" if failed else ""
    return Content("Feasibility", subtitle, frame, columns, f"feasibility_{study.name}.csv", figure)


def robustness(study: StudyTrials) -> Content:
    """Return what the answer reaches in other draws, against the target's band."""
    found = (study.outcome or {}).get("robustness")
    measure = reached_measure(study)
    subtitle, reached = "The answer in other draws", []
    if isinstance(found, Mapping):
        reached = [float(value) for value in found.get("reached_by_seed", ())]
    if len(reached) >= SEEDS_MIN and isinstance(found, Mapping):
        target = study.target
        near = 0.0 if target is None else target.of_share(study.spec.tolerance)
        low, high = (measure.write(found["reached"][name]) for name in ("p10", "p90"))
        subtitle = (
            f"{measure.name} of the answer in {len(reached)} other draws of "
            f"{found.get('drawn', LUCK_ALONE)} · P10 to P90 {low} to {high}"
        )
        if found.get("share_within_tolerance") is not None:
            share, *interval = (
                percent(value, 0) for value in (found["share_within_tolerance"], *found["share_interval"])
            )
            subtitle += f" · {share} within the tolerance (95%: {' to '.join(interval)})"
        subtitle += f". {DRAWN[found.get('drawn', LUCK_ALONE)]}"
        middles, width, seeds = _bins(reached)
        figure = seed_histogram(
            middles,
            width,
            seeds,
            band=None if target is None else (target.value - near, target.value + near),
            target=None if target is None else (target.value, TARGET),
            answer=None if study.outcome is None else study.outcome[measure.column],
            x_title=measure.name,
            x_format=measure.axis,
        )
    elif reached:
        figure = note(f"Needs at least {SEEDS_MIN} draws; there are {len(reached)}.", NOTE_HEIGHT)
    else:
        figure = note(f"Other draws: {found if isinstance(found, str) else AFTER_THE_END}.", NOTE_HEIGHT)
    frame = pd.DataFrame({"seed": range(1, len(reached) + 1), "reached": reached})
    columns = (
        TableColumn("seed", "Other draw", count),
        TableColumn("reached", measure.name, measure.write),
    )
    return Content("Robustness", subtitle, frame, columns, f"robustness_{study.name}.csv", figure)


def _bins(values: Sequence[float]) -> tuple[list[float], float, list[int]]:
    """Return middles, width and counts of equal bins with round edges."""
    edges = np.histogram_bin_edges(values, bins="auto")
    width = round_step(max(float(edges[1] - edges[0]), 1e-9))
    first = np.floor(min(values) / width + 1e-9)
    places = np.floor(np.asarray(values) / width - first + 1e-9).astype(int)
    counts = np.bincount(places)
    return [float((first + place + 0.5) * width) for place in range(len(counts))], width, counts.tolist()


def _lever_label(study: StudyTrials, name: str) -> str:
    return next((lever.label for lever in study.levers if lever.name == name), name)


def _of_all(frame: pd.DataFrame) -> str:
    return f" · the first {BARS_MAX} of {len(frame)}" if len(frame) > BARS_MAX else ""


class Charts:
    """The cards of one study; `on_select` receives the trials within a box drawn on the trade-offs."""

    def __init__(self, on_select: Callable[[tuple[int, ...]], None]) -> None:
        self._on_select = on_select
        self._study: StudyTrials | None = None
        self._selected: tuple[int, ...] = ()
        self._filling = UpdateGuard()
        self._measure = pmui.RadioButtonGroup(
            label="Measured by", options={GROWTH.name: GROWTH.column}, value=GROWTH.column, **SEGMENTS
        )
        self._x, self._y, self._lever, self._outcome = (
            pmui.Select(label=label, options={}, **SELECT)
            for label in ("Horizontal axis", "Vertical axis", "Lever", "Outcome")
        )
        self._convergence = Card(name="convergence", control=self._measure)
        self._levers = Card(name="levers in force and new", with_chart=False, height=520)
        self._constraints = Card(name="constraints", with_chart=False)
        self._tradeoffs = Card(name="trade-offs", control=pn.Row(self._x, self._y, **ROW))
        self._parallel = Card(name="levers and outcomes")
        self._importance = Card(name="importance of levers")
        self._one_lever = Card(name="one lever at a time", control=pn.Row(self._lever, self._outcome, **ROW))
        self._feasibility = Card(name="feasibility")
        self._sensitivity = Card(name="sensitivity")
        self._robustness = Card(name="robustness")
        self.answer_layout = pn.Column(
            pn.Column(self._convergence.layout, self._levers.layout, **PAIR),
            self._constraints.layout,
            **STACK,
        )
        self.layout = pn.Column(
            self._tradeoffs.layout,
            self._parallel.layout,
            pn.Column(self._importance.layout, self._sensitivity.layout, **PAIR),
            pn.Column(self._one_lever.layout, self._feasibility.layout, **PAIR),
            self._robustness.layout,
            **STACK,
        )
        for draw, widgets in (
            (self._draw_convergence, (self._measure,)),
            (self._draw_tradeoffs, (self._x, self._y)),
            (self._draw_one_lever, (self._lever, self._outcome)),
        ):
            for widget in widgets:
                widget.param.watch(self._unless_filling(draw), "value")
        self._tradeoffs.plot.param.watch(self._select_boxed, "selected")

    def show_convergence(self, study: StudyTrials, another: bool) -> None:
        """Draw the convergence alone, which shows the newest trials."""
        self._study = study
        if another:
            offered = convergence_measures(study)
            options = {one.name.partition(" (")[0]: one.column for one in offered}
            with self._filling:
                self._measure.param.update(options=options, value=offered[0].column, visible=len(offered) > 1)
        self._draw_convergence(study)

    def show_importance(self, study: StudyTrials, found: Mapping[str, Any]) -> None:
        """Draw the importance of levers, which takes longer to compute."""
        self._importance.show(importance(study, found))

    def show(self, study: StudyTrials, another: bool) -> None:
        """Draw everything else; axes and selection stay unless it is another study."""
        self._study = study
        with self._filling:
            self._offer(study, another)
        self._levers.show(answer.levers(study))
        self._constraints.show(answer.constraints(study))
        self._constraints.layout.visible = len((study.outcome or {}).get("constraints", ())) > 1
        self._draw_tradeoffs(study)
        self.select(() if another else self._selected)
        self._draw_one_lever(study)
        self._feasibility.show(feasibility(study))
        self._sensitivity.show(sensitivity(study))
        self._robustness.show(robustness(study))
        self._robustness.layout.visible = study.spec.seeds > 0

    def select(self, numbers: tuple[int, ...]) -> None:
        """Highlight these trials."""
        self._selected = numbers
        with self._filling:
            self._tradeoffs.plot.selected = list(numbers) or None
        if self._study is not None:
            self._parallel.show(levers_and_outcomes(self._study, numbers))

    def _offer(self, study: StudyTrials, another: bool) -> None:
        measures = {one.name: one.column for one in measures_of(study)}
        levers = {lever.label: lever.name for lever in study.levers}
        x, y = first_axes(study)
        for widget, options, start in (
            (self._x, measures, x),
            (self._y, measures, y),
            (self._outcome, measures, reached_measure(study).column),
            (self._lever, levers, None),
        ):
            value = start if another or widget.value not in options.values() else widget.value
            first = next(iter(options.values()), None)
            widget.param.update(options=options, value=value if value in options.values() else first)

    def _draw_convergence(self, study: StudyTrials) -> None:
        offered = convergence_measures(study)
        measure = next((one for one in offered if one.column == self._measure.value), offered[0])
        self._convergence.show(convergence(study, measure))

    def _draw_tradeoffs(self, study: StudyTrials) -> None:
        self._tradeoffs.show(tradeoffs(study, _measure(study, self._x.value), _measure(study, self._y.value)))

    def _draw_one_lever(self, study: StudyTrials) -> None:
        lever = next((one for one in study.levers if one.name == self._lever.value), None)
        if lever is not None:
            self._one_lever.show(one_lever(study, lever, _measure(study, self._outcome.value)))

    def _select_boxed(self, event: Any) -> None:
        if not self._filling:
            self._on_select(tuple(int(number) for number in event.new or ()))

    def _unless_filling(self, draw: Callable[[StudyTrials], None]) -> Callable[[Any], None]:
        def redraw(_: Any) -> None:
            if not self._filling and self._study is not None:
                draw(self._study)

        return redraw


def _measure(study: StudyTrials, column: str | None) -> TrialMeasure:
    offered = measures_of(study) or OUTCOMES
    return next((one for one in offered if one.column == column), offered[0])
