"""Estimates with their uncertainty: shares by Wilson, means and ratios by their standard errors."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

CONFIDENCE = 0.95
THIN_HEADS = 30  # under it, a band's own rate says little: shown, marked, and drawn towards the mean


@dataclass(frozen=True)
class Share:
    """Events among heads, with the Wilson interval; all rates 0–1."""

    heads: int
    events: int
    rate: float | None
    low: float | None
    high: float | None

    @property
    def thin(self) -> bool:
        """Whether there are too few heads to say much."""
        return self.heads < THIN_HEADS


def share(events: int, heads: int, confidence: float = CONFIDENCE) -> Share:
    """Return a share and its Wilson score interval; no heads, no rate."""
    if heads == 0:
        return Share(0, 0, None, None, None)
    low, high = proportion_confint(events, heads, alpha=1 - confidence, method="wilson")
    return Share(int(heads), int(events), events / heads, float(low), float(high))


@dataclass(frozen=True)
class Estimate:
    """A mean or ratio over `heads` people with its interval; None where it cannot be had."""

    heads: int
    value: float | None
    low: float | None
    high: float | None


def ratio(old: pd.Series, new: pd.Series, confidence: float = CONFIDENCE) -> Estimate:
    """Return Σnew/Σold − 1 with the interval of a ratio estimator (Cochran, Sampling Techniques, 6.3)."""
    heads = len(old)
    if heads == 0:
        return Estimate(0, None, None, None)
    value = float(new.sum() / old.sum())
    if heads == 1:
        return Estimate(1, value - 1, None, None)
    residual = (new - value * old).to_numpy(dtype=float)
    error = float(np.sqrt(heads / (heads - 1) * (residual**2).sum()) / old.sum())
    width = float(student.ppf(0.5 + confidence / 2, heads - 1)) * error
    return Estimate(heads, value - 1, value - 1 - width, value - 1 + width)
