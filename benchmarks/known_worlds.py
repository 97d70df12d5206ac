"""Worlds whose answers are known in closed form: linear growth, and two fronts of known shape."""

import math
from collections.abc import Callable

import numpy as np

from benchmarks.analytic import Vector, World

LEVERS = ("cola_rate", "merit_rate_level_1", "merit_rate_level_2", "merit_rate_level_3")
SLOPES = np.array([0.006, 0.005, 0.004, 0.012])  # growth by unit, in the order of the space
START_GROWTH = 0.03
LINEAR = World(LEVERS, growth=lambda z: START_GROWTH + float(SLOPES @ z))
FRONT_LEVERS = LEVERS[:3]
SIDE = 0.9  # from the start to each of the two quadratics' centres
FRONT_POINTS = 400  # of a known front, to measure against


def filled(slopes: Vector, gap: float, low: Vector, high: Vector) -> Vector:
    """Return the smallest z within bounds with slopes·z = gap: z = clip(λ slopes), λ by bisection."""
    sign = math.copysign(1.0, gap)
    under, over = 0.0, float(np.max(np.maximum(np.abs(low), np.abs(high)) / np.abs(slopes)))
    for _ in range(200):
        middle = (under + over) / 2
        moved = np.clip(sign * middle * slopes, low, high)
        under, over = (middle, over) if abs(slopes @ moved) < abs(gap) else (under, middle)
    return np.clip(sign * over * slopes, low, high)


def quadratics() -> tuple[World, Vector]:
    """Return squared distances to two centres: the front is √cost + √equity = √2 between them."""
    one, other = np.eye(len(FRONT_LEVERS))[:2] * SIDE
    world = World(
        FRONT_LEVERS,
        cost=lambda z: float((z - one) @ (z - one)) / SIDE**2,
        equity=lambda z: float((z - other) @ (z - other)) / SIDE**2,
    )
    share = np.linspace(0, 1, FRONT_POINTS)
    return world, np.column_stack([2 * share**2, 2 * (1 - share) ** 2])


def fonseca() -> tuple[World, Vector]:
    """Return 1 − exp(−Σ(z ∓ 1/√n)²) (Fonseca and Fleming 1995): no convex front, at equal z within ±1/√n."""
    levers = len(FRONT_LEVERS)
    side = 1 / math.sqrt(levers)
    whole = 1 - math.exp(-1.0)  # of either at the start

    def bell(centre: float) -> Callable[[Vector], float]:
        return lambda z: (1 - math.exp(-float((z - centre) @ (z - centre)))) / whole

    along = np.linspace(-side, side, FRONT_POINTS)
    known = np.column_stack(
        [(1 - np.exp(-levers * (along - centre) ** 2)) / whole for centre in (side, -side)]
    )
    return World(FRONT_LEVERS, cost=bell(side), equity=bell(-side)), known
