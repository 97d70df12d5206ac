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
from planwise.monitoring.monitor import BlockFigures, in_run
from planwise.monitoring.thresholds import AlertCollector, thresholds_in_force
from planwise.monitoring.verdicts import FigureVerdict, RunAssessment, assess_run
from planwise.settings import Settings

if TYPE_CHECKING:
    from planwise.app.runner import Runner
    from planwise.release.papers import Paper

Result = TypeVar("Result")

FAILED, CANCELLED, BLOCKED = "failed", "cancelled", "blocked"
STOPPED = 130  # exit code of a run that was cancelled
MEMORY_ROWS = 12
TIMELINE = "Memory over time"


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
        from planwise.release.papers import render_markdown  # takes a while to import

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
    from planwise.release.papers import write_paper

    found = assess(settings, run)
    write_paper(performance_paper(found), file)
    return found


def performance_paper(assessment: RunAssessment) -> "Paper":
    """Return the report of a run."""
    from planwise.release.papers import Paper, PaperSection

    run = assessment.run
    compared = (
        f"Compared with the median of {len(assessment.baseline)} runs of the same kind, size and machine: "
        f"{', '.join(map(str, assessment.baseline))}."
        if assessment.baseline
        else "There are too few comparable runs for a baseline."
    )
    size = [f"{run.employees:,} employees"] if run.employees else []
    size += [f"{run.years} years"] if run.years else []
    figures = run.figures
    rate = figures.records_per_second
    headline = [
        ("Verdict", str(assessment.verdict)),
        ("Seconds", f"{figures.seconds:,.2f}"),
        ("CPU seconds", f"{figures.cpu_seconds:,.2f}"),
        ("Peak memory", _megabytes(figures.peak_memory_mb)),
    ]
    if rate is not None:
        headline.append(("Records/s", f"{rate:,.0f}"))
    sections = [
        PaperSection(
            "Steps",
            columns=("Step", "Times", "Seconds", "CPU s", "Records", "Records/s", "Peak", "Kept"),
            rows=[_step_row(path, block) for path, block in figures.walk()],
        ),
        PaperSection(
            "Against the baseline",
            paragraphs=(compared,),
            columns=("Step", "Figure", "Verdict", "Baseline", "Now", "Change", "Noise"),
            rows=[_figure_row(one) for one in assessment.figures],
            words=3,
        ),
        PaperSection(
            "Alerts",
            paragraphs=() if run.alerts else ("None.",),
            columns=("Severity", "Measure", "Step", "Value", "Threshold"),
            rows=[
                (
                    str(one.severity),
                    one.measure.replace("_", " "),
                    one.block,
                    f"{one.value:,.4g}",
                    f"{one.threshold:,.4g}",
                )
                for one in run.alerts
            ],
            words=3,
        ),
        PaperSection(
            TIMELINE,
            columns=("Seconds", "Memory"),
            rows=[(f"{at:,.1f}", _megabytes(megabytes)) for at, megabytes in _thinned(run.timeline)],
        ),
    ]
    return Paper(
        title=f"Performance of run {run.id}: {' '.join(filter(None, (run.kind, run.subject)))}",
        subtitle=", ".join([f"{run.started_at:%Y-%m-%d %H:%M} UTC", run.state, *size, run.machine]),
        headline=headline,
        sections=sections,
        footer=f"PlanWise {run.version}. Run by {run.by}.",
    )


def _step_row(path: tuple[str, ...], block: BlockFigures) -> tuple[str, ...]:
    rate = block.records_per_second
    return (
        f"{'– ' * (len(path) - 1)}{block.name}",
        f"{block.count:,}" + (f", {block.failed} failed" if block.failed else ""),
        f"{block.seconds:,.3f}",
        f"{block.cpu_seconds:,.3f}" if block.cpu_seconds else "",
        f"{block.records:,}" if block.records is not None else "",
        f"{rate:,.0f}" if rate is not None else "",
        _megabytes(block.peak_memory_mb),
        _megabytes(block.memory_delta_mb),
    )


def _figure_row(one: FigureVerdict) -> tuple[str, ...]:
    return (
        one.block,
        one.measure.replace("_", " "),
        str(one.verdict),
        f"{one.baseline:,.3f}",
        f"{one.current:,.3f}",
        f"{one.change:+.1%}",
        f"±{one.noise:.1%}",
    )


def _megabytes(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f} MB"


def _thinned(timeline: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return at most so many points, each with the peak since the one before."""
    size = -(-len(timeline) // MEMORY_ROWS) or 1
    parts = [timeline[start : start + size] for start in range(0, len(timeline), size)]
    return [(part[-1][0], max(megabytes for _, megabytes in part)) for part in parts]
