"""A study's trials as people read them: one line each, replicates and slopes of an answer folded into one."""

import statistics
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from rich.table import Table

from planwise.study.trials.trial import POST_ANALYSIS, TrialPurpose

FOLDED = POST_ANALYSIS | {TrialPurpose.REPLICATE}  # alike, and many


def trial_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Return the table; rows as `StudyView.rows` has them."""
    table = Table("trial", "kind", "purpose", "iteration", "state", "growth", "gap pp", "seconds", "levers")
    for purpose, group in groupby(rows, key=lambda row: str(row["purpose"])):
        members = list(group)
        if purpose in FOLDED and len(members) > 1:
            table.add_row(*_folded(purpose, members))
        else:
            for row in members:
                table.add_row(*_line(row))
    return table


def objectives_text(question: Mapping[str, Any]) -> list[str]:
    """Return each objective that was asked, with its weight where it has one."""
    return [
        name if weight is None else f"{name} {weight:g}" for name, weight in question.get("objectives", ())
    ]


def resume_hint(study: str) -> str:
    """Return how to go on with a study."""
    return f"`planwise optimize --resume {study}`"


def _line(row: Mapping[str, Any]) -> tuple[str, ...]:
    state = row["state"] if row["error"] is None else f"{row['state']}: {row['error']}"
    if row["answered_by"] is not None:
        state += f", as trial {row['answered_by']}"
    return (
        str(row["trial"]),
        row["kind"],
        row["purpose"] if row["seed"] is None else f"{row['purpose']} {row['seed']}",
        str(row["iteration"]),
        state,
        "" if row["growth"] is None else f"{row['growth']:.3%}",
        "" if row["gap_pp"] is None else f"{row['gap_pp']:+.3f}",
        "" if row["seconds"] is None else f"{row['seconds']:.2f}",
        ", ".join(f"{name} {value:g}" for name, value in row["levers"].items()) or "as it is",
    )


def _folded(purpose: str, rows: list[Mapping[str, Any]]) -> tuple[str, ...]:
    growth = [row["growth"] for row in rows if row["growth"] is not None]
    failed = len(rows) - len(growth)
    seeds = [row["seed"] for row in rows if row["seed"] is not None]
    what = f"{len(rows)} other seeds" if seeds else f"{len(rows)} around the answer"
    return (
        f"{rows[0]['trial']}–{rows[-1]['trial']}",
        str(rows[0]["kind"]),
        purpose,
        "",
        f"{failed} failed" if failed else "complete",
        f"{min(growth):.3%} to {max(growth):.3%}" if growth else "",
        "",
        f"{statistics.fmean(row['seconds'] or 0.0 for row in rows):.2f}",
        what,
    )
