"""`planwise benchmark`."""

from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table

from planwise.app.benchmark import BenchmarkRequest, benchmark_history, run_benchmark
from planwise.cli.options import Json
from planwise.console import PLAIN, emit_json, progress, results
from planwise.errors import CheckFailed

DEFAULTS = BenchmarkRequest()


def benchmark(
    *,
    request: Annotated[BenchmarkRequest, Parameter(name="*")] = DEFAULTS,
    history: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Time trials, simulations and studies on synthetic workforces; find regressions against a baseline.

    Every case runs between two runs of a reference (raw SQL on fixed data); compared are the medians of the
    ratios to it, in CPU seconds and wall time: 10 % more is a warning, 25 % a failure, unless it is within
    the spread of the runs. What looks like a regression is measured again first. Peak memory and memory that
    is kept: 20 % and 50 %. A study that misses its target is a failure. Seconds are recorded, not compared.

    Parameters
    ----------
    history
        Only list the archived records, and draw their trend in reports/benchmarks/trend.html.

    """
    if history:
        found = benchmark_history()
        if json:
            emit_json(found.as_json())
        else:
            results().print(found.table)
            results().print(f"The trend is in {found.trend}.", markup=False, soft_wrap=True)
        return 0
    with progress().status("starting") as status:
        report = run_benchmark(request, status.update)
    if json:
        emit_json(report.as_json())
    else:
        results().print(report.table, markup=False, soft_wrap=True)
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
        "employees", "figure", "baseline", "now", "change", "noise", "", title="Against the baseline", **PLAIN
    )
    for d in differences:
        figures = (f"{d.baseline:.3f}", f"{d.current:.3f}", f"{d.change:+.0%}", f"±{d.noise:.0%}")
        table.add_row(d.employees, d.figure, *figures, str(d.verdict))
    return table
