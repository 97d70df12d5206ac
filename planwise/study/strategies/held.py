"""Constraints as SciPy wants them: each divided by its steepness, so that one weight fits all."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, minimize

from planwise.study.strategies.landscape import Landscape, Vector

CORRECTIONS = 3  # a preview each; payroll bends by a thousandth of what a lever moves it


class Held:
    """All constraints of a landscape, those that need an evaluation last."""

    def __init__(self, landscape: Landscape, point: Vector) -> None:
        self._landscape = landscape
        self.count = len(landscape.limits) + len(landscape.constraint_names)
        self._rules = _norms(landscape.rows)
        self._evaluated = _norms(landscape.slopes(point).constraints) if landscape.constraint_names else None

    def values(self, point: Vector) -> Vector:
        """Return what is exceeded (up to 0: nothing)."""
        rules = (self._landscape.rows @ point - self._landscape.limits) / self._rules
        return np.concatenate([rules, self.evaluated(point)])

    def evaluated(self, point: Vector) -> Vector:
        """Return what is exceeded of the constraints that need an evaluation."""
        if self._evaluated is None:
            return np.zeros(0)
        return self._landscape.constraints(point) / self._evaluated

    def slopes(self, point: Vector) -> Vector:
        """Return the derivatives, a row a constraint."""
        rules = self._landscape.rows / self._rules[:, None]
        if self._evaluated is None:
            return rules
        return np.vstack([rules, self._landscape.slopes(point).constraints / self._evaluated[:, None]])

    def restored(self, point: Vector) -> Vector:
        """Return the nearest point within the bounds at which all constraints hold, or nearly.

        They are taken as linear; where they are not quite, what is left is corrected a few times.
        """
        if not self.count:
            return point
        slopes = self.slopes(point)
        for _correction in range(CORRECTIONS):
            exceeded = self.values(point)
            if exceeded.max() <= 0:
                break
            point = self._landscape.clip(point + self._least_step(point, exceeded, slopes))
        return point

    def _least_step(self, point: Vector, exceeded: Vector, slopes: Vector) -> Vector:
        step: Vector = minimize(
            lambda step: float(step @ step),
            np.zeros(len(point)),
            jac=lambda step: 2 * step,
            method="SLSQP",
            bounds=Bounds(self._landscape.low - point, self._landscape.high - point),
            constraints=LinearConstraint(slopes, -np.inf, -exceeded),
        ).x
        return step

    def lagrangian(self, multipliers: Vector, weight: float) -> Callable[[Vector], float]:
        """Return the objective plus (max(0, λ + w g)² − λ²) / 2w over the constraints g."""

        def value(point: Vector) -> float:
            pressed = np.maximum(multipliers + weight * self.values(point), 0.0)
            penalty = float(pressed @ pressed - multipliers @ multipliers) / (2 * weight)
            return self._landscape.value(point) + penalty

        return value

    def gradient(self, multipliers: Vector, weight: float) -> Callable[[Vector], Vector]:
        """Return the gradient of `lagrangian`."""

        def gradient(point: Vector) -> Vector:
            pressed = np.maximum(multipliers + weight * self.values(point), 0.0)
            found: Vector = self._landscape.slopes(point).value + pressed @ self.slopes(point)
            return found

        return gradient


def _norms(rows: Vector) -> Vector:
    norms: Vector = np.linalg.norm(rows, axis=1)
    return np.where(norms > 0, norms, 1.0)
