"""`planwise sweep` and `planwise maintain`."""

import math
from typing import Annotated

from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from flows.launch import run_use_case
from planwise.app.maintain import MaintenanceReport
from planwise.app.maintain import maintain as maintain_job
from planwise.app.requests import MaintainRequest, SweepRequest
from planwise.app.sweep import sweep as sweep_job
from planwise.app.sweep_report import Sweep, report_file
from planwise.cli.options import WHOLE_NUMBER, AsFlow, CensusName, Home, Json
from planwise.cli.tables import money, percent
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.errors import CheckFailed, InputError
from planwise.formatting import in_currency
from planwise.jobs import JobKind
from planwise.parameters import catalogue

Grid = Annotated[
    tuple[str, ...],
    Parameter(name="--grid", negative="", help="Values of a lever to try, e.g. `cola_rate=0.02,0.03`."),
]

MAINTAIN = MaintainRequest()  # the options' defaults


def sweep(
    *,
    scenarios: str | None = None,
    seeds: str | None = None,
    grid: Grid = (),
    census: CensusName = None,
    workers: int = 1,
    dask: str | None = None,
    strict: Annotated[bool, Parameter(negative="")] = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Simulate and publish every scenario, try variants, and report changes since the last sweep.

    Parameters
    ----------
    scenarios
        Scenario names, comma-separated; default all.
    seeds
        Additional seeds for each scenario, comma-separated.
    workers
        Processes that simulate variants, each with a database of its own.
    dask
        Simulate variants on a Dask cluster: tcp://HOST:PORT of its scheduler, or local.
    strict
        Exit with code 1 when a scenario or variant is infeasible.

    """
    request = SweepRequest(
        scenarios=_names(scenarios),
        seeds=tuple(map(_seed, _names(seeds))),
        grid=dict(_points(text) for text in grid),
        census=census,
        workers=workers,
        dask=dask,
    )
    settings = settings_for(home)
    done: Sweep = run_use_case(
        settings, job=sweep_job, flow="sweep", request=request, as_flow=flow, kind=JobKind.SWEEP
    )
    report = report_file(settings, done)
    if json:
        emit_json(done.as_json() | {"report_file": report})
    else:
        _print(done)
        progress().print(f"Report: {report}", markup=False, soft_wrap=True)
    return CheckFailed.exit_code if strict and not all(row.feasible for row in done.rows) else 0


def maintain(
    *,
    request: Annotated[MaintainRequest, Parameter(name="*")] = MAINTAIN,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """List, and with --apply remove, what is no longer needed; compact the warehouse; verify the audit trail.

    What goes: environments of old studies and of deleted scenarios, tables that no environment has any more
    (those of superseded runs), files of killed processes, the oldest jobs, sweeps and error logs. A broken
    audit trail is exit code 1.
    """
    report: MaintenanceReport = run_use_case(
        settings_for(home), job=maintain_job, flow="maintain", request=request, as_flow=flow
    )
    if json:
        emit_json(report.as_json())
        return 0 if report.ledger.ok else CheckFailed.exit_code
    for one in report.checkpoints:
        goes = ": " + ("would be removed" if report.dry_run else "removed") if one["removed"] else ""
        results().print(f"checkpoint {one['checkpoint']} of {one['scenario']}, {one['days']} days old{goes}")
    for row in report.rows():
        results().print(f"{row['kind']} {row['name']}", markup=False, soft_wrap=True)
    for name, megabytes in report.home_mb.items():
        results().print(f"{megabytes:>10,.1f} MB  {name}", markup=False)
    results().print(report.headline, markup=False, soft_wrap=True)
    return 0 if report.ledger.ok else CheckFailed.exit_code


def _print(done: Sweep) -> None:
    console = results()
    table = Table("scenario", "variant", "growth", "target", "payroll", "verdict", **PLAIN)
    for row in done.rows:
        with in_currency(row.currency):
            payroll = money(row.payroll)
        table.add_row(
            Text(row.scenario),
            Text(row.variant_text),
            percent(row.growth, 2),
            percent(row.target_growth, 2),
            payroll,
            Text(row.verdict, style="" if row.feasible else "red"),
        )
    console.print(table)
    for title, lines in (
        ("Became infeasible", done.became_infeasible),
        ("Became feasible", done.became_feasible),
        ("Moved", done.moved),
        ("No longer swept", done.gone),
    ):
        for line in lines:
            console.print(f"{title}: {line}", markup=False)
    since = f"Compared with {done.previous_at}." if done.previous_at else "The first sweep."
    console.print(since if done.complete else f"Stopped early. {since}")


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


def _points(text: str) -> tuple[str, tuple[float, ...]]:
    name, equals, values = text.partition("=")
    if not equals:
        raise InputError(f"--grid {text!r} has no values.", remedy="Write `cola_rate=0.02,0.03`.")
    catalogue().parameter(name.partition("@")[0], "lever")
    return name, tuple(_number(value, "--grid") for value in _names(values))


def _seed(text: str) -> int:
    if not WHOLE_NUMBER.fullmatch(text):
        raise InputError(f"--seeds: {text!r} is not a whole number.", remedy="Write `--seeds 1,2,3`.")
    return int(text)


def _number(text: str, option: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(
            f"{option}: {text[:100]!r} is not a number.", remedy="Write comma-separated numbers."
        )
    return number
