"""What a backtest found: figures with their forecasts and intervals, scores of families, held-out years."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from planwise.calibration.statistics import (
    DEPARTMENT_FAMILY,
    FINE_SERVICE_FAMILY,
    LEVEL_FAMILY,
    RATE_FIGURES,
    SERVICE_FAMILY,
    Figure,
)
from planwise.parameters import Value

LOW, HIGH = 0.1, 0.9
COVERAGE_EXPECTED = HIGH - LOW
TIE_SHARE = 0.001  # forecasts this near, as a share of the truth, are one: headcount is rounded, for one
FORECASTS = ("simulation", "last year", "mean of years")
BEATS = ("both", *FORECASTS[1:], "neither")
SCORED = {
    ("exits", SERVICE_FAMILY): "exits by service, 5 bands",
    ("exits", FINE_SERVICE_FAMILY): "exits by service, 11 bands",
    ("exits", DEPARTMENT_FAMILY): "exits by department",
    ("exits", LEVEL_FAMILY): "exits by level",
    ("headcount", LEVEL_FAMILY): "headcount by level",
    ("mean_pay", LEVEL_FAMILY): "mean pay by level",
}


@dataclass(frozen=True)
class Interval:
    """P10 and P90 of a forecast, and whether what happened lies within."""

    low: float
    high: float
    within: bool

    @property
    def width(self) -> float:
        """The distance between the two."""
        return self.high - self.low


def interval(samples: Sequence[float], truth: float) -> Interval | None:
    """Return P10 and P90 of the samples; None without any."""
    if not len(samples):
        return None
    low, high = (float(q) for q in np.quantile(np.asarray(samples, dtype=float), (LOW, HIGH)))
    return Interval(low, high, bool(low <= truth <= high))


@dataclass(frozen=True)
class Row:
    """One statistic of one held-out year: actual value, forecasts and errors.

    `forecast` is the mean over seeds: those of groups then sum to that of everyone, which medians of small
    counts do not. `draws` is the interval over seeds alone, `years` that with rates drawn as well (None where
    they are not). Naive forecasts carry the rate of the last or of all training years over. `people` and
    `events` say on how many people and, for counts, on how many events of the training years it rests.
    """

    figure: Figure
    truth: float
    forecast: float
    draws: Interval
    years: Interval | None
    naive_last: float | None
    naive_mean: float | None
    people: int
    events: int | None

    @property
    def best(self) -> str:
        """The nearest of FORECASTS; near ties go to the later one, so never to the simulation."""
        forecasts = (self.forecast, self.naive_last, self.naive_mean)
        distances = [_distance(forecast, self.truth) for forecast in forecasts]
        near = min(distances) + TIE_SHARE * abs(self.truth)
        return FORECASTS[max(k for k, d in enumerate(distances) if d <= near)]

    @property
    def beats(self) -> str | None:
        """Which naive forecasts the simulation is nearer than, ties not counted; None without any."""
        errors = [None if f is None else abs(f - self.truth) for f in (self.naive_last, self.naive_mean)]
        return _beaten(abs(self.forecast - self.truth) + TIE_SHARE * abs(self.truth), *errors)

    def error_pct(self, forecast: float | None) -> float | None:
        """Return a forecast's error in per cent of the truth; None for growth rates and a truth of 0."""
        if forecast is None or self.figure.name in RATE_FIGURES or self.truth == 0:
            return None
        return 100 * (forecast / self.truth - 1)

    @property
    def width_relative(self) -> float | None:
        """The wider interval's width as a share of the truth; of a growth rate, in its own unit."""
        width = (self.years or self.draws).width
        if self.figure.name in RATE_FIGURES:
            return width
        return width / abs(self.truth) if self.truth else None


def _distance(forecast: float | None, truth: float) -> float:
    return float("inf") if forecast is None else abs(forecast - truth)


def _beaten(own: float, last: float | None, mean: float | None) -> str | None:
    """Return which naive forecasts have a larger error: both, one by name, or neither; None without any."""
    known = [
        (name, error) for name, error in zip(FORECASTS[1:], (last, mean), strict=True) if error is not None
    ]
    if not known:
        return None
    beaten = [name for name, error in known if own < error]
    return BEATS[0] if len(beaten) == len(known) else beaten[0] if beaten else BEATS[-1]


@dataclass(frozen=True)
class FamilyScore:
    """How far forecasts of a family of groups were off: Σ|forecast − truth| / Σ truth, the weighted MAPE.

    `events` is Σ truth, `training_events` the same of the training years; None where the family has no
    counts.
    """

    name: str
    groups: int
    events: int | None
    training_events: int | None
    simulation: float
    naive_last: float | None
    naive_mean: float | None

    @property
    def beats(self) -> str | None:
        """Which naive forecasts the simulation is better than; None where there are none."""
        return _beaten(self.simulation, self.naive_last, self.naive_mean)


def family_scores(rows: Iterable[Row]) -> tuple[FamilyScore, ...]:
    """Return the score of each family of `SCORED` that has rows."""
    found = list(rows)
    scores = []
    for (name, family), label in SCORED.items():
        members = [r for r in found if (r.figure.name, r.figure.family) == (name, family)]
        total = sum(abs(r.truth) for r in members)
        if not members or not total:
            continue
        counted = name != "mean_pay"
        scores.append(
            FamilyScore(
                name=label,
                groups=len(members),
                events=round(total) if counted else None,
                training_events=sum(r.events or 0 for r in members) if counted else None,
                simulation=sum(abs(r.forecast - r.truth) for r in members) / total,
                naive_last=_wmape([(r.naive_last, r.truth) for r in members], total),
                naive_mean=_wmape([(r.naive_mean, r.truth) for r in members], total),
            )
        )
    return tuple(scores)


def _wmape(pairs: Sequence[tuple[float | None, float]], total: float) -> float | None:
    """Return Σ|forecast − truth| / total; None where a group has no forecast."""
    errors = [abs(forecast - truth) for forecast, truth in pairs if forecast is not None]
    return sum(errors) / total if len(errors) == len(pairs) else None


@dataclass(frozen=True)
class Holdout:
    """One held-out year, or one held-out half of a year's people.

    `rows` are the headline figures, `groups` the exits by finer bands of service and by department. `given`
    are parameters that were stated and not estimated.
    """

    year: str
    trained_on: tuple[str, ...]
    seeds: int
    rows: tuple[Row, ...]
    groups: tuple[Row, ...]
    families: tuple[FamilyScore, ...]
    levers: Mapping[str, Value]
    assumptions: Mapping[str, Value]
    given: Mapping[str, Value]
    notes: tuple[str, ...]

    @property
    def nearest(self) -> dict[str, int]:
        """How many figures each forecast was nearest to."""
        best = [row.best for row in self.rows]
        return {name: best.count(name) for name in FORECASTS}

    @property
    def beats(self) -> dict[str, int]:
        """Of how many figures the simulation beats both naive forecasts, one of them, or neither."""
        found = [row.beats for row in self.rows]
        return {name: found.count(name) for name in BEATS}

    @property
    def coverage_draws(self) -> float:
        """Share of headline figures within P10–P90 over seeds alone."""
        return float(np.mean([row.draws.within for row in self.rows]))

    @property
    def coverage_years(self) -> float | None:
        """The same with rates drawn; None where they are not."""
        found = [row.years.within for row in self.rows if row.years is not None]
        return float(np.mean(found)) if found else None

    @property
    def width(self) -> float | None:
        """The median width of P10–P90, of figures that are no growth rates, as a share of what happened."""
        found = [
            w
            for row in self.rows
            if row.figure.name not in RATE_FIGURES and (w := row.width_relative) is not None
        ]
        return float(np.median(found)) if found else None


@dataclass(frozen=True)
class Backtest:
    """All held-out years, the last one first.

    `given` is the last year again with what was stated about it (awards, headcount); `halves` each year with
    one half of its people forecast from the other.
    """

    holdouts: tuple[Holdout, ...]
    level_rule: str
    growth_rule: str
    currency: str
    given: Holdout | None = None
    halves: tuple[Holdout, ...] = ()

    @property
    def every(self) -> tuple[Holdout, ...]:
        """All hold-outs in the order of the report."""
        return (*((self.given,) if self.given is not None else ()), *self.holdouts, *self.halves)

    @property
    def coverage_draws(self) -> float | None:
        """Share of all figures of all held-out years within P10–P90 over seeds alone, nothing given."""
        found = [row.draws.within for h in self.holdouts for row in h.rows]
        return float(np.mean(found)) if found else None

    @property
    def coverage_years(self) -> float | None:
        """The same with rates drawn, of the held-out years where they are; None without any."""
        found = [row.years.within for h in self.holdouts for row in h.rows if row.years is not None]
        return float(np.mean(found)) if found else None
