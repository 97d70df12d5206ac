"""What one objective costs in another: trials on two axes, the front, its knee and picks; chosen by a box."""

import pandas as pd

from ui.components.card import Content
from ui.components.charts import DOWN, GREY, HEIGHT, TOTAL, UP, Figure, note
from ui.components.html import Column
from ui.components.point_charts import step_line, trial_chart, trial_marks
from ui.values.formatting import count
from ui.values.searches import PART, Search
from ui.views.optimise.measures import GROWTH, Measure

KNEE, PICK, FRONT = "knee", "pick", "front"
BOUNDS = ("lowest", "highest")
FEW = 2  # trials, below which there is nothing to trade


def axes_of(search: Search) -> tuple[str, str]:
    """Return the columns that are compared at first: two objectives, else growth against payroll."""
    parts = [PART + name for name, _ in search.spec.weights if name != "targets"]
    if len(parts) >= 2:
        return parts[0], parts[1]
    if parts:
        return parts[0], "growth"
    return "growth", "cost"


def compared_trials(search: Search) -> pd.DataFrame:
    """Return the evaluated trials that looked for the answer.

    Those at the bounds of all levers are far off; they count only where they may be an answer.
    """
    trials = search.trials.loc[(search.trials["role"] == "search") & search.trials["growth"].notna()]
    return trials.loc[~trials["purpose"].isin(BOUNDS) | (trials["kind"] == search.header.kind)]


def role_on_front(search: Search, trial: int) -> str:
    """Return what a trial is on the front: knee, pick, front, or nothing."""
    if trial == search.knee:
        return KNEE
    if trial in search.picks:
        return PICK
    return FRONT if trial in search.front else ""


def tradeoffs(search: Search, x: Measure, y: Measure) -> Content:
    """Return the trials that may be the answer on two axes."""
    rows = compared_trials(search).dropna(subset=[x.column, y.column])
    frame = rows.assign(on_front=[role_on_front(search, int(trial)) for trial in rows["trial"]])
    columns = (
        Column("trial", "Trial", count),
        Column("on_front", "Front", is_text=True),
        Column("state", "State", is_text=True),
        Column(x.column, x.name, x.write),
        *([Column(y.column, y.name, y.write)] if y.column != x.column else []),
        *([Column("growth", GROWTH.name, GROWTH.write)] if GROWTH.column not in (x.column, y.column) else []),
    )
    said = "Draw a box to choose trials; the table above shows them"
    if search.front:
        said = (
            f"{len(search.front)} trials that no other beats in every objective; {said[0].lower()}{said[1:]}"
        )
    order = frame.sort_values([x.column, y.column])
    return Content(
        "Trade-offs",
        f"{x.name} against {y.name} · {search.header.scenario} · {said}",
        order,
        columns,
        f"tradeoffs_{search.name}.csv",
        _figure(search, order, x, y),
        chosen=search.knee,
    )


def _figure(search: Search, rows: pd.DataFrame, x: Measure, y: Measure) -> Figure:
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
    objectives = {PART + name for name, _ in search.spec.weights}
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
    named = {search.knee, *search.picks}
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
