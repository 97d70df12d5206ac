"""`planwise benchmark`."""

import importlib
import json as json_format
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.table import Table

from planwise.cli.options import Json
from planwise.console import PLAIN, emit_json, progress, results
from planwise.errors import CheckFailed, InputError

REPORTS = Path("reports/benchmarks")
SAVED_BASELINE = REPORTS / "baseline.json"
SIZES = (10_000, 100_000)
RUNS = 9

Employees = Annotated[
    tuple[int, ...],
    Parameter(name="--employees", consume_multiple=True, negative="", help="Sizes of workforce to measure."),
]
Flag = Annotated[bool, Parameter(negative="")]


def benchmark(
    *,
    suite: Literal["trial", "simulate"] = "trial",
    employees: Employees = SIZES,
    runs: int = RUNS,
    output: Path | None = None,
    baseline: Path | None = None,
    fail_on_regression: Flag = False,
    save_as_baseline: Flag = False,
    json: Json = False,
) -> int:
    """Time trials, previews and the raw SQL of both on synthetic workforces; medians over the runs.

    With a baseline, median seconds and real_trial_to_raw_sql_ratio are compared for every size that both
    records have: 10 % more is a warning, 25 % more a failure. Peak memory is compared when both measured the
    same sizes: 20 % and 50 %. The ratio is comparable between machines, because raw SQL runs in the same
    process; seconds only on the idle machine of the baseline. Every size has a temporary home.

    Parameters
    ----------
    suite
        trial, or simulate to include full simulations with every mart (without gate and publishing).
    runs
        Repetitions; each figure is the median.
    output
        File to write; default reports/benchmarks/benchmark_TIME.json.
    baseline
        Record to compare with; with --fail-on-regression, the saved baseline by default.
    fail_on_regression
        Exit with code 1 on a failure.
    save_as_baseline
        Save this record as reports/benchmarks/baseline.json, unless a comparison failed.

    """
    _require_positive(employees, runs)
    if fail_on_regression and baseline is None:
        baseline = SAVED_BASELINE
    then = _metrics(baseline) if baseline else None
    measuring, recording, comparing = (
        importlib.import_module(f"benchmarks.{name}") for name in ("simulation", "record", "comparison")
    )
    file = output or recording.default_output(REPORTS)
    with progress().status("starting") as status:
        found = {
            size: measuring.measure(size, runs, status.update, simulate=suite == "simulate")
            for size in employees
        }
    result: dict[str, Any] = recording.record(found, suite=suite, runs=runs)
    differences = comparing.compare(then, result["metrics"]) if then is not None else ()
    if then is not None and not differences:
        raise InputError(
            f"{baseline} has no metric in common with this run of {list(employees)} employees.",
            remedy="Measure the baseline's sizes, or save a new baseline: --save-as-baseline.",
        )
    compared_with = str(baseline) if baseline else None
    result["regressions"] = {"baseline": compared_with, **comparing.regressions(differences)}
    failed = fail_on_regression and bool(result["regressions"]["failures"])
    _write(recording, result, file)
    if save_as_baseline and not failed:
        _write(recording, result, SAVED_BASELINE)
    if json:
        emit_json({**result, "output": file})
    else:
        results().print(measuring.report(found))
        if differences:
            results().print(_comparison(differences))
            verdicts = [d.verdict for d in differences]
            counts = f"{verdicts.count('failure')} failures, {verdicts.count('warning')} warnings"
            results().print(f"Against {baseline}: {counts}.", markup=False, soft_wrap=True)
        peak = result["metrics"]["peak_memory_mb"]
        results().print(f"Peak memory {peak:,.0f} MB. Written to {file}.", markup=False, soft_wrap=True)
    return CheckFailed.exit_code if failed else 0


def _require_positive(employees: tuple[int, ...], runs: int) -> None:
    if runs < 1 or not employees or min(employees) < 1:
        raise InputError(f"--employees and --runs must be at least 1 (got {list(employees)}, {runs}).")


def _metrics(file: Path) -> Mapping[str, Any]:
    try:
        metrics = json_format.loads(file.read_text(encoding="utf-8"))["metrics"]
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


def _comparison(differences: tuple[Any, ...]) -> Table:
    table = Table(
        "employees", "figure", "baseline", "now", "change", "", title="Against the baseline", **PLAIN
    )
    for d in differences:
        figures = (f"{d.baseline:.3f}", f"{d.current:.3f}", f"{d.change:+.0%}")
        table.add_row(d.employees or "", d.figure, *figures, d.verdict)
    return table
