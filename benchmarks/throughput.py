"""Trials a second of a TPE study on real plans, with one worker and with several.

python -m benchmarks.throughput [--trials 200] [--workers 2] [--employees 10000] [--years 5] [--output FILE]

One worker is the study's own process. Both start cold: imports, the warehouse's copy and first plans count.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.record import record, write
from planwise.app.optimize import study
from planwise.app.requests import SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import resolve_scenario, simulate
from planwise.census import generate_census
from planwise.settings import Settings
from planwise.study.spec import OptimizeRequest

TARGET = 0.05
RATIO_BAR = 1.6  # of trials a second, two workers over one


@dataclass(frozen=True)
class Measured:
    """One study: wall time, and processor time of its own process and of its workers."""

    workers: int
    trials: int
    failed: int
    seconds: float
    cpu_own_seconds: float
    cpu_workers_seconds: float

    @property
    def per_second(self) -> float:
        """Trials a second."""
        return self.trials / self.seconds


def measure(settings: Settings, trials: int, workers: int, years: int) -> Measured:
    """Run one study of so many plans."""
    request = OptimizeRequest(
        target_growth=TARGET, strategy="tpe", trials=trials, workers=workers, years=str(years), seeds=0
    )
    resolved = resolve_scenario(settings, request)
    cpu = _cpu()
    begun = time.perf_counter()
    result = study(settings, request, resolved, f"throughput_{workers}", InProcessRunner(_silently))
    seconds = time.perf_counter() - begun
    own, children = (after - before for before, after in zip(cpu, _cpu(), strict=True))
    return Measured(workers, result.real_plans, result.trials_failed, seconds, own, children)


def main(tokens: Sequence[str] | None = None) -> int:
    """Measure both and compare; exit with 1 below the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, default in (("trials", 200), ("workers", 2), ("employees", 10_000), ("years", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args(tokens)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        generate_census(settings, employees=arguments.employees, seed=1)
        simulate(settings, SimulateRequest(years=str(arguments.years)), InProcessRunner(_silently))
        both = [
            measure(settings, arguments.trials, workers, arguments.years)
            for workers in (1, arguments.workers)
        ]
    ratio = both[1].per_second / both[0].per_second
    _print(both, ratio)
    if arguments.output:
        write(
            record({arguments.employees: _figures(both, ratio)}, suite="throughput", runs=1), arguments.output
        )
    return 0 if ratio >= RATIO_BAR or arguments.workers != 2 else 1


def _print(both: Sequence[Measured], ratio: float) -> None:
    table = Table("workers", "trials", "failed", "seconds", "trials/s", "cpu, own", "cpu, workers")
    for one in both:
        table.add_row(
            str(one.workers),
            str(one.trials),
            str(one.failed),
            f"{one.seconds:.1f}",
            f"{one.per_second:.2f}",
            f"{one.cpu_own_seconds:.1f}",
            f"{one.cpu_workers_seconds:.1f}",
        )
    console = Console()
    console.print(table)
    load = os.getloadavg()[0]
    console.print(
        f"Ratio {ratio:.2f} (bar {RATIO_BAR}); load average {load:.1f} on {os.cpu_count()} processors."
    )


def _figures(both: Sequence[Measured], ratio: float) -> dict[str, float]:
    figures = {"throughput_ratio": ratio}
    for one in both:
        figures |= {f"workers_{one.workers}_{name}": value for name, value in asdict(one).items()}
    return figures


def _cpu() -> tuple[float, float]:
    """Return the processor seconds of this process and of its ended children."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    own, children = (usage.ru_utime + usage.ru_stime for usage in used)
    return own, children


def _silently(message: str) -> None:
    return None


if __name__ == "__main__":
    sys.exit(main())
