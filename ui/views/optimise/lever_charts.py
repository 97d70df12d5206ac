"""What the levers do: lines of levers and outcomes, importance, one lever against an outcome, slopes."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ui.components import point_charts
from ui.components.card import Content
from ui.components.charts import DOWN, HEIGHT, NOTE_HEIGHT, TOTAL, Figure, note, ranked, with_vertical_line
from ui.components.html import Column
from ui.components.point_charts import trial_chart, trial_marks
from ui.values.formatting import count, percent, points, ratio
from ui.values.searches import Search, SearchLever
from ui.views.optimise.measures import OUTCOMES, Measure, lever_measure
from ui.views.optimise.tradeoffs import compared_trials

PERCENT = 100
AXES_MAX = 16
BARS_MAX = 15  # of a chart; the table has every lever
LINES_MAX = 300  # lines of a chart; the table has every trial
METHODS: Mapping[str, str] = {
    "ped-anova": "share by PED-ANOVA over {trials} distinct trials",
    "linear": "{reason}",
    "none": "{reason}",
}


def parallel(search: Search, chosen: tuple[int, ...]) -> Content:
    """Return each trial as a line over its levers and outcomes; chosen trials and the answer stand out."""
    rows = compared_trials(search)
    outcomes = [one for one in OUTCOMES if one.column in ("growth", "cost", "within_level_cv")]
    measures = [*map(lever_measure, search.levers), *outcomes]
    columns = (
        Column("trial", "Trial", count),
        Column("state", "State", is_text=True),
        *(Column(one.column, one.name, one.write) for one in measures),
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
        figure = _lines(search, rows.tail(LINES_MAX), shown, chosen)
    return Content("Levers and outcomes", subtitle, rows, columns, f"levers_{search.name}.csv", figure)


def _with_growth(rows: pd.DataFrame, levers: list[Measure]) -> list[Measure]:
    """Return the levers, that first whose values go most with growth, up or down."""
    together = rows[[one.column for one in levers]].corrwith(rows["growth"]).abs().fillna(0.0)
    return sorted(levers, key=lambda one: -float(together[one.column]))


def _lines(search: Search, rows: pd.DataFrame, axes: list[Measure], chosen: tuple[int, ...]) -> Figure:
    best = search.best
    groups = []
    for trial, state in zip(rows["trial"], rows["state"], strict=True):
        groups.append(2 if trial == best else 1 if trial in chosen else 3 if state != "feasible" else 0)
    names = ("Feasible", "Chosen", "Answer" if search.outcome is not None else "Best so far", "Infeasible")
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


def importance(search: Search, found: Mapping[str, Any]) -> Content:
    """Return how much growth depends on each lever over all trials."""
    labels = {lever.name: lever.label for lever in search.levers}
    shares = sorted(found.get("shares", {}).items(), key=lambda item: -item[1])
    frame = pd.DataFrame(
        [{"lever": labels.get(name, name), "name": name, "share": share} for name, share in shares],
        columns=["lever", "name", "share"],
    )
    said = METHODS.get(str(found.get("method")), "{reason}").format(**{"trials": 0, "reason": "", **found})
    columns = (
        Column("lever", "Lever", is_text=True),
        Column("share", "Share of growth's variation", lambda v: percent(v, 1)),
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
    subtitle = f"Of growth a year · {said}{_of_all(frame)}"
    return Content("Importance of levers", subtitle, frame, columns, f"importance_{search.name}.csv", figure)


def slices(search: Search, lever: SearchLever, outcome: Measure) -> Content:
    """Return one lever against one outcome, trial by trial."""
    rows = compared_trials(search).dropna(subset=[lever.column, outcome.column])
    of = lever_measure(lever)
    columns = (
        Column("trial", "Trial", count),
        Column("state", "State", is_text=True),
        Column(lever.column, lever.label, of.write),
        Column(outcome.column, outcome.name, outcome.write),
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
    return Content("One lever at a time", subtitle, rows, columns, f"slice_{search.name}.csv", figure)


def sensitivity(search: Search) -> Content:
    """Return by how much growth answers to each lever around the answer."""
    found = (search.outcome or {}).get("sensitivity")
    by_lever = found.get("by_lever") if isinstance(found, Mapping) else found
    labels = {lever.name: lever.label for lever in search.levers}
    rows = []
    if isinstance(by_lever, Mapping):
        rows = [
            {"lever": labels.get(name, name), "name": name, **{k: one.get(k) for k in SLOPE}}
            for name, one in by_lever.items()
        ]
    frame = pd.DataFrame(rows, columns=["lever", "name", *SLOPE])
    frame = frame.sort_values("per_width", key=lambda v: v.abs(), ascending=False) if len(frame) else frame
    columns = (
        Column("lever", "Lever", is_text=True),
        Column("per_width", "Growth for its recommended range's width", points),
        Column("per_pp", "Growth for 1 pp of the lever", lambda v: points(v, 3)),
        Column("slope", "Slope", lambda v: ratio(v, 4)),
    )
    why = by_lever if isinstance(by_lever, str) else "comes when the study has ended with an answer"
    top = frame.head(BARS_MAX)
    figure = (
        ranked(
            top["lever"].tolist(),
            (top["per_width"] * PERCENT).tolist(),
            [points(value) for value in top["per_width"]],
            x_title="Growth a year, percentage points",
            x_format=".1f",
            color=[TOTAL if (value or 0) >= 0 else DOWN for value in top["per_width"]],
        )
        if len(frame)
        else note(f"Sensitivity: {why}.", NOTE_HEIGHT)
    )
    subtitle = "Growth a year when one lever crosses its recommended range, around the answer" + _of_all(
        frame
    )
    return Content("Sensitivity", subtitle, frame, columns, f"sensitivity_{search.name}.csv", figure)


def _of_all(frame: pd.DataFrame) -> str:
    return f" · the first {BARS_MAX} of {len(frame)}" if len(frame) > BARS_MAX else ""


SLOPE = ("slope", "per_pp", "per_width", "share")
