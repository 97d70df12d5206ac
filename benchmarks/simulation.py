"""Time a trial, a preview and the raw SQL of both, by number of employees, against the bars of the design.

python -m benchmarks.simulation [--employees 10000 100000] [--runs 9] [--output FILE]
"""

import argparse
import random
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.raw_sql import RawSql
from benchmarks.record import default_output, peak_memory_mb, record, write
from planwise.census import generate_census
from planwise.engine.preview import Preview
from planwise.engine.warehouse import Warehouse
from planwise.parameters import EffectiveParameters, resolve, simulated_years
from planwise.settings import Settings

HORIZON = 5
REAL_TRIAL_BARS = {10_000: 0.6, 100_000: 2.0, 1_000_000: 15.0}  # seconds, median
RATIO_BAR = 12.0  # real trial on pay levers / the raw SQL of the same run, at 10,000 employees
TRIAL_PEAK = "real_trial_peak_memory_mb"  # of the process, so of the largest size measured before it too
TRIAL_PEAK_BARS_MB = {1_000_000: 8 * 1024.0}
DYNAMICS_BAR, PREVIEW_BAR, REPEAT_BAR = 1.2, 0.060, 0.25  # seconds, median, at 10,000 employees


def measure(
    employees: int, runs: int, progress: Callable[[str], None], *, simulate: bool = False
) -> dict[str, float]:
    """Return the medians in seconds for one size of workforce, in a temporary home.

    `simulate` adds plans of a named scenario with every mart, without gate and publishing.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        progress(f"{employees:,} employees: census and baseline")
        census = generate_census(settings, employees=employees, seed=1)
        base = resolve(simulated_years(HORIZON, census.first_year), scenario={})
        draw = random.Random(7)

        def pay() -> EffectiveParameters:
            return base.with_levers({"cola_rate": draw.uniform(0.02, 0.04)})

        def dynamics() -> EffectiveParameters:
            return base.with_levers({"promotion_probability_level_1": draw.uniform(0.08, 0.12)})

        raw = RawSql(settings, census)
        preview = Preview(settings, census)
        warehouse = Warehouse(settings.workers_dir / "benchmark.duckdb", settings)
        try:
            warehouse.plan("scenario_baseline", census, base, kpis_only=not simulate).apply()
            warehouse.plan("trial_warm", census, pay(), kpis_only=True).apply()
            trial_peak_mb = peak_memory_mb()  # before the databases of raw SQL and preview fill up beside it
            preview.evaluate(base)
            times: dict[str, list[float]] = {}
            for number in range(runs):
                progress(f"{employees:,} employees: run {number + 1} of {runs}")
                levers, moved = pay(), dynamics()

                def trial(effective: EffectiveParameters, name: str = f"trial_{number}") -> float:
                    return warehouse.plan(name, census, effective, kpis_only=True).apply().seconds

                measured = {
                    "raw_sql_seconds": raw.seconds(levers, dynamics=False),
                    "real_trial_seconds": trial(levers),
                    "repeat_trial_seconds": trial(levers),
                    "preview_seconds": preview.evaluate(levers).seconds,
                    "raw_sql_dynamics_seconds": raw.seconds(moved, dynamics=True),
                    "real_trial_dynamics_seconds": trial(moved),
                    "preview_dynamics_seconds": preview.evaluate(moved).seconds,
                }
                preview.evaluate(base)  # back to the dynamics of the base, outside the clock
                for name, seconds in measured.items():
                    times.setdefault(name, []).append(seconds)
                warehouse.drop(f"trial_{number}")
                if simulate:
                    for name, effective in (("simulate", pay()), ("simulate_dynamics", dynamics())):
                        done = warehouse.plan(f"scenario_{name}_{number}", census, effective).apply()
                        times.setdefault(f"{name}_seconds", []).append(done.seconds)
                        warehouse.drop(f"scenario_{name}_{number}")
        finally:
            warehouse.close()
            preview.close()
    found = {f"{name}_median": statistics.median(seconds) for name, seconds in times.items()}
    found[TRIAL_PEAK] = trial_peak_mb
    found["real_trial_to_raw_sql_ratio"] = statistics.median(
        real / sql for real, sql in zip(times["real_trial_seconds"], times["raw_sql_seconds"], strict=True)
    )
    return found


def report(by_employees: dict[int, dict[str, float]]) -> Table:
    """Return the table of figures, with the bar where there is one."""
    table = Table("employees", "figure", "median", "bar", "", title="Simulation over 5 years")
    for employees, found in by_employees.items():
        bars = {
            "real_trial_seconds_median": REAL_TRIAL_BARS.get(employees),
            TRIAL_PEAK: TRIAL_PEAK_BARS_MB.get(employees),
        }
        if employees == 10_000:
            bars |= {
                "real_trial_to_raw_sql_ratio": RATIO_BAR,
                "real_trial_dynamics_seconds_median": DYNAMICS_BAR,
                "preview_seconds_median": PREVIEW_BAR,
                "repeat_trial_seconds_median": REPEAT_BAR,
            }
        for name, value in found.items():
            bar = bars.get(name)
            unit = "×" if name.endswith("ratio") else "MB" if name.endswith("_mb") else "s"
            verdict = "" if bar is None else "met" if value <= bar else "not met"
            shown = "" if bar is None else f"≤ {bar:,g} {unit}"
            found_value = f"{value:,.0f}" if unit == "MB" else f"{value:.3f}"
            table.add_row(f"{employees:,}", name, f"{found_value} {unit}", shown, verdict)
    return table


def main() -> None:
    """Run the benchmark and write its report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--employees", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    console = Console()
    with console.status("starting") as status:
        by_employees = {n: measure(n, options.runs, status.update) for n in options.employees}
    console.print(report(by_employees))
    result = record(by_employees, suite="trial", runs=options.runs)
    output = options.output or default_output(Path("reports/benchmarks"))
    write(result, output)
    console.print(f"Peak memory {result['metrics']['peak_memory_mb']:,.0f} MB. Written to {output}.")


if __name__ == "__main__":
    main()
