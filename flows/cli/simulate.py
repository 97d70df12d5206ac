"""`planwise simulate`."""

from collections.abc import Callable
from typing import Annotated, Any

from cyclopts import Parameter

from flows.cli.show import print_simulation
from flows.jobs.planning import PlanReport, plan
from flows.jobs.simulation import SimulationBlocked, SimulationReport
from flows.jobs.simulation import simulate as job
from flows.launch import carry_out
from flows.options import AS_DEFINED, AsFlow, ScenarioOptions
from flows.parameters import SimulateRequest
from flows.runner import InProcess
from planwise.console import emit_json, results, settings_for
from planwise.jobs import Kind
from planwise.options import Home, Json


def simulate(
    *,
    scenario: ScenarioOptions = AS_DEFINED,
    plan_only: Annotated[bool, Parameter(negative="")] = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Simulate a scenario, gate it, publish it.

    Changes given here are for this run; the result is published under the scenario's name.

    Parameters
    ----------
    plan_only
        Say which models would run, and about how long; run nothing.

    """
    request = SimulateRequest(**scenario.fields())
    if plan_only:
        _show_plan(plan(settings_for(home), request, InProcess()), json=json)
        return 0
    try:
        report: SimulationReport = carry_out(
            settings_for(home), job=job, flow=_flow, request=request, as_flow=flow, kind=Kind.SIMULATE
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
            f"About {report.estimate.models_seconds:.1f} s, as {report.estimate.based_on} past runs like it."
        )
    if report.in_force:
        results().print("What is published has these parameters, census and models already.")


def _flow() -> Callable[..., Any]:
    from flows.simulate import simulate as flow

    return flow
