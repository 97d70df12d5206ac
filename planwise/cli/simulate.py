"""`planwise simulate` and `planwise preview`."""

from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import Parameter

from flows.launch import run_use_case
from planwise.app.plan import PlanReport, plan
from planwise.app.preview import preview as preview_scenario
from planwise.app.requests import SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import SimulationBlocked, SimulationReport
from planwise.app.simulate import simulate as job
from planwise.cli.options import AS_DEFINED, AsFlow, Home, Json, ScenarioOptions
from planwise.cli.tables import kpi_table, print_simulation
from planwise.console import emit_json, progress, results, settings_for
from planwise.governance.request import ScenarioRequest
from planwise.jobs import JobKind


def simulate(
    *,
    scenario: ScenarioOptions = AS_DEFINED,
    plan_only: Annotated[bool, Parameter(negative="")] = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Simulate a scenario, gate it, publish it.

    Changes given here apply to this run only; the result is published under the scenario's name.

    Parameters
    ----------
    plan_only
        Only show which models would run, and an estimate of the time.

    """
    request = SimulateRequest(**scenario.fields())
    if plan_only:
        _show_plan(plan(settings_for(home), request, InProcessRunner()), json=json)
        return 0
    try:
        report: SimulationReport = run_use_case(
            settings_for(home), job=job, flow=_flow, request=request, as_flow=flow, kind=JobKind.SIMULATE
        )
    except SimulationBlocked as blocked:
        if json:  # the one JSON object is the report, with the error in it
            error = {"type": "GateBlocked", "what": blocked.what, "remedy": blocked.remedy}
            emit_json(blocked.report.as_json() | {"error": error})
            return blocked.exit_code
        print_simulation(blocked.report)
        raise
    if json:
        emit_json(report.as_json())
    else:
        print_simulation(report)
    return 0


def _show_plan(report: PlanReport, *, json: bool) -> None:
    if json:
        emit_json(report.as_json())
        return
    results().print(f"{report.scenario} on census {report.census}: {report.summary}.", markup=False)
    if report.estimate is not None:
        results().print(
            f"About {report.estimate.models_seconds:.1f} s, based on {report.estimate.based_on} similar runs."
        )
    if report.in_force:
        results().print("The published result already has these parameters, census and models.")


def _flow() -> Callable[..., Any]:
    from flows.flows import simulate as flow

    return flow


def preview(
    *,
    scenario: ScenarioOptions = AS_DEFINED,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show a scenario's KPIs, computed by the same SQL in memory; nothing is stored, gated or published."""
    report = preview_scenario(settings_for(home), ScenarioRequest(**scenario.fields()))
    if json:
        emit_json(report.as_json())
        return
    results().print(kpi_table(report.kpis, title=f"Preview of {report.scenario}, {report.census}"))
    results().print(f"{report.employees:,} employees, {1000 * report.seconds:.0f} ms once prepared.")
    progress().print("Neither gated nor published. Next: planwise simulate with the same options.")
