"""The archive of benchmark records: read, listed, and drawn as a trend."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Column, Table

from benchmarks.comparison import BY_EMPLOYEES
from benchmarks.repeat import CPU_RATIO, TO_RAW_SQL
from planwise.console import PLAIN
from planwise.errors import InputError
from planwise.monitoring.thresholds import thresholds_in_force

RECORDS = "benchmark_*.json"
TREND = "trend.html"
SHOWN = (
    f"real_trial{CPU_RATIO}",
    TO_RAW_SQL,
    f"simulate{CPU_RATIO}",
    f"study{CPU_RATIO}",
    "peak_memory_mb",
)


def load_record(file: Path) -> Mapping[str, Any]:
    """Return a record with metrics; raises InputError for a file that is none."""
    remedy = "Choose another with --baseline, or create one: `planwise benchmark --save-as-baseline`."
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        metrics = found["metrics"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The baseline {file} cannot be read: {error}", remedy=remedy) from error
    if not isinstance(metrics, dict):
        raise InputError(f"The baseline {file} has no metrics.", remedy=remedy)
    return dict(found)


def archived(folder: Path) -> list[tuple[Path, Mapping[str, Any]]]:
    """Return the records of a folder, oldest first; raises InputError when there is none."""
    found = [(file, load_record(file)) for file in sorted(folder.glob(RECORDS))]
    if not found:
        raise InputError(f"{folder} has no benchmark records.", remedy="Run `planwise benchmark` first.")
    return found


def history(records: Sequence[tuple[Path, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """Return a row per record and number of employees."""
    return [
        {
            "record": file.name,
            "at": record.get("at"),
            "suite": record.get("suite"),
            "employees": int(employees),
            **{name: figures.get(name) for name in SHOWN},
            **_verdicts(record),
        }
        for file, record in records
        for employees, figures in record["metrics"].get(BY_EMPLOYEES, {}).items()
    ]


def _verdicts(record: Mapping[str, Any]) -> dict[str, int]:
    found = record.get("regressions") or {}
    return {kind: len(found.get(kind) or ()) for kind in ("warnings", "failures")}


def history_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return the rows as a table for a terminal."""
    names = ("trial ×", "to SQL ×", "simulate ×", "study ×", "MB")
    kept = (Column(name, no_wrap=True) for name in ("at", "suite"))
    table = Table(*kept, "people", *names, "failed", "warned", **PLAIN)
    for row in rows:
        figures = ["" if row[name] is None else f"{row[name]:,.2f}" for name in SHOWN]
        verdicts = (str(row["failures"] or ""), str(row["warnings"] or ""))
        table.add_row(str(row["at"])[:16], str(row["suite"]), f"{row['employees']:,}", *figures, *verdicts)
    return table


def write_trend(records: Sequence[tuple[Path, Mapping[str, Any]]], file: Path) -> None:
    """Write a page that loads no other file: each ratio over time as a multiple of its first, with limits."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, points in trend(records).items():
        times, values = [at for at, _ in points], [value for _, value in points]
        figure.add_scatter(x=times, y=values, name=name, mode="lines+markers")
    limits = thresholds_in_force().comparison.seconds
    for share, color in ((limits.warning, "orange"), (limits.failure, "red")):
        figure.add_hline(y=1 + share, line={"color": color, "dash": "dash"})
    figure.update_yaxes(title="Multiple of the first record")
    figure.update_xaxes(title="Record")
    figure.update_layout(title="Benchmark trend: ratios to the reference", template="plotly_white")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.write_html(file, include_plotlyjs=True)


def trend(records: Sequence[tuple[Path, Mapping[str, Any]]]) -> dict[str, list[tuple[str, float]]]:
    """Return each ratio over time, as a time and a multiple of the first record that has it."""
    found: dict[str, list[tuple[str, float]]] = {}
    for _, record in records:
        for employees, figures in record["metrics"].get(BY_EMPLOYEES, {}).items():
            for name, value in figures.items():
                if (name.endswith(CPU_RATIO) or name == TO_RAW_SQL) and value > 0:
                    found.setdefault(f"{name}, {int(employees):,}", []).append((str(record.get("at")), value))
    return {
        name: [(at, value / points[0][1]) for at, value in points] for name, points in sorted(found.items())
    }
