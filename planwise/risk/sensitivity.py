"""How KPIs respond to levers: derivatives, importance, variance shares."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.importance import PedAnovaImportanceEvaluator

from planwise.errors import CheckFailed, InputError
from planwise.risk.ensemble import UNWATCHED, Step, Watch

STEP_WIDTHS = 0.1
DYNAMICS_STEP_WIDTHS = 0.5

Point = Mapping[str, float]


class Dimension(Protocol):
    """A lever that may move: hard bounds, where it stands, and the width of its recommended range."""

    @property
    def name(self) -> str:
        """The lever, or lever@year."""
        ...

    @property
    def low(self) -> float:
        """The least it may be."""
        ...

    @property
    def high(self) -> float:
        """The most it may be."""
        ...

    @property
    def start(self) -> float:
        """Its value in force."""
        ...

    @property
    def scale(self) -> float:
        """The width of the recommended range."""
        ...

    @property
    def dynamics(self) -> bool:
        """Whether it changes who is promoted, hired or leaves."""
        ...

    def clamp(self, value: float) -> float:
        """Return the canonical value nearest to this one within the bounds."""
        ...


@dataclass(frozen=True)
class Slope:
    """What a KPI does when one lever rises and nothing else.

    `slope` is ∂KPI/∂lever: for a rate by a rate, percentage points per percentage point. `per_pp` is what
    one percentage point of the lever does, in the KPI's unit; `per_width` what the width of the recommended
    range does, were it all like here. `share` is (per_width)² of the sum over all levers. `step` is the
    difference it was measured by; 0, with a slope of None, where the lever cannot move.
    """

    slope: float | None
    per_pp: float | None
    per_width: float | None
    share: float | None
    step: float

    def as_json(self) -> dict[str, float | None]:
        """Return the slope as JSON values."""
        return asdict(self)


PP_RATE = 0.01  # one percentage point as a rate


def stepped(space: Sequence[Dimension], at: Point) -> dict[str, dict[str, float]]:
    """Return the points to evaluate: for each lever that can move, the point with that lever one step away.

    `at` may leave levers out: they stand where they start.
    """
    here = {lever.name: at.get(lever.name, lever.start) for lever in space}
    points = {}
    for lever in space:
        moved = _moved(lever, here[lever.name])
        if moved != here[lever.name]:
            points[lever.name] = {**here, lever.name: moved}
    return points


def slopes(
    space: Sequence[Dimension], at: Point, value: float, values: Mapping[str, float]
) -> dict[str, Slope]:
    """Return each lever's slope from the KPI at a point and one step away, as `stepped` gave them."""
    raw: dict[str, tuple[float, float]] = {}
    for lever in space:
        if lever.name in values:
            here = at.get(lever.name, lever.start)
            step = _moved(lever, here) - here
            raw[lever.name] = ((values[lever.name] - value) / step, step)
    shares = linear_shares(
        {lever.name: raw[lever.name][0] * lever.scale for lever in space if lever.name in raw}
    )
    return {
        lever.name: Slope(
            slope=raw[lever.name][0],
            per_pp=raw[lever.name][0] * PP_RATE,
            per_width=raw[lever.name][0] * lever.scale,
            share=shares[lever.name],
            step=raw[lever.name][1],
        )
        if lever.name in raw
        else Slope(None, None, None, None, 0.0)
        for lever in space
    }


def linear_shares(effects: Mapping[str, float]) -> dict[str, float]:
    """Return each effect's share of the sum of squares; all 0 where nothing has an effect.

    This is the variance that each lever would contribute if all moved independently over equally likely
    values, in proportion to their widths, and the KPI were linear: its first-order Sobol index.
    """
    total = sum(effect**2 for effect in effects.values())
    return {name: effect**2 / total if total else 0.0 for name, effect in effects.items()}


def _moved(lever: Dimension, value: float) -> float:
    size = lever.scale * (DYNAMICS_STEP_WIDTHS if lever.dynamics else STEP_WIDTHS)
    upwards = value <= (lever.low + lever.high) / 2
    return lever.clamp(value + size if upwards else value - size)


TRIALS_MIN = 100  # distinct; with fewer, chance has a larger share than most levers
TRIALS_PER_LEVER = 9  # as many as these 100 were for each of eleven levers
TOP_SHARE = 0.2
PED_ANOVA, LINEAR, NONE = "ped-anova", "linear", "none"


@dataclass(frozen=True)
class Importance:
    """Each lever's share (they sum to 1, or to 0 where nothing matters), how it was found, and why so."""

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
    """One row of figures a lever, and what they took; `asked` samples, of which `samples` ended."""

    method: str
    by_lever: Mapping[str, Mapping[str, float]]
    samples: int
    asked: int
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
