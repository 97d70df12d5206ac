"""`planwise benchmark`."""

from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table

from planwise.app.benchmark import BenchmarkRequest, run_benchmark
from planwise.cli.options import Json
from planwise.console import PLAIN, emit_json, progress, results
from planwise.errors import CheckFailed

DEFAULTS = BenchmarkRequest()


def benchmark(
    *, request: Annotated[BenchmarkRequest, Parameter(name="*")] = DEFAULTS, json: Json = False
) -> int:
    """Time trials, previews and the raw SQL of both on synthetic workforces; medians over the runs.

    With a baseline, median seconds and real_trial_to_raw_sql_ratio are compared for every size that both
    records have: 10 % more is a warning, 25 % more a failure. Peak memory is compared when both measured the
    same sizes: 20 % and 50 %. The ratio is comparable between machines, because raw SQL runs in the same
    process; seconds only on the idle machine of the baseline. Every size has a temporary home.
    """
    with progress().status("starting") as status:
        report = run_benchmark(request, status.update)
    if json:
        emit_json(report.as_json())
    else:
        results().print(report.table)
        if report.differences:
            results().print(_comparison(report.differences))
            results().print(report.headline, markup=False, soft_wrap=True)
        peak = report.record["metrics"]["peak_memory_mb"]
        results().print(
            f"Peak memory {peak:,.0f} MB. Written to {report.file}.", markup=False, soft_wrap=True
        )
    return CheckFailed.exit_code if report.failed else 0


def _comparison(differences: tuple[Any, ...]) -> Table:
    table = Table(
        "employees", "figure", "baseline", "now", "change", "", title="Against the baseline", **PLAIN
    )
    for d in differences:
        figures = (f"{d.baseline:.3f}", f"{d.current:.3f}", f"{d.change:+.0%}")
        table.add_row(d.employees or "", d.figure, *figures, d.verdict)
    return table
