"""Gaps of mean and median pay with their intervals, and shares of groups in the quartile pay bands.

Gaps are shares of the reference's pay, as Directive (EU) 2023/970 and UK gender pay gap reporting define
them. Intervals are of 95 %: how far a gap moves by chance if the same pay policy meets other people.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.equity.reasons import NO_PAY, ONE_GROUP, SMALL_GROUP, reason_text
from planwise.small_groups import SMALLEST_GROUP

Floats = npt.NDArray[np.float64]
Z = 1.959963984540054  # of a normal distribution, 95 % are within so many standard deviations
FLAG_RATE = 0.05  # Directive (EU) 2023/970, article 10: such a gap of a category has to be justified
BANDS = ("lower quartile", "lower middle quartile", "upper middle quartile", "upper quartile")


@dataclass(frozen=True)
class GapEstimate:
    """A gap with its 95 % interval; without a value it has the code of a reason.

    `people` and `reference_people` are those it rests on; above 0, the group earns less.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    standard_error: float | None = None
    people: int = 0
    reference_people: int = 0
    reason: str | None = None

    @property
    def why(self) -> str | None:
        """Why there is no value, in words."""
        return None if self.reason is None else reason_text(self.reason)

    @property
    def is_flagged(self) -> bool | None:
        """Whether it is 5 % or more in either direction; None where it cannot be measured."""
        return None if self.value is None else abs(self.value) >= FLAG_RATE

    @property
    def is_clear(self) -> bool:
        """Whether its interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high

    def as_json(self) -> dict[str, Any]:
        """Return it with the reason in words."""
        return asdict(self) | {"reason": self.why}


def refusal(people: int, reference_people: int) -> str | None:
    """Return the code of why groups of these sizes are not compared."""
    if not people or not reference_people:
        return ONE_GROUP
    return SMALL_GROUP if min(people, reference_people) < SMALLEST_GROUP else None


def mean_gap(reference: Floats, group: Floats) -> GapEstimate:
    """Return 1 - mean pay of the group / that of the reference.

    Standard error by the delta method for a ratio of independent means (Casella and Berger, Statistical
    Inference, 2002, 5.5.4).
    """

    def estimate() -> tuple[float, float, float, float]:
        ratio = float(group.mean() / reference.mean())
        variance = group.var(ddof=1) / len(group) + ratio**2 * reference.var(ddof=1) / len(reference)
        error = math.sqrt(variance) / float(reference.mean())
        return 1 - ratio, error, 1 - ratio - Z * error, 1 - ratio + Z * error

    return _estimated(reference, group, estimate)


def median_gap(reference: Floats, group: Floats) -> GapEstimate:
    """Return 1 - median pay of the group / that of the reference.

    Interval of the ratio of two medians without assumptions about the distribution (Price and Bonett, Journal
    of Statistical Computation and Simulation 72, 2002, 119-124).
    """

    def estimate() -> tuple[float, float, float, float]:
        ratio = float(np.median(group) / np.median(reference))
        error = math.sqrt(_log_median_variance(group) + _log_median_variance(reference))
        return 1 - ratio, ratio * error, 1 - ratio * math.exp(Z * error), 1 - ratio * math.exp(-Z * error)

    return _estimated(reference, group, estimate)


def quartile_bands(people: pd.DataFrame) -> pd.DataFrame:
    """Return one row per quarter of the people by pay, and group: people, share of the band, interval.

    Takes `group` and `base_pay`. People of equal pay on both sides of a limit are spread in proportion, so
    that counts may be fractions. Intervals by Wilson (Journal of the American Statistical Association 22,
    1927, 209-212).
    """
    from statsmodels.stats.proportion import proportion_confint  # slow to import

    counts = people.groupby(["base_pay", "group"]).size().unstack(fill_value=0).sort_index()
    sizes = counts.sum(axis=1).to_numpy(dtype=float)
    ends = sizes.cumsum()
    quarter = len(people) / len(BANDS)
    rows = []
    for number, band in enumerate(BANDS):
        low, high = number * quarter, (number + 1) * quarter
        inside = np.clip(np.minimum(ends, high) - np.maximum(ends - sizes, low), 0, None) / sizes
        for group in counts:
            number_in = float((counts[group].to_numpy() * inside).sum())
            limits = proportion_confint(min(number_in, quarter), quarter, method="wilson")
            rows.append((band, group, number_in, number_in / quarter, *map(float, limits)))
    return pd.DataFrame(rows, columns=["band", "group", "people", "share", "low", "high"])


def _estimated(
    reference: Floats, group: Floats, estimate: Callable[[], tuple[float, float, float, float]]
) -> GapEstimate:
    reason = refusal(len(group), len(reference))
    if reason is None and min(group.min(), reference.min()) <= 0:
        reason = NO_PAY
    if reason is not None:
        return GapEstimate(people=len(group), reference_people=len(reference), reason=reason)
    value, error, low, high = estimate()
    return GapEstimate(value, low, high, error, len(group), len(reference))


def _log_median_variance(pay: Floats) -> float:
    """Return the variance of the logarithm of a sample's median, from two order statistics around it."""
    ordered, size = np.sort(np.log(pay)), len(pay)
    place, deviations = _around_median(size)
    return float(((ordered[size - place] - ordered[place - 1]) / (2 * deviations)) ** 2)


@lru_cache(maxsize=4096)
def _around_median(size: int) -> tuple[int, float]:
    """Return the place of the lower of both order statistics, and how many standard deviations it is off."""
    from scipy.stats import binom, norm

    place = max(1, round((size + 1) / 2 - math.sqrt(size)))
    return place, float(norm.isf(binom.cdf(place - 1, size, 0.5)))
