"""`planwise monitor`: actuals against the released plan."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from flows.launch import run_use_case
from planwise.app.monitor import MonitorReport, MonitorRequest
from planwise.app.monitor import monitor as monitor_job
from planwise.cli.options import AsFlow, Home, Json
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.formatting import TERMINAL
from planwise.jobs import JobKind
from planwise.release.actuals import ActualCheck


def monitor(
    actuals: Annotated[
        Path | None,
        Parameter(help="CSV file: payroll, headcount, turnover, satisfaction, market position."),
    ] = None,
    *,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Compare actuals with the released plan and record what fires; nothing is rolled back by itself."""
    settings, request = settings_for(home), MonitorRequest(actuals=actuals)
    kind = None if actuals is None else JobKind.MONITOR  # without actuals nothing is recorded
    report = run_use_case(settings, job=monitor_job, flow="monitor", request=request, as_flow=flow, kind=kind)
    if json:
        emit_json(report.as_json())
        return
    results().print(render_monitor(report))
    if report.rollback_recommended:
        progress().print("Next: planwise checkpoints; planwise rollback CHECKPOINT shows what it would do.")
    elif actuals is None:
        progress().print("Next: planwise monitor ACTUALS.csv")


def render_monitor(report: MonitorReport) -> RenderableType:
    """Return the comparison as a table, with the state of the release."""
    head = f"Plan in force: {report.plan.scenario}, result {report.plan.fingerprint[:12]}"
    if report.review_on is not None:
        head += f"; review {'was due' if report.review_due else 'due'} on {report.review_on}"
    right = [Column(name, justify="right") for name in ("actual", "plan", "difference")]
    table = Table("date", "metric", *right, "result", title=head, title_justify="left", **PLAIN)
    for one in report.checks:
        figures = ("" if value is None else TERMINAL.number(value) for value in (one.actual, one.planned))
        deviation = "" if one.deviation is None else TERMINAL.percent(one.deviation, sign=True)
        table.add_row(str(one.on), one.metric.replace("_", " "), *figures, deviation, Text(_result(one)))
    fired = [
        Text(f"{one['on']} {one['trigger']}: {one['severity']}, {one['recommended']} recommended")
        for one in report.fired
    ]
    found = [table] if report.checks else [Text(head)]
    return Group(*found, *(fired or [Text("No trigger has fired.")]))


def _result(one: ActualCheck) -> str:
    if one.why is not None:
        return f"not compared: {one.why}"
    return str(one.trigger.severity) if one.fired and one.trigger else "as planned"
