"""`planwise backtest`."""

import json as json_format
import re
from typing import Annotated

from cyclopts import Parameter
from rich.table import Column, Table

from flows.cli.calibration_options import (
    Censuses,
    Dates,
    LevelsOption,
    Mappings,
    Output,
    RowFilter,
    check_output,
    write_report,
    yearly_censuses,
)
from flows.cli.layout import PLAIN
from planwise.calibration import Backtest, Basis, backtest_json, backtest_markdown
from planwise.calibration import backtest as backtested
from planwise.calibration.backtest import COVERAGE_EXPECTED, SEEDS_MIN, Holdout, Row
from planwise.calibration.backtest_report import NAMES, error, shown
from planwise.calibration.report import NONE, pct
from planwise.console import emit_json, progress, results, settings_for
from planwise.options import Home, Json

FORMATS = frozenset({".md", ".json"})
UNITS = "Mk%"
SHORT = {"entrants": "entrants", "growth_all": "growth, all", "growth_continuing": "growth, stayers"}


def backtest(
    *files: Censuses,
    mapping: Mappings = (),
    as_of: Dates = None,
    levels: LevelsOption = None,
    row_filter: RowFilter = None,
    seeds: Annotated[int, Parameter(help="Simulations of each held-out year.")] = SEEDS_MIN,
    basis: Annotated[Basis, Parameter(help="Rates of all training years (mean) or the last.")] = "mean",
    growth: Annotated[Basis, Parameter(help="Headcount growth, an input: their mean or last.")] = "mean",
    rolling: Annotated[bool, Parameter(help="Hold out earlier years, too, each on those before it.")] = True,
    output: Output = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Hold the last year out, calibrate on those before, simulate it, and compare with what happened.

    Give three or more yearly censuses, oldest first: files or names of censuses. Exit code 0 whatever the
    errors are: this measures the forecast, it does not judge it.
    """
    settings = settings_for(home)
    check_output(output, FORMATS)
    years = yearly_censuses(settings, files, mapping, as_of, levels, row_filter)
    with progress().status("Simulating") as status:
        found = backtested(
            settings,
            years,
            seeds=seeds,
            basis=basis,
            growth=growth,
            rolling=rolling,
            on_step=lambda year, done, total: status.update(f"{year}: {done} of {total} simulations"),
        )
    if output is not None:
        text = backtest_markdown(found)
        if output.suffix == ".json":
            text = json_format.dumps(backtest_json(found), indent=2, ensure_ascii=False) + "\n"
        write_report(output, text)
    if json:
        emit_json(backtest_json(found) | {"output": output})
        return
    _show(found)


def _show(found: Backtest) -> None:
    console = results()
    for holdout in found.holdouts:
        console.print(_table(holdout))
        covered = f"{pct(holdout.coverage_draws, 0)} over draws"
        if holdout.coverage_years is not None:
            covered += f", {pct(holdout.coverage_years, 0)} over years"
        wins = ", ".join(f"{name} {number}" for name, number in holdout.nearest.items())
        console.print(f"Within P10–P90: {covered} ({COVERAGE_EXPECTED:.0%} expected). Nearest: {wins}.")
        for note in holdout.notes:
            console.print(f"Note: {note}", markup=False)
    console.print(
        "in: within P10–P90 over seeds alone, then over years as well, which is the P10–P90 shown;\n"
        "last, mean: errors of the naive forecasts."
    )
    console.print(f"Levels: {found.level_rule}.\nNote: {found.growth_rule}.", markup=False)


def _table(holdout: Holdout) -> Table:
    names = ("happened", "sim.", "error", "in", "P10–P90", "in", "last", "mean")
    table = Table(
        Column("figure", no_wrap=True),
        *(Column(name, justify="right", no_wrap=True) for name in names),
        title=f"{holdout.year}, calibrated on {len(holdout.trained_on)} year(s)",
        **PLAIN,
    )
    for row in holdout.rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: Row) -> list[str]:
    """Return the row in a terminal's width: thousands as k, years of service as y, levels as L."""
    wide = row.years
    group = "" if row.figure.group == "everyone" else f", {_short_group(row.figure.group)}"
    return [
        f"{SHORT.get(row.figure.name, NAMES[row.figure.name])}{group}",
        _value(row, row.truth),
        _value(row, row.forecast),
        _error(row, row.forecast),
        "yes" if row.draws.within else "no",
        NONE if wide is None else f"{_value(row, wide.low).rstrip(UNITS)}–{_value(row, wide.high)}",
        NONE if wide is None else "yes" if wide.within else "no",
        _error(row, row.naive_last),
        _error(row, row.naive_mean),
    ]


def _short_group(group: str) -> str:
    return re.sub(r" years? of service", " y", group).replace("level ", "L")


def _value(row: Row, value: float) -> str:
    if row.figure.name == "mean_pay":
        return f"{value / 1000:,.1f}k"
    return shown(row, value).replace(" ", "")


def _error(row: Row, forecast: float | None) -> str:
    return error(row, forecast).replace(" ", "")
