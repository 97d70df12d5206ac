"""Tables and sentences that commands print about simulations."""

from collections.abc import Mapping
from typing import Any

from rich.table import Column, Table

from planwise.app.simulate import PreviewReport, SimulationReport
from planwise.console import PLAIN, print_gate, progress, results
from planwise.engine.outcome import Kpis
from planwise.equity.reasons import MARKET_REASONS
from planwise.formatting import TERMINAL, in_currency

money, percent = TERMINAL.money_short, TERMINAL.percent


def print_simulation(report: SimulationReport) -> None:
    """Print gate failures, KPIs by year, the published folder and the next step."""
    console = results()
    print_gate(console, report.gate)
    print_kpis(report, title=f"{report.scenario} on census {report.census}")
    outcome = report.outcome
    run, reused = len(outcome.models_run), len(outcome.models_reused)
    console.print(f"{run} models run, {reused} reused, {outcome.seconds:.1f} s; gate {report.gate.status}.")
    if report.changes:
        changes = ", ".join(f"{name}={value}" for name, value in report.changes.items())
        console.print(
            f"Unsaved changes: {changes}. Save them with `planwise scenario create`.",
            markup=False,
            style="yellow",
        )
    if report.published:
        console.print(f"Published: {report.published}", markup=False, soft_wrap=True)
        progress().print("Next: planwise serve, planwise optimize --target increase=0.035")
    else:
        console.print(
            "Not published; the published result is unchanged. The environment keeps the new one.",
            style="red",
        )


def print_kpis(report: SimulationReport | PreviewReport, *, title: str) -> None:
    """Print the KPIs by year, in the currency of the census."""
    with in_currency(report.currency):
        results().print(kpi_table(report.kpis, title=title))
    results().print(market_words(report.kpis[0]), markup=False, soft_wrap=True)


def market_words(kpi: Mapping[str, Any]) -> str:
    """Return the market position of a year in words, or why there is none."""
    where = f"Market position {kpi['simulation_year']}: "
    if kpi["mean_market_ratio"] is None:
        return f"{where}{MARKET_REASONS[kpi['market_reason']]}."
    position = kpi["mean_market_position"]
    place = "" if position is None else f", P{position:.0f}"
    return (
        f"{where}compa-ratio to market {TERMINAL.ratio(kpi['mean_market_ratio'], 3)}"
        f"{place}; {percent(kpi['market_share'], 0)} of people matched."
    )


def kpi_table(kpis: Kpis, *, title: str) -> Table:
    """Return one row per simulated year: increase budget first, then growth, payroll and turnover."""
    columns = ("heads", "increases", "promotions", "those who stay", "average pay", "payroll", "turnover")
    table = Table(
        "year",
        *(Column(name, justify="right") for name in columns),
        title=title,
        caption="increases, promotions: budgets of base pay; then growth of pay (average: mix included)",
        **PLAIN,
    )
    for year in kpis:
        table.add_row(
            str(year["simulation_year"]),
            f"{year['headcount']:,}",
            percent(year["increase_rate"], 2),
            percent(year["promotion_rate_of_payroll"], 2),
            percent(year["growth_continuing"], 2),
            percent(year["growth_all"], 2),
            money(year["payroll"]),
            percent(year["turnover_total"], 1),
        )
    return table
