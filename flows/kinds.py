"""What each kind of job is asked, and the function that does it."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from flows.jobs.optimization import optimize
from flows.jobs.planning import plan
from flows.jobs.simulation import simulate
from flows.jobs.sweeping import sweep
from flows.parameters import SimulateRequest, SweepRequest
from planwise.errors import InputError
from planwise.governance.request import Request
from planwise.jobs import Kind
from planwise.study.spec import OptimizeRequest

KINDS: Mapping[Kind, tuple[type[Request], Callable[..., Any]]] = {
    Kind.SIMULATE: (SimulateRequest, simulate),
    Kind.OPTIMIZE: (OptimizeRequest, optimize),
    Kind.SWEEP: (SweepRequest, sweep),
    Kind.PLAN: (SimulateRequest, plan),
}


def job_of(kind: Kind) -> Callable[..., Any]:
    """Return the job's function: settings, request, runner."""
    return KINDS[kind][1]


def request_of(kind: Kind, request: Mapping[str, Any]) -> Request:
    """Return the request as the job takes it; raises InputError that names the field."""
    try:
        return KINDS[kind][0].model_validate(dict(request))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(f"The {kind} cannot be asked for like this: {problems}.") from error
