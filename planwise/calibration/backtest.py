"""Forecast held-out years from the years before, and compare with the actual years."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.stats import t as student

from planwise.calibration.backtest_results import Backtest, Holdout, Row, family_scores, interval
from planwise.calibration.estimate import Basis, Calibration, calibrate, on_one_scale
from planwise.calibration.parameters_from_estimates import Overrides
from planwise.calibration.raises import split, with_promotions
from planwise.calibration.rates import ALL_YEARS, EVERYONE
from planwise.calibration.statistics import (
    EVENT_FIGURES,
    MONEY_FIGURES,
    RATE_FIGURES,
    Figure,
    calendar_days,
    exit_groups,
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
CENSUSES_MIN_OF_HALVES = 2
SEEDS_MIN, FIRST_SEED = 20, 1
HALVES = ("one half of the people", "the other half of the people")


def backtest(
    settings: Settings,
    years: Sequence[YearlyCensus],
    *,
    seeds: int = SEEDS_MIN,
    basis: Basis = "mean",
    growth: Basis = "mean",
    rolling: bool = True,
    given: Mapping[str, Value] | None = None,
    split_half: bool = False,
    on_step: Callable[[str, int, int], None] = lambda year, done, total: None,
) -> Backtest:
    """Return the backtest of the last year and, with `rolling`, of each earlier one that can be held out.

    `basis` and `growth` choose mean or last of the training years, for rates and for headcount growth.
    `given` states parameters of the last year: it is forecast with them, too. With `split_half`, each year
    is also forecast for one half of its people from the rates of the other half; two censuses are then
    enough. Raises InputError on too few censuses or seeds.
    """
    needed = CENSUSES_MIN_OF_HALVES if split_half else CENSUSES_MIN
    if len(years) < needed:
        raise InputError(
            f"{len(years)} censuses: a backtest needs at least {needed}, two to calibrate on"
            f"{'' if split_half else ' and the one that is held out'}.",
            remedy="Add an earlier year, or calibrate without a test: `planwise calibrate`.",
        )
    if seeds < SEEDS_MIN:
        raise InputError(f"--seeds must be at least {SEEDS_MIN} for P10 and P90 (got {seeds}).")
    scaled, scale = on_one_scale(years)
    steps = transitions(scaled)
    first = CENSUSES_MIN - 1 if rolling else max(CENSUSES_MIN - 1, len(years) - 1)
    holdouts, of_given = [], None
    for held in range(len(years) - 1, first - 1, -1):
        # The scale of the training years is the same prefix: it is built forward, the held-out year unseen.
        calibration = calibrate(years[:held], basis=basis)
        forecast = _Forecast(settings, steps[held - 1], steps[: held - 1], calibration, growth, seeds)
        if given and held == len(years) - 1:
            of_given = forecast.hold_out(on_step, given)
        holdouts.append(forecast.hold_out(on_step, {}))
    halves = _halves(settings, years, growth, seeds, on_step) if split_half else ()
    rule = "the mean of the training years" if growth == "mean" else "the last training year's"
    note = f"headcount growth is an input, not a forecast: {rule}"
    return Backtest(tuple(holdouts), scale.rule, note, years[-1].currency, of_given, halves)


def _halves(
    settings: Settings,
    years: Sequence[YearlyCensus],
    growth: Basis,
    seeds: int,
    on_step: Callable[[str, int, int], None],
) -> tuple[Holdout, ...]:
    """Return each year, the last one first: one half of its people forecast from the rates of the other."""
    found = []
    for pair in reversed(list(pairwise(years))):
        training, test = ([_half(year, part) for year in pair] for part in range(2))
        calibration = calibrate(training)
        step = transitions(on_one_scale(test)[0])[0]
        forecast = _Forecast(settings, step, calibration.steps, calibration, growth, seeds, HALVES)
        found.append(forecast.hold_out(on_step, {}))
    return tuple(found)


def _half(year: YearlyCensus, part: int) -> YearlyCensus:
    """Return the census of half the people; an id is in the same half in every year."""
    people = year.people
    chosen = [zlib.crc32(str(identifier).encode()) % 2 == part for identifier in people.index]
    return replace(year, people=people[chosen])


@dataclass(frozen=True)
class _Forecast:
    """A year to be forecast, and the years that its rates come from."""

    settings: Settings
    step: Transition
    trained: Sequence[Transition]
    calibration: Calibration
    growth: Basis
    seeds: int
    halves: tuple[str, str] | None = None

    def hold_out(self, on_step: Callable[[str, int, int], None], given: Mapping[str, Value]) -> Holdout:
        """Simulate the year under many seeds, with the rates and with rates drawn, and compare."""
        heads = [h.growth for h in self.calibration.headcounts]
        chosen = heads[-1] if self.growth == "last" else sum(heads) / len(heads)
        values: dict[str, Value] = {
            **self.calibration.levers,
            **self.calibration.assumptions,
            "headcount_growth": round(chosen, 6),
            **given,
        }
        spread = spread_of(self.calibration)
        moved = [] if spread is None else drawn_parameters(self.calibration, values, spread, self.seeds)
        moved = [{**one, **given} for one in moved]
        fixed, wide = self._simulate(values, moved, on_step)
        rows = tuple(self._rows(fixed, wide))
        return Holdout(
            year=self._label(self.step, 1),
            trained_on=tuple(self._label(step, 0) for step in self.trained),
            seeds=self.seeds,
            rows=tuple(row for row in rows if row.figure.is_headline),
            groups=tuple(row for row in rows if not row.figure.is_headline),
            families=family_scores(rows),
            levers=self.calibration.levers,
            assumptions={**self.calibration.assumptions, "headcount_growth": values["headcount_growth"]},
            given=dict(given),
            notes=self._notes(spread is None),
        )

    def _label(self, step: Transition, part: int) -> str:
        return step.label if self.halves is None else f"{step.label}, {self.halves[part]}"

    def _simulate(
        self,
        values: Mapping[str, Value],
        moved: Sequence[Mapping[str, Value]],
        on_step: Callable[[str, int, int], None],
    ) -> tuple[list[dict[Figure, float]], list[dict[Figure, float]]]:
        plain = [(FIRST_SEED + k, values) for k in range(self.seeds)]
        seeded = [(FIRST_SEED + k, own) for k, own in enumerate(moved)]
        total, done = len(plain) + len(seeded), 0

        def report_step() -> None:
            nonlocal done
            done += 1
            on_step(self.step.label, done, total)

        groups = exit_groups(self.step)

        def figures(runs: Sequence[tuple[int, Mapping[str, Value]]]) -> list[dict[Figure, float]]:
            found = simulated(census, preview, runs, report_step)
            return [measured(self.step, year, groups) for year in found]

        with opened(self.settings, self.step.before, self.calibration.rates) as (census, preview):
            return figures(plain), figures(seeded)

    def _rows(
        self, fixed: Sequence[Mapping[Figure, float]], wide: Sequence[Mapping[Figure, float]]
    ) -> list[Row]:
        by_pay = self.step.before.levels_by_pay
        truth = observed(self.step, with_promotions(self.step, by_pay))
        history = [observed(s, with_promotions(s, by_pay)) for s in self.trained]
        rows = []
        for figure, now in truth.items():
            samples = _samples(fixed, figure)
            draws = interval(samples, now.value)
            if draws is None:  # no seed has anybody in the level
                continue
            carried = naive(history, now, figure)
            past = [seen[figure] for seen in history if figure in seen]
            rows.append(
                Row(
                    figure=figure,
                    truth=now.value,
                    forecast=float(np.median(samples)),
                    draws=draws,
                    years=interval(_samples(wide, figure), now.value),
                    naive_last=carried[0] if carried else None,
                    naive_mean=carried[1] if carried else None,
                    people=sum(seen.people for seen in past),
                    events=round(sum(seen.value for seen in past)) if figure.name in EVENT_FIGURES else None,
                )
            )
        return rows

    def _notes(self, single: bool) -> tuple[str, ...]:
        calibration = self.calibration
        notes = [
            f"{clip.name}: {clip.estimated:.4f} is outside its bounds, {clip.used:g} was simulated."
            for clip in calibration.clips
        ]
        if calibration.raise_split is not None and calibration.raise_split.moved:
            notes.append(calibration.raise_split.moved)
        if days := calendar_days(self.step.before):
            notes.append(
                f"The fiscal year was simulated as a calendar year: every date moved by {days} days."
            )
        if single:
            notes.append(
                "One training year shows no spread over years: only the interval over seeds is given."
            )
        return tuple(notes)


def _samples(years: Sequence[Mapping[Figure, float]], figure: Figure) -> list[float]:
    """Return a figure of each simulated year: a missing count is 0, a missing mean is left out."""
    if figure.name in MONEY_FIGURES | RATE_FIGURES:
        return [year[figure] for year in years if figure in year]
    return [year.get(figure, 0.0) for year in years]
