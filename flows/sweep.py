"""Flow `sweep`: every scenario anew, its variants, and what changed since the last time."""

from typing import Any

from prefect import flow

from flows.jobs import sweeping
from flows.parameters import SweepRequest
from flows.served import carried_out
from planwise.jobs import Kind


def _run_name() -> str:
    from prefect.runtime import flow_run

    request = flow_run.parameters.get("request")
    scenarios = request.get("scenarios") if isinstance(request, dict) else getattr(request, "scenarios", ())
    return f"sweep {', '.join(scenarios) if scenarios else 'all scenarios'}"


@flow(name="sweep", flow_run_name=_run_name, persist_result=False)
def sweep(request: SweepRequest = SweepRequest()) -> Any:  # noqa: B008  (frozen)
    """Simulate and publish each scenario, try seeds and grid, compare, report."""
    return carried_out(sweeping.sweep, request, Kind.SWEEP)
