"""Trials a second of a TPE study on real plans, with one worker and with several.

python -m benchmarks.throughput [--trials 200] [--workers 2] [--employees 10000] [--years 5] [--output FILE]
                                [--dask local] [--storage-url URL] [--draws 8]

One worker is the study's own process. All start cold: imports, the warehouse's copy and first plans count.
With --dask the study runs a third time on a Dask cluster, its trials in the database of --storage-url (or a
PostgreSQL server that is started for it, where one is installed). Then draws are made in groups, so that
all must find the same trials and the same best: exit 1 when they do not.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from benchmarks.record import record, write
from planwise.app.optimize import study
from planwise.app.requests import SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import resolve_scenario, simulate
from planwise.census import generate_census
from planwise.settings import Settings
from planwise.study.optuna_storage import load_study
from planwise.study.spec import OptimizeRequest
from planwise.study.trial import finished_trials

TARGET = 0.05
RATIO_BAR = 1.6  # of trials a second, two workers over one
FIGURES = ("trials", "failed", "seconds", "cpu_own_seconds", "cpu_workers_seconds")
DRAWS = 8  # made together, where equal trials are wanted


@dataclass(frozen=True)
class Measured:
    """One study: wall time, and processor time of its own process and of its workers."""

    name: str
    workers: int
    trials: int
    failed: int
    seconds: float
    cpu_own_seconds: float
    cpu_workers_seconds: float
    levers: Mapping[str, float] = field(default_factory=dict, compare=False)
    drawn: tuple[object, ...] = ()

    @property
    def per_second(self) -> float:
        """Trials a second."""
        return self.trials / self.seconds


def measure(settings: Settings, trials: int, workers: int, years: int, **options: Any) -> Measured:
    """Run one study of so many plans."""
    request = OptimizeRequest(
        target_growth=TARGET,
        strategy="tpe",
        trials=trials,
        workers=workers,
        years=str(years),
        seeds=0,
        **options,
    )
    resolved = resolve_scenario(settings, request)
    name = f"throughput_{'dask' if request.dask else workers}"
    cpu = _cpu()
    begun = time.perf_counter()
    result = study(settings, request, resolved, name, InProcessRunner(_silently))
    seconds = time.perf_counter() - begun
    own, children = (after - before for before, after in zip(cpu, _cpu(), strict=True))
    plans = [trial for trial in finished_trials(load_study(settings, name)) if trial.kind == "real"]
    drawn = tuple((trial.number, tuple(sorted((trial.levers or {}).items()))) for trial in plans)
    return Measured(
        name.removeprefix("throughput_"),
        workers,
        result.real_plans,
        result.trials_failed,
        seconds,
        own,
        children,
        result.levers,
        drawn,
    )


@contextmanager
def database(url: str | None) -> Iterator[str | None]:
    """Yield the URL of a database of studies: the given one, or of a new server; None without one."""
    if url is not None:
        yield url
        return
    from tests import postgresql

    if postgresql.missing():
        yield None
        return
    with postgresql.server() as started:
        yield started


def main(tokens: Sequence[str] | None = None) -> int:
    """Measure both and compare; exit with 1 below the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    for name, default in (("trials", 200), ("workers", 2), ("employees", 10_000), ("years", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--dask", help="tcp://HOST:PORT of a scheduler, or local")
    parser.add_argument("--storage-url")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args(tokens)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        generate_census(settings, employees=arguments.employees, seed=1)
        simulate(settings, SimulateRequest(years=str(arguments.years)), InProcessRunner(_silently))
        draws = DRAWS if arguments.dask and arguments.draws == 1 else arguments.draws
        both = [
            measure(settings, arguments.trials, workers, arguments.years, draws=draws)
            for workers in (1, arguments.workers)
        ]
        if arguments.dask:
            with database(arguments.storage_url) as url:
                stored = settings.model_copy(update={"study_storage_url": url})
                options = {"draws": draws, "dask": arguments.dask}
                both.append(measure(stored, arguments.trials, arguments.workers, arguments.years, **options))
    ratio = both[1].per_second / both[0].per_second
    _print(both, ratio)
    same = draws == 1 or all((one.levers, one.drawn) == (both[0].levers, both[0].drawn) for one in both)
    if draws > 1:
        where = "a journal file" if not arguments.dask or url is None else make_url(url).get_backend_name()
        Console().print(
            f"{'The same' if same else 'NOT THE SAME'} trials and best by all, draws in groups of {draws}; "
            f"the last in {where}.",
            soft_wrap=True,
        )
    if arguments.output:
        write(
            record({arguments.employees: _figures(both, ratio)}, suite="throughput", runs=1), arguments.output
        )
    return 0 if same and (ratio >= RATIO_BAR or arguments.workers != 2 or draws > 1) else 1


def _print(both: Sequence[Measured], ratio: float) -> None:
    table = Table("workers", "ratio", "trials", "failed", "seconds", "trials/s", "cpu, own", "cpu, workers")
    for one in both:
        table.add_row(
            one.name,
            f"{one.per_second / both[0].per_second:.2f}",
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
        figures |= {f"workers_{one.name}_{name}": getattr(one, name) for name in FIGURES}
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
