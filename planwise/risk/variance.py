"""Sensitivity over ranges: Morris' elementary effects and Sobol's indices, by SALib.

Levers move within their ranges all at once; figures are of the KPI's answer to that. Sources: Morris (1991),
Technometrics 33; Sobol (2001), Mathematics and Computers in Simulation 55; Saltelli (2010), Computer Physics
Communications 181.
"""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from planwise.errors import CheckFailed, InputError
from planwise.risk.ensemble import UNWATCHED, Step, Watch

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
