"""A study's convergence: trials against growth, the target's band, the best so far."""

from html import escape

import pandas as pd

from ui.components import figures, html
from ui.components.card import Content
from ui.components.html import Column
from ui.formatting import count, percent, points, seconds
from ui.studies import Study

PP = 100.0
BOUNDS = ("lowest", "highest")  # previews of all levers at their bounds: far off, so in the table only
LOOKS = {  # kind and state: name, symbol, colour
    ("real", "complete"): ("Real (full plan)", "circle", figures.TOTAL),
    ("preview", "complete"): ("Preview", "circle-open", "#8a7f77"),
    ("real", "infeasible"): ("Real, gate failed", "x", figures.DOWN),
    ("preview", "infeasible"): ("Preview, gate failed", "x-thin", figures.DOWN),
}
COLUMNS = (
    Column("trial", "Trial", count),
    Column("kind", "Kind", is_text=True),
    Column("state", "State", is_text=True),
    Column("purpose", "Purpose", is_text=True),
    Column("growth", "Growth a year", lambda v: percent(v, 2)),
    Column("growth_minus_target_pp", "Minus target", lambda v: points(None if v is None else v / PP)),
    Column("best_growth_minus_target_pp", "Best so far", lambda v: points(None if v is None else v / PP)),
    Column("seconds", "Time", seconds),
)


def convergence(study: Study) -> Content:
    """Return the study's trials as a chart and a table."""
    frame = study.trials
    return Content(
        "Study convergence",
        f"Compound growth a year of mean base pay at the end of the horizon · target {percent(study.target)} "
        f"± {points(study.tolerance, 1).lstrip('+')} · {study.strategy} on {study.scenario}",
        frame,
        COLUMNS,
        f"study_{study.name}.csv",
        _figure(study),
        lead=html.chip(*_status(study)) + _summary(study),
    )


def _figure(study: Study) -> figures.Figure:
    shown = study.trials.loc[~study.trials["purpose"].isin(BOUNDS) & study.trials["growth"].notna()]
    groups = {}
    for (kind, state), (name, symbol, color) in LOOKS.items():
        rows = shown.loc[(shown["kind"] == kind) & (shown["state"] == state)]
        if len(rows):
            groups[name] = {
                "x": rows["trial"].tolist(),
                "y": rows["growth"].tolist(),
                "text": [
                    f"Trial {t}, {kind}: {p}" for t, p in zip(rows["trial"], rows["purpose"], strict=True)
                ],
                "symbol": symbol,
                "color": color,
            }
    best = shown.loc[shown["best_growth_minus_target_pp"].notna()]
    line = (study.target + best["best_growth_minus_target_pp"].astype(float) / PP).tolist()
    return figures.convergence(
        groups, (best["trial"].tolist(), line), target=study.target, tolerance=study.tolerance
    )


def _status(study: Study) -> tuple[str, html.Tone]:
    if study.outcome is None:
        return ("Running", "") if study.state == "running" else (study.state.capitalize(), "bad")
    if study.outcome["converged"]:
        return "Converged", "good"
    return ("Not converged", "warn") if study.outcome["reachable"] else ("Target out of reach", "bad")


def _summary(study: Study) -> str:
    trials = study.trials
    real = int((trials["kind"] == "real").sum())
    text = f"{count(len(trials))} trials, {count(real)} of them real"
    if study.outcome is not None:
        growth = percent(study.outcome["growth"], 2)
        text += f"; best {growth} ({study.outcome['kind']}), {seconds(study.outcome['seconds'])}"
    elif len(trials) and pd.notna(nearest := trials["best_growth_minus_target_pp"].iloc[-1]):
        text += f"; best so far {points(nearest / PP)} from the target"
    return f' <span class="card-subtitle">{escape(text)}</span>'
