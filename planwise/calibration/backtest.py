"""Forecast held-out years from the years before, and compare with the actual years."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from planwise.calibration.estimate import Basis, Calibration, calibrate, on_one_scale
from planwise.calibration.parameters_from_estimates import Overrides
from planwise.calibration.raises import split, with_promotions
from planwise.calibration.rates import ALL_YEARS, EVERYONE
from planwise.calibration.statistics import (
    RATE_FIGURES,
    Figure,
    calendar_days,
    measured,
    naive,
    observed,
    opened,
    simulated,
)
from planwise.calibration.years import Transition, YearlyCensus, transitions
from planwise.errors import InputError
from planwise.parameters import Value
from planwise.settings import Settings

YEARS_FOR_SPREAD = 2
PROMOTION_PROBABILITY = "promotion_probability_"
DRAW_SEED = 20_260_101  # which parameter draw meets which simulation seed: arbitrary, fixed


@dataclass(frozen=True)
class RateSpread:
    """Predictive standard errors of next year's rates and the degrees of freedom they have.

    Turnover, headcount growth, the general raise, and promotions relative to their mean.
    """

    termination_rate: float
    headcount_growth: float
    raise_rate: float
    promotions_relative: float
    freedom: int


def spread_of(calibration: Calibration) -> RateSpread | None:
    """Return how far next year may lie from the mean of the training years; None with a single one.

    For a new year drawn like the n seen, (new − mean)/(s √(1 + 1/n)) is Student t with n − 1 degrees.
    """
    heads = calibration.headcounts
    if len(heads) < YEARS_FOR_SPREAD:
        return None
    promoted = [
        row.share.rate or 0.0
        for row in calibration.promotions
        if row.dimension == EVERYONE and row.year != ALL_YEARS
    ]
    mean = sum(promoted) / len(promoted)
    return RateSpread(
        termination_rate=_predictive([h.exits / h.opening for h in heads]),
        headcount_growth=_predictive([h.growth for h in heads]),
        raise_rate=_predictive([s.overall.value or 0.0 for s in calibration.raises]),
        promotions_relative=_predictive(promoted) / mean if mean > 0 else 0.0,
        freedom=len(heads) - 1,
    )


def _predictive(rates: Sequence[float]) -> float:
    """Return s √(1 + 1/n), 0 for a single year."""
    if len(rates) < YEARS_FOR_SPREAD:
        return 0.0
    return float(np.std(rates, ddof=1) * np.sqrt(1 + 1 / len(rates)))


def drawn_parameters(
    calibration: Calibration, values: Mapping[str, Value], spread: RateSpread, draws: int
) -> list[dict[str, Value]]:
    """Return `draws` sets of parameters: turnover, growth, raises and promotions moved, each on its own.

    The quantiles are evenly spaced and shuffled, so that a few draws cover the distribution.
    """
    generator = np.random.default_rng(DRAW_SEED)
    scores = student.ppf((np.arange(draws) + 0.5) / draws, spread.freedom)
    columns = [generator.permutation(scores) for _ in range(4)]
    return [_moved(calibration, values, spread, z) for z in zip(*columns, strict=True)]


def _moved(
    calibration: Calibration, values: Mapping[str, Value], spread: RateSpread, scores: Sequence[float]
) -> dict[str, Value]:
    exits, growth, raises, promotions = scores
    out = Overrides()
    out.put("termination_rate", _number(values["termination_rate"]) + exits * spread.termination_rate)
    out.put("headcount_growth", _number(values["headcount_growth"]) + growth * spread.headcount_growth)
    for name in values:
        if name.startswith(PROMOTION_PROBABILITY):
            out.put(name, _number(values[name]) * (1 + promotions * spread.promotions_relative))
    division = calibration.raise_split
    if division is not None:
        shift = raises * spread.raise_rate
        totals = {
            level: (1 + division.cola) * (1 + merit) - 1 + shift for level, merit in division.merit.items()
        }
        moved = split(division.cola + shift, totals)
        out.put("cola_rate", moved.cola)
        for level, merit in moved.merit.items():
            out.put(f"merit_rate_level_{level}", merit)
    return {**values, **out.values}


def _number(value: Value) -> float:
    assert isinstance(value, int | float)  # declared a rate
    return float(value)


CENSUSES_MIN = 3  # two to calibrate on, and the one that is held out
SEEDS_MIN, FIRST_SEED = 20, 1
LOW, HIGH = 0.1, 0.9
COVERAGE_EXPECTED = HIGH - LOW
TIE_SHARE = 0.001  # forecasts this near, as a share of the truth, are one: headcount is rounded, for one
FORECASTS = ("simulation", "last year", "mean of years")


@dataclass(frozen=True)
class Interval:
    """P10 and P90 of a forecast, and whether what happened lies within."""

    low: float
    high: float
    within: bool


@dataclass(frozen=True)
class Row:
    """One statistic of one held-out year: actual value, forecasts and errors.

    `draws` is the interval over seeds alone, `years` that with parameters moved by the spread of the training
    years (None with a single one). Naive forecasts carry the rate of the last or of all training years over.
    """

    figure: Figure
    truth: float
    forecast: float
    draws: Interval
    years: Interval | None
    naive_last: float | None
    naive_mean: float | None

    @property
    def best(self) -> str:
        """The nearest of FORECASTS; near ties go to the later one, so never to the simulation."""
        forecasts = (self.forecast, self.naive_last, self.naive_mean)
        distances = [_distance(forecast, self.truth) for forecast in forecasts]
        near = min(distances) + TIE_SHARE * abs(self.truth)
        return FORECASTS[max(k for k, d in enumerate(distances) if d <= near)]

    def error_pct(self, forecast: float | None) -> float | None:
        """Return a forecast's error in per cent of the truth; None for growth rates and a truth of 0."""
        if forecast is None or self.figure.name in RATE_FIGURES or self.truth == 0:
            return None
        return 100 * (forecast / self.truth - 1)


def _distance(forecast: float | None, truth: float) -> float:
    return float("inf") if forecast is None else abs(forecast - truth)


@dataclass(frozen=True)
class Holdout:
    """One held-out year."""

    year: str
    trained_on: tuple[str, ...]
    seeds: int
    rows: tuple[Row, ...]
    levers: Mapping[str, Value]
    assumptions: Mapping[str, Value]
    notes: tuple[str, ...]

    @property
    def nearest(self) -> dict[str, int]:
        """How many figures each forecast was nearest to."""
        best = [row.best for row in self.rows]
        return {name: best.count(name) for name in FORECASTS}

    @property
    def coverage_draws(self) -> float:
        """Share of statistics within P10–P90 over seeds alone."""
        return float(np.mean([row.draws.within for row in self.rows]))

    @property
    def coverage_years(self) -> float | None:
        """The same with the years' own spread; None where there is none."""
        found = [row.years.within for row in self.rows if row.years is not None]
        return float(np.mean(found)) if found else None


@dataclass(frozen=True)
class Backtest:
    """All held-out years, the last one first."""

    holdouts: tuple[Holdout, ...]
    level_rule: str
    growth_rule: str
    currency: str

    @property
    def coverage_draws(self) -> float:
        """Share of all figures of all held-out years within P10–P90 over seeds alone."""
        return float(np.mean([row.draws.within for h in self.holdouts for row in h.rows]))

    @property
    def coverage_years(self) -> float | None:
        """The same with the years' own spread, of the held-out years that have one; None without any."""
        found = [row.years.within for h in self.holdouts for row in h.rows if row.years is not None]
        return float(np.mean(found)) if found else None


def backtest(
    settings: Settings,
    years: Sequence[YearlyCensus],
    *,
    seeds: int = SEEDS_MIN,
    basis: Basis = "mean",
    growth: Basis = "mean",
    rolling: bool = True,
    on_step: Callable[[str, int, int], None] = lambda year, done, total: None,
) -> Backtest:
    """Return the backtest of the last year and, with `rolling`, of each earlier one that can be held out.

    `basis` and `growth` choose mean or last of the training years, for rates and for headcount growth. Raises
    InputError on fewer than 3 censuses or 20 seeds.
    """
    if len(years) < CENSUSES_MIN:
        raise InputError(
            f"{len(years)} censuses: a backtest needs at least {CENSUSES_MIN}, two to calibrate on and the "
            "one that is held out.",
            remedy="Add an earlier year, or calibrate without a test: `planwise calibrate`.",
        )
    if seeds < SEEDS_MIN:
        raise InputError(f"--seeds must be at least {SEEDS_MIN} for P10 and P90 (got {seeds}).")
    scaled, scale = on_one_scale(years)
    steps = transitions(scaled)
    first = CENSUSES_MIN - 1 if rolling else len(years) - 1
    holdouts = []
    for held in range(len(years) - 1, first - 1, -1):
        # The scale of the training years is the same prefix: it is built forward, the held-out year unseen.
        calibration = calibrate(years[:held], basis=basis)
        holdouts.append(_hold_out(settings, scaled, steps, held, calibration, seeds, growth, on_step))
    rule = "the mean of the training years" if growth == "mean" else "the last training year's"
    note = f"headcount growth is an input, not a forecast: {rule}"
    return Backtest(tuple(holdouts), scale.rule, note, years[-1].currency)


def _hold_out(
    settings: Settings,
    years: Sequence[YearlyCensus],
    steps: Sequence[Transition],
    held: int,
    calibration: Calibration,
    seeds: int,
    growth: Basis,
    on_step: Callable[[str, int, int], None],
) -> Holdout:
    step = steps[held - 1]
    trained = steps[: held - 1]
    heads = [h.growth for h in calibration.headcounts]
    chosen = heads[-1] if growth == "last" else sum(heads) / len(heads)
    values: dict[str, Value] = {
        **calibration.levers,
        **calibration.assumptions,
        "headcount_growth": round(chosen, 6),
    }
    spread = spread_of(calibration)
    plain = [(FIRST_SEED + k, values) for k in range(seeds)]
    moved = [] if spread is None else drawn_parameters(calibration, values, spread, seeds)
    total, done = len(plain) + len(moved), 0

    def report_step() -> None:
        nonlocal done
        done += 1
        on_step(step.label, done, total)

    with opened(settings, years[held - 1]) as (census, preview):
        fixed = [measured(step, year) for year in simulated(census, preview, plain, report_step)]
        seeded = [(FIRST_SEED + k, own) for k, own in enumerate(moved)]
        wide = [measured(step, year) for year in simulated(census, preview, seeded, report_step)]
    by_pay = years[0].levels_by_pay
    truth = observed(step, with_promotions(step, by_pay))
    history = [observed(s, with_promotions(s, by_pay)) for s in trained]
    rows = []
    for figure, now in truth.items():
        draws = np.array([sample.get(figure, 0.0) for sample in fixed])
        spreads = np.array([sample.get(figure, 0.0) for sample in wide])
        carried = naive(history, now, figure)
        rows.append(
            Row(
                figure=figure,
                truth=now.value,
                forecast=float(np.median(draws)),
                draws=_interval(draws, now.value),
                years=_interval(spreads, now.value) if len(spreads) else None,
                naive_last=carried[0] if carried else None,
                naive_mean=carried[1] if carried else None,
            )
        )
    return Holdout(
        year=step.label,
        trained_on=tuple(s.label for s in trained),
        seeds=seeds,
        rows=tuple(rows),
        levers=calibration.levers,
        assumptions={**calibration.assumptions, "headcount_growth": values["headcount_growth"]},
        notes=_notes(calibration, years[held - 1], spread is None),
    )


def _interval(samples: np.ndarray[tuple[int], np.dtype[np.float64]], truth: float) -> Interval:
    low, high = (float(q) for q in np.quantile(samples, (LOW, HIGH)))
    return Interval(low, high, bool(low <= truth <= high))


def _notes(calibration: Calibration, census: YearlyCensus, single: bool) -> tuple[str, ...]:
    notes = [
        f"{clip.name}: {clip.estimated:.4f} is outside its bounds, {clip.used:g} was simulated."
        for clip in calibration.clips
    ]
    if calibration.raise_split is not None and calibration.raise_split.moved:
        notes.append(calibration.raise_split.moved)
    if days := calendar_days(census):
        notes.append(f"The fiscal year was simulated as a calendar year: every date moved by {days} days.")
    if single:
        notes.append("One training year shows no spread over years: only the interval over seeds is given.")
    return tuple(notes)
