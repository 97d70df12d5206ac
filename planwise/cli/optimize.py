"""`planwise optimize`."""

from typing import Annotated

from cyclopts import Parameter

from flows.launch import run_use_case
from planwise.app.optimize import OptimizationReport
from planwise.app.optimize import optimize as job
from planwise.app.simulate import SimulationBlocked
from planwise.cli.options import AsFlow, Assumes, Home, Json, Sets
from planwise.cli.study_tables import print_optimization
from planwise.console import emit_blocked, emit_json, print_gate, results, settings_for
from planwise.errors import CheckFailed
from planwise.jobs import JobKind
from planwise.study.spec import OptimizeRequest

AS_DEFINED = OptimizeRequest()


def optimize(
    *,
    request: Annotated[OptimizeRequest, Parameter(name="*")] = AS_DEFINED,
    set_: Sets = (),
    assume: Assumes = (),
    strict: Annotated[
        bool, Parameter(negative="", help="Exit with code 1 when the target is not met.")
    ] = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Find levers that meet a target; verify by a full simulation, gate and publish the result."""
    request = request.with_assignments(set_, assume)
    try:
        report: OptimizationReport = run_use_case(
            settings_for(home), job=job, flow="optimize", request=request, as_flow=flow, kind=JobKind.OPTIMIZE
        )
    except SimulationBlocked as blocked:
        if json:
            return emit_blocked(blocked, blocked.report.as_json())
        print_gate(results(), blocked.report.gate)
        raise
    if json:
        emit_json(report.as_json())
    else:
        print_optimization(report)
    return CheckFailed.exit_code if strict and not report.result.converged else 0
