"""What the years do to the rates: parameters drawn from the spread that the training years show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from planwise.calibration.assumptions import Overrides
from planwise.calibration.bands import ALL_YEARS, EVERYONE
from planwise.calibration.estimate import Calibration
from planwise.calibration.raises import split
from planwise.parameters import Value

YEARS_FOR_SPREAD = 2
PROMOTION_PROBABILITY = "promotion_probability_"
DRAW_SEED = 20_260_101  # which parameter draw meets which simulation seed: arbitrary, fixed


@dataclass(frozen=True)
class Spread:
    """Predictive standard errors of next year's rates and the degrees of freedom they have.

    Turnover, headcount growth, the general raise, and promotions relative to their mean.
    """

    termination_rate: float
    headcount_growth: float
    raise_rate: float
    promotions_relative: float
    freedom: int


def spread_of(calibration: Calibration) -> Spread | None:
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
    return Spread(
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
    calibration: Calibration, values: Mapping[str, Value], spread: Spread, draws: int
) -> list[dict[str, Value]]:
    """Return `draws` sets of parameters: turnover, growth, raises and promotions moved, each on its own.

    The quantiles are evenly spaced and shuffled, so that a few draws cover the distribution.
    """
    generator = np.random.default_rng(DRAW_SEED)
    scores = student.ppf((np.arange(draws) + 0.5) / draws, spread.freedom)
    columns = [generator.permutation(scores) for _ in range(4)]
    return [_moved(calibration, values, spread, z) for z in zip(*columns, strict=True)]


def _moved(
    calibration: Calibration, values: Mapping[str, Value], spread: Spread, scores: Sequence[float]
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
