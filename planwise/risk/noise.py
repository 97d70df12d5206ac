"""Policy effect vs. random variation: split the difference between two scenarios.

Both are simulated under the same seeds (common random numbers), so the difference under one seed is free of
whatever both have in common. With d the paired differences over k seeds, d̄ their mean, s² their variance:

    policy²       D² = max(0, d̄² − s²/k)         noise alone would make d̄² as large as s²/k
    policy share  D² / (D² + s²)                   of what one paired run shows
    without CRN   D² / (D² + s_a² + s_b²)          with each scenario under seeds of its own

A share of 1 means that every seed shows the same difference; 0 that the differences only scatter.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from planwise.errors import InputError
from planwise.risk.ensemble import Ensemble

CONFIDENCE = 0.95
SEEDS_MIN = 2  # one difference has no scatter

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """One KPI of one year, scenario minus the other, in the KPI's unit, over `n` pairs.

    `mean` is policy, `sd` noise: the standard deviation of paired differences. `standard_error` is of the
    mean, `low` and `high` its 95 % interval (Student's t). `policy_share` is None when every difference is
    0, so that no share is defined; its standard error is by the jackknife, None below 3 pairs.
    `noise_reduction` is the factor by which common random numbers shrink the variance of the difference.
    """

    mean: float
    sd: float
    standard_error: float
    low: float
    high: float
    policy_share: float | None
    policy_share_standard_error: float | None
    policy_share_without_crn: float | None
    sd_without_crn: float
    noise_reduction: float | None
    n: int

    def as_json(self) -> dict[str, Any]:
        """Return the difference as JSON values."""
        return asdict(self)


def differences(one: Ensemble, other: Ensemble) -> dict[str, dict[int, Difference | None]]:
    """Return each KPI's and year's difference, `one` minus `other`; None where fewer than 2 pairs have it.

    Only years and KPIs that both have. Raises InputError when the seeds differ or there is only one.
    """
    if one.seeds != other.seeds:
        raise InputError("The two ensembles have different seeds.", remedy="Run them as a pair.")
    if len(one.seeds) < SEEDS_MIN:
        raise InputError(
            "At least two seeds are needed to estimate noise.", remedy=f"Give --seeds {SEEDS_MIN} or more."
        )
    years = [year for year in one.years if year in other.years]
    names = [name for name in one.names if name in other.names]
    return {
        name: {year: _difference(one.sample(name, year), other.sample(name, year)) for year in years}
        for name in names
    }


def _difference(one: list[float | None], other: list[float | None]) -> Difference | None:
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    if len(pairs) < SEEDS_MIN:
        return None
    a, b = np.array(pairs, dtype=float).T
    return difference_of(a, b)


def difference_of(one: Vector, other: Vector) -> Difference:
    """Return the difference of two samples that are paired by seed."""
    paired = one - other
    n = len(paired)
    alike = bool(np.all(paired == paired[0]))
    mean = float(paired[0]) if alike else float(paired.mean())
    variance = 0.0 if alike else float(paired.var(ddof=1))
    apart = float(one.var(ddof=1) + other.var(ddof=1))
    error = float(np.sqrt(variance / n))
    reach = float(student.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
    nothing = mean == 0.0 and variance == 0.0
    return Difference(
        mean=mean,
        sd=float(np.sqrt(variance)),
        standard_error=error,
        low=mean - reach,
        high=mean + reach,
        policy_share=None if nothing else policy_share(mean, variance, n, variance),
        policy_share_standard_error=None if nothing else _jackknife(paired),
        policy_share_without_crn=None if nothing else policy_share(mean, variance, n, apart),
        sd_without_crn=float(np.sqrt(apart)),
        noise_reduction=apart / variance if variance else None,
        n=n,
    )


def policy_share(mean: float, variance: float, n: int, noise: float) -> float:
    """Return D² / (D² + noise), D² = max(0, mean² − variance / n); 0 when both are 0."""
    policy = max(0.0, mean**2 - variance / n)
    return policy / (policy + noise) if policy + noise else 0.0


def _jackknife(paired: Vector) -> float | None:
    """Return the standard error of the policy share from leaving out one pair at a time."""
    n = len(paired)
    if n <= SEEDS_MIN:
        return None
    shares = []
    for index in range(n):
        rest = np.delete(paired, index)
        variance = float(rest.var(ddof=1))
        shares.append(policy_share(float(rest.mean()), variance, n - 1, variance))
    return float(np.sqrt((n - 1) / n * ((np.array(shares) - np.mean(shares)) ** 2).sum()))
