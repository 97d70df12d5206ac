"""Measure how a KPI of the last year responds to each lever, on the preview."""

import math
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from pydantic import BeforeValidator, Field

from planwise.app.simulate import Resolved, resolve_scenario
from planwise.engine.preview import Preview
from planwise.equity.reasons import SUFFIX, reason_text
from planwise.errors import CheckFailed, InputError
from planwise.governance.request import Bounds, ScenarioRequest
from planwise.parameters.values import DECIMALS
from planwise.risk.ensemble import Step, Watch
from planwise.risk.finite_differences import slopes, stepped
from planwise.risk.sensitivity import Ranges, morris, sobol
from planwise.settings import Settings
from planwise.study.space import Space, census_levels, tuned_levers
from planwise.study.spec import names_or_none

DEFAULT_SAMPLES = {"morris": 10, "sobol": 64}  # 64 · (levers + 2): two minutes for ten thousand employees
GROWTH = "growth_compound"

Method = Literal["derivative", "morris", "sobol"]


class SensitivityRequest(ScenarioRequest):
    """A scenario, the method, the KPI and the levers to vary."""

    method: Method = Field(
        default="derivative",
        description="derivative (slopes at the scenario's values), morris (elementary effects) or sobol "
        "(shares of variance); the last two over the recommended ranges.",
    )
    kpi: str = Field(default=GROWTH, description="A column of the scenario's KPIs; of the last year.")
    samples: Annotated[int | None, Bounds(1, 1_000_000)] = Field(
        default=None,
        description="Trajectories (morris, default 10) or base samples (sobol, a power of 2, default 64).",
    )
    tune: Annotated[
        tuple[str, ...] | None, BeforeValidator(names_or_none), Parameter(name="--levers", negative="")
    ] = Field(default=None, description="Levers to vary, with commas; default all pay levers.")


@dataclass(frozen=True)
class SensitivityReport:
    """What was found for each lever: `found` has the method's own figures."""

    resolved: Resolved
    method: Method
    kpi: str
    found: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise sensitivity --json` prints."""
        return {
            "scenario": self.resolved.name,
            "census": self.resolved.census.name,
            "unsaved_changes": dict(self.resolved.changes),
            "method": self.method,
            "kpi": self.kpi,
            "year": self.resolved.effective.years[-1],
            **self.found,
        }


def measure_sensitivity(settings: Settings, request: SensitivityRequest, watch: Watch) -> SensitivityReport:
    """Evaluate the scenario with its levers varied.

    Raises InputError for a KPI or lever that does not exist, CheckFailed where the KPI is not available.
    """
    if request.method == "derivative" and request.samples is not None:
        raise InputError("--samples does not apply to --method derivative.", remedy="Leave --samples out.")
    resolved = resolve_scenario(settings, request)
    space = tuned_levers(resolved.effective, census_levels(resolved.census), request.tune)
    with closing(Preview(settings, resolved.census)) as preview:
        value_of = _kpi_of(preview, resolved, request.kpi)
        if request.method == "derivative":
            found = _slopes(space, value_of, watch)
        else:
            found = _indices(request.method, resolved, space, value_of, request.samples, watch)
    return SensitivityReport(resolved, request.method, request.kpi, found)


def _kpi_of(preview: Preview, resolved: Resolved, kpi: str) -> Callable[[Mapping[str, float]], float]:
    def value_of(levers: Mapping[str, float]) -> float:
        rounded = {name: round(value, DECIMALS) for name, value in levers.items()}
        last = preview.evaluate(resolved.effective.with_levers(rounded)).kpis[-1]
        if kpi not in last:
            raise InputError(f"Unknown KPI {kpi!r}.", remedy=f"KPIs: {', '.join(last)}.")
        value = last[kpi]
        if not isinstance(value, int | float) or not math.isfinite(value):
            why = last.get(kpi.removesuffix("_max") + SUFFIX)
            raise CheckFailed(
                f"{kpi} of {last['simulation_year']} is not available"
                f"{f': {reason_text(why)}' if why else ''}.",
                remedy="Choose another --kpi.",
            )
        return float(value)

    return value_of


def _slopes(space: Space, value_of: Callable[[Mapping[str, float]], float], watch: Watch) -> dict[str, Any]:
    points = stepped(space, {})
    here = value_of({lever.name: lever.start for lever in space})
    values: dict[str, float] = {}
    for name, point in points.items():
        if watch.should_stop():
            break
        values[name] = value_of(point)
        watch.on_step(Step(len(values) + 1, len(points) + 1))
    found = slopes(space, {}, here, values)
    return {
        "value": here,
        "evaluations": len(values) + 1,
        "stopped": len(values) < len(points),
        "levers": {name: slope.as_json() for name, slope in found.items()},
    }


def _indices(
    method: Method,
    resolved: Resolved,
    space: Space,
    value_of: Callable[[Mapping[str, float]], float],
    samples: int | None,
    watch: Watch,
) -> dict[str, Any]:
    declared = resolved.effective.declared.levers
    ranges: Ranges = {lever.name: declared[lever.name.partition("@")[0]].recommended for lever in space}
    analyse = {"morris": morris, "sobol": sobol}[method]
    wanted = DEFAULT_SAMPLES[method] if samples is None else samples
    found = analyse(value_of, ranges, wanted, seed=resolved.effective.seed, watch=watch)
    return {
        "ranges": {name: list(each) for name, each in ranges.items()},
        "samples": found.samples,
        "samples_asked": found.requested,
        "evaluations": found.evaluations,
        "stopped": found.samples < found.requested,
        "levers": {name: dict(row) for name, row in found.by_lever.items()},
    }
