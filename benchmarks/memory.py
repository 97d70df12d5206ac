"""Peak memory and seconds of a census and a full simulation, by step: models, gate, publishing, ledger.

python -m benchmarks.memory [--employees 100000] [--years 5] [--stop-gib 10] [--output FILE]

The use-cases run in a process of their own; the memory of that process and its children is sampled from
outside, and belongs to the step that runs at the time. Above `--stop-gib` the process is stopped, so that a
defect does not take the machine with it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.record import default_output, record, write
from planwise.app.ingest import generate
from planwise.app.requests import GenerateRequest, SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import simulate
from planwise.settings import Settings

MEMORY_BAR_GIB = 8.0  # of a million employees over five years
GIB = 2**30
POLL_SECONDS = 0.2
SEED = 1


class StepPrinter(InProcessRunner):
    """Prints the name of each step before it runs, as a line of JSON."""

    def __call__(self, step: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Print and run a step."""
        print(json.dumps(step.__name__), flush=True)
        return step(*args, **kwargs)


def run_use_cases(home: Path, employees: int, years: int) -> None:
    """Generate a census and simulate it; what the measured process does."""
    settings, run = Settings(home=home), StepPrinter(lambda message: None)
    generate(settings, GenerateRequest(employees=employees, seed=SEED), run)
    simulate(settings, SimulateRequest(assumptions={"years": years}), run)


class MemoryExceeded(RuntimeError):
    """The measured process was stopped."""


def tree_bytes(process: psutil.Process) -> int:
    """Return the resident memory of a process and its children; shared pages count in each of them."""
    total = 0
    for member in (process, *process.children(recursive=True)):
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def measure(employees: int, years: int, stop_gib: float, progress: Callable[[str], None]) -> dict[str, float]:
    """Return peak GiB and seconds, in total and by step, in a temporary home.

    Raises MemoryExceeded when the process took more than `stop_gib`.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.memory", "--home", folder]
        command += ["--employees", str(employees), "--years", str(years)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            found = _sample(process, stop_gib, progress)
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            raise RuntimeError(f"The simulation ended with code {process.returncode}.")
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    return {**found, "home_gib": size / GIB}


def _sample(
    process: "subprocess.Popen[str]", stop_gib: float, progress: Callable[[str], None]
) -> dict[str, float]:
    steps: list[str] = ["start"]

    def read_steps() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            steps.append(json.loads(line))

    threading.Thread(target=read_steps, daemon=True).start()
    watched, seconds, peaks = psutil.Process(process.pid), dict[str, float](), dict[str, float]()
    reported: set[str] = set()
    started = before = time.perf_counter()
    while process.poll() is None:
        step = steps[-1]
        try:
            taken = tree_bytes(watched) / GIB
        except psutil.NoSuchProcess:
            break
        now = time.perf_counter()
        seconds[step] = seconds.get(step, 0.0) + now - before
        peaks[step] = max(peaks.get(step, 0.0), taken)
        before = now
        if taken > stop_gib:
            raise MemoryExceeded(f"{taken:.1f} GiB in {step}, more than {stop_gib:g} GiB; stopped.")
        if step not in reported:
            reported.add(step)
            progress(step)
        time.sleep(POLL_SECONDS)
    by_step = {f"{step}_seconds": seconds[step] for step in seconds}
    by_step |= {f"{step}_peak_gib": peak for step, peak in peaks.items()}
    return {"peak_gib": max(peaks.values()), "seconds": time.perf_counter() - started, **by_step}


def report(by_employees: dict[int, dict[str, float]]) -> Table:
    """Return the table of peaks and seconds by step."""
    table = Table("employees", "step", "peak GiB", "seconds", title="Memory of a simulation")
    for employees, found in by_employees.items():
        for key, seconds in found.items():
            if key.endswith("seconds"):
                peak = found[f"{key.removesuffix('seconds')}peak_gib"]
                step = key.removesuffix("seconds").rstrip("_") or "in total"
                table.add_row(f"{employees:,}", step, f"{peak:.2f}", f"{seconds:.1f}")
    return table


def main() -> None:
    """Run the benchmark and write its report; exit with 1 above the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--employees", type=int, nargs="+", default=[100_000])
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--stop-gib", type=float, default=MEMORY_BAR_GIB + 2)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.home:
        run_use_cases(options.home, options.employees[0], options.years)
        return
    console = Console()
    with console.status("starting") as status:
        found = {n: measure(n, options.years, options.stop_gib, status.update) for n in options.employees}
    console.print(report(found))
    output = options.output or default_output(Path("reports/benchmarks"))
    write(record(found, suite="memory", runs=1), output)
    worst = max(each["peak_gib"] for each in found.values())
    console.print(f"Peak {worst:.2f} GiB, bar {MEMORY_BAR_GIB:g} GiB. Written to {output}.")
    sys.exit(worst > MEMORY_BAR_GIB)


if __name__ == "__main__":
    main()
