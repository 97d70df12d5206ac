"""Benchmark this machine: time trials, previews and simulations, compare with a baseline, keep the record."""

import importlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from pydantic import Field

from planwise.app.runner import Runner
from planwise.errors import InputError
from planwise.governance.request import SWITCH, Bounds, Request
from planwise.settings import Settings

REPORTS = Path("reports/benchmarks")
SAVED_BASELINE = REPORTS / "baseline.json"
SIZES = (10_000, 100_000)
RUNS = 9


class BenchmarkRequest(Request):
    """What to time, how often, and what to compare it with."""

    suite: Literal["trial", "simulate"] = Field(
        default="trial",
        description="trial, or simulate to add simulations with every mart (without gate and publishing).",
    )
    employees: Annotated[
        tuple[int, ...], Parameter(name="--employees", consume_multiple=True, negative="")
    ] = Field(default=SIZES, description="Sizes of workforce to measure.")
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
        text = f"Against {self.baseline}: {len(self.failures)} failures, {len(self.warnings)} warnings"
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
    """Measure, compare and write the record; raises InputError for a baseline that cannot be compared."""
    if not request.employees or min(request.employees) < 1:
        raise InputError(f"--employees must be at least 1 (got {list(request.employees)}).")
    baseline = request.baseline or (SAVED_BASELINE if request.fail_on_regression else None)
    then = _metrics(baseline) if baseline else None
    measuring, recording, comparing = (
        importlib.import_module(f"benchmarks.{name}") for name in ("simulation", "record", "comparison")
    )
    file = request.output or recording.default_output(REPORTS)
    found = {
        size: measuring.measure(size, request.runs, on_step, simulate=request.suite == "simulate")
        for size in request.employees
    }
    result: dict[str, Any] = recording.record(found, suite=request.suite, runs=request.runs)
    differences = comparing.compare(then, result["metrics"]) if then is not None else ()
    if then is not None and not differences:
        raise InputError(
            f"{baseline} has no metric in common with this run of {list(request.employees)} employees.",
            remedy="Measure the baseline's sizes, or save a new baseline: --save-as-baseline.",
        )
    compared_with = str(baseline) if baseline else None
    result["regressions"] = {"baseline": compared_with, **comparing.regressions(differences)}
    failed = request.fail_on_regression and bool(result["regressions"]["failures"])
    _write(recording, result, file)
    if request.save_as_baseline and not failed:
        _write(recording, result, SAVED_BASELINE)
    return BenchmarkReport(result, file, measuring.report(found), differences, baseline, failed)


def _metrics(file: Path) -> Mapping[str, Any]:
    try:
        metrics = json.loads(file.read_text(encoding="utf-8"))["metrics"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"The baseline {file} cannot be read: {error}",
            remedy="Choose another with --baseline, or create one: `planwise benchmark --save-as-baseline`.",
        ) from error
    if not isinstance(metrics, dict):
        raise InputError(
            f"The baseline {file} has no metrics.", remedy="Choose a record written by this command."
        )
    return metrics


def _write(recording: ModuleType, result: Mapping[str, Any], file: Path) -> None:
    try:
        recording.write(result, file)
    except OSError as error:
        raise InputError(
            f"{file} cannot be written: {error}", remedy="Choose another file with --output."
        ) from error
