"""Simulate a scenario: resolve, plan, run with audits, gate, publish, record; or preview it in memory."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from planwise.app.gates import evaluate_gate, key_of, record_gate
from planwise.app.runner import IN_PROCESS, Runner, require_not_stopped
from planwise.census import Census, load_census
from planwise.engine.outcome import Kpis, PlanOutcome, PlanSummary
from planwise.engine.preview import Preview
from planwise.engine.publishing import GATED, GATED_BY_PERSON, publish
from planwise.engine.warehouse import (
    AuditFailed,
    PlannedScenario,
    Warehouse,
    open_warehouse,
    scenario_environment,
)
from planwise.errors import GateBlocked
from planwise.gate import GateResult, require
from planwise.governance import (
    Action,
    Scenario,
    SimulationRun,
    effective_parameters,
    open_ledger,
    require_role,
    utc_now,
)
from planwise.governance.publications import Publication
from planwise.governance.request import ScenarioRequest
from planwise.monitoring import add_block, describe_run
from planwise.monitoring.drift import release_profile
from planwise.monitoring.gate_history import GateOf
from planwise.parameters import EffectiveParameters, Value
from planwise.settings import Settings

PROGRESS_SECONDS = 0.5  # a progress artifact costs a request
AUDIT_FAILED = "audit failed"  # the gate status of a run whose result broke an invariant: never gated


@dataclass(frozen=True)
class Resolved:
    """A scenario with its census and parameters; `changes` belong to this run and are not stored."""

    scenario: Scenario
    census: Census
    effective: EffectiveParameters
    changes: Mapping[str, Value]

    @property
    def name(self) -> str:
        """The name under which it is published."""
        return self.scenario.name

    @property
    def environment(self) -> str:
        """The SQLMesh environment that shows it."""
        return scenario_environment(self.scenario.name)


@dataclass(frozen=True)
class SimulationReport:
    """The outcome of one simulation; `published` is None when a gate blocked it."""

    scenario: str
    census: str
    currency: str
    changes: Mapping[str, Value]
    outcome: PlanOutcome
    gate: GateResult
    published: Path | None
    orchestrated: str

    @property
    def kpis(self) -> Kpis:
        """One object per simulated year."""
        return self.outcome.kpis

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise simulate --json` prints."""
        found = self.gate.as_json()
        return {
            "scenario": self.scenario,
            "census": self.census,
            "environment": self.outcome.environment,
            "fingerprint": self.outcome.fingerprint,
            "seconds": round(self.outcome.seconds, 3),
            "models_run": len(self.outcome.models_run),
            "models_reused": len(self.outcome.models_reused),
            "models": {"run": self.outcome.models_run, "reused": self.outcome.models_reused},
            "unsaved_changes": dict(self.changes),
            "gate": {key: found[key] for key in ("suite", "status", "evaluated", "failed", "seconds")},
            "published": str(self.published) if self.published else False,
            "kpis": self.kpis,
            "orchestrated": self.orchestrated,
        }


class SimulationBlocked(GateBlocked):
    """A critical expectation failed: nothing was published, the published result is unchanged."""

    def __init__(self, report: SimulationReport, blocked: GateBlocked) -> None:
        super().__init__(f"{report.scenario} is not published. {blocked.what}", remedy=blocked.remedy)
        self.report = report


def simulate(settings: Settings, request: ScenarioRequest, run: Runner) -> SimulationReport:
    """Simulate a scenario and publish the result, unless an audit or a gate fails.

    Raises SimulationBlocked or AuditFailed (the ledger then has the run as failed), InputError, Busy, and
    Stopped when it was cancelled between two steps: the published result is then unchanged.
    """
    require_role(settings, Action.RUN)
    resolved = run(resolve_scenario, settings, request)
    return simulate_resolved(settings, resolved, run)


def simulate_resolved(settings: Settings, resolved: Resolved, run: Runner) -> SimulationReport:
    """Simulate a resolved scenario."""
    note_subject(run, resolved)
    with warehouse_for(settings, f"simulate {resolved.name}", run) as warehouse:
        return simulate_in(settings, warehouse, resolved, run)


def note_subject(run: Runner, resolved: Resolved) -> None:
    """Record which scenario and census the following steps are about."""
    run.note("scenario", resolved.name)
    run.note("census", resolved.census.name)


def simulate_in(
    settings: Settings, warehouse: Warehouse, resolved: Resolved, run: Runner
) -> SimulationReport:
    """Simulate in a warehouse that the caller has opened."""
    started_at = utc_now()
    planned = run(plan_scenario, warehouse, resolved)
    run.log(f"{resolved.name} on census {resolved.census.name}: {planned.summary}.")
    require_not_stopped(run, "any model ran")
    planned.watch(ModelProgress(run, f"models-{key_of(resolved.name)}"))
    try:
        outcome = run(run_models, planned)
        describe_run(records=resolved.census.rows * len(resolved.effective.years))
    except AuditFailed:
        run(record_failed_audit, settings, resolved, planned.summary, started_at)
        raise
    if run.orchestrated != IN_PROCESS:  # a terminal has the progress, and no use for forty lines
        for model in outcome.timings:
            run.log(str(model))
    require_not_stopped(run, "the gate")
    gate = run(gate_simulation, settings, warehouse, outcome.environment)
    record_gate(settings, run, gate, GateOf.SCENARIO, resolved.name, outcome.fingerprint)
    published: Publication | None = None
    if not gate.blocks:
        require_not_stopped(run, "publishing")
        published = run(publish_result, settings, warehouse, resolved, outcome, gate, started_at)
    run(record_run, settings, resolved, outcome, gate, started_at)
    report = SimulationReport(
        scenario=resolved.name,
        census=resolved.census.name,
        currency=resolved.census.currency,
        changes=resolved.changes,
        outcome=outcome,
        gate=gate,
        published=published.folder if published else None,
        orchestrated=run.orchestrated,
    )
    run.table(f"kpis-{key_of(resolved.name)}", outcome.kpis, f"KPIs of {resolved.name} by year")
    try:
        require(gate)
    except GateBlocked as blocked:
        raise SimulationBlocked(report, blocked) from None
    return report


class ModelProgress:
    """Reports how many models have run, at most twice a second."""

    def __init__(self, run: Runner, key: str, clock: Callable[[], float] = monotonic) -> None:
        self._run, self._key, self._clock = run, key, clock
        self._reported_at = clock()

    def __call__(self, done: int, total: int, model: str) -> None:
        """Report that a model has run."""
        if self._clock() - self._reported_at >= PROGRESS_SECONDS:
            self._reported_at = self._clock()
            self._run.advance(self._key, done / total, f"{done} of {total} models have run: {model}")


def resolve_scenario(settings: Settings, request: ScenarioRequest) -> Resolved:
    """Return the request's scenario and census, and every parameter with the request's changes on top.

    Raises InputError for a scenario, census or change that does not exist, and for an installation whose
    models are missing.
    """
    settings.require_project()
    changes = request.changes()
    with open_ledger(settings) as ledger:
        scenario = ledger.scenarios.get(request.scenario)
        census = load_census(settings, request.census or scenario.census)
        effective = effective_parameters(ledger, scenario, census.first_year, changes)
    describe_run(employees=census.rows, years=len(effective.years), census=census.name)
    return Resolved(scenario, census, effective, changes)


@contextlib.contextmanager
def warehouse_for(settings: Settings, purpose: str, run: Runner) -> Iterator[Warehouse]:
    """Open the main warehouse; waiting for its lock is logged, and is a step that may be retried."""
    with ExitStack() as stack:

        def hold_warehouse() -> Warehouse:
            return stack.enter_context(
                open_warehouse(settings, purpose, flow_run=run.flow_run, on_wait=run.log)
            )

        yield run(hold_warehouse)


def plan_scenario(warehouse: Warehouse, resolved: Resolved) -> PlannedScenario:
    """Find out which models must run."""
    return warehouse.plan(resolved.environment, resolved.census, resolved.effective)


def run_models(planned: PlannedScenario) -> PlanOutcome:
    """Run the models, audits included; each is a part of the step's measurements."""
    outcome = planned.apply()
    for model in outcome.timings:
        add_block(model.name, model.seconds, records=model.rows)
    return outcome


def gate_simulation(settings: Settings, warehouse: Warehouse, environment: str) -> GateResult:
    """Evaluate the simulation gate on the marts, and their drift from the release in force.

    Marts with a row per person are read in parts.
    """
    summaries = warehouse.frames(environment, [mart for mart in GATED if mart not in GATED_BY_PERSON])
    people = {mart: warehouse.parts(environment, mart) for mart in GATED_BY_PERSON}
    return evaluate_gate("simulation", {**summaries, **people}, release=release_profile(settings))


def publish_result(
    settings: Settings,
    warehouse: Warehouse,
    resolved: Resolved,
    outcome: PlanOutcome,
    gate: GateResult,
    started_at: datetime,
) -> Publication:
    """Write the marts and make them the published result."""
    return publish(
        settings,
        warehouse,
        scenario=resolved.name,
        outcome=outcome,
        census=resolved.census,
        effective=resolved.effective,
        gate=gate,
        started_at=started_at,
    )


def record_run(
    settings: Settings, resolved: Resolved, outcome: PlanOutcome, gate: GateResult, started_at: datetime
) -> None:
    """Record the run in the ledger, whether or not it passed the gate."""
    run = SimulationRun(
        scenario=resolved.name,
        fingerprint=outcome.fingerprint,
        environment=outcome.environment,
        started_at=started_at,
        seconds=outcome.seconds,
        models_run=len(outcome.models_run),
        models_reused=len(outcome.models_reused),
        gate_status=gate.status,
        published=not gate.blocks,
        kpis=outcome.kpis,
    )
    with open_ledger(settings) as ledger:
        ledger.runs.record(run)


def record_failed_audit(
    settings: Settings, resolved: Resolved, summary: PlanSummary, started_at: datetime
) -> None:
    """Record a run that broke an invariant, without figures."""
    run = SimulationRun(
        scenario=resolved.name,
        fingerprint=summary.fingerprint,
        environment=summary.environment,
        started_at=started_at,
        seconds=(utc_now() - started_at).total_seconds(),
        models_run=len(summary.models_to_run),
        models_reused=len(summary.models_reused),
        gate_status=AUDIT_FAILED,
        published=False,
        kpis=[],
    )
    with open_ledger(settings) as ledger:
        ledger.runs.record(run)


@dataclass(frozen=True)
class PreviewReport:
    """KPIs by year, and the seconds of one evaluation once models and dynamics are prepared."""

    scenario: str
    census: str
    currency: str
    changes: Mapping[str, Value]
    seconds: float
    employees: int
    kpis: Kpis

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise preview --json` prints."""
        return {
            "scenario": self.scenario,
            "census": self.census,
            "unsaved_changes": dict(self.changes),
            "seconds": round(self.seconds, 6),
            "employees": self.employees,
            "kpis": self.kpis,
        }


def preview(settings: Settings, request: ScenarioRequest) -> PreviewReport:
    """Evaluate a scenario twice on the preview, and report the second, prepared evaluation.

    Raises InputError for a scenario, census or change that does not exist.
    """
    resolved = resolve_scenario(settings, request)
    with closing(Preview(settings, resolved.census)) as evaluator:
        evaluator.evaluate(resolved.effective)  # renders the models and computes the dynamics
        return preview_resolved(evaluator, resolved)


def preview_resolved(evaluator: Preview, resolved: Resolved) -> PreviewReport:
    """Evaluate a resolved scenario on a preview of its census."""
    outcome = evaluator.evaluate(resolved.effective)
    return PreviewReport(
        resolved.name,
        resolved.census.name,
        resolved.census.currency,
        resolved.changes,
        outcome.seconds,
        outcome.employees,
        outcome.kpis,
    )
