"""Charts of a study's trials: convergence, trade-offs, levers and outcomes, one lever, studies compared."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import pandas as pd

from planwise.formatting import PAGE, points, ratio, seconds
from ui.components import point_charts
from ui.components.card import Content
from ui.components.charts import (
    BAD,
    GOOD,
    GREY,
    HEIGHT,
    LEGEND_LINE,
    NOTE_HEIGHT,
    PALETTE,
    TOTAL,
    Figure,
    note,
    with_reference,
    with_vertical_line,
)
from ui.components.html import TableColumn
from ui.components.point_charts import step_line, trial_chart, trial_marks
from ui.pages.optimise.labels import (
    OUTCOMES,
    SCORE,
    STATE,
    TRIAL,
    TrialMeasure,
    gap,
    lever_measure,
    objectives_text,
    purpose,
    reached_measure,
    target_text,
)
from ui.values.studies import ANALYSIS, CANDIDATE, FEASIBLE, PART, StudyLever, StudyTrials

KNEE, PICK, FRONT = "knee", "pick", "front"
BOUNDS = ("lowest", "highest")
FEW = 2  # trials that a comparison needs
MANY = 200  # trials, from which on marks are smaller
MARK, MARK_OF_MANY = 8, 5  # pixels
AXES_MAX = 16
LINES_MAX = 300  # lines of a chart; the table has every trial
Group = tuple[str, pd.DataFrame, str, str, int]  # name, trials, symbol, colour, size


def compared_trials(study: StudyTrials) -> pd.DataFrame:
    """Return the evaluated candidates.

    Those at the bounds of all levers are far off; they count only where they may be the answer.
    """
    trials = study.trials.loc[(study.trials["role"] == CANDIDATE) & study.trials["growth"].notna()]
    return trials.loc[~trials["purpose"].isin(BOUNDS) | (trials["kind"] == study.header.kind)]


def convergence_measures(study: StudyTrials) -> tuple[TrialMeasure, ...]:
    """Return the measures in which a study converges, the one that it seeks first."""
    if study.spec.multi_objective or study.target is None:
        return (SCORE,)
    reached = reached_measure(study)
    return (SCORE, reached) if study.spec.weights else (reached, SCORE)


def convergence(study: StudyTrials, measure: TrialMeasure) -> Content:
    """Return the trials in their order, with the best so far and the target's band."""
    frame = study.trials.loc[study.trials["role"] != ANALYSIS]
    sought_by = reached_measure(study)
    what = sought_by.name
    if measure == SCORE:
        what = f"Objective: {objectives_text(study.spec.weights)}; lower is better"
    sought = "" if study.target is None else f" · target {target_text(study.target, study.spec.tolerance)}"
    return Content(
        "Convergence",
        f"{what}{sought} · {study.spec.chosen_strategy} on {study.header.scenario}",
        frame,
        (
            TRIAL,
            TableColumn("kind", "Kind", is_text=True),
            STATE,
            TableColumn("purpose", "For", purpose, is_text=True),
            sought_by.table_column(),
            TableColumn("gap_pp", "To the target", gap),
            TableColumn("score", "Objective", SCORE.write),
            TableColumn("best_reached", "The best so far", sought_by.write),
            TableColumn("seconds", "Time", seconds),
        ),
        f"convergence_{study.name}.csv",
        _convergence_figure(study, frame, measure),
    )


def _convergence_figure(study: StudyTrials, frame: pd.DataFrame, measure: TrialMeasure) -> Figure:
    column, of_target = measure.column, measure != SCORE
    rows = frame.loc[~frame["purpose"].isin(BOUNDS) & frame[column].notna()]
    if rows.empty:
        return note("No trial has ended yet.", HEIGHT)
    shown = (measure,) if of_target else (SCORE,)
    size = MARK if len(rows) <= MANY else MARK_OF_MANY
    plan, feasible = rows["kind"] == "real", rows["state"] == FEASIBLE
    groups: list[Group] = [
        ("Preview", rows.loc[~plan & feasible], "circle-open", GREY, size),
        ("Plan", rows.loc[plan & feasible], "circle", TOTAL, size),
        ("Preview, infeasible", rows.loc[~plan & ~feasible], "x-thin", BAD, size),
        ("Plan, infeasible", rows.loc[plan & ~feasible], "x", BAD, size),
    ]
    best = rows.loc[rows[f"best_{column}"].notna()]
    several = study.spec.multi_objective  # a front has its knee, and no other best
    drawn = len(best) > 1 and not several
    line = [step_line("Best so far", best["trial"], best[f"best_{column}"])] if drawn else []
    answer = (
        "The knee" if study.spec.multi_objective else "The best" if study.outcome is None else "The answer"
    )
    ring: Group = (
        f"{answer}: trial {study.best}",
        rows.loc[rows["trial"] == study.best],
        "circle-open",
        GOOD,
        16,
    )
    values = rows[column]
    chart = trial_chart(
        [*_marks(groups, "trial", column, shown), *line, *_marks([ring], "trial", column, shown)],
        x_title="Trial",
        x_format="d",
        y_title=measure.name if of_target else "Objective",
        y_format=measure.axis if of_target else "",
        height=HEIGHT + 20,
        log=not of_target and bool((values > 0).all() and values.max() > 20 * values.min()),
    )
    if of_target and study.target is not None:
        target = study.target
        near = target.of_share(study.spec.tolerance)
        with_reference(
            chart, f"Target {target.measure.text(target.value, form=PAGE)}", target.value, tolerance=near
        )
    return chart


def first_axes(study: StudyTrials) -> tuple[str, str]:
    """Return the columns of the trade-offs shown first: two objectives, else the target against cost."""
    parts = [PART + name for name, _ in study.spec.weights if name != "targets"]
    first, second, *_ = [*parts, *(["reached" if study.target else "growth", "cost"])]
    return first, second


def role_on_front(study: StudyTrials, trial: int) -> str:
    """Return knee, pick or front; nothing for a trial that is not on the front."""
    if trial == study.knee:
        return KNEE
    if trial in study.picks:
        return PICK
    return FRONT if trial in study.front else ""


def tradeoffs(study: StudyTrials, x: TrialMeasure, y: TrialMeasure) -> Content:
    """Return the candidates on two axes."""
    rows = compared_trials(study).dropna(subset=[x.column, y.column])
    rows = rows.assign(on_front=[role_on_front(study, int(trial)) for trial in rows["trial"]])
    rows = rows.sort_values([x.column, y.column])
    measures = {one.column: one for one in (x, y, reached_measure(study))}  # each once
    hint = "draw a box to select trials; the table above shows them"
    if study.front:
        hint = f"{len(study.front)} trials that no other beats in every objective; {hint}"
    return Content(
        "Trade-offs",
        f"{x.name} against {y.name} · {study.header.scenario} · {hint}",
        rows,
        (
            TRIAL,
            TableColumn("on_front", "Front", is_text=True),
            STATE,
            *(one.table_column() for one in measures.values()),
        ),
        f"tradeoffs_{study.name}.csv",
        _tradeoffs_figure(study, rows, x, y),
        chosen=study.knee,
    )


def _tradeoffs_figure(study: StudyTrials, rows: pd.DataFrame, x: TrialMeasure, y: TrialMeasure) -> Figure:
    if len(rows) < FEW:
        return note(f"Needs at least {FEW} evaluated trials; there are {len(rows)}.", HEIGHT)
    on_front, feasible = rows["on_front"] != "", rows["state"] == FEASIBLE
    front = rows.loc[on_front]
    groups: list[Group] = [
        ("Infeasible", rows.loc[~feasible], "x", BAD, 8),
        ("Feasible", rows.loc[feasible & ~on_front], "circle", GREY, 7),
        ("Front", front, "circle", GOOD, 9),
        ("Picks", rows.loc[rows["on_front"] == PICK], "diamond", TOTAL, 11),
        ("Knee", rows.loc[rows["on_front"] == KNEE], "star", GOOD, 16),
    ]
    objectives = {PART + name for name, _ in study.spec.weights}
    line = []
    if len(front) > 1 and {x.column, y.column} == objectives:
        line = [step_line("", front[x.column], front[y.column]) | {"showlegend": False}]
    return trial_chart(
        [*line, *_marks(groups, x.column, y.column, (x, y))],
        x_title=x.name,
        y_title=y.name,
        x_format=x.axis,
        y_format=y.axis,
        height=HEIGHT + 60,
        selectable=True,
        names=[
            (row[x.column], row[y.column], f"{int(row['trial'])}", 17 if row["on_front"] == KNEE else -17)
            for row in front.to_dict("records")
            if row["on_front"] in (KNEE, PICK)
        ],
    )


def levers_and_outcomes(study: StudyTrials, selected: Sequence[int]) -> Content:
    """Return each trial as a line over its levers and outcomes; selected trials and the answer stand out."""
    rows = compared_trials(study)
    sought = reached_measure(study)
    outcomes = [sought, *(one for one in OUTCOMES if one.column in ("cost", "within_level_cv"))]
    levers = [lever_measure(lever) for lever in study.levers]
    columns = (TRIAL, STATE, *(one.table_column() for one in (*levers, *outcomes)))
    subtitle = "Each axis from its lowest to its highest value over the trials"
    most = AXES_MAX - len(outcomes)
    levers, outcomes = ([one for one in of if rows[one.column].nunique() > 1] for of in (levers, outcomes))
    if len(levers) > most:
        related = rows[[one.column for one in levers]].corrwith(rows[sought.column]).abs().fillna(0.0)
        shown = set(related.sort_values(ascending=False, kind="stable").index[:most])
        subtitle += f" · the {most} of {len(levers)} levers most correlated with it"
        levers = [one for one in levers if one.column in shown]
    if len(rows) > LINES_MAX:
        subtitle += f" · the last {LINES_MAX} of {len(rows)} trials"
    if selected:
        subtitle += f" · {len(selected)} chosen are highlighted"
    axes = [*levers, *outcomes]
    if len(rows) < FEW or len(axes) < FEW:
        figure = note(f"Needs at least {FEW} different trials; there are {len(rows)}.", NOTE_HEIGHT)
    else:
        figure = _lines(study, rows.tail(LINES_MAX), axes, selected)
    return Content("Levers and outcomes", subtitle, rows, columns, f"levers_{study.name}.csv", figure)


def _lines(
    study: StudyTrials, rows: pd.DataFrame, axes: list[TrialMeasure], selected: Sequence[int]
) -> Figure:
    groups: dict[str, list[int]] = {"Feasible": [], "Infeasible": [], "Chosen": []}
    best = groups["Best so far" if study.outcome is None else "Answer"] = []
    for trial, state in zip(rows["trial"], rows["state"], strict=True):
        if trial == study.best:
            best.append(trial)
        elif trial in selected:
            groups["Chosen"].append(trial)
        else:
            groups["Feasible" if state == FEASIBLE else "Infeasible"].append(trial)
    return point_charts.parallel(
        [(one.name, one.write) for one in axes],
        rows.set_index("trial")[[one.column for one in axes]],
        [
            (name, color, of)
            for (name, of), color in zip(groups.items(), (GREY, BAD, TOTAL, GOOD), strict=True)
        ],
    )


def one_lever(study: StudyTrials, lever: StudyLever, outcome: TrialMeasure) -> Content:
    """Return one lever against one outcome, trial by trial."""
    x = lever_measure(lever)
    rows = compared_trials(study).dropna(subset=[x.column, outcome.column])
    if rows[x.column].nunique() < FEW:
        figure = note(f"Needs trials at {FEW} or more values of {lever.label}.", HEIGHT)
    else:
        feasible = rows["state"] == FEASIBLE
        groups: list[Group] = [
            ("Feasible", rows.loc[feasible], "circle", TOTAL, MARK),
            ("Infeasible", rows.loc[~feasible], "x", BAD, MARK),
        ]
        figure = trial_chart(
            _marks(groups, x.column, outcome.column, (x, outcome), opacity=0.75),
            x_title=lever.label,
            y_title=outcome.name,
            x_format=x.axis,
            y_format=outcome.axis,
        )
        if lever.start is not None:
            with_vertical_line(figure, lever.start)
    dashed = "" if lever.start is None else f" · dashed: in force, {x.write(lever.start)}"
    return Content(
        "One lever at a time",
        f"{outcome.name} by {lever.label}, every trial{dashed}",
        rows,
        (TRIAL, STATE, x.table_column(), outcome.table_column()),
        f"slice_{study.name}.csv",
        figure,
    )


def compared_studies(studies: Sequence[StudyTrials]) -> Content:
    """Return the best so far of several studies over their candidates; distances to each one's own target."""
    on_target = all(one.target is not None and not one.spec.multi_objective for one in studies)
    title = "Distance of the best to the target" if on_target else "Objective of the best"
    names = ["study", "trials", "trial", "best", "reached"]
    frames, lines = [], []
    for place, study in enumerate(studies):
        found = study.trials.loc[
            (study.trials["role"] == CANDIDATE)
            & study.trials["best_score" if not on_target else "best_reached"].notna()
        ]
        best = found["best_score"]
        if on_target and study.target is not None:
            target = study.target
            best = ((found["best_reached"] - target.value) / target.of_share(1.0)).abs()
        reached = found["best_reached"].map(reached_measure(study).write)
        frame = found.assign(study=study.name, trials=range(1, len(found) + 1), best=best, reached=reached)
        frames.append(frame[names])
        color = PALETTE[place % len(PALETTE)]
        hover = "after %{x} trials: %{text}"
        line = step_line(study.name, frame["trials"], best, color, hover=hover)
        lines.append(line | {"text": [points(v, 3).lstrip("+") if on_target else ratio(v, 4) for v in best]})
    rows = pd.concat(frames, ignore_index=True)
    subtitle = "Best feasible so far, by trials that may be the answer"
    subtitle += "" if on_target else "; comparable only between studies with the same objectives"
    figure = note("No feasible trial yet.", HEIGHT)
    if len(rows):
        figure = trial_chart(
            lines,
            x_title="Candidate trials",
            x_format="d",
            y_title=title,
            y_format=".2%" if on_target else "",
            height=HEIGHT + 20 + LEGEND_LINE * len(studies),
        )
    columns = (
        TableColumn("study", "Study", is_text=True),
        TableColumn("trials", "Trials", TRIAL.write),
        TRIAL,
        TableColumn("best", title, lambda v: points(v, 3).lstrip("+") if on_target else ratio(v, 4)),
        TableColumn("reached", "The best so far", is_text=True),
    )
    return Content("Studies compared", subtitle, rows, columns, "studies_compared.csv", figure)


def _marks(
    groups: Iterable[Group], x: str, y: str, shown: Sequence[TrialMeasure], **more: Any
) -> list[Figure]:
    """Return a trace per group that has trials; the pointer shows these measures."""
    return [
        trial_marks(
            name,
            rows[x],
            rows[y],
            color=color,
            symbol=symbol,
            size=size,
            ids=rows["trial"].tolist(),
            texts=[
                "<br>".join(
                    (
                        f"trial {row['trial']}",
                        *(f"{escape(one.name)} {one.write(row[one.column])}" for one in shown),
                    )
                )
                for row in rows.to_dict("records")
            ],
            **more,
        )
        for name, rows, symbol, color, size in groups
        if len(rows)
    ]
