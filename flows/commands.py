"""The commands that run jobs, named and not imported: each loads what it needs when it runs."""

import cyclopts

COMMANDS = {
    "demo": ("flows.cli.demo:demo", "The whole main job on a synthetic census."),
    "simulate": ("flows.cli.simulate:simulate", "Simulate a scenario, gate it, publish it."),
    "preview": ("flows.cli.preview:preview", "A scenario's KPIs in memory: nothing gated or published."),
    "optimize": ("flows.cli.optimize:optimize", "Find the levers that meet a growth target; publish them."),
    "ensemble": ("flows.cli.ensemble:ensemble", "A scenario under many seeds: P10, P50, P90 of each KPI."),
    "sensitivity": ("flows.cli.sensitivity:sensitivity", "Which levers a KPI answers to, and how much."),
    "compare": ("flows.cli.compare:compare", "Scenarios side by side: levers, KPIs, people; Excel."),
    "calibrate": ("flows.cli.calibrate:calibrate", "Estimate rates from the censuses of several years."),
    "backtest": ("flows.cli.backtest:backtest", "Forecast a year that happened; compare with what did."),
    "sweep": ("flows.cli.sweep:sweep", "Every scenario anew, and what changed since the last sweep."),
    "maintain": ("flows.cli.sweep:maintain", "Drop old trial environments and free their tables."),
    "up": ("flows.up.command:up", "Prefect server, worker and dashboard, together."),
    "doctor": ("flows.doctor.command:doctor", "Check the set-up; say what to do about what is wrong."),
    "benchmark": ("flows.cli.benchmark:benchmark", "Time trials, previews and simulations on this machine."),
}


def register(app: cyclopts.App) -> None:
    """Add the commands to the command line."""
    for name, (target, text) in COMMANDS.items():
        app.command(target, name=name, help=text)
