"""How near a front found is to one known: hypervolume and inverted generational distance, two objectives."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from planwise.study.pareto import front

Points = npt.NDArray[np.float64]


def hypervolume(points: Sequence[Sequence[float]], reference: tuple[float, float]) -> float:
    """Return the area between points (two objectives to minimise) and a reference point worse than them.

    Points beyond the reference add nothing.
    """
    area, height = 0.0, reference[1]
    for index in front(points):  # by the first objective, so the second falls
        first, second = points[index]
        if first < reference[0] and second < height:
            area += (reference[0] - first) * (height - second)
            height = second
    return area


def distance(points: Sequence[Sequence[float]], known: Points) -> float:
    """Return the mean distance of a known front's points to the nearest found (inverted generational)."""
    found = np.array(points, dtype=float)
    apart = np.linalg.norm(known[:, None, :] - found[None, :, :], axis=2)
    return float(apart.min(axis=1).mean())
