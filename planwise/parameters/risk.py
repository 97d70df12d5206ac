"""How far a lever's value is from what is recommended, as a risk level."""

from enum import StrEnum

from planwise.parameters.declaration import Lever


class Risk(StrEnum):
    """Risk of one value, in ascending order."""

    OK = "OK"
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"

    @property
    def rank(self) -> int:
        """Position in ascending order, from 0."""
        return list(Risk).index(self)


# Share of the way from the edge of the recommended range to the hard bound, at most: the risk up to there.
# Quarters, so that the four levels divide the way equally; the bound itself is CRITICAL.
RISK_UP_TO = ((0.0, Risk.OK), (0.25, Risk.LOW), (0.5, Risk.MEDIUM), (0.75, Risk.HIGH))
ROUNDING = 1e-9  # an edge computed in floating point is still on the edge


def distance_share(lever: Lever, value: float) -> float:
    """Return 0 within the recommended range, rising to 1 at the hard bound (above 1 beyond it)."""
    low, high = lever.recommended
    if low <= value <= high:
        return 0.0
    edge, bound = (low, lever.bounds[0]) if value < low else (high, lever.bounds[1])
    return float("inf") if edge == bound else (value - edge) / (bound - edge)


def risk_of(lever: Lever, value: float) -> Risk:
    """Return the risk of a lever's value: OK, then quarters of the way to the hard bound."""
    share = distance_share(lever, value)
    return next((risk for limit, risk in RISK_UP_TO if share <= limit + ROUNDING), Risk.CRITICAL)
