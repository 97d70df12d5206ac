"""`planwise calibrate` and `planwise backtest`."""

import re
from typing import Annotated

from cyclopts import Parameter
from rich.table import Column, Table

from planwise.app.calibrate import BacktestRequest, CalibrateRequest, backtest_censuses, calibrate_censuses
from planwise.calibration import Backtest, Calibration, backtest_json, options
from planwise.calibration.backtest_report import (
    FAMILY_HEADERS,
    NAMES,
    coverage,
    error,
    family_cells,
    given_text,
    shown,
)
from planwise.calibration.backtest_results import COVERAGE_EXPECTED, Holdout, Row
from planwise.calibration.rates import ALL_YEARS
from planwise.calibration.statistics import EVERYONE_FAMILY
from planwise.cli.options import Home, Json
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.formatting import TERMINAL, counted, in_currency

count, percent, percent_range = TERMINAL.count, TERMINAL.percent, TERMINAL.percent_range
Censuses = Annotated[str, Parameter(help="Yearly censuses, oldest first: payroll files or census names.")]
CALIBRATION, BACKTEST = CalibrateRequest(), BacktestRequest()  # the options' defaults


def calibrate(
    *files: Censuses,
    request: Annotated[CalibrateRequest, Parameter(name="*")] = CALIBRATION,
    home: Home = None,
    json: Json = False,
) -> None:
    """Estimate turnover, promotion, hiring and raises from yearly censuses, oldest first: files or names."""
    request = request.model_copy(update={"sources": files})
    with progress().status("") as status:
        report = calibrate_censuses(settings_for(home), request, status.update)
    if report.output is not None:
        progress().print(f"Report: {report.output}", markup=False, soft_wrap=True)
    if json:
        emit_json(report.as_json())
        return
    _print_calibration(report.calibration)
    if report.saved is not None:
        progress().print(
            f"Next: planwise simulate --scenario {report.saved.name}  (on census {report.saved.census})"
        )


def _print_calibration(found: Calibration) -> None:
    """Print rates with intervals, parameters, and notes."""
    console = results()
    for title, shares in (("exits", found.exits), ("promotions", found.promotions)):
        table = _calibration_table(f"{title}, all years", "band", "heads", "events", "rate", "95 %")
        for row in shares:
            s = row.share
            if row.year == ALL_YEARS:
                table.add_row(
                    row.label, count(s.heads), count(s.events), percent(s.rate), percent_range(s.low, s.high)
                )
        console.print(table)
    table = _calibration_table("years", "year", "opening", "exits", "entrants", "growth", "raise", "median")
    raises = {s.year: s for s in found.raises}
    for h in found.headcounts:
        paid = raises.get(h.year)
        total, median = (paid.overall.value, paid.median) if paid else (None, None)
        table.add_row(
            h.year, *map(count, (h.opening, h.exits, h.entrants)), *map(percent, (h.growth, total, median))
        )
    console.print(table)
    console.print(f"Levels: {found.scale.rule}.", markup=False)
    for line in (f"Note on {year.name}: {notice}" for year in found.years for notice in year.notices):
        console.print(line, markup=False)
    for rekeyed in found.rekeyed.years:
        if rekeyed.offered:
            console.print(
                f"{rekeyed.year}: {count(rekeyed.offered)} of {counted(rekeyed.exits, 'exit')} may be "
                f"people who "
                "came in under another id; --join-rekeyed takes each for one person, --output lists them.",
                markup=False,
            )
    for clip in found.clips:
        console.print(f"Clipped: {clip.name} {clip.estimated:.4f} → {clip.used:g}, its bound.", markup=False)
    for line in _raises_in_words(found):
        console.print(line, markup=False)
    for name, why in found.not_estimated:
        console.print(f"Not estimated: {name}: {why}.", markup=False)
    console.print("\n".join(options(found)), markup=False, soft_wrap=True)


def _raises_in_words(found: Calibration) -> list[str]:
    """Return awards and drift a line each, or what became of the COLA."""
    if found.drift_donors is None:
        return [found.raise_split.moved] if found.raise_split is not None and found.raise_split.moved else []
    awards = found.awards.expected(found.used)
    drifts = [drift for drift in found.awards.drift if drift.group == "all"]
    return [
        *(f"Award of {group or 'everyone else'}: {percent(rate, 2)}." for group, rate in awards.items()),
        *(f"Drift without a decision, {one.year}: {percent(one.mean, 2)}." for one in drifts),
    ]


def _calibration_table(title: str, first: str, *numbers: str) -> Table:
    return Table(first, *(Column(name, justify="right") for name in numbers), title=title, **PLAIN)


UNITS = "Mk%"
SHORT = {"entrants": "entrants", "growth_all": "growth, all", "growth_continuing": "growth, stayers"}


def backtest(
    *files: Censuses,
    request: Annotated[BacktestRequest, Parameter(name="*")] = BACKTEST,
    home: Home = None,
    json: Json = False,
) -> None:
    """Hold out the last year, calibrate on the years before, simulate it and compare with the actual year.

    Needs three or more yearly censuses, oldest first: files or names of censuses. The exit code is 0 however
    large the errors are.
    """
    request = request.model_copy(update={"sources": files})
    with progress().status("") as status:
        found = backtest_censuses(settings_for(home), request, status.update)
    if request.output is not None:
        progress().print(f"Report: {request.output}", markup=False, soft_wrap=True)
    if json:
        emit_json(backtest_json(found) | {"output": request.output})
        return
    with in_currency(found.currency):
        _print_backtest(found)


def _print_backtest(found: Backtest) -> None:
    console = results()
    for holdout in found.every:
        if given := given_text(holdout):
            console.print(f"Given and not forecast: {given}.", markup=False)
        console.print(_backtest_table(holdout))
        console.print(_family_table(holdout))
        covered, wins = coverage(holdout)
        console.print(f"Within P10–P90: {covered} ({COVERAGE_EXPECTED:.0%} expected). Beaten: {wins}.")
        for note in holdout.notes:
            console.print(f"Note: {note}", markup=False)
    console.print(
        "in: within P10–P90 over seeds, and over seeds and years (the P10–P90 shown);\n"
        "last, mean: errors of the naive forecasts; beats: the naive forecasts that are farther off."
    )
    console.print(f"Levels: {found.level_rule}.\nNote: {found.growth_rule}.", markup=False)


def _family_table(holdout: Holdout) -> Table:
    first, *numbers = FAMILY_HEADERS
    table = _calibration_table(f"{holdout.year}: errors over groups, of what happened", first, *numbers)
    for family in holdout.families:
        table.add_row(*family_cells(family))
    return table


def _backtest_table(holdout: Holdout) -> Table:
    names = ("happened", "sim.", "error", "in", "P10–P90", "in", "last", "mean", "beats")
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
    group = "" if row.figure.family == EVERYONE_FAMILY else f", {_short_group(row.figure.group)}"
    return [
        f"{SHORT.get(row.figure.name, NAMES[row.figure.name])}{group}",
        _value(row, row.truth),
        _value(row, row.forecast),
        _error(row, row.forecast),
        "yes" if row.draws.within else "no",
        TERMINAL.missing
        if wide is None
        else f"{_value(row, wide.low).rstrip(UNITS)}–{_value(row, wide.high)}",
        TERMINAL.missing if wide is None else "yes" if wide.within else "no",
        _error(row, row.naive_last),
        _error(row, row.naive_mean),
        {"last year": "last", "mean of years": "mean", None: TERMINAL.missing}.get(
            row.beats, row.beats or ""
        ),
    ]


def _short_group(group: str) -> str:
    return re.sub(r" years? of service", " y", group).replace("level ", "L")


def _value(row: Row, value: float) -> str:
    if row.figure.name == "mean_pay":
        return f"{TERMINAL.money(value / 1000, 1)}k"
    return shown(row, value).replace(" ", "")


def _error(row: Row, forecast: float | None) -> str:
    return error(row, forecast).replace(" ", "")
