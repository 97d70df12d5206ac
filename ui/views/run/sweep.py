"""What a sweep found: every scenario and variant, and what changed since the last one."""

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from ui.components import html
from ui.components.card import Content
from ui.components.html import Column
from ui.values.formatting import count, moment, money, percent, shortened

ROWS = (
    Column("scenario", "Scenario", is_text=True),
    Column("variant", "Variant", is_text=True),
    Column("verdict", "Verdict", shortened, is_text=True),
    Column("growth", "Growth a year", lambda v: percent(v, 2)),
    Column("target_growth", "Target", percent),
    Column("payroll", "Annual payroll, $", money),
    Column("headcount", "Headcount", count),
    Column("gate", "Gate", lambda v: v or "not reached", is_text=True),
    Column("published", "Published", lambda v: "yes" if v else "no", is_text=True),
)
CHANGES = {
    "became_infeasible": "Became infeasible",
    "became_feasible": "Became feasible",
    "moved": "Moved",
    "gone": "No longer swept",
}
LINES_SHOWN = 8


def sweep(found: Mapping[str, Any]) -> Content:
    """Return the rows of a sweep, infeasible ones first, under what changed since the one before."""
    rows = sorted(found["rows"], key=lambda row: bool(row["feasible"]))
    frame = pd.DataFrame([{**row, "verdict": _verdict(row)} for row in rows], columns=[c.name for c in ROWS])
    infeasible = sum(not row["feasible"] for row in rows)
    since = "the first sweep"
    if found["previous_at"]:
        since = f"compared with the sweep of {moment(str(found['previous_at']))}"
    whole = "" if found["complete"] else " · stopped before its end"
    return Content(
        "Sweep",
        f"{count(len(rows))} scenarios and variants, {count(infeasible)} infeasible · {since}{whole}",
        frame,
        ROWS,
        "sweep.csv",
        lead=_changes(found),
    )


def _verdict(row: Mapping[str, Any]) -> str:
    return "feasible" if row["feasible"] else "; ".join(row["reasons"]) or "infeasible"


def _changes(found: Mapping[str, Any]) -> str:
    lines = [(title, str(line)) for name, title in CHANGES.items() for line in found[name] or ()]
    items = "".join(
        f'<li><span class="what">{escape(line)}</span>'
        f'<span class="act">{html.chip(title, _tone(title))}</span></li>'
        for title, line in lines[:LINES_SHOWN]
    )
    more = len(lines) - LINES_SHOWN
    rest = f'<p class="quiet">{count(more)} more changed.</p>' if more > 0 else ""
    return f'<ul class="items">{items}</ul>{rest}' if items else ""


def _tone(title: str) -> html.Tone:
    return "bad" if title == CHANGES["became_infeasible"] else ""
