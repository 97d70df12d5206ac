"""Compare a benchmark with a baseline: pure, on the two records.

Compared, for every number of employees that both have, are the ratios to the reference run beside each
case, in CPU seconds and in wall time, the ratio of a real trial to raw SQL, and the quality of answers;
memory where both measured the same suite and sizes. Seconds are recorded and not compared: they depend on
what else the machine does. A change within the spread of the runs of both records is noise; one beyond the
limit of a failure is then still a warning, so that no machine is so busy that it hides it. A change that is
more than noise is a failure when the noise on top of it reaches the limit: the doubt is the slower one's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.repeat import CPU_RATIO, GROWTH, PEAK, TO_RAW_SQL, WALL_RATIO
from planwise.monitoring.thresholds import (
    ComparisonLimits,
    Limits,
    Verdict,
    noise_band,
    thresholds_in_force,
)

MATCH_RATE = "match_rate"
BY_EMPLOYEES = "by_employees"
QUALITY = {
    "study_gap_pp": 0.2,
    "study_real_plans": 2.0,
}  # what is allowed whatever the baseline; more is a failure
GROWTH_ROUNDS = 25  # so many rounds of what is kept are compared with the limits of the peak

Metrics = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One figure, then and now; `change` is a share of the baseline, above 0 when it got worse.

    That of a match rate is in percentage points of 0 to 1, that of growing memory a share of the peak.
    """

    figure: str
    employees: str
    baseline: float
    current: float
    change: float
    noise: float
    verdict: Verdict


def compare(
    baseline: Mapping[str, Any], current: Mapping[str, Any], limits: ComparisonLimits | None = None
) -> tuple[Difference, ...]:
    """Return every figure that both records have, judged."""
    chosen = limits or thresholds_in_force().comparison
    then, now = (one["metrics"].get(BY_EMPLOYEES, {}) for one in (baseline, current))
    samples = [one.get("samples") or {} for one in (baseline, current)]
    alike = baseline.get("suite") == current.get("suite") and list(then) == list(now)
    return tuple(
        difference
        for employees in then
        if employees in now
        for difference in _compared(
            employees, then[employees], now[employees], [one.get(employees, {}) for one in samples], chosen
        )
        if alike or difference.figure not in (PEAK, GROWTH)
    )


def regressions(differences: tuple[Difference, ...]) -> dict[str, Any]:
    """Return the differences as a record keeps them."""
    return {
        "warnings": [asdict(d) for d in differences if d.verdict is Verdict.WARNING],
        "failures": [asdict(d) for d in differences if d.verdict is Verdict.FAILURE],
        "analysis": [asdict(d) for d in differences],
    }


def _compared(
    employees: str,
    then: Metrics,
    now: Metrics,
    samples: Sequence[Mapping[str, Sequence[float]]],
    limits: ComparisonLimits,
) -> Iterator[Difference]:
    for name in (name for name in then if name in now):
        before, after = float(then[name]), float(now[name])
        if name.endswith((CPU_RATIO, WALL_RATIO)) or name == TO_RAW_SQL:
            noise = noise_band(*(one[name] for one in samples if name in one))
            yield _difference(name, employees, before, after, limits.seconds, noise)
        elif name == PEAK:
            yield _difference(name, employees, before, after, limits.memory, 0.0)
        elif name == GROWTH:
            change = (after - before) * GROWTH_ROUNDS / float(then[PEAK])
            verdict = limits.memory.verdict(change)
            yield Difference(name, employees, before, after, change, 0.0, verdict)
        elif name == MATCH_RATE:
            change = before - after
            verdict = limits.match_rate.verdict(change)
            yield Difference(name, employees, before, after, change, 0.0, verdict)
        elif name in QUALITY:
            worse = after > max(before, QUALITY[name])
            change = after / before - 1 if before else 0.0
            verdict = Verdict.FAILURE if worse else Verdict.PASS
            yield Difference(name, employees, before, after, change, 0.0, verdict)


def _difference(
    name: str, employees: str, then: float, now: float, limits: Limits, noise: float
) -> Difference:
    change = now / then - 1 if then > 0 else 0.0
    verdict = limits.verdict(change, noise)
    if verdict is Verdict.PASS and change > limits.failure:
        verdict = Verdict.WARNING
    elif verdict is Verdict.WARNING and change + noise > limits.failure:
        verdict = Verdict.FAILURE
    return Difference(name, employees, then, now, change, noise, verdict)
