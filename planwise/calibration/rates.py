"""Rates with Wilson intervals: exits by tenure and age band, promotions, hires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from planwise.calibration.exits import DIMENSIONS, FAMILIES
from planwise.calibration.years import Transition
from planwise.parameters import catalogue
from planwise.parameters.catalogue import FALLBACK

CONFIDENCE = 0.95
DAYS_PER_YEAR = 365.25
THIN_HEADS = 30  # smaller bands are shown, marked, and shrunk towards the mean


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
        """Whether there are too few heads for a reliable rate."""
        return self.heads < THIN_HEADS


def share(events: int, heads: int, confidence: float = CONFIDENCE) -> Share:
    """Return a share and its Wilson score interval; no heads, no rate."""
    if heads == 0:
        return Share(0, 0, None, None, None)
    low, high = proportion_confint(events, heads, alpha=1 - confidence, method="wilson")
    return Share(int(heads), int(events), events / heads, float(low), float(high))


@dataclass(frozen=True)
class Estimate:
    """A mean or ratio over `heads` people with its interval; None where not available."""

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


ALL_YEARS = "all years"
EVERYONE = "everyone"


@dataclass(frozen=True)
class BandShare:
    """The share of one band in one year, or in all of them."""

    dimension: str
    band: str
    label: str
    year: str
    share: Share


def band_shares(by_year: Mapping[str, pd.DataFrame], event: str) -> list[BandShare]:
    """Return the shares of everyone and of each band, for all years together and for each.

    Each frame has the columns of `DIMENSIONS` and the boolean column `event`, one row per head at risk.
    """
    everything = {ALL_YEARS: pd.concat(by_year.values())} | dict(by_year)
    return [row for year, people in everything.items() for row in _shares(people, event, year)]


def _shares(people: pd.DataFrame, event: str, year: str) -> list[BandShare]:
    rows = [BandShare(EVERYONE, EVERYONE, EVERYONE, year, share(int(people[event].sum()), len(people)))]
    for dimension, family in FAMILIES.items():
        counts = people.groupby(people[DIMENSIONS[dimension]].astype(str))[event].agg(["sum", "size"])
        for member, band in catalogue().bands[family].items():
            if member in counts.index:
                events, heads = int(counts["sum"][member]), int(counts["size"][member])
                rows.append(BandShare(dimension, member, band.label, year, share(events, heads)))
    return rows


UNSEEN_EXITS = (
    "Hires who leave again before the next census are in none of the files. Their rate within twelve months "
    "is that of those who can be seen: people in their first year of service at one census and missing at "
    "the next. In a simulation each hire is exposed to it from the hire date on."
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
    """Where hires enter: their pay relative to that of recent hires of their level, and place in the range.

    `adjustment` is what the lever must be for hires who copy recent ones to be paid so. Positions are seen
    ones, mean and half-width of a uniform spread.
    """

    heads: int
    adjustment: float | None
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


RECENT_YEARS = 3  # of service: whom hires copy, unless the assumption says otherwise


def hire_pay(steps: Sequence[Transition], movements: Sequence[float] = ()) -> HirePay | None:
    """Return how hires are paid; None without entrants.

    The adjustment is Σ pay of entrants / Σ mean pay of the recent hires of their level, moved with the market
    over the year, times the premium that recent hires are taken to have.
    """
    rows = pd.concat([_in_range(step) for step in steps])
    if rows.empty:
        return None
    seen = float((rows["pay"] - rows["minimum"]).sum() / rows["width"].sum())
    deviation = float(((rows["pay"] - rows["minimum"]) / rows["width"]).std(ddof=0))
    moved = movements or [0.0] * len(steps)
    pairs = pd.concat([_beside_recent(step, 1 + m) for step, m in zip(steps, moved, strict=True)]).dropna()
    copied = float(pairs["recent"].sum())
    adjustment = (
        FALLBACK["new_hire_salary_adjustment"] * float(pairs["pay"].sum()) / copied if copied else None
    )
    return HirePay(len(rows), adjustment, seen, sqrt(3) * deviation)


def _beside_recent(step: Transition, factor: float) -> pd.DataFrame:
    """Return each entrant's pay, and the mean pay of those whom a simulated hire of the level would copy."""
    people = step.before.people
    served = (pd.Timestamp(step.before.as_of) - people["hire_date"]).dt.days
    recent = people[served <= RECENT_YEARS * DAYS_PER_YEAR].groupby("level_id")["base_pay"].mean()
    everyone = people.groupby("level_id")["base_pay"].mean()
    copied = step.entrants["level_id"].map(recent.reindex(everyone.index).fillna(everyone))
    return pd.DataFrame({"pay": step.entrants["base_pay"], "recent": copied * factor})


def _in_range(step: Transition) -> pd.DataFrame:
    ranges = step.after.ranges.set_index("level_id")
    level = step.entrants["level_id"]
    low, high = level.map(ranges["minimum"]), level.map(ranges["maximum"])
    return pd.DataFrame({"pay": step.entrants["base_pay"], "minimum": low, "width": high - low})
