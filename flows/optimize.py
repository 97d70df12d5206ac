"""Flow `optimize`: the levers that meet a target; every trial is a task."""

from typing import Any

from prefect import flow

from flows.jobs import optimization
from flows.served import carried_out
from planwise.jobs import Kind
from planwise.study.spec import OptimizeRequest


@flow(name="optimize", flow_run_name="optimize {request.scenario}", persist_result=False)
def optimize(request: OptimizeRequest = OptimizeRequest()) -> Any:  # noqa: B008  (frozen)
    """Search over trials, keep the best, verify by a full simulation, gate, publish."""
    return carried_out(optimization.optimize, request, Kind.OPTIMIZE)
