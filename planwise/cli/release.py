"""`planwise release`, `rollback`, `rollout`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Column, Table

from flows.launch import run_use_case
from planwise.app.release import (
    ReleaseReport,
    ReleaseRequest,
    RollbackRequest,
    RolloutReport,
    RolloutRequest,
)
from planwise.app.release import release as release_job
from planwise.app.release import rollback as rollback_job
from planwise.app.release import rollout as rollout_job
from planwise.app.runner import InProcessRunner
from planwise.cli.options import AsFlow, Home, Json, KnownScenario
from planwise.cli.tables import percent
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.formatting import in_currency, money_short
from planwise.jobs import JobKind
from planwise.release.rollout import Tolerance

Apply = Annotated[bool, Parameter(negative="", help="Do it; else only show what would change.")]


def release(
    proposal: Annotated[int, Parameter(help="Number of the proposal; see `planwise proposals`.")],
    *,
    apply: Apply = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Release an approved proposal: `prod` shows its result, its levers are in force; no model runs.

    Without --apply it only shows what would change.
    """
    request = ReleaseRequest(proposal=proposal, apply=apply)
    _run(JobKind.RELEASE, release_job, request, home, flow=flow, json=json)


def rollback(
    checkpoint: Annotated[str, Parameter(help="Name of a checkpoint; see `planwise checkpoints`.")],
    *,
    apply: Apply = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Put a checkpoint in force again: levers, `prod` and its files as they were; no model runs.

    Without --apply it only shows what would change.
    """
    request = RollbackRequest(checkpoint=checkpoint, apply=apply)
    _run(JobKind.ROLLBACK, rollback_job, request, home, flow=flow, json=json)


def _run(
    kind: JobKind,
    job: Callable[..., ReleaseReport],
    request: ReleaseRequest | RollbackRequest,
    home: Path | None,
    *,
    flow: bool | None,
    json: bool,
) -> None:
    """Make the change and print it; a dry run is no job."""
    report: ReleaseReport = run_use_case(
        settings_for(home),
        job=job,
        flow=kind.value,
        request=request,
        as_flow=flow,
        kind=kind if request.apply else None,
    )
    if json:
        emit_json(report.as_json())
    else:
        _print(report)


def _print(report: ReleaseReport) -> None:
    change = report.change
    if report.is_in_force:
        results().print(
            f"{change.scenario} ({change.fingerprint[:12]}) is in force already; nothing was changed.",
            soft_wrap=True,
        )
        return
    if change.lever_changes():
        table = Table(
            "lever in force", *(Column(name, justify="right") for name in ("before", "after")), **PLAIN
        )
        for row in change.lever_changes():
            values = ("default" if row[key] is None else f"{row[key]:g}" for key in ("before", "after"))
            table.add_row(row["lever"], *values)
        results().print(table)
    before = f"{change.scenario_before} ({change.fingerprint_before[:12]})"
    results().print(
        f"{report.status.capitalize()}: {change.scenario} ({change.fingerprint[:12]}) instead of {before}. "
        f"0 models run, {report.models_reused} reused. Checkpoint: {report.checkpoint}.",
        soft_wrap=True,
    )
    if not report.applied:
        progress().print("Nothing was changed; --apply does it.")


def rollout(
    scenario: KnownScenario,
    *,
    phases: Annotated[int | None, Parameter(help="Number of phases, each with the same change.")] = None,
    tolerance: Annotated[
        Tolerance | None, Parameter(help="Pace by tolerance of risk: low 4 phases, medium 3, high 2.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Plan a scenario's rollout in phases: each is stored as a scenario, and simulated."""
    request = RolloutRequest(scenario=scenario, phases=phases, tolerance=tolerance)
    report = rollout_job(settings_for(home), request, InProcessRunner())
    if json:
        emit_json(report.as_json())
        return
    with in_currency(report.currency):
        _print_rollout(report)


def _print_rollout(report: RolloutReport) -> None:
    right = [Column(name, justify="right") for name in ("change", "increases", "payroll, last year")]
    table = Table("phase", "scenario", *right, "gate", **PLAIN)
    for one in report.phases:
        last = one.kpis[-1]
        figures = (percent(one.kpis[0]["increase_rate"], 2), money_short(last["payroll"]))
        table.add_row(str(one.phase.number), one.phase.scenario, f"{one.phase.share:.0%}", *figures, one.gate)
    results().print(table)
    progress().print("Next: propose and release the phases one after another; each keeps a checkpoint.")
