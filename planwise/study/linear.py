"""Growth and constraints as linear models near a point, and what is best on them: pure, nothing is evaluated.

Points are (x − x₀) / scale, so that a move of 1 is the width of a lever's recommended range.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import LinearConstraint, linprog, minimize

from planwise.study.lever_rules import rows_of
from planwise.study.problem import Problem
from planwise.study.space import Vector, bounds_of

SLSQP_ITERATIONS = 200
SLSQP_PRECISION = 1e-12
# How far within a constraint to aim: levers have six decimals, and what they cost is not quite linear.
MARGIN = 2e-6
GROWTH = 0  # the first output of a model; the others are constraints

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """Outputs near a point: `values` there (growth, then constraints), one row of `slopes` an output."""

    at: Vector
    values: Vector
    slopes: Matrix

    def moved(self, at: Vector, values: Vector) -> "Model":
        """Return the model at another point, its slopes corrected along the way there (Broyden)."""
        step = at - self.at
        length = float(step @ step)
        if length == 0.0:
            return replace(self, values=values)
        missed = values - self.values - self.slopes @ step
        return Model(at, values, self.slopes + np.outer(missed / length, step))

    def scaled(self, output: int, factor: float) -> "Model":
        """Return the model with an output v read as (v + 1) · factor − 1: a ratio to a limit that moved."""
        values, slopes = self.values.copy(), self.slopes.copy()
        values[output] = (values[output] + 1) * factor - 1
        slopes[output] *= factor
        return Model(self.at, values, slopes)

    def origin(self) -> Vector:
        """Return the outputs of the model at the point 0."""
        return self.values - self.slopes @ self.at

    def growth(self, at: Vector) -> float:
        """Return the growth that the model has at a point."""
        return float(self.values[GROWTH] + self.slopes[GROWTH] @ (at - self.at))


@dataclass(frozen=True)
class Region:
    """Where the levers may be: between `low` and `high`, and `matrix` · z ≤ `limits`."""

    low: Vector
    high: Vector
    matrix: Matrix
    limits: Vector

    @classmethod
    def of(cls, problem: Problem) -> "Region":
        """Return the region of a problem's bounds and of its constraints on levers."""
        return cls(*bounds_of(problem.space), *rows_of(problem.rules, problem.space))

    def held(self, levers: npt.NDArray[np.bool_], at: Vector) -> "Region":
        """Return the region in which some levers stay where they are."""
        return replace(self, low=np.where(levers, at, self.low), high=np.where(levers, at, self.high))

    def clip(self, at: Vector) -> Vector:
        """Return the nearest point between the bounds."""
        inside: Vector = np.clip(at, self.low, self.high)
        return inside

    def with_constraints(self, model: Model) -> "Region":
        """Return the region in which the model's constraints hold too, by a margin; rows scaled to 1."""
        slopes, origin = model.slopes[1:], model.origin()[1:]
        size = np.abs(slopes).max(axis=1, initial=0.0)
        moving = size > 0
        rows = slopes[moving] / size[moving, None]
        limits = (-MARGIN - origin[moving]) / size[moving]
        return replace(
            self, matrix=np.vstack([self.matrix, rows]), limits=np.concatenate([self.limits, limits])
        )


def least_change(region: Region, model: Model, aim: float) -> Vector:
    """Return the smallest move at which the model grows by `aim` and keeps its constraints.

    Where the model has no such point, the nearest growth that keeps them is aimed at; where they cannot be
    kept at all, the point that exceeds them least is returned.
    """
    within = region.with_constraints(model)
    if not np.any(model.slopes[GROWTH]):
        return least_excess(region, model)
    ends = ends_of(within, model)
    if ends is None:
        return least_excess(region, model)
    lowest, highest = ends
    needed = min(max(aim, model.growth(lowest)), model.growth(highest))
    slopes = model.slopes[GROWTH]
    unit = float(np.abs(slopes).max())
    origin = float(model.origin()[GROWTH])
    rows = [LinearConstraint(slopes / unit, (needed - origin) / unit, (needed - origin) / unit)]
    if len(within.limits):
        rows.append(LinearConstraint(within.matrix, -np.inf, within.limits))
    result = minimize(
        lambda z: float(z @ z),
        within.clip(model.at),
        jac=lambda z: 2 * z,
        method="SLSQP",
        bounds=list(zip(within.low, within.high, strict=True)),
        constraints=rows,
        options={"maxiter": SLSQP_ITERATIONS, "ftol": SLSQP_PRECISION},
    )
    if not result.success:  # the ends keep everything, and so does what lies between them
        span = model.growth(highest) - model.growth(lowest)
        share = 0.0 if span <= 0 else (needed - model.growth(lowest)) / span
        return within.clip(lowest + share * (highest - lowest))
    return within.clip(result.x)


def ends_of(region: Region, model: Model) -> tuple[Vector, Vector] | None:
    """Return the points of least and of most growth; None when the region is empty."""
    lowest = furthest(region, model, highest=False)
    highest = furthest(region, model, highest=True)
    return None if lowest is None or highest is None else (lowest, highest)


def furthest(region: Region, model: Model, *, highest: bool) -> Vector | None:
    """Return the point of the region where the model grows most, or least; None when the region is empty."""
    slopes = -model.slopes[GROWTH] if highest else model.slopes[GROWTH]
    if not len(region.limits):
        return np.where(slopes > 0, region.low, np.where(slopes < 0, region.high, region.clip(model.at)))
    unit = float(np.abs(slopes).max()) or 1.0
    program = linprog(
        slopes / unit,
        A_ub=region.matrix,
        b_ub=region.limits,
        bounds=list(zip(region.low, region.high, strict=True)),
        method="highs",
    )
    return region.clip(program.x) if program.status == 0 else None


def least_excess(region: Region, model: Model) -> Vector:
    """Return the point where the model exceeds its constraints least in sum; lever constraints are kept."""
    count = len(model.values) - 1
    if not count:
        return region.clip(model.at)
    levers, rules = len(region.low), len(region.limits)
    origin = model.origin()[1:]
    matrix = np.block([[region.matrix, np.zeros((rules, count))], [model.slopes[1:], -np.eye(count)]])
    program = linprog(
        np.concatenate([np.zeros(levers), np.ones(count)]),
        A_ub=matrix,
        b_ub=np.concatenate([region.limits, -MARGIN - origin]),
        bounds=[*zip(region.low, region.high, strict=True), *((0.0, None) for _ in range(count))],
        method="highs",
    )
    return region.clip(program.x[:levers]) if program.status == 0 else region.clip(model.at)
