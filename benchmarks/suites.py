"""The suites of `planwise benchmark`: trials, simulations, studies, engines; in a temporary home."""

import random
import statistics
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.engine_rules import Rules
from benchmarks.other_engines import ENGINES, check_equal
from benchmarks.raw_sql import RawSql
from benchmarks.record import peak_memory_mb
from benchmarks.repeat import CPU_SECONDS, GROWTH, PEAK, TO_RAW_SQL, Measured, repeat
from planwise.app.optimize import optimize
from planwise.app.requests import SimulateRequest
from planwise.app.runner import InProcessRunner
from planwise.app.simulate import simulate
from planwise.census import Census, generate_census, load_census
from planwise.census.registry import register_census
from planwise.engine.preview import Preview
from planwise.engine.warehouse import Warehouse
from planwise.errors import CheckFailed
from planwise.parameters import EffectiveParameters, resolve, simulated_years
from planwise.settings import Settings
from planwise.study.spec import OptimizeRequest

HORIZON = 5
SEED = 7
TABLE_WIDTH = 100
STUDY_TARGET = "increase=0.035"
REAL_TRIAL_BARS = {10_000: 0.6, 100_000: 2.0, 1_000_000: 15.0}  # seconds, median
RATIO_BAR = 12.0  # real trial on pay levers / the raw SQL of the same run, at 10,000 employees
TRIAL_PEAK = "real_trial_peak_memory_mb"  # of the process, so of the largest size measured before it too
TRIAL_PEAK_BARS_MB = {1_000_000: 8 * 1024.0}
DYNAMICS_BAR, PREVIEW_BAR, REPEAT_BAR = 1.2, 0.060, 0.25  # seconds, median, at 10,000 employees

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """What is simulated: a synthetic census of so many employees, or a random sample of a home's census."""

    employees: int
    source: Settings | None = None

    def census(self, settings: Settings) -> Census:
        """Put it into the temporary home."""
        if self.source is None:
            return generate_census(settings, employees=self.employees, seed=1)
        return sampled_census(load_census(self.source), self.employees, settings)


def sampled_census(census: Census, size: int, settings: Settings) -> Census:
    """Register a random sample of a census in another home; all of it when it has not so many rows."""
    import pandas as pd

    people = pd.read_parquet(census.census_file)
    chosen = people.sample(n=min(size, len(people)), random_state=SEED)
    levels = pd.read_parquet(census.levels_file)
    source = {"kind": "sample", "currency": census.currency}
    return register_census(
        settings, f"sample_{len(chosen)}", chosen, levels, as_of=census.as_of, source=source, use=True
    )


def measure(suite: str, subject: Subject, runs: int, progress: Progress) -> Measured:
    """Measure a suite on one subject in a temporary home."""
    suites = {"trial": _trials, "simulate": _simulations, "study": _studies, "engines": _engines}
    label = f"{suite}, {subject.employees:,} employees"
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        progress(f"{label}: census and baseline")
        census = subject.census(settings)
        return suites[suite](settings, census, runs, lambda text: progress(f"{label}: {text}"))


class _Levers:
    """Draws levers; each run has its own, the same in every benchmark."""

    def __init__(self, census: Census) -> None:
        self.base = resolve(simulated_years(HORIZON, census.first_year), scenario={})
        self._draw = random.Random(SEED)

    def pay(self) -> EffectiveParameters:
        """Return levers of pay alone."""
        return self.base.with_levers({"cola_rate": self._draw.uniform(0.02, 0.04)})

    def dynamics(self) -> EffectiveParameters:
        """Return levers that move people too."""
        return self.base.with_levers({"promotion_probability_level_1": self._draw.uniform(0.08, 0.12)})


def _trials(settings: Settings, census: Census, runs: int, progress: Progress) -> Measured:
    levers = _Levers(census)
    raw, preview = RawSql(settings, census), Preview(settings, census)
    warehouse = Warehouse(settings.workers_dir / "benchmark.duckdb", settings)
    pay, dynamics = [levers.pay() for _ in range(runs)], [levers.dynamics() for _ in range(runs)]

    def trial(number: int, effective: EffectiveParameters) -> None:
        warehouse.plan(f"trial_{number}", census, effective, kpis_only=True).apply()

    def tidy(number: int) -> None:
        preview.evaluate(levers.base)  # back to the dynamics of the base
        warehouse.drop(f"trial_{number}")

    try:
        warehouse.plan("scenario_baseline", census, levers.base, kpis_only=True).apply()
        warehouse.plan("trial_warm", census, levers.pay(), kpis_only=True).apply()
        trial_peak = peak_memory_mb()  # before the databases of raw SQL and preview fill up beside it
        preview.evaluate(levers.base)
        raw.seconds(levers.base, dynamics=True)
        measured = repeat(
            {
                "raw_sql": lambda n: raw.seconds(pay[n], dynamics=False),
                "real_trial": lambda n: trial(n, pay[n]),
                "repeat_trial": lambda n: trial(n, pay[n]),
                "preview": lambda n: preview.evaluate(pay[n]),
                "raw_sql_dynamics": lambda n: raw.seconds(dynamics[n], dynamics=True),
                "real_trial_dynamics": lambda n: trial(n, dynamics[n]),
                "preview_dynamics": lambda n: preview.evaluate(dynamics[n]),
            },
            runs,
            progress,
            after=tidy,
        )
    finally:
        warehouse.close()
        preview.close()
    measured.figures[TRIAL_PEAK] = trial_peak
    return measured


def _simulations(settings: Settings, census: Census, runs: int, progress: Progress) -> Measured:
    """Full simulations as the command runs them: models with every mart, audits, gate, publishing, record."""
    draw, run = random.Random(SEED), InProcessRunner(lambda message: None)

    def full(lever: str, low: float, high: float) -> None:
        levers = {lever: round(draw.uniform(low, high), 5)}
        simulate(settings, SimulateRequest(levers=levers, years=str(HORIZON)), run)

    full("cola_rate", 0.02, 0.04)
    return repeat(
        {
            "simulate": lambda _: full("cola_rate", 0.02, 0.04),
            "simulate_dynamics": lambda _: full("promotion_probability_level_1", 0.08, 0.12),
        },
        runs,
        progress,
    )


def _studies(settings: Settings, census: Census, runs: int, progress: Progress) -> Measured:
    """Studies that `solve` a target, verified by a full simulation; quality is the gap and the plans."""
    run = InProcessRunner(lambda message: None)
    gaps, plans = [0.0], [0]

    def solve(name: str) -> None:
        request = OptimizeRequest(target=STUDY_TARGET, save_as=name, years=str(HORIZON))
        result = optimize(settings, request, run).result
        if result.gap_pp is None:
            raise CheckFailed("The study found no levers, so there is nothing to measure.")
        gaps.append(abs(result.gap_pp))
        plans.append(result.real_plans)

    solve("warm")
    measured = repeat({"study": lambda n: solve(f"study_{n}")}, runs, progress)
    measured.figures |= {"study_gap_pp": max(gaps), "study_real_plans": float(max(plans))}
    return measured


def _engines(settings: Settings, census: Census, runs: int, progress: Progress) -> Measured:
    """Measure the simulation in NumPy, pandas and polars beside raw SQL and preview; all must be equal."""
    levers = _Levers(census)
    raw, preview = RawSql(settings, census), Preview(settings, census)
    effective = [levers.dynamics() for _ in range(runs)]
    rules = [
        Rules(census, one) for one in effective
    ]  # its parameters; rendering the SQL is not measured either
    try:
        kpis = [preview.evaluate(one).kpis for one in effective]
        preview.evaluate(levers.base)
        raw.seconds(levers.base, dynamics=True)

        def engine(name: str, number: int) -> None:
            check_equal(name, ENGINES[name](rules[number]), kpis[number])

        cases = {name: (lambda n, name=name: engine(name, n)) for name in ENGINES}
        cases |= {
            "raw_sql_dynamics": lambda n: raw.seconds(effective[n], dynamics=True),
            "preview_dynamics": lambda n: preview.evaluate(effective[n]),
        }
        measured = repeat(cases, runs, progress, after=lambda _: preview.evaluate(levers.base))
    finally:
        preview.close()
    sql = statistics.median(measured.cases["raw_sql_dynamics"].cpu)
    measured.figures |= {
        f"{name}_to_raw_sql_ratio": statistics.median(measured.cases[name].cpu) / sql for name in ENGINES
    }
    return measured


def report(by_size: Mapping[str, Mapping[str, float]]) -> str:
    """Return the table of figures as text, with bars where there are some; sizes as in a record."""
    table = Table("employees", "figure", "median", "bar", "", title=f"Over {HORIZON} years")
    for size, found in by_size.items():
        employees = int(size)
        bars = {
            "real_trial_seconds_median": REAL_TRIAL_BARS.get(employees),
            TRIAL_PEAK: TRIAL_PEAK_BARS_MB.get(employees),
        }
        if employees == 10_000:
            bars |= {
                TO_RAW_SQL: RATIO_BAR,
                "real_trial_dynamics_seconds_median": DYNAMICS_BAR,
                "preview_seconds_median": PREVIEW_BAR,
                "repeat_trial_seconds_median": REPEAT_BAR,
            }
        for name, value in found.items():
            bar, unit = bars.get(name), _unit(name)
            verdict = "" if bar is None else "met" if value <= bar else "not met"
            shown = "" if bar is None else f"≤ {bar:,g} {unit}"
            found_value = f"{value:,.1f}" if unit == "MB" else f"{value:.3f}"
            table.add_row(f"{employees:,}", name, f"{found_value} {unit}".rstrip(), shown, verdict)
    console = Console(width=TABLE_WIDTH)
    with console.capture() as text:
        console.print(table)
    return text.get().rstrip()


def _unit(name: str) -> str:
    if name.endswith(("ratio", "_reference")):
        return "×"
    if name.endswith("_mb") or name in (PEAK, GROWTH):
        return "MB"
    return "pp" if name.endswith("_pp") else "s" if "seconds" in name or name.endswith(CPU_SECONDS) else ""
