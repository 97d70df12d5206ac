"""The flows: each runs a use-case step by step as Prefect tasks."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.events import emit_event
from prefect.runtime import flow_run

from flows.tasks import PrefectRunner, run_deployment_job
from planwise.app import backup as backing_up
from planwise.app import benchmark as benchmarking
from planwise.app import calibrate as calibration
from planwise.app import compare as comparing
from planwise.app import enrich as enriching
from planwise.app import ensemble as ensembles
from planwise.app import ingest as ingestion
from planwise.app import maintain as maintenance
from planwise.app import monitor as monitoring
from planwise.app import optimize as optimization
from planwise.app import release as releasing
from planwise.app import simulate as simulation
from planwise.app import sweep as sweeping
from planwise.app.backup import BackupRequest
from planwise.app.benchmark import BenchmarkRequest
from planwise.app.calibrate import BacktestRequest, CalibrateRequest
from planwise.app.compare import CompareRequest
from planwise.app.enrich import MarketRequest, RecipientsRequest
from planwise.app.ensemble import EnsembleRequest
from planwise.app.monitor import MonitorReport, MonitorRequest
from planwise.app.release import ReleaseRequest, RollbackRequest
from planwise.app.requests import (
    GenerateRequest,
    IngestRequest,
    MaintainRequest,
    SimulateRequest,
    SweepRequest,
)
from planwise.app.runner import Runner
from planwise.console import settings_for
from planwise.jobs import JobKind
from planwise.settings import Settings
from planwise.study.spec import OptimizeRequest

HOURS = 3600


@flow(
    name="simulate",
    flow_run_name="simulate {request.scenario}",
    timeout_seconds=4 * HOURS,
    persist_result=False,
)
def simulate(request: SimulateRequest = SimulateRequest()) -> Any:  # noqa: B008  (frozen)
    """Resolve, plan, run with audits, gate, publish, record; fails when a gate or an audit fails."""
    return run_deployment_job(simulation.simulate, request, JobKind.SIMULATE)


@flow(
    name="optimize",
    flow_run_name="optimize {request.scenario}",
    timeout_seconds=24 * HOURS,
    persist_result=False,
)
def optimize(request: OptimizeRequest = OptimizeRequest()) -> Any:  # noqa: B008  (frozen)
    """Run a study, save its best trial, verify by a full simulation, gate, publish."""
    return run_deployment_job(optimization.optimize, request, JobKind.OPTIMIZE)


def _run_name() -> str:
    """Return the flow's name with the request's scenarios or files."""
    parameters = flow_run.parameters.get("request") or {}
    request = parameters if isinstance(parameters, Mapping) else parameters.model_dump()
    names = request.get("scenarios") or [Path(source).name for source in request.get("sources") or ()]
    return f"{flow_run.flow_name} {', '.join(names) or 'all scenarios'}"


@flow(name="sweep", flow_run_name=_run_name, timeout_seconds=12 * HOURS, persist_result=False)
def sweep(request: SweepRequest = SweepRequest()) -> Any:  # noqa: B008  (frozen)
    """Simulate and publish each scenario, try seeds and grid, compare, report."""
    return run_deployment_job(sweeping.sweep, request, JobKind.SWEEP)


@flow(name="compare", flow_run_name=_run_name, timeout_seconds=4 * HOURS, persist_result=False)
def compare(request: CompareRequest) -> Any:
    """Compare published scenarios; the workbook and the list of people are written where requested."""
    return run_deployment_job(comparing.compare_job, request)


@flow(
    name="ensemble",
    flow_run_name="ensemble {request.scenario}",
    timeout_seconds=4 * HOURS,
    persist_result=False,
)
def ensemble(request: EnsembleRequest = EnsembleRequest()) -> Any:  # noqa: B008  (frozen)
    """Run a scenario under many seeds; with another one, split their difference into policy and chance."""
    return run_deployment_job(ensembles.ensemble_job, request)


@flow(name="calibrate", flow_run_name=_run_name, timeout_seconds=HOURS, persist_result=False)
def calibrate(request: CalibrateRequest) -> Any:
    """Estimate the parameters from yearly censuses; with a name, save them as a scenario."""
    return run_deployment_job(calibration.calibrate_job, request)


@flow(name="backtest", flow_run_name=_run_name, timeout_seconds=4 * HOURS, persist_result=False)
def backtest(request: BacktestRequest) -> Any:
    """Calibrate without the last years, simulate them, and compare with what happened."""
    return run_deployment_job(calibration.backtest_job, request)


@flow(
    name="ingest-census",
    flow_run_name="ingest {request.file.name}",
    timeout_seconds=HOURS,
    persist_result=False,
)
def ingest_census(request: IngestRequest) -> Any:
    """Import, gate, register, put in use."""
    return run_deployment_job(ingestion.ingest, request)


@flow(name="generate-census", flow_run_name="generate {employees} employees", persist_result=False)
def generate_census(employees: int = 1000, seed: int = 42) -> Any:
    """Generate a synthetic census, gate it, put it in use."""
    request = GenerateRequest(employees=employees, seed=seed)
    return ingestion.generate(settings_for(), request, PrefectRunner()).census


@flow(
    name="enrich-recipients",
    flow_run_name="enrich recipients",
    timeout_seconds=4 * HOURS,
    persist_result=False,
)
def enrich_recipients(request: RecipientsRequest) -> Any:
    """Match awards with recipients in chunks, gate, write the matches; a killed run is resumed."""
    return run_deployment_job(enriching.enrich_recipients, request)


@flow(name="enrich-market", flow_run_name="enrich market", timeout_seconds=4 * HOURS, persist_result=False)
def enrich_market(request: MarketRequest = MarketRequest()) -> Any:  # noqa: B008  (frozen)
    """Match the titles of a census with the market survey, gate, write the matches."""
    return run_deployment_job(enriching.enrich_market, request)


@flow(
    name="maintain",
    flow_run_name="maintain (dry run: {request.dry_run})",
    timeout_seconds=4 * HOURS,
    persist_result=False,
)
def maintain(request: MaintainRequest = MaintainRequest()) -> Any:  # noqa: B008  (frozen)
    """Remove old environments, unneeded tables and leftover files; compact; verify the audit trail."""
    return run_deployment_job(maintenance.maintain, request)


@flow(
    name="benchmark",
    flow_run_name="benchmark {request.suite}",
    timeout_seconds=4 * HOURS,
    persist_result=False,
)
def benchmark(request: BenchmarkRequest = BenchmarkRequest()) -> Any:  # noqa: B008  (frozen)
    """Time trials, previews and simulations of this machine; with a baseline, compare."""
    return run_deployment_job(benchmarking.benchmark_job, request)


@flow(name="backup", flow_run_name="backup", timeout_seconds=4 * HOURS, persist_result=False)
def backup(request: BackupRequest = BackupRequest()) -> Any:  # noqa: B008  (frozen)
    """Write a backup of the home, while it is used."""
    return run_deployment_job(backing_up.back_up, request)


@flow(name="monitor", flow_run_name="monitor", timeout_seconds=HOURS, persist_result=False)
def monitor(request: MonitorRequest = MonitorRequest()) -> Any:  # noqa: B008  (frozen)
    """Compare actuals with the released plan; what fires is recorded, and events are emitted."""

    def compare(settings: Settings, request: MonitorRequest, run: Runner) -> MonitorReport:
        report = monitoring.monitor(settings, request, run)
        resource = {"prefect.resource.id": f"planwise.plan.{report.plan.fingerprint}"}
        for one in report.recorded:
            emit_event("planwise.trigger", resource, payload=one.as_json())
        if report.review_due:
            emit_event("planwise.review-due", resource, payload={"review_on": str(report.review_on)})
        return report

    return run_deployment_job(compare, request, JobKind.MONITOR)


@flow(
    name="release",
    flow_run_name="release proposal {request.proposal}",
    timeout_seconds=HOURS,
    persist_result=False,
)
def release(request: ReleaseRequest) -> Any:
    """Check the approval, gate again, point prod at the approved result, publish it; no model runs."""
    return run_deployment_job(releasing.release, request, JobKind.RELEASE)


@flow(
    name="rollback",
    flow_run_name="rollback to {request.checkpoint}",
    timeout_seconds=HOURS,
    persist_result=False,
)
def rollback(request: RollbackRequest) -> Any:
    """Put a checkpoint in force again; no model runs."""
    return run_deployment_job(releasing.rollback, request, JobKind.ROLLBACK)
