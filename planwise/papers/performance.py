"""The facts of the report of a measured run."""

from collections.abc import Sequence

from planwise.monitoring.monitor import BlockFigures
from planwise.monitoring.verdicts import FigureVerdict, RunAssessment
from planwise.papers.layout import Paper, Row, compose

MEMORY_ROWS = 12


def performance_paper(assessment: RunAssessment) -> Paper:
    """Return the report of a run."""
    run = assessment.run
    size = [f"{run.employees:,} employees"] if run.employees else []
    size += [f"{run.years} years"] if run.years else []
    facts = {
        "run": run,
        "subject": " ".join(filter(None, (run.kind, run.subject))),
        "about": ", ".join([f"{run.started_at:%Y-%m-%d %H:%M} UTC", run.state, *size, run.machine]),
        "verdict": assessment.verdict,
        "peak": _megabytes(run.figures.peak_memory_mb),
        "rate": run.figures.records_per_second,
        "steps": [_step_row(path, block) for path, block in run.figures.walk()],
        "baseline": assessment.baseline,
        "figures": [_figure_row(one) for one in assessment.figures],
        "alerts": [
            (
                str(one.severity),
                one.measure.replace("_", " "),
                one.block,
                f"{one.value:,.4g}",
                f"{one.threshold:,.4g}",
            )
            for one in run.alerts
        ],
        "memory": [(f"{at:,.1f}", _megabytes(megabytes)) for at, megabytes in _thinned(run.timeline)],
    }
    return compose("performance", facts, f"PlanWise {run.version}. Run by {run.by}.")


def _step_row(path: tuple[str, ...], block: BlockFigures) -> Row:
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


def _figure_row(one: FigureVerdict) -> Row:
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
