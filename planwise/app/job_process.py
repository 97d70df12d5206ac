"""Run one job of the dashboard in a process of its own: `python -m planwise.app.job_process FOLDER`.

The process leads its own session, so it outlives the browser and the dashboard. A cancellation request takes
effect between steps; after a grace period a signal interrupts the current step, then ends the process.
Slow imports happen only when the job leaves the queue.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from planwise.app.performance import run_measured
from planwise.app.runner import InProcessRunner, Runner, grace_period, record_job, wait_for_cancellation
from planwise.console import settings_for
from planwise.errors import InputError, PlanWiseError
from planwise.governance.roles import acting_as
from planwise.jobs import JobFolder, JobKind, JobWriter, State
from planwise.jobs.folder import REQUEST
from planwise.jobs.writer import wait_for_turn
from planwise.processes import collect_rarely, install_handlers, keep_private
from planwise.settings import Settings

if TYPE_CHECKING:
    from planwise.governance.request import Request

PLAN_LOCK_TIMEOUT_SECONDS = 1.5  # a plan is shown at once or not at all
FAILED = 1


def main(arguments: list[str]) -> int:
    """Run the job; return the exit status. The outcome is in its folder."""
    keep_private()
    collect_rarely()
    (path,) = arguments
    folder = JobFolder(Path(path).resolve())
    stored = folder.read(REQUEST)
    if stored is None:
        sys.stderr.write(f"{folder.path} has no request.\n")
        return FAILED
    kind = JobKind(stored["kind"])
    writer = JobWriter(folder)
    install_handlers(signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # cancellation is requested through the folder
    threading.Thread(target=_watch, args=(writer, kind), name="stop watch", daemon=True).start()
    try:
        with acting_as(stored["started_by"], stored.get("role")):
            _run_job(settings_for(), writer, kind, stored["request"])
    except PlanWiseError as error:
        sys.stderr.write(f"{error}\n")  # the outcome has it too
        return FAILED
    return 0


UseCase = tuple["type[Request]", Callable[..., Any]]


def use_case_of(kind: JobKind) -> UseCase:
    """Return the request model of a kind of job, and the function that runs it.

    The engine takes seconds to import, so the use-case is imported here, after the wait in the queue, and
    those of a census without it; other use-cases would take a quarter longer.
    """
    if kind.is_census:
        return _census_use_case(kind)
    if kind in (JobKind.RELEASE, JobKind.ROLLBACK, JobKind.ROLLOUT):
        return _release_use_case(kind)
    match kind:
        case JobKind.OPTIMIZE:
            from planwise.app.optimize import optimize
            from planwise.study.spec import OptimizeRequest

            return OptimizeRequest, optimize
        case JobKind.SWEEP:
            from planwise.app.requests import SweepRequest
            from planwise.app.sweep import sweep

            return SweepRequest, sweep
        case JobKind.MONITOR:
            from planwise.app.monitor import MonitorRequest, monitor

            return MonitorRequest, monitor
        case JobKind.RECIPIENTS:
            from planwise.app.enrich import RecipientsRequest, enrich_recipients

            return RecipientsRequest, enrich_recipients
    from planwise.app.plan import plan
    from planwise.app.requests import SimulateRequest
    from planwise.app.simulate import simulate

    return SimulateRequest, plan if kind is JobKind.PLAN else simulate


def _release_use_case(kind: JobKind) -> UseCase:
    from planwise.app.release import (
        ReleaseRequest,
        RollbackRequest,
        RolloutRequest,
        release,
        rollback,
        rollout,
    )

    if kind is JobKind.RELEASE:
        return ReleaseRequest, release
    return (RollbackRequest, rollback) if kind is JobKind.ROLLBACK else (RolloutRequest, rollout)


def _census_use_case(kind: JobKind) -> UseCase:
    from planwise.app.requests import GenerateRequest, IngestRequest

    match kind:
        case JobKind.CHECK:
            from planwise.app.check_census import check_census

            return IngestRequest, check_census
        case JobKind.IMPORT | JobKind.GENERATE:
            from planwise.app.ingest import generate, ingest

            return (IngestRequest, ingest) if kind is JobKind.IMPORT else (GenerateRequest, generate)
        case JobKind.TITLES:
            from planwise.app.enrich import MarketRequest, enrich_market

            return MarketRequest, enrich_market
    from planwise.app.calibrate import BacktestRequest, CalibrateRequest, backtest_job, calibrate_job

    if kind is JobKind.CALIBRATE:
        return CalibrateRequest, calibrate_job
    return BacktestRequest, backtest_job


def parse_request(kind: JobKind, request: Mapping[str, Any]) -> "Request":
    """Return the request as its use-case takes it; raises InputError that names the field."""
    try:
        return use_case_of(kind)[0].model_validate(dict(request))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(f"The request of the {kind} job is not valid: {problems}.") from error


def _run_job(settings: Settings, writer: JobWriter, kind: JobKind, request: dict[str, Any]) -> None:
    folder = writer.folder

    def has_turn() -> bool:
        return kind.skips_queue or wait_for_turn(
            settings, folder, writer.waiting, lambda: folder.cancel_requested
        )

    def job(run: Runner) -> Any:
        writer.waiting("Starting…" if kind.is_census else "Loading the engine…")
        patience = {"lock_timeout_seconds": PLAN_LOCK_TIMEOUT_SECONDS} if kind is JobKind.PLAN else {}
        parsed = parse_request(kind, request)
        use_case, own = use_case_of(kind)[1], settings.model_copy(update=patience)
        return use_case(own, parsed, run) if kind.is_brief else run_measured(own, kind, parsed, use_case, run)

    record_job(writer, InProcessRunner(), job, has_turn=has_turn)


def _watch(writer: JobWriter, kind: JobKind) -> None:
    """End the process when it does not stop in time: first by a signal, then at once."""
    alive = threading.Event()  # never set: this thread ends with the process
    wait_for_cancellation(writer, alive)
    hard_at = grace_period(writer, kind, alive) or time.monotonic()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(max(0.0, hard_at - time.monotonic()))
    writer.end(State.CANCELLED)
    os.kill(os.getpid(), signal.SIGKILL)  # nothing is lost: publications are atomic, the warehouse survives


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
