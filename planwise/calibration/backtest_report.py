"""A backtest as JSON and as Markdown: every forecast, naive ones included, beside the actual value."""

from dataclasses import asdict
from typing import Any

from planwise.calibration.backtest_results import (
    COVERAGE_EXPECTED,
    Backtest,
    FamilyScore,
    Holdout,
    Interval,
    Row,
)
from planwise.calibration.report import NONE, percent, table
from planwise.calibration.statistics import EVERYONE_FAMILY, MONEY_FIGURES, RATE_FIGURES
from planwise.formatting import TERMINAL, in_currency

NAMES = {
    "headcount": "headcount",
    "exits": "exits",
    "entrants": "entrants (there at year end)",
    "promotions": "promotions",
    "payroll": "payroll",
    "growth_all": "growth of mean pay, everyone",
    "growth_continuing": "growth of mean pay, continuing",
    "mean_pay": "mean pay",
}
HOW_TO_READ = (
    "The naive forecasts carry the rate of the last training year, or the mean of all of them, over to the "
    "opening of the held-out year. What is simulated is the mean over the seeds. P10–P90 (draws) is the "
    "simulation under many seeds with the calibrated "
    "parameters: random variation in who leaves and is promoted. P10–P90 (years) also draws the rates "
    "themselves: random variation, and what the training years leave unknown. "
    f"Of the truths, {COVERAGE_EXPECTED:.0%} should lie within. Errors of growth are percentage points. "
    "Bold: the nearest forecast; where two are within 0.1 % of each other, the naive one. “Beats naive” says "
    "which naive forecasts the simulation was nearer than, in this one year; “rests on” counts the people "
    "(and "
    "exits, entrants or promotions) of the training years behind the figure."
)
FAMILIES_ARE = (
    "Over the groups of a family: the sum of all errors as a share of the sum of what happened (weighted "
    "MAPE). "
    "Single groups are left to the JSON report: most have too few exits to judge one by one."
)


def backtest_markdown(b: Backtest) -> str:
    """Return the report."""
    lines = [
        "# Backtest",
        "",
        f"{b.level_rule[0].upper()}{b.level_rule[1:]}. {b.growth_rule[0].upper()}{b.growth_rule[1:]}.",
        "",
        HOW_TO_READ,
        "",
    ]
    if b.holdouts:
        lines += [
            f"Over all held-out years, {percent(b.coverage_draws, 0)} of the figures lie within P10–P90 "
            "(draws), "
            f"{percent(b.coverage_years, 0)} within P10–P90 (years) where there is one.",
            "",
        ]
    with in_currency(b.currency):
        for holdout in b.every:
            lines += _section(holdout)
    return "\n".join(lines).rstrip() + "\n"


def coverage(h: Holdout) -> tuple[str, str]:
    """Return the shares of figures within P10–P90, and how many figures beat which naive forecasts."""
    covered = f"{percent(h.coverage_draws, 0)} over draws"
    if h.coverage_years is not None:
        covered += f", {percent(h.coverage_years, 0)} over years"
    beaten = h.beats
    either = beaten["last year"] + beaten["mean of years"]
    return (
        covered,
        f"both naive forecasts {beaten['both']}, one of them {either}, neither {beaten['neither']}",
    )


def given_text(h: Holdout) -> str:
    """Return what was stated about a held-out year, empty for nothing."""
    return ", ".join(f"{name} = {value}" for name, value in h.given.items())


def _section(h: Holdout) -> list[str]:
    covered, wins = coverage(h)
    given = given_text(h)
    return [
        f"## {h.year}{', given what was decided' if given else ''}",
        "",
        *([f"Stated and not forecast: {given}.", ""] if given else []),
        f"Calibrated on {', '.join(h.trained_on)}; {h.seeds} seeds. Within P10–P90: {covered}, of "
        f"{len(h.rows)} figures; half of the intervals are wider than {percent(h.width, 0)} of what "
        "happened. "
        f"Beaten: {wins}.",
        "",
        *table(HEADERS, (_line(row) for row in h.rows)),
        FAMILIES_ARE,
        "",
        *table(FAMILY_HEADERS, (family_cells(f) for f in h.families)),
        *(f"- {note}" for note in h.notes),
        "",
    ]


HEADERS = (
    "figure",
    "happened",
    "simulated",
    "error",
    "P10–P90 (draws)",
    "within",
    "P10–P90 (years)",
    "within",
    "as last year",
    "error",
    "mean of years",
    "error",
    "beats naive",
    "rests on",
)
FAMILY_HEADERS = ("family", "groups", "simulated", "as last year", "mean of years", "beats naive", "rests on")


def family_cells(f: FamilyScore) -> tuple[str, ...]:
    """Return a family's scores, formatted: name, groups, errors, what is beaten, what it rests on."""
    scores = (f.simulation, f.naive_last, f.naive_mean)
    rests = NONE if f.training_events is None else f"{TERMINAL.count(f.training_events)} events"
    return (f.name, TERMINAL.count(f.groups), *(percent(x) for x in scores), f.beats or NONE, rests)


def rests_on(row: Row) -> str:
    """Return on how many people, and events, of the training years a figure rests."""
    people = f"{TERMINAL.count(row.people)} people"
    return people if row.events is None else f"{people}, {TERMINAL.count(row.events)} events"


def _line(row: Row) -> tuple[str, ...]:
    best = row.best

    def cell(forecast: float | None, kind: str) -> tuple[str, str]:
        text = shown(row, forecast)
        return (f"**{text}**" if best == kind else text, error(row, forecast))

    simulated, own_error = cell(row.forecast, "simulation")
    return (
        name_of(row),
        shown(row, row.truth),
        simulated,
        own_error,
        *_interval(row, row.draws),
        *_interval(row, row.years),
        *cell(row.naive_last, "last year"),
        *cell(row.naive_mean, "mean of years"),
        row.beats or NONE,
        rests_on(row),
    )


def name_of(row: Row) -> str:
    """Return the figure in words, with its group."""
    group = "" if row.figure.family == EVERYONE_FAMILY else f", {row.figure.group}"
    return f"{NAMES[row.figure.name]}{group}"


def _interval(row: Row, interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return NONE, NONE
    low, high = shown(row, interval.low), shown(row, interval.high)
    return f"{low} – {high}", "yes" if interval.within else "no"


def shown(row: Row, value: float | None) -> str:
    """Return a formatted value of the row's statistic."""
    if row.figure.name in RATE_FIGURES:
        return TERMINAL.percent(value, 2)
    return TERMINAL.money_short(value) if row.figure.name in MONEY_FIGURES else TERMINAL.count(value)


def error(row: Row, forecast: float | None) -> str:
    """Return the error: per cent, or percentage points for a growth rate."""
    if row.figure.name in RATE_FIGURES:
        return TERMINAL.points(None if forecast is None else forecast - row.truth)
    relative = row.error_pct(forecast)
    return TERMINAL.percent(None if relative is None else relative / 100, sign=True)


def backtest_json(b: Backtest) -> dict[str, Any]:
    """Return every held-out year with its rows and coverage; what is not known is null."""
    return {
        "levels": b.level_rule,
        "headcount_growth": b.growth_rule,
        "currency": b.currency,
        "coverage_expected": round(COVERAGE_EXPECTED, 6),
        "coverage_draws": b.coverage_draws,
        "coverage_years": b.coverage_years,
        "holdouts": [_holdout(h) for h in b.holdouts],
        "given": None if b.given is None else _holdout(b.given),
        "halves": [_holdout(h) for h in b.halves],
    }


def _holdout(h: Holdout) -> dict[str, Any]:
    return asdict(h) | {
        "coverage_draws": h.coverage_draws,
        "coverage_years": h.coverage_years,
        "width": h.width,
        "nearest": h.nearest,
        "beats_naive": h.beats,
        "families": [asdict(f) | {"beats_naive": f.beats} for f in h.families],
        "rows": [_row(row) for row in h.rows],
        "groups": [_row(row) for row in h.groups],
    }


def _row(row: Row) -> dict[str, Any]:
    return asdict(row) | {
        "figure": row.figure.name,
        "group": row.figure.group,
        "family": row.figure.family,
        "error": row.forecast - row.truth,
        "error_pct": row.error_pct(row.forecast),
        "naive_last_error_pct": row.error_pct(row.naive_last),
        "naive_mean_error_pct": row.error_pct(row.naive_mean),
        "nearest": row.best,
        "beats_naive": row.beats,
    }
