"""`planwise performance`: what runs took, against earlier ones."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.table import Column, Table
from rich.text import Text

from planwise.app.performance import assess, list_runs, write_report
from planwise.cli.options import PARAMETERS, Home, Json
from planwise.console import PLAIN, emit_json, results, settings_for
from planwise.errors import CheckFailed
from planwise.formatting import counted
from planwise.monitoring.thresholds import Severity, Verdict
from planwise.monitoring.verdicts import RunAssessment

app = App(name="performance", group_parameters=PARAMETERS, help="Show what runs took, against earlier ones.")
STYLES = {Verdict.PASS: "", Verdict.WARNING: "yellow", Verdict.FAILURE: "red"}
RunNumber = Annotated[int | None, Parameter(help="Number of a run; default the newest.")]
Strict = Annotated[bool, Parameter(negative="", help="Exit with code 1 when the verdict is FAILURE.")]


@app.command(name="list")
def list_(*, kind: str | None = None, limit: int = 20, json: Json = False, home: Home = None) -> None:
    """List measured runs, newest first.

    Parameters
    ----------
    kind
        Only runs of this kind, such as simulate.
    limit
        At most so many.

    """
    runs = list_runs(settings_for(home), kind, limit=limit)
    if json:
        emit_json({"runs": [run.summary() for run in runs]})
        return
    table = Table(
        _number("run"),
        *(Column(name, no_wrap=True) for name in ("kind", "subject", "state", "started")),
        *(_number(name) for name in ("employees", "seconds", "records/s", "peak MB")),
        "alerts",
        **PLAIN,
    )
    for run in runs:
        figures, rate = run.figures, run.figures.records_per_second
        critical = any(alert.severity is Severity.CRITICAL for alert in run.alerts)
        table.add_row(
            str(run.id),
            run.kind,
            Text(run.subject),
            run.state,
            f"{run.started_at.astimezone():%m-%d %H:%M}",
            f"{run.employees:,}" if run.employees else "",
            f"{figures.seconds:,.2f}",
            f"{rate:,.0f}" if rate is not None else "",
            f"{figures.peak_memory_mb or 0:,.0f}",
            Text(str(len(run.alerts) or ""), style="red" if critical else "yellow"),
        )
    results().print(table)


@app.command
def show(run: RunNumber = None, *, json: Json = False, home: Home = None) -> None:
    """Show a run: its steps, the verdicts against the baseline, its alerts."""
    found = assess(settings_for(home), run)
    if json:
        emit_json(found.as_json())
    else:
        _print(found)


@app.command
def report(
    run: RunNumber = None,
    *,
    output: Annotated[Path, Parameter(help="File to write: .md, .html, .pdf or .csv.")],
    strict: Strict = False,
    json: Json = False,
    home: Home = None,
) -> int:
    """Write the report of a run with PASS, WARNING or FAILURE against the median of earlier runs."""
    found = write_report(settings_for(home), output, run)
    if json:
        emit_json({"run": found.run.id, "verdict": found.verdict, "output": output})
    else:
        results().print(f"{found.verdict}. Written to {output}.", markup=False, soft_wrap=True)
    return CheckFailed.exit_code if strict and found.verdict is Verdict.FAILURE else 0


def _number(name: str) -> Column:
    return Column(name, justify="right")


def _print(found: RunAssessment) -> None:
    console, run = results(), found.run
    console.print(
        f"Run {run.id}: {run.kind} {run.subject}, {run.state}, {run.started_at.astimezone():%Y-%m-%d %H:%M}, "
        f"{run.machine}",
        markup=False,
        soft_wrap=True,
    )
    names = ("times", "seconds", "CPU s", "records/s", "peak MB", "kept MB")
    table = Table("step", *(_number(name) for name in names), **PLAIN)
    for path, block in run.figures.walk():
        rate = block.records_per_second
        table.add_row(
            Text(f"{'  ' * (len(path) - 1)}{block.name}"),
            f"{block.count:,}",
            f"{block.seconds:,.3f}",
            f"{block.cpu_seconds:,.3f}" if block.cpu_seconds else "",
            f"{rate:,.0f}" if rate is not None else "",
            f"{block.peak_memory_mb:,.0f}" if block.peak_memory_mb is not None else "",
            f"{block.memory_delta_mb:,.0f}" if block.memory_delta_mb is not None else "",
        )
    console.print(table)
    if found.figures:
        table = Table("step", "figure", "baseline", "now", "change", "noise", "verdict", **PLAIN)
        for one in found.figures:
            table.add_row(
                Text(one.block),
                one.measure.replace("_", " "),
                f"{one.baseline:,.3f}",
                f"{one.current:,.3f}",
                f"{one.change:+.0%}",
                f"±{one.noise:.0%}",
                Text(one.verdict, style=STYLES[one.verdict]),
            )
        console.print(table)
    for alert in run.alerts:
        console.print(str(alert), markup=False, soft_wrap=True)
    compared = (
        f"against {counted(len(found.baseline), 'run')}" if found.baseline else "too few runs for a baseline"
    )
    console.print(f"Verdict: {found.verdict} ({compared}).", markup=False)
