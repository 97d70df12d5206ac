"""Forecast held-out years from the years before, and compare with the actual years."""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from planwise.calibration.awards import DEFAULT_ATTRIBUTE
from planwise.calibration.backtest_results import Backtest, Holdout, Row, family_scores, interval
from planwise.calibration.estimate import Basis, Calibration, Raises, calibrate, on_one_scale
from planwise.calibration.raises import with_promotions
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
from planwise.formatting import counted
from planwise.parameters import Value, resolve
from planwise.risk.worlds import RateDraws
from planwise.settings import Settings

DRAW_SEED = 20_260_101  # which rates meet which simulation seed: arbitrary, fixed
ANY_YEAR = 2026  # rates are drawn for one year, whichever it is


def drawn_parameters(
    values: Mapping[str, Value], draws: int, given: Mapping[str, Value] | None = None
) -> list[dict[str, Value]]:
    """Return sets of parameters of the year to come, with rates of worlds; what is `given` is not drawn."""
    plan = {name: value for name, value in values.items() if "@" not in name}
    rates = RateDraws.of(resolve((ANY_YEAR,), scenario={**plan, "years": 1, "seed": DRAW_SEED}), ())
    found = []
    for world in range(draws):
        drawn = rates.levers(world) | rates.assumptions(world)
        found.append({**values, **{name.partition("@")[0]: v for name, v in drawn.items()}, **(given or {})})
    return found


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
    raises: Raises = "auto",
    award_by: str = DEFAULT_ATTRIBUTE,
    split_half: bool = False,
    on_step: Callable[[str, int, int], None] = lambda year, done, total: None,
) -> Backtest:
    """Return the backtest of the last year and, with `rolling`, of each earlier one that can be held out.

    `basis` and `growth` choose mean or last of the training years, for rates and for headcount growth.
    `given` states parameters of the last year: it is forecast with them, too. `raises` and `award_by` are
    those of `calibrate`. With `split_half`, each year
    is also forecast for one half of its people from the rates of the other half; two censuses are then
    enough. Raises InputError on too few censuses or seeds.
    """
    needed = CENSUSES_MIN_OF_HALVES if split_half else CENSUSES_MIN
    if len(years) < needed:
        raise InputError(
            f"{counted(len(years), 'census', 'censuses')}: a backtest needs at least {needed}, two to "
            f"calibrate on"
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
        calibration = calibrate(years[:held], basis=basis, raises=raises, award_by=award_by)
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
        moved = drawn_parameters(values, self.seeds, given)
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
            notes=self._notes(),
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
            years = simulated(census, preview, runs, report_step)
            return [measured(self.step, year, groups) for year in years]

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
                    forecast=float(np.mean(samples)),
                    draws=draws,
                    years=interval(_samples(wide, figure), now.value),
                    naive_last=carried[0] if carried else None,
                    naive_mean=carried[1] if carried else None,
                    people=sum(seen.people for seen in past),
                    events=round(sum(seen.value for seen in past)) if figure.name in EVENT_FIGURES else None,
                )
            )
        return rows

    def _notes(self) -> tuple[str, ...]:
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
        return tuple(notes)


def _samples(years: Sequence[Mapping[Figure, float]], figure: Figure) -> list[float]:
    """Return a figure of each simulated year: a missing count is 0, a missing mean is left out."""
    if figure.name in MONEY_FIGURES | RATE_FIGURES:
        return [year[figure] for year in years if figure in year]
    return [year.get(figure, 0.0) for year in years]
