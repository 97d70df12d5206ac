"""Time a study's verified answer; compare the duration expected before the start with what it takes.

python -m benchmarks.study_time [--employees 2000 10000] [--years 5] [--target increase=0.035] [--output FILE]

The first is a command, which loads libraries and models as well; the other shows what a warm process takes.
CPU seconds and the load of the machine stand beside the seconds: other work on it makes those longer.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import monotonic, process_time
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.record import default_output, record, write
from planwise.app.optimize import optimize
from planwise.app.runner import InProcessRunner
from planwise.census import Census, generate_census
from planwise.engine.preview import Preview
from planwise.parameters import resolve, simulated_years
from planwise.settings import Settings
from planwise.study.spec import OptimizeRequest
from planwise.study.strategies import expected_seconds

ANSWER_BAR = 4.0  # seconds, at 10,000 employees and five years
PLANS_BAR = 2
RATIO_BAR = 2.0  # of the expected duration and the actual one, either way
PREVIEWS = 3


def preview_seconds(settings: Settings, census: Census, years: int) -> float:
    """Return how long a preview on pay levers takes."""
    base = resolve(simulated_years(years, census.first_year), scenario={})
    preview = Preview(settings, census)
    try:
        preview.evaluate(base)
        found = [preview.evaluate(base.with_levers({"cola_rate": 0.001 * (n + 1)})) for n in range(PREVIEWS)]
    finally:
        preview.close()
    return statistics.median(one.seconds for one in found)


def measure(employees: int, years: int, target: str) -> dict[str, float]:
    """Return the figures of a command, and of the second study in this process, on a census of its own."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home))
        census = generate_census(settings, employees=employees, seed=1)
        each = preview_seconds(settings, census, years)
        found = {"preview_seconds": each} | _command(home, target, years, each)
        for name in ("warms_up", "warm"):
            request = OptimizeRequest(target=target, save_as=name, years=str(years))
            started, cpu = monotonic(), process_time()
            result = optimize(settings, request, InProcessRunner()).result
            warm = _figures("warm", result.answer_seconds or 0.0, monotonic() - started, process_time() - cpu)
            warm["warm_plans"] = float(result.real_plans)
        return found | warm


def _command(home: str, target: str, years: int, each: float) -> dict[str, float]:
    """Return the figures of `planwise optimize`, which loads libraries and models first."""
    command = ["-c", "from planwise.cli import main; main()", "optimize", "--home", home]
    options = ["--target", target, "--years", str(years), "--save-as", "first", "--json"]
    started, cpu = monotonic(), getrusage(RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([sys.executable, *command, *options], check=True, capture_output=True, text=True)
    whole, cpu = monotonic() - started, getrusage(RUSAGE_CHILDREN).ru_utime - cpu
    answer = json.loads(done.stdout)
    expected = expected_seconds(OptimizeRequest(target=target), answer["strategy"], 1, each)
    return _figures("first", answer["answer_seconds"], whole, cpu) | {"expected_ratio": expected / whole}


def _figures(name: str, answer: float, whole: float, cpu: float) -> dict[str, float]:
    figures = {"answer_seconds": answer, "seconds": whole, "cpu_seconds": cpu, "load": os.getloadavg()[0]}
    return {f"{name}_{figure}": value for figure, value in figures.items()}


def misses(found: dict[str, float], employees: int) -> list[str]:
    """Return which bars are missed; the answer's seconds are those of a warm process."""
    wrong = []
    if employees <= 10_000 and found["warm_answer_seconds"] > ANSWER_BAR:
        wrong.append(f"answer after {found['warm_answer_seconds']:.1f} s, more than {ANSWER_BAR:g} s")
    if found["warm_plans"] > PLANS_BAR:
        wrong.append(f"{found['warm_plans']:.0f} plans, more than {PLANS_BAR}")
    if not 1 / RATIO_BAR <= found["expected_ratio"] <= RATIO_BAR:
        wrong.append(f"expected {found['expected_ratio']:.2f} times what it took")
    return wrong


def main() -> int:
    """Measure and print; exit with 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--employees", type=int, nargs="+", default=[2000, 10_000])
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--target", default="increase=0.035")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    by_size = {size: measure(size, options.years, options.target) for size in options.employees}
    table = Table(
        "figure", *(f"{size:,}" for size in by_size), title=f"{options.target}, {options.years} years"
    )
    for name in next(iter(by_size.values())):
        table.add_row(name, *(f"{found[name]:.2f}" for found in by_size.values()))
    Console().print(table)
    wrong = [f"{size:,} employees: {text}" for size, found in by_size.items() for text in misses(found, size)]
    Console(stderr=True).print("\n".join(wrong) or "Every bar is met.", markup=False)
    figures: dict[str, Any] = record(by_size, suite="study", runs=1)
    write(figures, options.output or default_output(Path("reports/benchmarks")))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
