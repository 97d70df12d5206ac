"""Convergence of a study, and trade-offs of its objectives."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from planwise.formatting import count, percent, points, ratio, seconds
from ui.components.card import Content
from ui.components.charts import (
    DOWN,
    GREY,
    HEIGHT,
    LEGEND_LINE,
    PALETTE,
    TOTAL,
    UP,
    Figure,
    note,
    with_reference,
)
from ui.components.html import TableColumn
from ui.components.point_charts import step_line, trial_chart, trial_marks
from ui.pages.optimise.labels import GROWTH, Measure, gap, objectives_text, purpose, target_text
from ui.values.studies import PART, StudyTrials

KNEE, PICK, FRONT = "knee", "pick", "front"
BOUNDS = ("lowest", "highest")
FEW = 2  # trials, below which there is nothing to trade


def axes_of(study: StudyTrials) -> tuple[str, str]:
    """Return the columns that are compared at first: two objectives, else growth against payroll."""
    parts = [PART + name for name, _ in study.spec.weights if name != "targets"]
    if len(parts) >= 2:
        return parts[0], parts[1]
    if parts:
        return parts[0], "growth"
    return "growth", "cost"


def compared_trials(study: StudyTrials) -> pd.DataFrame:
    """Return the evaluated trials that looked for the answer.

    Those at the bounds of all levers are far off; they count only where they may be an answer.
    """
    trials = study.trials.loc[(study.trials["role"] == "candidate") & study.trials["growth"].notna()]
    return trials.loc[~trials["purpose"].isin(BOUNDS) | (trials["kind"] == study.header.kind)]


def role_on_front(study: StudyTrials, trial: int) -> str:
    """Return what a trial is on the front: knee, pick, front, or nothing."""
    if trial == study.knee:
        return KNEE
    if trial in study.picks:
        return PICK
    return FRONT if trial in study.front else ""


def tradeoffs(study: StudyTrials, x: Measure, y: Measure) -> Content:
    """Return the trials that may be the answer on two axes."""
    rows = compared_trials(study).dropna(subset=[x.column, y.column])
    frame = rows.assign(on_front=[role_on_front(study, int(trial)) for trial in rows["trial"]])
    columns = (
        TableColumn("trial", "Trial", count),
        TableColumn("on_front", "Front", is_text=True),
        TableColumn("state", "State", is_text=True),
        TableColumn(x.column, x.name, x.write),
        *([TableColumn(y.column, y.name, y.write)] if y.column != x.column else []),
        *(
            [TableColumn("growth", GROWTH.name, GROWTH.write)]
            if GROWTH.column not in (x.column, y.column)
            else []
        ),
    )
    said = "Draw a box to choose trials; the table above shows them"
    if study.front:
        said = (
            f"{len(study.front)} trials that no other beats in every objective; {said[0].lower()}{said[1:]}"
        )
    order = frame.sort_values([x.column, y.column])
    return Content(
        "Trade-offs",
        f"{x.name} against {y.name} · {study.header.scenario} · {said}",
        order,
        columns,
        f"tradeoffs_{study.name}.csv",
        _figure(study, order, x, y),
        chosen=study.knee,
    )


def _figure(study: StudyTrials, rows: pd.DataFrame, x: Measure, y: Measure) -> Figure:
    if len(rows) < FEW:
        return note(f"Needs at least {FEW} evaluated trials; there are {len(rows)}.", HEIGHT)
    hover = f"trial %{{customdata}}<br>{x.name} %{{x:{x.axis}}}<br>{y.name} %{{y:{y.axis}}}"
    of_front = rows["on_front"] != ""
    feasible = rows["state"] == "feasible"
    groups = (
        ("Infeasible", rows.loc[~feasible], "x", DOWN, 8),
        ("Feasible", rows.loc[feasible & ~of_front], "circle", GREY, 7),
        ("Front", rows.loc[of_front], "circle", UP, 9),
        ("Picks", rows.loc[rows["on_front"] == PICK], "diamond", TOTAL, 11),
        ("Knee", rows.loc[rows["on_front"] == KNEE], "star", UP, 16),
    )
    data: list[Figure] = []
    objectives = {PART + name for name, _ in study.spec.weights}
    front = rows.loc[of_front]
    if len(front) > 1 and {x.column, y.column} == objectives:
        line = step_line("", front[x.column].tolist(), front[y.column].tolist())
        data.append(line | {"x": front[x.column].tolist(), "showlegend": False})
    for name, found, symbol, color, size in groups:
        if len(found):
            data.append(
                trial_marks(
                    name,
                    found[x.column],
                    found[y.column],
                    color=color,
                    symbol=symbol,
                    size=size,
                    ids=found["trial"].tolist(),
                    hover=hover,
                )
            )
    named = {study.knee, *study.picks}
    return trial_chart(
        data,
        x_title=x.name,
        y_title=y.name,
        x_format=x.axis,
        y_format=y.axis,
        height=HEIGHT + 60,
        selectable=True,
        names=[
            (row[x.column], row[y.column], f"{int(row['trial'])}", 17 if row["on_front"] == KNEE else -17)
            for row in rows.to_dict("records")
            if row["trial"] in named
        ],
    )


BY_GROWTH, BY_SCORE = "growth", "score"
MANY = 200  # trials, from which on marks are smaller
MARK, MARK_OF_MANY = 8, 5  # pixels
LOOKS = (  # kind, feasible or not: name, symbol, colour
    ("preview", True, "Preview", "circle-open", GREY),
    ("real", True, "Plan", "circle", TOTAL),
    ("preview", False, "Preview, infeasible", "x-thin", DOWN),
    ("real", False, "Plan, infeasible", "x", DOWN),
)
COLUMNS = (
    TableColumn("trial", "Trial", count),
    TableColumn("kind", "Kind", is_text=True),
    TableColumn("state", "State", is_text=True),
    TableColumn("purpose", "For", purpose, is_text=True),
    TableColumn("growth", "Annual growth (CAGR)", lambda v: percent(v, 2)),
    TableColumn("gap_pp", "Target minus growth", gap),
    TableColumn("score", "Objective", lambda v: ratio(v, 4)),
    TableColumn("best_growth", "Growth of the best so far", lambda v: percent(v, 2)),
    TableColumn("seconds", "Time", seconds),
)


def measures(study: StudyTrials) -> tuple[str, ...]:
    """Return what convergence can be seen in: growth where it is sought, the objective where one is asked."""
    if study.spec.multi_objective or study.target is None:
        return (BY_SCORE,)
    return (BY_SCORE, BY_GROWTH) if study.spec.weights else (BY_GROWTH, BY_SCORE)


def convergence(study: StudyTrials, measure: str) -> Content:
    """Return the trials as a chart and a table."""
    looked = study.trials.loc[study.trials["role"] != "analysis"]
    what = "Compound annual growth (CAGR) of mean base pay at the end of the horizon"
    if measure == BY_SCORE:
        what = f"Objective: {objectives_text(study.spec.weights)}; lower is better"
    sought = "" if study.target is None else f" · target {target_text(study.target, study.spec.tolerance)}"
    return Content(
        "Convergence",
        f"{what}{sought} · {study.spec.chosen_strategy} on {study.header.scenario}",
        looked,
        COLUMNS,
        f"convergence_{study.name}.csv",
        figure(study, looked, measure),
    )


def figure(study: StudyTrials, looked: pd.DataFrame, measure: str) -> Figure:
    """Return the chart: a mark a trial, a line for the best so far, the band of the target."""
    shown = looked.loc[~looked["purpose"].isin(BOUNDS) & looked[measure].notna()]
    if shown.empty:
        return note("No trial has ended yet.", HEIGHT)
    of_growth = measure == BY_GROWTH
    hover = "trial %{x}<br>growth %{y:.3%}" if of_growth else "trial %{x}<br>objective %{y:.4~g}"
    data = []
    size = MARK if len(shown) <= MANY else MARK_OF_MANY
    for kind, feasible, name, symbol, color in LOOKS:
        rows = shown.loc[(shown["kind"] == kind) & ((shown["state"] == "feasible") == feasible)]
        if len(rows):
            data.append(
                trial_marks(
                    name, rows["trial"], rows[measure], color=color, symbol=symbol, hover=hover, size=size
                )
            )
    best = shown.loc[shown[f"best_{measure}"].notna()]
    if len(best) > 1:
        data.append(step_line("Best so far", best["trial"], best[f"best_{measure}"]))
    if (
        (number := study.best) is not None
        and (row := study.trial(number)) is not None
        and number in set(shown["trial"])
    ):
        ring = "The answer" if study.outcome is not None else "The best"
        data.append(
            trial_marks(
                f"{ring}: trial {number}",
                [number],
                [row[measure]],
                color=UP,
                symbol="circle-open",
                size=16,
                hover=hover,
            )
        )
    chart = trial_chart(
        data,
        x_title="Trial",
        x_format="d",
        y_title="Annual growth" if of_growth else "Objective",
        y_format=".1%" if of_growth else "",
        height=HEIGHT + 20,
        log=not of_growth and _spans_decades(shown[measure]),
    )
    if of_growth and study.target is not None:
        target = study.target
        with_reference(chart, f"Target {percent(target, 2)}", target, tolerance=study.spec.tolerance)
    return chart


def _spans_decades(values: pd.Series) -> bool:
    return bool((values > 0).all() and values.max() > 20 * values.min())


def compared(studies: Sequence[StudyTrials]) -> Content:
    """Return the best so far of several studies over their trials; distances to each one's own target."""
    rows: list[Mapping[str, Any]] = []
    data: list[Figure] = []
    colors = PALETTE
    on_target = all(study.target is not None and not study.spec.multi_objective for study in studies)
    for place, study in enumerate(studies):
        found = study.trials.loc[(study.trials["role"] == "candidate") & study.trials["best_growth"].notna()]
        if on_target:
            values = (found["best_growth"] - float(study.target or 0.0)).abs()
        else:
            values = found["best_score"]
        order = range(1, len(found) + 1)
        data.append(
            step_line(
                study.name,
                order,
                values,
                colors[place % len(colors)],
                hover="after %{x} trials: %{y:.4~g}",
            )
        )
        rows += [
            {"study": study.name, "trials": n, "trial": t, "best": v, "growth": g}
            for n, t, v, g in zip(order, found["trial"], values, found["best_growth"], strict=True)
        ]
    title = "Distance of the best to the target" if on_target else "Objective of the best"
    frame = pd.DataFrame(rows, columns=["study", "trials", "trial", "best", "growth"])
    columns = (
        TableColumn("study", "Study", is_text=True),
        TableColumn("trials", "Trials", count),
        TableColumn("trial", "Trial", count),
        TableColumn("best", title, lambda v: points(v, 3).lstrip("+") if on_target else ratio(v, 4)),
        TableColumn("growth", "Annual growth (CAGR)", lambda v: percent(v, 2)),
    )
    subtitle = "Best feasible so far, by trials that may be the answer"
    subtitle += "" if on_target else "; objectives compare only where the same was asked"
    figure = note("No feasible trial yet.", HEIGHT)
    if rows:
        figure = trial_chart(
            data,
            x_title="Trials that decide",
            x_format="d",
            y_title=title,
            y_format=".2%" if on_target else "",
            height=HEIGHT + 20 + LEGEND_LINE * len(studies),
        )
    return Content("Two studies compared", subtitle, frame, columns, "studies_compared.csv", figure)
