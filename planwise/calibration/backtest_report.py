"""The backtest as a Markdown report: every forecast, naive ones included, beside the actual value."""

from planwise.calibration.backtest import COVERAGE_EXPECTED, Backtest, Holdout, Interval, Row
from planwise.calibration.report import NONE, count, pct, table
from planwise.calibration.statistics import MONEY_FIGURES, RATE_FIGURES

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
MILLION = 1e6
HOW_TO_READ = (
    "The naive forecasts carry the rate of the last training year, or the mean of all of them, over to the "
    "opening of the held-out year. P10–P90 (draws) is the simulation under many seeds with the calibrated "
    "parameters: random variation in who leaves and is promoted. P10–P90 (years) also moves turnover, "
    "headcount growth, the general raise and promotions as far as the training years differ (Student t). "
    f"Of the truths, {COVERAGE_EXPECTED:.0%} should lie within. Errors of growth are percentage points. "
    "Bold: the nearest forecast; where two are within 0.1 % of each other, the naive one."
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
        f"Over all held-out years, {pct(b.coverage_draws, 0)} of the figures lie within P10–P90 (draws), "
        f"{pct(b.coverage_years, 0)} within P10–P90 (years) where there is one.",
        "",
    ]
    for holdout in b.holdouts:
        lines += _section(holdout)
    return "\n".join(lines).rstrip() + "\n"


def _section(h: Holdout) -> list[str]:
    covered = f"within P10–P90: {pct(h.coverage_draws, 0)} over draws"
    if h.coverage_years is not None:
        covered += f", {pct(h.coverage_years, 0)} over years"
    wins = ", ".join(f"{name} {number}" for name, number in h.nearest.items())
    return [
        f"## {h.year}",
        "",
        f"Calibrated on {', '.join(h.trained_on)}; {h.seeds} seeds. {covered[0].upper()}{covered[1:]}, of "
        f"{len(h.rows)} figures. Nearest to what happened: {wins}.",
        "",
        *table(HEADERS, (_line(row) for row in h.rows)),
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
)


def _line(row: Row) -> tuple[str, ...]:
    name = NAMES[row.figure.name]
    group = "" if row.figure.group == "everyone" else f", {row.figure.group}"
    best = row.best

    def cell(forecast: float | None, kind: str) -> tuple[str, str]:
        text = shown(row, forecast)
        return (f"**{text}**" if best == kind else text, error(row, forecast))

    simulated, own_error = cell(row.forecast, "simulation")
    return (
        f"{name}{group}",
        shown(row, row.truth),
        simulated,
        own_error,
        *_interval(row, row.draws),
        *_interval(row, row.years),
        *cell(row.naive_last, "last year"),
        *cell(row.naive_mean, "mean of years"),
    )


def _interval(row: Row, interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return NONE, NONE
    low, high = shown(row, interval.low), shown(row, interval.high)
    return f"{low} – {high}", "yes" if interval.within else "no"


def shown(row: Row, value: float | None) -> str:
    """Return a formatted value of the row's statistic."""
    if value is None:
        return NONE
    if row.figure.name in RATE_FIGURES:
        return pct(value, 2)
    if row.figure.name in MONEY_FIGURES and abs(value) >= MILLION:
        return f"{value / MILLION:,.1f} M"
    return count(value)


def error(row: Row, forecast: float | None) -> str:
    """Return the error: per cent, or percentage points for a growth rate."""
    if forecast is None:
        return NONE
    if row.figure.name in RATE_FIGURES:
        return f"{(forecast - row.truth) * 100:+.2f} pp"
    relative = row.error_pct(forecast)
    return NONE if relative is None else f"{relative:+.1f} %"
