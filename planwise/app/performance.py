"""Performance: measure a run of a use-case and store it; list, assess and report measured runs."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from planwise.errors import GateBlocked, InputError, PlanWiseError, machine_error
from planwise.governance import current_user, open_ledger, utc_now
from planwise.monitoring import MonitoredBlock, describe_run, monitor_run
from planwise.monitoring.history import DONE, MeasuredRun, RunHistory, machine_description
from planwise.monitoring.monitor import in_run
from planwise.monitoring.thresholds import AlertCollector, thresholds_in_force
from planwise.monitoring.verdicts import RunAssessment, assess_run
from planwise.settings import Settings

if TYPE_CHECKING:
    from planwise.app.runner import Runner

Result = TypeVar("Result")

FAILED, CANCELLED, BLOCKED = "failed", "cancelled", "blocked"
STOPPED = 130  # exit code of a run that was cancelled


def run_measured(
    settings: Settings,
    kind: str,
    request: Any,
    job: "Callable[[Settings, Any, Runner], Result]",
    run: "Runner",
) -> Result:
    """Run a use-case; what it took is stored in the ledger, its alerts are reported by the runner.

    Wrong input and faults of the machine are not stored. A ledger that cannot be written is logged, and does
    not fail the run.
    """
    if in_run():
        return job(settings, request, run)
    alerts = AlertCollector(thresholds_in_force().alerts)
    started_at, state = utc_now(), DONE
    block: MonitoredBlock | None = None
    try:
        with monitor_run(kind, on_block=alerts.check_block) as block:
            describe_run(**_facts(request))
            return job(settings, request, run)
    except InputError:
        block = None
        raise
    except PlanWiseError as error:
        state = CANCELLED if error.exit_code == STOPPED else FAILED
        state = BLOCKED if isinstance(error, GateBlocked) else state
        block = None if machine_error(error) is not None else block
        raise
    except Exception as error:
        state = FAILED
        if machine_error(error) is not None:  # a full disk has no place for it
            block = None
        raise
    except BaseException:  # a signal ended the run; there is no time
        block = None
        raise
    finally:
        if block is not None:
            _store(settings, _measured_run(kind, state, started_at, block, alerts), run)


def _facts(request: Any) -> dict[str, Any]:
    """Return what a request says of its subject, without pay and without changes of levers."""
    found = {name: getattr(request, name, None) for name in ("scenario", "census", "proposal", "checkpoint")}
    file = getattr(request, "file", None)
    named = found | {"file": file.name if isinstance(file, Path) else None}
    return {name: str(value) for name, value in named.items() if value is not None}


def _measured_run(
    kind: str, state: str, started_at: datetime, block: MonitoredBlock, alerts: AlertCollector
) -> MeasuredRun:
    facts = dict(block.run.facts)
    records = facts.pop("records", 0)
    figures = replace(block.figures, records=records) if records else block.figures
    pressure = block.run.sampler.pressure
    alerts.check_run(figures, pressure, facts)
    names = ("scenario", "proposal", "checkpoint", "census", "file")
    return MeasuredRun(
        kind=kind,
        subject=next((facts[name] for name in names if name in facts), ""),
        state=state,
        started_at=started_at,
        by=current_user(),
        machine=machine_description(),
        version=version("planwise"),
        employees=facts.get("employees"),
        years=facts.get("years"),
        facts=facts | {"memory_pressure": round(pressure, 4)},
        figures=figures,
        timeline=tuple(block.run.sampler.timeline),
        alerts=alerts.alerts,
    )


def _store(settings: Settings, measured: MeasuredRun, run: "Runner") -> None:
    for alert in measured.alerts:
        run.alert(str(alert), {"kind": measured.kind, "subject": measured.subject, **alert.as_json()})
    try:
        with open_ledger(settings) as ledger:
            history = RunHistory(ledger.engine)
            stored = history.record(measured)
            assessment = _assess(history, stored) if run.flow_run is not None else None
    except PlanWiseError as error:
        run.log(f"The run's performance was not stored: {error.what}")
        return
    if assessment is not None:
        from planwise.papers.layout import render_markdown  # takes a while to import
        from planwise.papers.performance import performance_paper

        title = f"Performance of {measured.kind}: {assessment.verdict}"
        run.page("performance", render_markdown(performance_paper(assessment)), title)


def _assess(history: RunHistory, run: MeasuredRun) -> RunAssessment:
    thresholds = thresholds_in_force()
    return assess_run(run, history.comparable(run, limit=thresholds.baseline.runs), thresholds)


@contextmanager
def _history(settings: Settings) -> Iterator[RunHistory]:
    with open_ledger(settings) as ledger:
        yield RunHistory(ledger.engine)


def list_runs(
    settings: Settings, kind: str | None = None, *, limit: int | None = None
) -> Sequence[MeasuredRun]:
    """Return the measured runs, newest first."""
    with _history(settings) as history:
        return history.list(kind, limit=limit)


def assess(settings: Settings, run: int | None = None) -> RunAssessment:
    """Return a run, the newest by default, against its baseline; raises InputError when there is none."""
    with _history(settings) as history:
        return _assess(history, history.get(run))


def prune_runs(settings: Settings, keep: int, *, dry_run: bool) -> int:
    """Delete all but the newest measured runs; return how many, or how many it would."""
    with _history(settings) as history:
        return history.prune(keep, dry_run=dry_run)


def write_report(settings: Settings, file: Path, run: int | None = None) -> RunAssessment:
    """Write the report of a run as Markdown, HTML, PDF or CSV; raises InputError for another suffix."""
    from planwise.papers.layout import write_paper
    from planwise.papers.performance import performance_paper

    found = assess(settings, run)
    write_paper(performance_paper(found), file)
    return found
