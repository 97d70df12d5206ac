"""Whether the answer holds: which constraint fails how often, and growth under other seeds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ui.components.card import Content
from ui.components.figures import DOWN, TARGET, TOTAL, UP, Figure
from ui.components.html import Column
from ui.values.formatting import count, percent, points, ratio
from ui.values.searches import LIMIT, Search
from ui.views.optimise import plots

SEEDS_MIN = 5  # fewer bars say nothing
WORDS = {"gate": "quality gate", "raise_max": "raise (highest)", "raise_min": "raise (lowest)"}


def feasibility(search: Search) -> Content:
    """Return how many of the trials that looked for the answer each constraint refused."""
    looked = search.trials.loc[(search.trials["role"] == "search") & search.trials["growth"].notna()]
    rows = []
    for name in search.named(LIMIT):
        values = looked[f"{LIMIT}{name}"].dropna()
        if values.empty:
            continue
        failed = values > 0
        rows.append(
            {
                "constraint": _named(search, name),
                "failed": int(failed.sum()),
                "trials": len(values),
                "share": float(failed.mean()),
                "worst": float(values.max()),
            }
        )
    frame = pd.DataFrame(rows, columns=["constraint", "failed", "trials", "share", "worst"])
    frame = frame.sort_values("share", ascending=False, kind="stable")
    columns = (
        Column("constraint", "Constraint", is_text=True),
        Column("failed", "Trials that exceed it", count),
        Column("trials", "Of", count),
        Column("share", "Share", lambda v: percent(v, 1)),
        Column("worst", "Worst value (up to 0 holds)", lambda v: ratio(v, 4)),
    )
    broken = int((search.trials["state"] == "failed").sum())
    feasible = float((looked["state"] == "feasible").mean()) if len(looked) else 0.0
    subtitle = f"{percent(feasible, 0)} of {len(looked):,} trials are feasible" + (
        f"; {broken:,} broke" if broken else ""
    )
    figure = (
        plots.bars(
            frame["constraint"].tolist(),
            frame["share"].tolist(),
            [f"{row.failed:,} of {row.trials:,}" for row in frame.itertuples()],
            x_title="Share of trials that exceed it",
            x_format=".0%",
            colors=[DOWN] * len(frame),
        )
        if len(frame)
        else plots.note("No trial has been evaluated yet.")
    )
    if len(frame):
        figure["layout"]["xaxis"] |= {"range": [0, 1.12]}
    return Content("Feasibility", subtitle, frame, columns, f"feasibility_{search.name}.csv", figure)


def robustness(search: Search) -> Content:
    """Return growth of the answer under other seeds, against the target's band."""
    found = (search.outcome or {}).get("robustness")
    growth = [float(v) for v in found.get("growth_by_seed", ())] if isinstance(found, Mapping) else []
    frame = pd.DataFrame({"seed": range(1, len(growth) + 1), "growth": growth})
    columns = (
        Column("seed", "Other seed", count),
        Column("growth", "Growth a year", lambda v: percent(v, 3)),
    )
    asked = search.asked
    if len(growth) < SEEDS_MIN:
        why = found if isinstance(found, str) else "comes when the study has ended with an answer"
        text = (
            f"Needs at least {SEEDS_MIN} seeds; there are {len(growth)}."
            if growth
            else f"Other seeds: {why}."
        )
        figure, subtitle = plots.note(text), "Growth of the answer under other seeds"
        return Content("Robustness", subtitle, frame, columns, f"robustness_{search.name}.csv", figure)
    assert isinstance(found, Mapping)
    subtitle = _of_seeds(found, len(growth), asked.tolerance)
    counts, edges = np.histogram(growth, bins="auto")
    layout = plots.base(x_title="Growth a year", x_format=".2%", y_title="Seeds", height=plots.HEIGHT - 40)
    layout["bargap"] = 0.04
    layout["yaxis"] |= {"tickformat": "d", "nticks": 5}
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    data = [
        {
            "type": "bar",
            "x": middles,
            "y": counts.tolist(),
            "width": [float(edges[1] - edges[0])] * len(middles),
            "marker": {"color": TOTAL},
            "hovertemplate": "%{y} seeds around %{x:.2%}<extra></extra>",
        }
    ]
    if asked.target is not None:
        layout["shapes"].append(_band(asked.target - asked.tolerance, asked.target + asked.tolerance))
        layout["shapes"].append(_line(asked.target, TARGET, "dash"))
    if search.outcome is not None:
        layout["shapes"].append(_line(float(search.outcome["growth"]), UP, "solid"))
    figure = {"data": data, "layout": layout}
    return Content("Robustness", subtitle, frame, columns, f"robustness_{search.name}.csv", figure)


def _of_seeds(found: Mapping[str, Any], seeds: int, tolerance: float) -> str:
    spread = found["growth"]
    said = f"Growth of the answer under {seeds} other seeds · P10 to P90 "
    said += f"{percent(spread['p10'], 2)} to {percent(spread['p90'], 2)}"
    if found.get("share_within_tolerance") is not None:
        low, high = found["share_interval"]
        said += f" · {percent(found['share_within_tolerance'], 0)} within ± {points(tolerance).lstrip('+')}"
        said += f" (95%: {percent(low, 0)} to {percent(high, 0)})"
    return said


def _named(search: Search, key: str) -> str:
    texts = {text.partition("<=")[0].partition(">=")[0]: text for text in search.asked.constraints}
    return WORDS.get(key) or texts.get(key, key.replace("_", " "))


def _band(low: float, high: float) -> Figure:
    across = {"yref": "paper", "y0": 0, "y1": 1, "line": {"width": 0}, "layer": "below"}
    return {"type": "rect", "x0": low, "x1": high, "fillcolor": TARGET, "opacity": 0.15, **across}


def _line(at: float, color: str, dash: str) -> Figure:
    line = {"color": color, "width": 2, "dash": dash}
    return {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": line}
