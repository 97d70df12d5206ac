"""`planwise simulate` and `planwise preview`."""

from typing import Annotated

from cyclopts import Parameter

from flows.launch import run_use_case
from planwise.app.plan import PlanReport, plan
from planwise.app.requests import SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import SimulationBlocked, SimulationReport
from planwise.app.simulate import preview as preview_scenario
from planwise.app.simulate import simulate as job
from planwise.cli.options import AsFlow, Assumes, Home, Json, Sets
from planwise.cli.tables import print_kpis, print_simulation
from planwise.console import emit_blocked, emit_json, progress, results, settings_for
from planwise.formatting import counted
from planwise.governance.request import ScenarioRequest
from planwise.jobs import JobKind

SIMULATE, PREVIEW = SimulateRequest(), ScenarioRequest()  # the options' defaults


def simulate(
    *,
    request: Annotated[SimulateRequest, Parameter(name="*")] = SIMULATE,
    set_: Sets = (),
    assume: Assumes = (),
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
    request = request.with_assignments(set_, assume)
    if plan_only:
        _show_plan(plan(settings_for(home), request, InProcessRunner()), json=json)
        return 0
    try:
        report: SimulationReport = run_use_case(
            settings_for(home), job=job, flow="simulate", request=request, as_flow=flow, kind=JobKind.SIMULATE
        )
    except SimulationBlocked as blocked:
        if json:
            return emit_blocked(blocked, blocked.report.as_json())
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


def preview(
    *,
    request: Annotated[ScenarioRequest, Parameter(name="*")] = PREVIEW,
    set_: Sets = (),
    assume: Assumes = (),
    home: Home = None,
    json: Json = False,
) -> None:
    """Show a scenario's KPIs, computed by the same SQL in memory; nothing is stored, gated or published."""
    report = preview_scenario(settings_for(home), request.with_assignments(set_, assume))
    if json:
        emit_json(report.as_json())
        return
    print_kpis(report, title=f"Preview of {report.scenario}, {report.census}")
    results().print(f"{counted(report.employees, 'employee')}, {1000 * report.seconds:.0f} ms once prepared.")
    progress().print("Neither gated nor published. Next: planwise simulate with the same options.")
