"""Rates with Wilson intervals: exits by tenure and age band, promotions, hires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, sqrt

import numpy as np
import pandas as pd
from scipy.stats import t as student
from statsmodels.stats.proportion import proportion_confint

from planwise.calibration.years import NO_BAND, Transition
from planwise.parameters import catalogue

CONFIDENCE = 0.95
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
DIMENSIONS = {"tenure": "tenure_band", "age": "age_band", "level": "level_id"}
FAMILIES = {"tenure": "tenure", "age": "age", "level": "levels"}
# A multiplier is drawn towards 1 as if this many events had happened in the band just as expected: the mean
# of a gamma-Poisson posterior. It moves a band of 500 exits by 1 %, one of 5 halfway.
PRIOR_EVENTS = 5.0
ROUNDS_MAX, SETTLED = 500, 1e-10


@dataclass(frozen=True)
class BandShare:
    """The share of one band in one year, or in all of them."""

    dimension: str
    band: str
    label: str
    year: str
    share: Share


@dataclass(frozen=True)
class Multiplier:
    """A band's relative hazard given the other dimensions; head-weighted mean 1 within its dimension."""

    dimension: str
    band: str
    value: float
    heads: int
    events: int


def band_shares(by_year: Mapping[str, pd.DataFrame], event: str) -> list[BandShare]:
    """Return the shares of everyone and of each band, for all years together and for each.

    Each frame has the columns of `DIMENSIONS` and the boolean column `event`, one row per head at risk.
    """
    everything = {ALL_YEARS: pd.concat(by_year.values())} | dict(by_year)
    return [row for year, people in everything.items() for row in _shares(people, event, year)]


def _shares(people: pd.DataFrame, event: str, year: str) -> list[BandShare]:
    rows = [BandShare(EVERYONE, EVERYONE, EVERYONE, year, share(int(people[event].sum()), len(people)))]
    for dimension, column in DIMENSIONS.items():
        counts = people.groupby(people[column].astype(str))[event].agg(["sum", "size"])
        for member, band in catalogue().bands[FAMILIES[dimension]].items():
            if member in counts.index:
                events, heads = int(counts["sum"][member]), int(counts["size"][member])
                rows.append(BandShare(dimension, member, band.label, year, share(events, heads)))
    return rows


def multipliers(
    people: pd.DataFrame, event: str, dimensions: Sequence[str], base: pd.Series | None = None
) -> list[Multiplier]:
    """Return the multipliers of all bands, fitted together so that each band's expected events are its own.

    p = base × Π multipliers, `base` the rate of each row (default: the overall rate). Fitted by iterative
    proportional fitting (Bailey and Simon's minimum bias; Poisson maximum likelihood with a log link), each
    step drawn towards 1 by `PRIOR_EVENTS`. A dimension without bands (no birth dates) is left out; people
    without a band have multiplier 1, as in the simulation.
    """
    rate = pd.Series(people[event].mean(), index=people.index) if base is None else base
    bands = pd.DataFrame({d: people[DIMENSIONS[d]].astype(str) for d in dimensions})
    used = [d for d in dimensions if (bands[d] != NO_BAND).any()]
    cells = (
        bands.assign(events=people[event].astype(float), expected=rate.astype(float), heads=1)
        .groupby(used, as_index=False)[["events", "expected", "heads"]]
        .sum()
    )
    events, expected = cells["events"].to_numpy(), cells["expected"].to_numpy()
    coded = {d: pd.factorize(cells[d]) for d in used}
    values = {d: np.ones(len(names)) for d, (_, names) in coded.items()}
    for _ in range(ROUNDS_MAX):
        before = {d: fitted.copy() for d, fitted in values.items()}
        for d, (codes, names) in coded.items():
            others = np.prod([values[o][coded[o][0]] for o in used if o != d], axis=0)
            seen, due = np.bincount(codes, events), np.bincount(codes, expected * others)
            values[d] = np.where(names == NO_BAND, 1.0, (seen + PRIOR_EVENTS) / (due + PRIOR_EVENTS))
        if all(np.allclose(before[d], values[d], rtol=0, atol=SETTLED) for d in used):
            break
    named = {d: dict(zip(map(str, coded[d][1]), map(float, values[d]), strict=True)) for d in used}
    return [row for d in used for row in _normalised(d, cells, named[d])]


def _normalised(dimension: str, cells: pd.DataFrame, values: Mapping[str, float]) -> list[Multiplier]:
    counts = cells[cells[dimension] != NO_BAND].groupby(dimension)[["heads", "events"]].sum()
    heads, events = counts["heads"], counts["events"]
    mean = float(sum(values[str(b)] * heads[b] for b in counts.index) / heads.sum())
    order = [b for b in catalogue().bands[FAMILIES[dimension]] if b in counts.index]
    return [Multiplier(dimension, b, values[b] / mean, int(heads[b]), int(events[b])) for b in order]


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
    """Return position, spread and adjustment that give entrants their mean pay; None without entrants.

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
