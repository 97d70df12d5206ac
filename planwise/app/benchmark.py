"""Benchmark this machine: time trials, simulations and studies, find regressions, keep the record."""

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from pydantic import Field

from planwise.app.runner import Runner
from planwise.console import settings_for
from planwise.errors import InputError
from planwise.formatting import counted
from planwise.governance.request import SWITCH, Bounds, Request
from planwise.monitoring.thresholds import relative_noise, thresholds_in_force
from planwise.settings import REPOSITORY, Settings

REPORTS = Path("reports/benchmarks")
SAVED_BASELINE = REPORTS / "baseline.json"
SIZES = (10_000, 100_000)
RUNS = 9
ENRICH = "enrich"
SUITES = ("trial", "simulate", "study")
CHECKS = 2  # measurements more, of what looks like a regression, and of an unsteady baseline
STEADY = 0.01  # standard error of the median ratio that a baseline may have: a failure begins at .25

Measured = dict[tuple[str, Any], Any]
"""What was measured, by suite and subject; the types are those of benchmarks/."""


class BenchmarkRequest(Request):
    """What to time, how often, and what to compare it with."""

    suite: Literal["trial", "simulate", "study", "engines", "enrich", "all"] = Field(
        default="trial",
        description="trial (with previews and raw SQL), simulate (with gate and publishing), study; all of "
        "these; or engines: the same in NumPy, pandas and polars.",
    )
    employees: Annotated[
        tuple[int, ...], Parameter(name="--employees", consume_multiple=True, negative="")
    ] = Field(default=SIZES, description="Sizes of workforce to measure.")
    sample_size: Annotated[int | None, Bounds(low=1)] = Field(
        default=None,
        description="Measure a random sample of the census in use instead of synthetic workforces.",
    )
    runs: Annotated[int, Bounds(low=1)] = Field(
        default=RUNS, description="Repetitions; each figure is the median."
    )
    output: Path | None = Field(
        default=None, description="File to write; default reports/benchmarks/benchmark_TIME.json."
    )
    baseline: Path | None = Field(
        default=None,
        description="Record to compare with; with --fail-on-regression, the saved baseline by default.",
    )
    fail_on_regression: Annotated[bool, SWITCH] = Field(
        default=False, description="Exit with code 1 on a failure."
    )
    save_as_baseline: Annotated[bool, SWITCH] = Field(
        default=False,
        description="Save this record as reports/benchmarks/baseline.json, unless a comparison failed.",
    )


@dataclass(frozen=True)
class BenchmarkReport:
    """The record and its file; `table` is the record as text, `differences` are from the baseline."""

    record: dict[str, Any]
    file: Path
    table: str
    differences: tuple[Any, ...]
    baseline: Path | None
    failed: bool

    @property
    def failures(self) -> Sequence[Mapping[str, Any]]:
        """The figures that are worse than a failure's threshold."""
        found: Sequence[Mapping[str, Any]] = self.record["regressions"]["failures"]
        return found

    @property
    def warnings(self) -> Sequence[Mapping[str, Any]]:
        """The figures that are worse than a warning's threshold only."""
        found: Sequence[Mapping[str, Any]] = self.record["regressions"]["warnings"]
        return found

    @property
    def headline(self) -> str:
        """One line: how many figures are worse than the baseline's, and which."""
        if self.baseline is None:
            return f"No baseline to compare with. Written to {self.file}."
        worse = [f"{one['figure']} {one['change']:+.0%}" for one in (*self.failures, *self.warnings)]
        text = (
            f"Against {self.baseline}: {counted(len(self.failures), 'failure')}, "
            f"{counted(len(self.warnings), 'warning')}"
        )
        return f"{text}: {', '.join(worse)}." if worse else f"{text}."

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise benchmark --json` prints."""
        return {**self.record, "output": self.file}

    def as_table(self) -> list[dict[str, Any]]:
        """Return one flat row per compared figure."""
        return [dict(one) for one in self.record["regressions"]["analysis"]]


def benchmark_job(settings: Settings, request: BenchmarkRequest, run: Runner) -> BenchmarkReport:
    """Run a benchmark as a job; the first one of a folder becomes its baseline."""
    if request.fail_on_regression and request.baseline is None and not SAVED_BASELINE.is_file():
        run.log(f"There is no {SAVED_BASELINE} yet: this record becomes the baseline.")
        request = request.model_copy(update={"fail_on_regression": False, "save_as_baseline": True})
    report = run(run_benchmark, request, run.log)
    run.page("benchmark", f"```\n{report.table}\n```\n\n{report.headline}\n", "The figures of this machine")
    if report.differences:
        run.table("benchmark-regressions", report.as_table(), report.headline)
    return report


def run_benchmark(request: BenchmarkRequest, on_step: Callable[[str], None]) -> BenchmarkReport:
    """Measure, compare and write the record; raises InputError for a baseline that cannot be compared.

    What looks slower than the baseline is measured again, even when noise may explain it, and so is a new
    baseline whose runs differ much; both count with all of their runs.
    """
    measuring, recording, comparing, archive = map(_module, ("suites", "record", "comparison", "archive"))
    if not request.employees or min(request.employees) < 1:
        raise InputError(f"--employees must be at least 1 (got {list(request.employees)}).")
    if request.suite == ENRICH:
        raise InputError(
            "There is nothing to enrich yet, so the suite enrich cannot be measured.",
            remedy=f"Choose --suite {', '.join(SUITES)} or all.",
        )
    baseline = request.baseline or (SAVED_BASELINE if request.fail_on_regression else None)
    then = archive.load_record(baseline) if baseline else None
    file = request.output or recording.default_output(REPORTS)
    measured: Measured = {
        (suite, subject): measuring.measure(suite, subject, request.runs, on_step)
        for subject in _subjects(measuring, request)
        for suite in (SUITES if request.suite == "all" else (request.suite,))
    }
    for check in range(CHECKS + 1):
        result = _record(recording, measured, request)
        differences = comparing.compare(then, result) if then is not None else ()
        doubtful = _suspects(measured, differences) + (
            _unsteady(measured) if request.save_as_baseline else []
        )
        for key in dict.fromkeys(doubtful) if check < CHECKS else ():
            again = measuring.measure(*key, request.runs, lambda text: on_step(f"checking {text}"))
            measured[key] = measured[key].extended(again)
    if then is not None and not differences:
        raise InputError(
            f"{baseline} has no metric in common with this run of {request.suite}.",
            remedy="Measure the baseline's suite and sizes, or save a new baseline: --save-as-baseline.",
        )
    compared_with = str(baseline) if baseline else None
    result["regressions"] = {"baseline": compared_with, **comparing.regressions(differences)}
    failed = request.fail_on_regression and bool(result["regressions"]["failures"])
    _write(lambda: recording.write(result, file), file)
    if request.save_as_baseline and not failed:
        _write(lambda: recording.write(result, SAVED_BASELINE), SAVED_BASELINE)
    table = measuring.report(result["metrics"]["by_employees"])
    return BenchmarkReport(result, file, table, differences, baseline, failed)


def _subjects(measuring: ModuleType, request: BenchmarkRequest) -> list[Any]:
    if request.sample_size:
        return [measuring.Subject(request.sample_size, settings_for())]
    return [measuring.Subject(size) for size in request.employees]


def _record(recording: ModuleType, measured: Measured, request: BenchmarkRequest) -> dict[str, Any]:
    """Return the record of what was measured; memory is the highest of the suites."""
    metrics: dict[int, dict[str, float]] = {}
    samples: dict[int, dict[str, list[float]]] = {}
    for (suite, subject), found in measured.items():
        figures, own = metrics.setdefault(subject.employees, {}), found.metrics()
        memory = {
            name: max(figures.get(name, 0.0), own[name]) for name in ("peak_memory_mb", "memory_growth_mb")
        }
        figures.update({**own, **memory, f"{suite}_memory_growth_mb": found.growth_mb})
        samples.setdefault(subject.employees, {}).update(found.samples())
    made: dict[str, Any] = recording.record(metrics, suite=request.suite, runs=request.runs, samples=samples)
    return made


def _suspects(measured: Measured, differences: Sequence[Any]) -> list[tuple[str, Any]]:
    """Return what was measured whose times look like a regression, within the noise or not."""
    limit = thresholds_in_force().comparison.seconds.warning
    slower = {(d.employees, d.figure) for d in differences if d.verdict != "PASS" or d.change > limit}
    return [
        (suite, subject)
        for (suite, subject), found in measured.items()
        if any((str(subject.employees), figure) in slower for figure in found.samples())
    ]


def _unsteady(measured: Measured) -> list[tuple[str, Any]]:
    """Return what was measured whose CPU seconds differ much between runs."""
    ratio = _module("repeat").CPU_RATIO
    return [
        key
        for key, found in measured.items()
        if any(
            name.endswith(ratio) and relative_noise(samples) > STEADY
            for name, samples in found.samples().items()
        )
    ]


@dataclass(frozen=True)
class BenchmarkHistory:
    """The archived records, a row for each number of employees; `trend` is the page with the chart."""

    rows: Sequence[Mapping[str, Any]]
    table: Any
    trend: Path

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise benchmark --history --json` prints."""
        return {"history": list(self.rows), "trend": self.trend}


def benchmark_history() -> BenchmarkHistory:
    """Return the archived records, and draw their trend; raises InputError when there is none."""
    archive = _module("archive")
    records = archive.archived(REPORTS)
    rows, trend = archive.history(records), REPORTS / archive.TREND
    _write(lambda: archive.write_trend(records, trend), trend)
    return BenchmarkHistory(rows, archive.history_table(rows), trend)


@dataclass(frozen=True)
class BenchmarkTrend:
    """Each ratio over time as a multiple of its first record; without any there is a `reason`.

    `warning` and `failure` are the multiples of a baseline from which a record is a regression.
    """

    series: Mapping[str, Sequence[tuple[str, float]]]
    rows: Sequence[Mapping[str, Any]]
    warning: float
    failure: float
    reason: str = ""


def benchmark_trend(folder: Path = REPOSITORY / REPORTS) -> BenchmarkTrend:
    """Return the trend of the records in a folder, by default the checkout's; nothing is written."""
    limits = thresholds_in_force().comparison.seconds
    ends = 1 + limits.warning, 1 + limits.failure
    try:
        archive = _module("archive")
        records = archive.archived(folder)
    except InputError as error:
        return BenchmarkTrend({}, (), *ends, f"{error.what} {error.remedy}")
    return BenchmarkTrend(archive.trend(records), archive.history(records), *ends)


def _module(name: str) -> ModuleType:
    """Import a module of benchmarks/, which is beside the package in a checkout and is not installed."""
    if not (REPOSITORY / "benchmarks" / f"{name}.py").is_file():
        raise InputError(
            f"The folder {REPOSITORY / 'benchmarks'} is missing.",
            remedy="Run this from a checkout; an installed package does not include the benchmarks.",
        )
    if str(REPOSITORY) not in sys.path:
        sys.path.append(str(REPOSITORY))
    return importlib.import_module(f"benchmarks.{name}")


def _write(write: Callable[[], None], file: Path) -> None:
    try:
        write()
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error}", remedy="Choose another file with --output."
        ) from error
