"""Compare a benchmark with a baseline: pure, on the two records.

Compared are the medians in seconds and the ratio of a real trial to raw SQL in the same process, for every
number of employees that both have, and the peak memory where both measured the same sizes. The ratio is what
to trust between machines: raw SQL pays for the machine too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

TIME = (0.10, 0.25)  # warning and failure, as shares of the baseline
MEMORY = (0.20, 0.50)
SECONDS = "_seconds_median"
RATIO = "real_trial_to_raw_sql_ratio"
PEAK = "peak_memory_mb"
BY_EMPLOYEES = "by_employees"

Metrics = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """One figure, then and now; `change` is a share of the baseline, above 0 when it got worse."""

    figure: str
    employees: str | None
    baseline: float
    current: float
    change: float
    verdict: str  # "ok", "warning" or "failure"


def compare(baseline: Metrics, current: Metrics) -> tuple[Difference, ...]:
    """Return every figure that both have, judged; both are the `metrics` of a record."""
    then, now = dict(_figures(baseline)), dict(_figures(current))
    return tuple(_judged(key, then[key], now[key]) for key in then if key in now and then[key] > 0)


def regressions(differences: tuple[Difference, ...]) -> dict[str, Any]:
    """Return the differences as they stand in a record."""
    return {
        "warnings": [asdict(d) for d in differences if d.verdict == "warning"],
        "failures": [asdict(d) for d in differences if d.verdict == "failure"],
        "analysis": [asdict(d) for d in differences],
    }


def _figures(metrics: Metrics) -> Iterator[tuple[tuple[str, str | None], float]]:
    """Yield every comparable figure by name and size; size None is the record's first size."""
    sizes: Metrics = metrics.get(BY_EMPLOYEES, {})
    first = next(iter(sizes), None)
    yield from _timed(metrics, first)
    if PEAK in metrics:
        yield (PEAK, " and ".join(sizes) or None), float(metrics[PEAK])
    for employees, found in sizes.items():
        if employees != first:
            yield from _timed(found, employees)


def _timed(metrics: Metrics, employees: str | None) -> Iterator[tuple[tuple[str, str | None], float]]:
    for name, value in metrics.items():
        if name.endswith(SECONDS) or name == RATIO:
            yield (name, employees), float(value)


def _judged(key: tuple[str, str | None], then: float, now: float) -> Difference:
    name, employees = key
    warning, failure = MEMORY if name == PEAK else TIME
    change = now / then - 1
    verdict = "failure" if change > failure else "warning" if change > warning else "ok"
    return Difference(name, employees, then, now, change, verdict)
