"""Growth, and who comes in: level, position in the range, first-year exits as far as they can be seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log, sqrt

import pandas as pd

from planwise.calibration.intervals import Share, share
from planwise.calibration.transitions import Transition

UNSEEN_EXITS = (
    "Hires who leave again before the next census are in none of the files. The rate is extrapolated from "
    "those who can be seen: people in their first year of service at one census and missing at the next, at "
    "a constant hazard from the day of hire, hire days spread evenly over the year."
)


@dataclass(frozen=True)
class Headcount:
    """One year's balance: opening − exits + entrants = closing; `growth` a rate."""

    year: str
    opening: int
    exits: int
    entrants: int
    closing: int
    growth: float


@dataclass(frozen=True)
class HirePay:
    """Where hires enter their level's range: mean position, half-width of the spread, factor on top."""

    heads: int
    position: float
    spread: float
    adjustment: float
    position_seen: float
    spread_seen: float


def headcount(step: Transition) -> Headcount:
    """Return the year's balance of heads."""
    opening, closing = len(step.opening), len(step.after.people)
    return Headcount(
        step.label,
        opening,
        int(step.opening["left"].sum()),
        len(step.entrants),
        closing,
        closing / opening - 1,
    )


def level_shares(steps: Sequence[Transition]) -> dict[int, Share]:
    """Return the share of each level among the entrants of all years."""
    levels = pd.concat([step.entrants["level_id"] for step in steps])
    known = sorted(steps[-1].after.ranges["level_id"])
    return {int(level): share(int((levels == level).sum()), len(levels)) for level in known}


def hire_pay(steps: Sequence[Transition]) -> HirePay | None:
    """Return position, spread and adjustment that give entrants the mean pay they have; None without any.

    Position = Σ(pay − minimum)/Σ(width) over entrants, each in the range of its level and year. Pay shows
    the product of position and adjustment only: the adjustment stays 1 unless the position would leave the
    range. The spread is √3 standard deviations (a uniform draw), no wider than the range's nearer end:
    beyond it draws are cut and the mean would move.
    """
    rows = pd.concat([_in_range(step) for step in steps])
    if rows.empty:
        return None
    seen = float((rows["pay"] - rows["minimum"]).sum() / rows["width"].sum())
    position = min(max(seen, 0.0), 1.0)
    modelled = (rows["minimum"] + position * rows["width"]).sum()
    adjustment = 1.0 if position == seen else float(rows["pay"].sum() / modelled)
    deviation = float(((rows["pay"] - rows["minimum"]) / rows["width"]).std(ddof=0))
    half_width = sqrt(3) * deviation
    spread = min(half_width, position, 1 - position)
    return HirePay(len(rows), position, spread, adjustment, seen, half_width)


def _in_range(step: Transition) -> pd.DataFrame:
    ranges = step.after.ranges.set_index("level_id")
    level = step.entrants["level_id"]
    low, high = level.map(ranges["minimum"]), level.map(ranges["maximum"])
    return pd.DataFrame({"pay": step.entrants["base_pay"], "minimum": low, "width": high - low})


def same_year_exit_rate(first_year_rate: float) -> float:
    """Return the share of hires who leave by the end of their first calendar year, at a constant hazard.

    With yearly exits h = 1 − exp(−λ) and hire days uniform over the year: 1 − (1 − exp(−λ))/λ = 1 − h/λ.
    """
    if first_year_rate <= 0:
        return 0.0
    if first_year_rate >= 1:
        return 1.0
    return 1 + first_year_rate / log(1 - first_year_rate)
