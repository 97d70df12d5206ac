"""Cards of measured runs: duration over time, steps and memory of one run, alerts."""

from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd

from planwise.formatting import count, moment, ratio, seconds
from planwise.monitoring.history import MeasuredRun
from planwise.monitoring.monitor import BlockFigures
from ui.components import html
from ui.components.card import Content
from ui.components.charts import NOTE_HEIGHT, PALETTE, Series, lines, note, ranked
from ui.components.html import TableColumn, Tone
from ui.values.pipeline import name_of

RUNS_SHOWN = 40  # of one kind, in the chart
STEPS_SHOWN = 12
MEMORY_POINTS = 12
NO_RUN = "No run has been measured in this home yet."
NO_ALERT = "No run was slower, larger or less matched than its thresholds allow."
STATE_TONES: dict[str, Tone] = {"done": "good", "blocked": "bad", "failed": "bad", "cancelled": "warn"}
RUN_COLUMNS = (
    TableColumn("run", "Run"),
    TableColumn("at", "Started", moment, is_text=True, whole=True),
    TableColumn("subject", "Subject", is_text=True),
    TableColumn("state", "State", is_text=True),
    TableColumn("seconds", "Duration", seconds),
    TableColumn("cpu_seconds", "CPU time", seconds),
    TableColumn("records", "Records", count),
    TableColumn("records_per_second", "Records/s", count),
    TableColumn("peak_memory_mb", "Peak memory, MB", count),
    TableColumn("memory_delta_mb", "Kept, MB", lambda value: count(value, sign=True)),
    TableColumn("alerts", "Alerts", count),
)
STEP_COLUMNS = (
    TableColumn("step", "Step"),
    TableColumn("within", "Within", is_text=True),
    TableColumn("times", "Times", count),
    TableColumn("seconds", "Duration", seconds),
    TableColumn("cpu_seconds", "CPU time", seconds),
    TableColumn("records", "Records", count),
    TableColumn("records_per_second", "Records/s", count),
    TableColumn("peak_memory_mb", "Peak memory, MB", count),
)
MEMORY_COLUMNS = (
    TableColumn("seconds", "After", seconds),
    TableColumn("megabytes", "Memory, MB", count),
)
ALERT_COLUMNS = (
    TableColumn("run", "Run"),
    TableColumn("at", "Started", moment, is_text=True, whole=True),
    TableColumn("severity", "Severity", is_text=True),
    TableColumn("measure", "Measure", lambda name: str(name).replace("_", " "), is_text=True),
    TableColumn("block", "Step", is_text=True),
    TableColumn("value", "Value", lambda value: ratio(value, 3)),
    TableColumn("threshold", "Threshold", lambda value: ratio(value, 3)),
)


def durations(kind: str, runs: Sequence[MeasuredRun]) -> Content:
    """Return how long the runs of one kind took, one after the other."""
    rows = [_run_row(run) for run in runs if run.kind == kind]
    frame = pd.DataFrame(rows, columns=[column.name for column in RUN_COLUMNS])
    last = rows[:RUNS_SHOWN][::-1]
    figure = note(NO_RUN, NOTE_HEIGHT)
    if last:
        hover = [
            f"{moment(row['at'])}, {row['subject']}: {seconds(row['seconds'])}, "
            f"{count(row['records_per_second'])} records/s, peak {count(row['peak_memory_mb'])} MB"
            for row in last
        ]
        series = Series(kind, [row["seconds"] for row in last], hover, PALETTE[0])
        figure = lines([f"#{row['run']}" for row in last], [series], y_format=",.1f", y_title="Seconds")
    shown = f"the last {len(last)} of {len(rows)}" if len(rows) > len(last) else f"{len(rows)}"
    return Content(
        f"Duration of {kind} runs" if kind else "Duration of runs",
        f"Wall-clock time by run number, {shown} {'run' if len(rows) == 1 else 'runs'}; "
        "records/s and peak memory in the table",
        frame,
        RUN_COLUMNS,
        f"runs_{kind or 'none'}.csv",
        figure,
    )


def _run_row(run: MeasuredRun) -> dict[str, Any]:
    figures = run.figures
    return {
        "run": run.id,
        "at": run.started_at,
        "subject": run.subject or "all",
        "state": run.state,
        "seconds": figures.seconds,
        "cpu_seconds": figures.cpu_seconds,
        "records": figures.records,
        "records_per_second": figures.records_per_second,
        "peak_memory_mb": figures.peak_memory_mb,
        "memory_delta_mb": figures.memory_delta_mb,
        "alerts": len(run.alerts),
    }


def steps(run: MeasuredRun | None, flow_page: str) -> Content:
    """Return the steps of a run with what each took; what is within another step is counted there too."""
    walked = [] if run is None else list(run.figures.walk())[1:]
    rows = [_step_row(path, block) for path, block in walked]
    frame = pd.DataFrame(rows, columns=[column.name for column in STEP_COLUMNS])
    longest = sorted(rows, key=lambda row: -row["seconds"])[:STEPS_SHOWN]
    figure = note("This run has no steps." if run else NO_RUN, NOTE_HEIGHT)
    if longest:
        taken = [row["seconds"] for row in longest]
        figure = ranked(
            [row["step"] for row in longest],
            taken,
            [seconds(value) for value in taken],
            x_format=",.1f",
            x_title="Seconds",
        )
    return Content(
        "Steps" if run is None else f"Steps of {name_of(run)}",
        f"Wall-clock time of the {len(longest)} longest of {len(rows)} steps",
        frame,
        STEP_COLUMNS,
        f"steps_{0 if run is None else run.id}.csv",
        figure,
        lead="" if run is None else state(run, flow_page),
    )


def state(run: MeasuredRun, flow_page: str) -> str:
    """Return how a run ended, of whom and where it was, with a link to its page in Prefect."""
    size = [f"{count(run.employees)} employees"] if run.employees else []
    size += [f"{run.years} years"] if run.years else []
    about = ", ".join([moment(run.started_at), f"by {run.by}", *size, run.machine])
    link = (
        f' · <a href="{escape(flow_page, quote=True)}" target="_blank" rel="noopener">Open in Prefect</a>'
        if flow_page
        else ""
    )
    chip = html.chip(run.state.capitalize(), STATE_TONES.get(run.state, ""))
    return f'<p class="quiet">{chip} {escape(about)}{link}</p>'


def _step_row(path: tuple[str, ...], block: BlockFigures) -> dict[str, Any]:
    return {
        "step": block.name,
        "within": " / ".join(path[1:-1]),
        "times": block.count,
        "seconds": block.seconds,
        "cpu_seconds": block.cpu_seconds or None,
        "records": block.records,
        "records_per_second": block.records_per_second,
        "peak_memory_mb": block.peak_memory_mb,
    }


def memory(run: MeasuredRun | None) -> Content:
    """Return the memory of a run over time: of each part of it the most."""
    timeline = () if run is None else run.timeline
    size = -(-len(timeline) // MEMORY_POINTS) or 1
    parts = [timeline[start : start + size] for start in range(0, len(timeline), size)]
    frame = pd.DataFrame(
        [(part[-1][0], max(megabytes for _, megabytes in part)) for part in parts],
        columns=["seconds", "megabytes"],
    )
    figure = note("The run was too short to be sampled." if run else NO_RUN, NOTE_HEIGHT)
    if len(frame):
        at, used = frame["seconds"].tolist(), frame["megabytes"].tolist()
        hover = [f"{seconds(s)}: {count(mb)} MB" for s, mb in zip(at, used, strict=True)]
        places = [ratio(s, 1 if at[-1] >= 2 else 2) for s in at]
        series = Series("Memory", used, hover, PALETTE[2])
        figure = lines(places, [series], y_format=",d", y_title="MB")
    peak = "" if run is None or run.figures.peak_memory_mb is None else count(run.figures.peak_memory_mb)
    return Content(
        "Memory" if run is None else f"Memory of {name_of(run)}",
        f"Resident memory by seconds since its start{f'; peak {peak} MB' if peak else ''}",
        frame,
        MEMORY_COLUMNS,
        f"memory_{0 if run is None else run.id}.csv",
        figure,
    )


def alerts(rows: Sequence[dict[str, Any]]) -> Content:
    """Return the alerts of all runs."""
    frame = pd.DataFrame(rows, columns=["run", "at", "kind", "subject", *(c.name for c in ALERT_COLUMNS[2:])])
    empty = f'<p class="quiet">{NO_ALERT}</p>'
    return Content(
        "Performance alerts",
        "Slow steps, memory kept, memory pressure and match rates beyond their thresholds, newest first",
        frame,
        ALERT_COLUMNS,
        "performance_alerts.csv",
        table="" if rows else empty,
    )
