"""A night: a sweep of many scenarios and seeds on some workers to its end, and what each of them costs.

python -m benchmarks.night [--scenarios 24] [--seeds 3] [--workers 2] [--employees 1000] [--dask ADDRESS]

Every scenario is simulated and published with its own seed; each further seed is a variant on a worker. The
costs are those of the operator guide's page on large installations: seconds and peak memory, and the space
that a published scenario takes. Times are wall time of this machine; the load average is printed beside them.
"""

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from planwise.app.requests import SweepRequest
from planwise.app.runner import InProcessRunner
from planwise.app.sweep import sweep
from planwise.census import generate_census
from planwise.governance import open_ledger
from planwise.settings import Settings

MEGABYTE = 1e6
COLA_FIRST, COLA_STEP = 0.01, 0.001


@dataclass(frozen=True)
class Costs:
    """What one sweep took; a scenario is published, a variant is simulated for its KPIs alone."""

    employees: int
    years: int
    workers: int
    scenarios: int
    variants: int
    infeasible: int
    seconds: float
    per_minute: float
    seconds_per_scenario: float
    seconds_per_variant: float
    cpu_seconds_per_scenario: float
    cpu_seconds_per_variant: float
    peak_memory_mb: float
    peak_memory_worker_mb: float
    published_mb_per_scenario: float
    warehouse_mb_per_scenario: float
    census_mb: float
    load: float


class Clock(InProcessRunner):
    """Runs steps in this process, and notes when each row of the sweep was done."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)
        self.at: list[float] = []
        self.cpu: list[float] = []

    def advance(self, key: str, share: float, message: str) -> None:
        """Note the time of a row; progress within a simulation has another key."""
        if key == "sweep-progress":
            self.at.append(time.perf_counter())
            self.cpu.append(time.process_time())


def measure(settings: Settings, arguments: argparse.Namespace) -> Costs:
    """Generate a census and the scenarios, sweep them, and return what it took."""
    generate_census(settings, employees=arguments.employees, seed=1)
    with open_ledger(settings) as ledger:
        for number in range(arguments.scenarios - 1):  # the baseline is one, too
            overrides = {"cola_rate": round(COLA_FIRST + COLA_STEP * number, 4), "years": arguments.years}
            ledger.scenarios.create(f"night_{number}", overrides)
    options = {} if arguments.dask is None else {"dask": arguments.dask}
    request = SweepRequest(seeds=tuple(range(1, arguments.seeds + 1)), workers=arguments.workers, **options)
    clock = Clock()
    begun, cpu = time.perf_counter(), time.process_time()
    done = sweep(settings, request, clock)
    seconds = time.perf_counter() - begun
    variants = len(done.rows) - arguments.scenarios
    published = clock.at[arguments.scenarios - 1] - begun
    own, workers = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return Costs(
        employees=arguments.employees,
        years=arguments.years,
        workers=arguments.workers,
        scenarios=arguments.scenarios,
        variants=variants,
        infeasible=sum(not row.feasible for row in done.rows),
        seconds=seconds,
        per_minute=60 * len(done.rows) / seconds,
        seconds_per_scenario=published / arguments.scenarios,
        seconds_per_variant=(seconds - published) / max(variants, 1),
        cpu_seconds_per_scenario=(clock.cpu[arguments.scenarios - 1] - cpu) / arguments.scenarios,
        cpu_seconds_per_variant=(workers.ru_utime + workers.ru_stime) / max(variants, 1),
        peak_memory_mb=own.ru_maxrss * 1024 / MEGABYTE,
        peak_memory_worker_mb=workers.ru_maxrss * 1024 / MEGABYTE,
        published_mb_per_scenario=size_mb(settings.published_dir) / arguments.scenarios,
        warehouse_mb_per_scenario=size_mb(settings.warehouse_file) / arguments.scenarios,
        census_mb=size_mb(settings.censuses_dir),
        load=os.getloadavg()[0],
    )


def size_mb(place: Path) -> float:
    """Return the size of a file or of all files of a folder."""
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / MEGABYTE


def main(tokens: Sequence[str] | None = None) -> int:
    """Sweep and print the costs; exit with 1 when a row is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, default in (("scenarios", 24), ("seeds", 3), ("workers", 2), ("employees", 1000), ("years", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--dask", help="a scheduler, or local")
    parser.add_argument("--home", type=Path, help="an empty folder; a temporary one by default")
    arguments = parser.parse_args(tokens)
    with tempfile.TemporaryDirectory() as folder:
        costs = measure(Settings(home=arguments.home or Path(folder)), arguments)
    rows = costs.scenarios + costs.variants
    Console().print_json(json.dumps({name: _rounded(value) for name, value in asdict(costs).items()}))
    Console().print(
        f"{rows} simulations of {costs.employees:,} employees over {costs.years} years in "
        f"{costs.seconds:.0f} s on {costs.workers} workers: {costs.per_minute:.0f} a minute; load average "
        f"{costs.load:.1f} on {os.cpu_count()} processors.",
        soft_wrap=True,
    )
    return 0 if rows == arguments.scenarios * (1 + arguments.seeds) else 1


def _rounded(value: float) -> float:
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    sys.exit(main())
