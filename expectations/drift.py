"""How far one distribution has moved from another."""

import numpy as np
import numpy.typing as npt

EMPTY_BIN_SHARE = 1e-4  # stands for an empty bin, whose logarithm would be infinite; the usual convention


def population_stability_index(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, bins: int = 10
) -> float | None:
    """Compare two samples by the population stability index: Σ (c − r)·ln(c / r) over the bins' shares.

    Bins are the quantiles of `reference`, merged where they coincide, open at both ends. Return None when
    either sample is empty. By convention below 0.1 is stable and above 0.25 a major shift (Siddiqi, Credit
    Risk Scorecards, 2006).
    """
    expected, actual = (_finite(sample) for sample in (reference, current))
    if not len(expected) or not len(actual):
        return None
    edges = np.unique(np.quantile(expected, np.linspace(0, 1, bins + 1)[1:-1]))
    r, c = (_shares(sample, edges) for sample in (expected, actual))
    return float(np.sum((c - r) * np.log(c / r)))


def _finite(sample: npt.ArrayLike) -> npt.NDArray[np.float64]:
    values = np.asarray(sample, dtype=float)
    finite: npt.NDArray[np.float64] = values[np.isfinite(values)]
    return finite


def _shares(sample: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    counts = np.bincount(np.searchsorted(edges, sample, side="right"), minlength=len(edges) + 1)
    shares: npt.NDArray[np.float64] = np.maximum(counts / len(sample), EMPTY_BIN_SHARE)
    return shares
