"""`planwise calibrate` and `planwise backtest`."""

import json as json_format
import re
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.table import Column, Table

from planwise.calibration import (
    Backtest,
    Basis,
    Calibration,
    backtest_json,
    backtest_markdown,
    calibration_json,
    calibration_markdown,
    options,
    parameters_yaml,
)
from planwise.calibration import backtest as backtested
from planwise.calibration import calibrate as calibrated
from planwise.calibration.backtest import COVERAGE_EXPECTED, SEEDS_MIN, Holdout, Row
from planwise.calibration.backtest_report import NAMES, error, shown
from planwise.calibration.rates import ALL_YEARS
from planwise.calibration.report import NONE, count, pct, span
from planwise.calibration.save_as_scenario import save_as_scenario
from planwise.cli.options import (
    Censuses,
    Dates,
    Home,
    Json,
    LevelsOption,
    Mappings,
    Output,
    RowFilter,
    check_output,
    write_report,
    yearly_censuses,
)
from planwise.cli.tables import PLAIN
from planwise.console import emit_json, progress, results, settings_for

CALIBRATION_FORMATS = frozenset({".md", ".json", ".yaml"})


def calibrate(
    *files: Censuses,
    mapping: Mappings = (),
    as_of: Dates = None,
    levels: LevelsOption = None,
    row_filter: RowFilter = None,
    basis: Annotated[Basis, Parameter(help="mean: all years; last: the last year only.")] = "mean",
    cola: Annotated[
        float | None, Parameter(help="The COLA, if known (0.02); merit is the rest of the raise.")
    ] = None,
    scenario: Annotated[str | None, Parameter(help="Save the parameters as this new scenario.")] = None,
    output: Annotated[
        Path | None, Parameter(help="File for the report (.md, .json) or the parameters (.yaml).")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Estimate turnover, promotion, hiring and raises from yearly censuses, oldest first: files or names."""
    settings = settings_for(home)
    check_output(output, CALIBRATION_FORMATS)
    years = yearly_censuses(settings, files, mapping, as_of, levels, row_filter)
    found = calibrated(years, basis=basis, cola=cola)
    kept = save_as_scenario(settings, found, scenario) if scenario is not None else None
    answer = calibration_json(found) | {
        "scenario": kept.name if kept else None,
        "census": kept.census if kept else None,
        "output": output,
    }
    if output is not None:
        write_report(output, _written(found, output.suffix))
    if json:
        emit_json(answer)
        return
    _print_calibration(found)
    if kept is not None:
        progress().print(f"Next: planwise simulate --scenario {kept.name}  (on census {kept.census})")


def _written(found: Calibration, suffix: str) -> str:
    if suffix == ".json":
        return json_format.dumps(calibration_json(found), indent=2, ensure_ascii=False) + "\n"
    return parameters_yaml(found) if suffix == ".yaml" else calibration_markdown(found)


def _print_calibration(found: Calibration) -> None:
    """Print rates with intervals, parameters, and notes."""
    console = results()
    for title, shares in (("exits", found.exits), ("promotions", found.promotions)):
        table = _calibration_table(f"{title}, all years", "band", "heads", "events", "rate", "95 %")
        for row in shares:
            s = row.share
            if row.year == ALL_YEARS:
                table.add_row(row.label, count(s.heads), count(s.events), pct(s.rate), span(s.low, s.high))
        console.print(table)
    table = _calibration_table("years", "year", "opening", "exits", "entrants", "growth", "raise", "median")
    raises = {s.year: s for s in found.raises}
    for h in found.headcounts:
        paid = raises.get(h.year)
        total, median = (paid.overall.value, paid.median) if paid else (None, None)
        table.add_row(
            h.year, *map(count, (h.opening, h.exits, h.entrants)), *map(pct, (h.growth, total, median))
        )
    console.print(table)
    console.print(f"Levels: {found.scale.rule}.", markup=False)
    for clip in found.clips:
        console.print(f"Clipped: {clip.name} {clip.estimated:.4f} → {clip.used:g}, its bound.", markup=False)
    if found.raise_split is not None and found.raise_split.moved:
        console.print(found.raise_split.moved, markup=False)
    for name, why in found.not_estimated:
        console.print(f"Not estimated: {name}: {why}.", markup=False)
    console.print("\n".join(options(found)), markup=False, soft_wrap=True)


def _calibration_table(title: str, first: str, *numbers: str) -> Table:
    return Table(first, *(Column(name, justify="right") for name in numbers), title=title, **PLAIN)


BACKTEST_FORMATS = frozenset({".md", ".json"})
UNITS = "Mk%"
SHORT = {"entrants": "entrants", "growth_all": "growth, all", "growth_continuing": "growth, stayers"}


def backtest(
    *files: Censuses,
    mapping: Mappings = (),
    as_of: Dates = None,
    levels: LevelsOption = None,
    row_filter: RowFilter = None,
    seeds: Annotated[int, Parameter(help="Simulations of each held-out year.")] = SEEDS_MIN,
    basis: Annotated[
        Basis, Parameter(help="Rates: mean of the training years, or the last year's.")
    ] = "mean",
    growth: Annotated[
        Basis, Parameter(help="Headcount growth (an input): mean of the training years, or the last year's.")
    ] = "mean",
    rolling: Annotated[
        bool, Parameter(help="Also hold out earlier years, each calibrated on the years before it.")
    ] = True,
    output: Output = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Hold out the last year, calibrate on the years before, simulate it and compare with the actual year.

    Needs three or more yearly censuses, oldest first: files or names of censuses. The exit code is 0 however
    large the errors are.
    """
    settings = settings_for(home)
    check_output(output, BACKTEST_FORMATS)
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
    _print_backtest(found)


def _print_backtest(found: Backtest) -> None:
    console = results()
    for holdout in found.holdouts:
        console.print(_backtest_table(holdout))
        covered = f"{pct(holdout.coverage_draws, 0)} over draws"
        if holdout.coverage_years is not None:
            covered += f", {pct(holdout.coverage_years, 0)} over years"
        wins = ", ".join(f"{name} {number}" for name, number in holdout.nearest.items())
        console.print(f"Within P10–P90: {covered} ({COVERAGE_EXPECTED:.0%} expected). Nearest: {wins}.")
        for note in holdout.notes:
            console.print(f"Note: {note}", markup=False)
    console.print(
        "in: within P10–P90 over seeds, and over seeds and years (the P10–P90 shown);\n"
        "last, mean: errors of the naive forecasts."
    )
    console.print(f"Levels: {found.level_rule}.\nNote: {found.growth_rule}.", markup=False)


def _backtest_table(holdout: Holdout) -> Table:
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
    """Return the row abbreviated for a terminal: thousands as k, years of service as y, levels as L."""
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
