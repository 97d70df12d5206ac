"""Plan: which models a simulation would run, and how long it would take, without running it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from planwise.app.runner import Runner
from planwise.app.simulate import AUDIT_FAILED, Resolved, plan_scenario, resolve_scenario, warehouse_for
from planwise.engine.outcome import PlanSummary
from planwise.engine.warehouse import Warehouse
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.governance.ledger import SimulationRun
from planwise.governance.publications import load_publication
from planwise.governance.request import ScenarioRequest
from planwise.jobs import Job, JobKind, JobReader, State
from planwise.settings import Settings

RUNS_READ = 100
RUNS_USED = 5
SIZE_BAND = 0.2  # past runs on censuses that differ more in size are not comparable
MODELS_BAND = 0.5  # past runs whose number of models differs more are not comparable
MODELS_BAND_MIN = 3


@dataclass(frozen=True)
class DurationEstimate:
    """Estimated seconds from past runs: of the models, and of the whole run where known."""

    models_seconds: float
    whole_seconds: float | None
    based_on: int


@dataclass(frozen=True)
class PlanReport:
    """What a simulation would run; `in_force` is True when its result is published already."""

    scenario: str
    census: str
    employees: int
    summary: PlanSummary
    in_force: bool
    estimate: DurationEstimate | None

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise simulate --plan-only --json` prints."""
        estimate = self.estimate
        return {
            "scenario": self.scenario,
            "census": self.census,
            "employees": self.employees,
            "fingerprint": self.summary.fingerprint,
            "models_to_run": len(self.summary.models_to_run),
            "models_reused": len(self.summary.models_reused),
            "models": {"to_run": self.summary.models_to_run, "reused": self.summary.models_reused},
            "in_force": self.in_force,
            "models_seconds": None if estimate is None else round(estimate.models_seconds, 2),
            "whole_seconds": None
            if estimate is None or estimate.whole_seconds is None
            else round(estimate.whole_seconds, 1),
            "based_on_runs": 0 if estimate is None else estimate.based_on,
        }


def plan(settings: Settings, request: ScenarioRequest, run: Runner) -> PlanReport:
    """Return which models a simulation would run; nothing is run, published or recorded.

    Raises InputError, and Busy when the warehouse stays locked.
    """
    resolved = run(resolve_scenario, settings, request)
    with warehouse_for(settings, f"plan {resolved.name}", run) as warehouse:
        summary = run(plan_summary, warehouse, resolved)
    runs, jobs = run(past_runs, settings)
    return PlanReport(
        scenario=resolved.name,
        census=resolved.census.name,
        employees=resolved.census.rows,
        summary=summary,
        in_force=fingerprint_in_force(settings, resolved.name) == summary.fingerprint,
        estimate=estimated(runs, jobs, len(summary.models_to_run), resolved.census.rows),
    )


def plan_summary(warehouse: Warehouse, resolved: Resolved) -> PlanSummary:
    """Return which models must run."""
    return plan_scenario(warehouse, resolved).summary


def past_runs(settings: Settings) -> tuple[list[SimulationRun], tuple[Job, ...]]:
    """Return past simulations, from the ledger and from the jobs."""
    with open_ledger(settings) as ledger:
        return ledger.runs.list(limit=RUNS_READ), JobReader(settings).list()


def fingerprint_in_force(settings: Settings, scenario: str) -> str | None:
    """Return the fingerprint of a scenario's published result; None without one."""
    try:
        return load_publication(settings, scenario).fingerprint
    except InputError:
        return None


def estimated(
    runs: Sequence[SimulationRun], jobs: Iterable[Job], models: int, employees: int
) -> DurationEstimate | None:
    """Return the median of the most similar past runs; None when no past run is similar."""
    like = [
        run
        for run in runs
        if run.gate_status != AUDIT_FAILED
        and run.kpis
        and _is_near(run.kpis[0]["opening_headcount"], employees, SIZE_BAND * employees)
        and _is_near(run.models_run, models, max(MODELS_BAND_MIN, MODELS_BAND * models))
    ]
    nearest = sorted(like, key=lambda run: abs(run.models_run - models))[:RUNS_USED]
    if not nearest:
        return None
    seconds = median(run.seconds for run in nearest)
    around = [
        job.seconds() - float(job.result["seconds"])
        for job in jobs
        if job.kind is JobKind.SIMULATE and job.state is State.DONE and job.result
    ][:RUNS_USED]
    return DurationEstimate(seconds, seconds + median(around) if around else None, len(nearest))


def _is_near(value: float, wanted: float, band: float) -> bool:
    return abs(value - wanted) <= band
