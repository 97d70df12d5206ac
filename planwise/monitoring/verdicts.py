"""Compare a run with its baseline: the median of earlier runs of the same kind, size and machine."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from planwise.monitoring.history import DONE, MeasuredRun
from planwise.monitoring.monitor import BlockFigures
from planwise.monitoring.thresholds import (
    Limits,
    PerformanceThresholds,
    Severity,
    Verdict,
    noise_band,
)

SEPARATOR = " / "
MEASURES = ("seconds", "cpu_seconds", "peak_memory_mb")
MATCH_RATE = "match_rate"
WORST_FIRST = (Verdict.FAILURE, Verdict.WARNING, Verdict.PASS)


@dataclass(frozen=True)
class FigureVerdict:
    """One figure of a block against its baseline; `change` is a share of it, above 0 when it got worse.

    `noise` is the change that the spread of the baseline's runs explains. The change of a match rate is in
    percentage points of 0 to 1.
    """

    block: str
    measure: str
    baseline: float
    current: float
    change: float
    noise: float
    verdict: Verdict


@dataclass(frozen=True)
class RunAssessment:
    """A run, the numbers of the runs that it is compared with, and the verdict on each figure."""

    run: MeasuredRun
    baseline: tuple[int, ...]
    figures: tuple[FigureVerdict, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of figures and alerts; a run that did not end well is a failure."""
        severities = {alert.severity for alert in self.run.alerts}
        if self.run.state != DONE or Severity.CRITICAL in severities:
            return Verdict.FAILURE
        found = {figure.verdict for figure in self.figures}
        if severities:
            found.add(Verdict.WARNING)
        return next((verdict for verdict in WORST_FIRST if verdict in found), Verdict.PASS)

    def as_json(self) -> dict[str, Any]:
        """Return the assessment as one object."""
        return {
            **self.run.as_json(),
            "verdict": self.verdict,
            "baseline": list(self.baseline),
            "figures": [asdict(figure) for figure in self.figures],
        }


def assess_run(
    run: MeasuredRun, earlier: Sequence[MeasuredRun], thresholds: PerformanceThresholds
) -> RunAssessment:
    """Return the verdicts on a run; without enough earlier runs, or on a failed run, there are none."""
    if run.state != DONE or len(earlier) < thresholds.baseline.runs_min:
        return RunAssessment(run, (), ())
    trees = [dict(one.figures.walk()) for one in earlier]
    figures: list[FigureVerdict] = []
    for path, block in run.figures.walk():
        known = [tree[path] for tree in trees if path in tree]
        longest = max(block.seconds, *(one.seconds for one in known)) if known else 0.0
        if len(known) >= thresholds.baseline.runs_min and longest >= thresholds.baseline.seconds_min:
            figures += _verdicts(SEPARATOR.join(path), block, known, thresholds)
    figures += _match_rate(run, earlier, thresholds)
    return RunAssessment(run, tuple(one.id for one in earlier if one.id is not None), tuple(figures))


def _verdicts(
    name: str, block: BlockFigures, known: Sequence[BlockFigures], thresholds: PerformanceThresholds
) -> Iterator[FigureVerdict]:
    for measure in MEASURES:
        current = getattr(block, measure)
        samples = [value for one in known if (value := getattr(one, measure)) is not None]
        if current is None or not samples:
            continue
        is_memory = measure.endswith("_mb")
        smallest = thresholds.baseline.memory_mb_min if is_memory else thresholds.baseline.seconds_min
        before = statistics.median(samples)
        if before <= 0 or max(before, current) < smallest:
            continue
        limits = thresholds.comparison.memory if is_memory else thresholds.comparison.seconds
        yield figure_verdict(name, measure, samples, current, limits)


def figure_verdict(
    name: str, measure: str, samples: Sequence[float], current: float, limits: Limits
) -> FigureVerdict:
    """Return the verdict on one value against the earlier values."""
    before = statistics.median(samples)
    # The spread of single runs, not of their median: this is one run too.
    noise = noise_band(samples) * len(samples) ** 0.5
    change = current / before - 1
    return FigureVerdict(name, measure, before, current, change, noise, limits.verdict(change, noise))


def _match_rate(
    run: MeasuredRun, earlier: Sequence[MeasuredRun], thresholds: PerformanceThresholds
) -> Iterator[FigureVerdict]:
    samples = [float(one.facts[MATCH_RATE]) for one in earlier if MATCH_RATE in one.facts]
    if MATCH_RATE not in run.facts or len(samples) < thresholds.baseline.runs_min:
        return
    before, current = statistics.median(samples), float(run.facts[MATCH_RATE])
    change = before - current
    verdict = thresholds.comparison.match_rate.verdict(change)
    yield FigureVerdict(run.figures.name, MATCH_RATE, before, current, change, 0.0, verdict)
