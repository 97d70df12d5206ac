"""Repeat cases between runs of a reference, so that what disturbs the machine disturbs both.

The reference is raw SQL on fixed data with some Python: it knows nothing of the models, so a slower model is
seen too. Each case runs between two runs of it. What is compared with a baseline is the ratio to their mean,
in CPU seconds and in wall time.
"""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import psutil

from planwise.monitoring.monitor import MB, cpu_seconds, monitor_run

CPU_RATIO, WALL_RATIO = "_cpu_to_reference", "_to_reference"
SECONDS, CPU_SECONDS = "_seconds_median", "_cpu_seconds_median"
GROWTH, PEAK = "memory_growth_mb", "peak_memory_mb"
TO_RAW_SQL = "real_trial_to_raw_sql_ratio"
REFERENCE_ROWS, REFERENCE_LOOPS = 120_000, 60_000

Case = Callable[[int], object]
"""Does the measured work once; is given the number of the run."""


def resident_mb() -> float:
    """Return the memory that the process holds now, in MB."""
    return float(psutil.Process().memory_info().rss / MB)


@dataclass(frozen=True)
class Meter:
    """Where seconds, CPU seconds and memory are read; a test of the rules has its own."""

    seconds: Callable[[], float] = time.perf_counter
    cpu: Callable[[], float] = cpu_seconds
    memory_mb: Callable[[], float] = resident_mb

    def timed(self, work: Callable[[], object]) -> tuple[float, float]:
        """Do the work; return its seconds and CPU seconds."""
        started, cpu = self.seconds(), self.cpu()
        work()
        return self.seconds() - started, self.cpu() - cpu


THIS_MACHINE = Meter()


class Reference:
    """A fixed piece of work in DuckDB and Python, of about equal parts."""

    def __init__(self) -> None:
        self._database = duckdb.connect(":memory:")
        self._database.execute("SET threads = 1")
        self._database.execute(
            f"CREATE TABLE person AS SELECT i AS id, i % 5 AS level, hash(i) % 90000 + 10000 AS pay "
            f"FROM range({REFERENCE_ROWS}) AS r(i)"
        )

    def __call__(self) -> None:
        """Do the work once."""
        self._database.execute(
            "CREATE OR REPLACE TABLE raised AS SELECT id, level, pay * 1.03 AS pay, "
            "row_number() OVER (PARTITION BY level ORDER BY pay, id) AS place FROM person"
        )
        self._database.execute("SELECT level, avg(pay), median(pay), count(*) FROM raised GROUP BY level")
        counts: dict[str, int] = {}
        for number in range(REFERENCE_LOOPS):
            key = f"level {number % 97}"
            counts[key] = counts.get(key, 0) + number

    def close(self) -> None:
        """Close the database."""
        self._database.close()


@dataclass
class Samples:
    """Of one case: seconds and CPU seconds of each run, and those of the reference around it."""

    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    reference_seconds: list[float] = field(default_factory=list)
    reference_cpu: list[float] = field(default_factory=list)

    @property
    def cpu_ratios(self) -> list[float]:
        """CPU seconds as multiples of the reference's."""
        return [one / other for one, other in zip(self.cpu, self.reference_cpu, strict=True)]

    @property
    def wall_ratios(self) -> list[float]:
        """Seconds as multiples of the reference's."""
        return [one / other for one, other in zip(self.seconds, self.reference_seconds, strict=True)]

    def extended(self, other: "Samples") -> "Samples":
        """Return the samples of both."""
        return Samples(
            self.seconds + other.seconds,
            self.cpu + other.cpu,
            self.reference_seconds + other.reference_seconds,
            self.reference_cpu + other.reference_cpu,
        )


@dataclass
class Measured:
    """The samples by case, the peak of the process in MB, and its memory after each round of all cases."""

    cases: dict[str, Samples]
    peak_mb: float
    rounds_mb: list[float]
    figures: dict[str, float] = field(default_factory=dict)  # other figures: of quality, of memory

    def extended(self, other: "Measured") -> "Measured":
        """Return both together; memory and other figures are those of the first."""
        cases = {name: self.cases[name].extended(other.cases[name]) for name in self.cases}
        return Measured(cases, self.peak_mb, self.rounds_mb, self.figures)

    @property
    def growth_mb(self) -> float:
        """Memory that a round keeps: the median of the differences, without buffers that fill once."""
        pairs = zip(self.rounds_mb[1:], self.rounds_mb[2:], strict=False)  # the first round warms up
        return statistics.median([after - before for before, after in pairs] or [0.0])

    def metrics(self) -> dict[str, float]:
        """Return the medians."""
        found = dict(self.figures)
        for name, samples in self.cases.items():
            found[f"{name}{SECONDS}"] = statistics.median(samples.seconds)
            found[f"{name}{CPU_SECONDS}"] = statistics.median(samples.cpu)
            found[f"{name}{CPU_RATIO}"] = statistics.median(samples.cpu_ratios)
            found[f"{name}{WALL_RATIO}"] = statistics.median(samples.wall_ratios)
        if ratios := self._to_raw_sql():
            found[TO_RAW_SQL] = statistics.median(ratios)
        return found | {GROWTH: self.growth_mb, PEAK: self.peak_mb}

    def _to_raw_sql(self) -> list[float]:
        """Return a real trial's CPU seconds as multiples of those of its SQL; none without both."""
        real, sql = self.cases.get("real_trial"), self.cases.get("raw_sql")
        return [] if real is None or sql is None else [a / b for a, b in zip(real.cpu, sql.cpu, strict=True)]

    def samples(self) -> dict[str, list[float]]:
        """Return the ratios of each run, by the name of their median."""
        ratios = self._to_raw_sql()
        found = {TO_RAW_SQL: ratios} if ratios else {}
        for name, samples in self.cases.items():
            found[f"{name}{CPU_RATIO}"] = [round(ratio, 5) for ratio in samples.cpu_ratios]
            found[f"{name}{WALL_RATIO}"] = [round(ratio, 5) for ratio in samples.wall_ratios]
        return found


def repeat(
    cases: Mapping[str, Case],
    runs: int,
    progress: Callable[[str], None],
    *,
    after: Callable[[int], None] = lambda _: None,
    meter: Meter = THIS_MACHINE,
) -> Measured:
    """Run every case so many times, each between two runs of the reference; `after` tidies up a round."""
    reference = Reference()
    found = {name: Samples() for name in cases}
    rounds: list[float] = []
    gc.collect()
    own = not gc.get_freeze_count()
    if own:
        gc.freeze()  # what is there already is not gone through again and again
    try:
        reference()
        with monitor_run("benchmark") as measured:
            before = meter.timed(reference)
            for number in range(runs):
                progress(f"run {number + 1} of {runs}")
                for name, case in cases.items():
                    taken = meter.timed(lambda case=case, number=number: case(number))  # type: ignore[misc]
                    then = meter.timed(reference)
                    _add(found[name], taken, (before, then))
                    before = then
                after(number)
                gc.collect()
                rounds.append(meter.memory_mb())
    finally:
        if own:
            gc.unfreeze()
        reference.close()
    return Measured(found, measured.figures.peak_memory_mb or 0.0, rounds)


def _add(samples: Samples, taken: tuple[float, float], around: Sequence[tuple[float, float]]) -> None:
    samples.seconds.append(taken[0])
    samples.cpu.append(taken[1])
    samples.reference_seconds.append(statistics.fmean(one[0] for one in around))
    samples.reference_cpu.append(statistics.fmean(one[1] for one in around))
