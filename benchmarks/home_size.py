"""Size of a home over many simulations of one scenario with other levers each time, maintained or not.

python -m benchmarks.home_size [--runs 100] [--employees 2000] [--maintain-every 10] [--output FILE]

With `--maintain-every 0` nothing is maintained. Sizes are in MB, after the run and after `maintain --apply`.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.record import default_output, record, write
from planwise.app.maintain import maintain
from planwise.app.requests import MaintainRequest, SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import simulate
from planwise.census import generate_census
from planwise.settings import Settings
from planwise.storage import sizes_mb

SEED = 1
BAR_RUNS = 2  # a maintained home takes at most so many times the size of the first run


def measure(
    home: Path, runs: int, employees: int, every: int, progress: Callable[[str], None]
) -> dict[str, float]:
    """Simulate `runs` times and maintain every so many runs; return MB and seconds by number of runs."""
    settings, run, draw = Settings(home=home), InProcessRunner(lambda message: None), random.Random(SEED)
    generate_census(settings, employees=employees, seed=SEED)
    found: dict[str, float] = {}
    seconds = []
    for number in range(1, runs + 1):
        progress(f"run {number} of {runs}")
        levers = {
            "cola_rate": round(draw.uniform(0.01, 0.05), 4),
            "promotion_probability_level_1": round(draw.uniform(0.05, 0.15), 4),
        }
        started = time.perf_counter()
        simulate(settings, SimulateRequest(levers=levers), run)
        seconds.append(time.perf_counter() - started)
        if number == 1 or number % (every or 10) == 0:
            found[f"{number}_home_mb"] = sum(sizes_mb(settings.root).values())
            if every:
                started = time.perf_counter()
                maintain(settings, MaintainRequest(dry_run=False), run)
                found[f"{number}_maintain_seconds"] = time.perf_counter() - started
                found[f"{number}_maintained_mb"] = sum(sizes_mb(settings.root).values())
    found["simulate_seconds_median"] = statistics.median(seconds)
    return found


def report(found: dict[str, float], employees: int) -> Table:
    """Return the table of sizes."""
    table = Table("runs", "home MB", "after maintain", "seconds", title=f"A home of {employees:,} people")
    for key, size in found.items():
        if key.endswith("_home_mb"):
            number = key.removesuffix("_home_mb")
            maintained = found.get(f"{number}_maintained_mb")
            shown = (
                ("", "")
                if maintained is None
                else (f"{maintained:,.1f}", f"{found[f'{number}_maintain_seconds']:.1f}")
            )
            table.add_row(number, f"{size:,.1f}", *shown)
    return table


def main() -> None:
    """Run the benchmark and write its report; exit with 1 when a maintained home grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--employees", type=int, default=2_000)
    parser.add_argument("--maintain-every", type=int, default=10)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder, console.status("starting") as status:
        found = measure(Path(folder), options.runs, options.employees, options.maintain_every, status.update)
    console.print(report(found, options.employees))
    output = options.output or default_output(Path("reports/benchmarks"))
    write(record({options.employees: found}, suite="home_size", runs=options.runs), output)
    console.print(f"Written to {output}.")
    sizes = [size for key, size in found.items() if key.endswith("_maintained_mb")]
    sys.exit(bool(sizes) and max(sizes) > BAR_RUNS * sizes[0])


if __name__ == "__main__":
    main()
