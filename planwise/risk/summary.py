"""A sample of one figure, summarised."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np

PERCENTILES = (10, 50, 90)


@dataclass(frozen=True)
class Spread:
    """How one figure spreads over replicates, in the figure's own unit.

    Percentiles are linearly interpolated between the sorted values; `sd` is the sample standard deviation
    (n − 1), None for a single value; `n` counts the replicates that had the figure, of those that ran.
    """

    p10: float
    p50: float
    p90: float
    mean: float
    sd: float | None
    n: int

    def as_json(self) -> dict[str, float | int | None]:
        """Return the summary as JSON values."""
        return asdict(self)


def spread_of(values: Iterable[float | int | None]) -> Spread | None:
    """Summarise the values that are there; None when there is none at all."""
    sample = np.array([value for value in values if value is not None], dtype=float)
    if not len(sample):
        return None
    p10, p50, p90 = (float(p) for p in np.percentile(sample, PERCENTILES))
    constant = sample.min() == sample.max()  # a sum of equal doubles, divided, need not be the same double
    mean = float(sample[0]) if constant else float(sample.mean())
    sd = 0.0 if constant else float(sample.std(ddof=1))
    return Spread(p10, p50, p90, mean, sd if len(sample) > 1 else None, len(sample))
