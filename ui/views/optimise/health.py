"""Whether the answer holds: which constraint fails how often, and growth under other seeds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ui.components.card import Content
from ui.components.charts import DOWN, NOTE_HEIGHT, TARGET, note, ranked
from ui.components.html import Column
from ui.components.point_charts import seed_histogram
from ui.values.formatting import count, percent, points, ratio
from ui.values.searches import LIMIT, Search

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
        ranked(
            frame["constraint"].tolist(),
            frame["share"].tolist(),
            [f"{row.failed:,} of {row.trials:,}" for row in frame.itertuples()],
            x_title="Share of trials that exceed it",
            x_format=".0%",
            color=DOWN,
            x_range=(0, 1.12),
        )
        if len(frame)
        else note("No trial has been evaluated yet.", NOTE_HEIGHT)
    )
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
    if len(growth) < SEEDS_MIN:
        why = found if isinstance(found, str) else "comes when the study has ended with an answer"
        text = (
            f"Needs at least {SEEDS_MIN} seeds; there are {len(growth)}."
            if growth
            else f"Other seeds: {why}."
        )
        figure, subtitle = note(text, NOTE_HEIGHT), "Growth of the answer under other seeds"
        return Content("Robustness", subtitle, frame, columns, f"robustness_{search.name}.csv", figure)
    assert isinstance(found, Mapping)
    subtitle = _of_seeds(found, len(growth), search.spec.tolerance)
    counts, edges = np.histogram(growth, bins="auto")
    target = search.target
    figure = seed_histogram(
        ((edges[1:] + edges[:-1]) / 2).tolist(),
        float(edges[1] - edges[0]),
        counts.tolist(),
        band=None if target is None else (target - search.spec.tolerance, target + search.spec.tolerance),
        target=None if target is None else (target, TARGET),
        answer=None if search.outcome is None else float(search.outcome["growth"]),
    )
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
    texts = {text.partition("<=")[0].partition(">=")[0]: text for text in map(str, search.spec.limits)}
    return WORDS.get(key) or texts.get(key, key.replace("_", " "))
