"""Flow `simulate`: a scenario, simulated, gated, published."""

from typing import Any

from prefect import flow

from flows.jobs import simulation
from flows.parameters import SimulateRequest
from flows.served import carried_out
from planwise.jobs import Kind


@flow(name="simulate", flow_run_name="simulate {request.scenario}", persist_result=False)
def simulate(request: SimulateRequest = SimulateRequest()) -> Any:  # noqa: B008  (frozen)
    """Resolve, plan, run with audits, gate, publish, record; fails when a gate or an audit objects."""
    return carried_out(simulation.simulate, request, Kind.SIMULATE)
