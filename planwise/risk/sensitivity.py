"""Importance of levers: by trials (PED-ANOVA), by slopes, by screening (Morris), by variance (Sobol)."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator

from planwise.errors import CheckFailed, InputError
from planwise.risk.ensemble import UNWATCHED, Step, Watch
from planwise.risk.finite_differences import Dimension, Point, linear_shares

TRIALS_MIN = 100  # distinct; with fewer, random variation outweighs most levers
TRIALS_PER_LEVER = 9  # as many as these 100 were for each of eleven levers
TOP_SHARE = 0.2
PED_ANOVA, LINEAR, NONE = "ped-anova", "linear", "none"


@dataclass(frozen=True)
class Importance:
    """Each lever's share (they sum to 1, or to 0 without any effect), the method, and its reason."""

    method: str
    reason: str | None
    trials: int
    shares: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """Return the importance as JSON values."""
        return asdict(self)


def importance(
    space: Sequence[Dimension],
    points: Sequence[Point],
    growth: Sequence[float],
    per_width: Mapping[str, float | None] | None,
) -> Importance:
    """Return how important each lever is for growth.

    `points` and `growth` are the trials; equal points count once. `per_width` are slopes by the width of the
    recommended range, for when there are too few distinct points; None when there are none either.
    """
    distinct: dict[tuple[float, ...], float] = {}
    for point, rate in zip(points, growth, strict=True):
        distinct.setdefault(tuple(point.get(lever.name, lever.start) for lever in space), rate)
    needed = max(TRIALS_MIN, TRIALS_PER_LEVER * len(space))
    if len(distinct) >= needed:
        return Importance(PED_ANOVA, None, len(distinct), _ped_anova(space, distinct))
    few = f"{len(distinct)} distinct trials; PED-ANOVA needs {needed} for {len(space)} levers"
    if per_width is None:
        return Importance(NONE, f"{few}, and there are no slopes", len(distinct), {})
    reason = f"{few}: shares of (slope × width)² instead"
    shares = linear_shares({name: effect or 0.0 for name, effect in per_width.items()})
    return Importance(LINEAR, reason, len(distinct), shares)


def _ped_anova(space: Sequence[Dimension], trials: Mapping[tuple[float, ...], float]) -> dict[str, float]:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="minimize")
    distributions: dict[str, BaseDistribution] = {
        lever.name: FloatDistribution(lever.low, lever.high) for lever in space
    }
    for values, rate in trials.items():
        params = {
            lever.name: min(max(value, lever.low), lever.high)
            for lever, value in zip(space, values, strict=True)
        }
        study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, values=[-rate]))
    found = PedAnovaImportanceEvaluator(target_quantile=TOP_SHARE).evaluate(study)
    total = sum(found.values())
    return {lever.name: float(found[lever.name] / total) if total else 0.0 for lever in space}


Function = Callable[[Mapping[str, float]], float]
Ranges = Mapping[str, tuple[float, float]]
Matrix = npt.NDArray[np.float64]
MORRIS_GRID = 4  # levels of the grid, as Morris proposes
BLOCKS_MIN = 2  # fewer have no spread
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Indices:
    """One row of figures a lever, and what they took; of `requested` samples `samples` ended."""

    method: str
    by_lever: Mapping[str, Mapping[str, float]]
    samples: int
    requested: int
    evaluations: int


def morris(
    function: Function, ranges: Ranges, samples: int, *, seed: int, watch: Watch = UNWATCHED
) -> Indices:
    """Return Morris' figures from `samples` trajectories of one step a lever, each step across ⅔ of a range.

    In the KPI's unit, for a whole range: `mu` the mean effect, `mu_star` the mean of its absolute value (with
    the half-width of its 95 % interval), `sigma` its standard deviation: large beside mu_star where the
    effect depends on the other levers or is not linear. Raises InputError for fewer than 2 samples,
    CheckFailed when it is stopped before 2 have ended.
    """
    from SALib.analyze import morris as analysis
    from SALib.sample import morris as sampling

    _require(samples >= BLOCKS_MIN, f"{samples} Morris samples", f"Give {BLOCKS_MIN} or more.")
    problem = _problem(ranges)
    points = sampling.sample(problem, samples, num_levels=MORRIS_GRID, seed=seed)
    values, ended = _evaluated(function, ranges, points, samples, watch)
    found = analysis.analyze(
        problem, points[: len(values)], values, num_levels=MORRIS_GRID, conf_level=CONFIDENCE, seed=seed
    )
    columns = {"mu": "mu", "mu_star": "mu_star", "mu_star_interval": "mu_star_conf", "sigma": "sigma"}
    return Indices("morris", _rows(ranges, found, columns), ended, samples, len(values))


def sobol(
    function: Function, ranges: Ranges, samples: int, *, seed: int, watch: Watch = UNWATCHED
) -> Indices:
    """Return Sobol's indices from `samples` × (levers + 2) evaluations.

    `first` is the share of the KPI's variance that a lever explains alone, `total` with all its interactions;
    each with the half-width of its 95 % interval (bootstrap). An estimate may fall slightly below 0 or above
    1. Raises InputError unless samples is a power of 2 (the sequence is balanced only there), CheckFailed
    when it is stopped before 2 have ended.
    """
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampling

    balanced = samples >= BLOCKS_MIN and samples & (samples - 1) == 0
    _require(balanced, f"{samples} Sobol samples", "Give a power of 2, such as 64.")
    problem = _problem(ranges)
    points = sampling.sample(problem, samples, calc_second_order=False, seed=seed)
    values, ended = _evaluated(function, ranges, points, samples, watch)
    if values.min() == values.max():
        nothing = dict.fromkeys(("first", "first_interval", "total", "total_interval"), 0.0)
        return Indices("sobol", {name: nothing for name in ranges}, ended, samples, len(values))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a bootstrap sample may be constant
        found = analysis.analyze(problem, values, calc_second_order=False, conf_level=CONFIDENCE, seed=seed)
    columns = {"first": "S1", "first_interval": "S1_conf", "total": "ST", "total_interval": "ST_conf"}
    return Indices("sobol", _rows(ranges, found, columns), ended, samples, len(values))


def _evaluated(
    function: Function, ranges: Ranges, points: Matrix, samples: int, watch: Watch
) -> tuple[Matrix, int]:
    """Evaluate point by point; of what was stopped, the whole samples count."""
    block = len(points) // samples
    values: list[float] = []
    for done, point in enumerate(points):
        if watch.should_stop():
            break
        values.append(function(dict(zip(ranges, map(float, point), strict=True))))
        watch.on_step(Step(done + 1, len(points)))
    ended = len(values) // block
    if ended < BLOCKS_MIN:
        raise CheckFailed(
            f"Stopped after {len(values)} evaluations; {BLOCKS_MIN} samples take {BLOCKS_MIN * block}.",
            remedy="Let it run longer.",
        )
    return np.array(values[: ended * block]), ended


def _problem(ranges: Ranges) -> dict[str, Any]:
    return {
        "num_vars": len(ranges),
        "names": list(ranges),
        "bounds": [list(each) for each in ranges.values()],
    }


def _rows(
    ranges: Ranges, found: Mapping[str, Any], columns: Mapping[str, str]
) -> dict[str, dict[str, float]]:
    return {
        name: {column: float(found[key][index]) for column, key in columns.items()}
        for index, name in enumerate(ranges)
    }


def _require(holds: bool, what: str, remedy: str) -> None:
    if not holds:
        raise InputError(f"{what} do not make a sensitivity analysis.", remedy=remedy)
