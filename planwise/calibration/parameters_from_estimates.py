"""Turn estimates into parameters within their bounds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from planwise.calibration.exits import OWN_CURVE, Multiplier, fit_multipliers
from planwise.calibration.raises import RaiseSplit, RaiseSummary, promotion_raise, split
from planwise.calibration.rates import (
    THIN_HEADS,
    BandShare,
    Headcount,
    Share,
)
from planwise.calibration.years import Transition
from planwise.errors import InputError
from planwise.parameters import catalogue
from planwise.parameters.catalogue import Value
from planwise.risk.worlds import GROWTH_PRIOR, TURNOVER_PRIOR, year_spread

DECIMALS = 6  # of a rate: a tenth of a person in 100,000


@dataclass(frozen=True)
class Clip:
    """An estimate outside the hard bounds of its parameter, and the bound that is used instead."""

    name: str
    estimated: float
    used: float


@dataclass
class Overrides:
    """The estimated parameters, and notes on clipping and missing estimates."""

    values: dict[str, Value] = field(default_factory=dict)
    clips: list[Clip] = field(default_factory=list)
    not_estimated: list[tuple[str, str]] = field(default_factory=list)

    def put(
        self, name: str, estimate: float | None, why_not: str = "no employees to estimate it from"
    ) -> None:
        """Add an estimate, clipped to the bounds; without one, record the reason."""
        if estimate is None:
            self.not_estimated.append((name, why_not))
            return
        bounds = catalogue().parameters[name].bounds
        assert bounds is not None  # everything that is estimated is a number
        used = min(max(estimate, bounds[0]), bounds[1])
        if abs(used - estimate) > 0.5 * 10**-DECIMALS:
            self.clips.append(Clip(name, estimate, used))
        self.values[name] = round(float(used), DECIMALS)

    def put_shares(self, prefix: str, counts: Mapping[int, int], members: Sequence[int]) -> None:
        """Add shares that sum to exactly 1; the largest absorbs the rounding."""
        total = sum(counts.values())
        if total == 0:
            self.not_estimated.append((f"{prefix}*", "no employees to estimate it from"))
            return
        rounded = {member: round(counts.get(member, 0) / total, DECIMALS) for member in members}
        largest = max(rounded, key=lambda member: rounded[member])
        rounded[largest] = round(rounded[largest] + 1 - sum(rounded.values()), DECIMALS)
        self.values.update({f"{prefix}{member}": value for member, value in rounded.items()})

    def levers(self) -> dict[str, Value]:
        """Return the levers among them."""
        return {name: value for name, value in self.values.items() if catalogue().kind(name) == "lever"}

    def assumptions(self) -> dict[str, Value]:
        """Return the assumptions among them."""
        return {name: value for name, value in self.values.items() if catalogue().kind(name) == "assumption"}


LEVELS = tuple(int(member) for member in catalogue().bands["levels"])
FIRST_BAND = "under_1"
EXITS_MIN = 0.5  # in place of none, which has no logarithm
PROMOTED_MIN = 5  # a mean raise of fewer promotions is not representative of the level


def mean_of(values: Sequence[float]) -> float | None:
    """Return the mean, None without values."""
    return sum(values) / len(values) if values else None


EXIT_DIMENSIONS = ("tenure", "age", "level", "department", "job_title", OWN_CURVE)


def exit_rates(out: Overrides, openings: Mapping[str, pd.DataFrame]) -> list[Multiplier]:
    """Set the termination rate, the mean of the years', and its multipliers; return these with counts.

    Those of departments and job titles are no parameters: they are stored as calibrated rates.
    """
    rates = {year: float(opening["left"].mean()) for year, opening in openings.items()}
    out.put("termination_rate", mean_of(list(rates.values())))
    everyone = pd.concat([opening.assign(year=year) for year, opening in openings.items()], ignore_index=True)
    if not everyone["left"].any():
        out.not_estimated.append(("termination_multiplier_*", "no terminations"))
        return []
    found = fit_multipliers(everyone, "left", EXIT_DIMENSIONS, everyone["year"].map(rates))
    _put_multipliers(out, "termination_multiplier", found, ("tenure", "age", "levels"))
    return found


def year_spreads(out: Overrides, heads: Sequence[Headcount]) -> None:
    """Set how sure turnover and headcount growth are: years, and how far they differ from year to year."""
    turnover = [math.log(max(h.exits, EXITS_MIN) / h.opening) for h in heads if h.opening]
    growth = [h.growth for h in heads]
    out.values["calibration_years"] = len(heads)
    out.put("spread_of_turnover", year_spread(turnover, TURNOVER_PRIOR))
    out.put("spread_of_headcount_growth", year_spread(growth, GROWTH_PRIOR))
    out.put("estimated_headcount_growth", mean_of(growth))


def _put_multipliers(
    out: Overrides, prefix: str, found: Sequence[Multiplier], families: Sequence[str]
) -> None:
    known = {(m.dimension, m.band): m.value for m in found}
    for family in families:
        dimension = "level" if family == "levels" else family
        for member in catalogue().bands[family]:
            name = f"{prefix}_{dimension}_{member}"
            if (dimension, member) in known:
                out.put(name, known[dimension, member])
            elif any(m.dimension == dimension for m in found):
                out.put(name, None, "no employees in the band")
        if not any(m.dimension == dimension for m in found):
            out.not_estimated.append((f"{prefix}_{dimension}_*", "not in the censuses"))


def first_year(out: Overrides, exits: Sequence[BandShare], wanted: str) -> Share | None:
    """Set the termination rate of hires from exits in the first year of service; return these."""
    found = [e.share for e in exits if (e.dimension, e.band, e.year) == ("tenure", FIRST_BAND, wanted)]
    seen = found[0] if found else None
    out.put(
        "new_hire_termination_rate",
        None if seen is None else seen.rate,
        "no employees in the first year of service",
    )
    return seen


def raises(out: Overrides, summaries: Sequence[RaiseSummary], cola: float | None) -> RaiseSplit | None:
    """Set COLA and merit by level, weighting years equally; return the split before clipping."""
    if not summaries:
        out.not_estimated.append(("cola_rate, merit_rate_*", "no employees stayed without a promotion"))
        return None
    overall = mean_of([s.overall.value for s in summaries if s.overall.value is not None])
    totals: dict[int, float] = {}
    for level in LEVELS:
        found = [
            e.value for s in summaries if (e := s.by_level.get(level)) is not None and e.value is not None
        ]
        thin = sum(s.by_level[level].heads for s in summaries if level in s.by_level) < THIN_HEADS
        if found and not thin:
            totals[level] = sum(found) / len(found)
        elif overall is not None:
            totals[level] = overall
            out.not_estimated.append(
                (f"merit_rate_level_{level}", f"under {THIN_HEADS} stayers: all levels' mean raise is used")
            )
    lowest, highest = catalogue().levers["cola_rate"].bounds
    if cola is not None and not lowest <= cola <= highest:
        raise InputError(
            f"The COLA {cola} is outside {lowest} to {highest}.", remedy="Give it as a share: 0.02."
        )
    division = (
        split(mean_of([s.common for s in summaries]) or 0.0, totals)
        if cola is None
        else _stated(cola, totals)
    )
    out.put("cola_rate", division.cola)
    for level, merit in division.merit.items():
        out.put(f"merit_rate_level_{level}", merit)
    return division


def _stated(cola: float, totals: Mapping[int, float]) -> RaiseSplit:
    """Return the split with a COLA that is known."""
    return RaiseSplit(cola, {k: (1 + total) / (1 + cola) - 1 for k, total in totals.items()}, None)


def promotion_rates(out: Overrides, eligible: pd.DataFrame) -> list[Multiplier]:
    """Set the promotion probability of each level and the multipliers of tenure and age."""
    if eligible.empty:
        out.not_estimated.append(("promotion_probability_*", "no eligible employees stayed"))
        return []
    overall = float(eligible["promoted"].mean())
    rates = {}
    for level in LEVELS[:-1]:
        people = eligible[eligible["level_id"] == level]
        rates[level] = float(people["promoted"].mean()) if len(people) >= THIN_HEADS else overall
        out.put(f"promotion_probability_level_{level}", rates[level])
        if len(people) < THIN_HEADS:
            reason = f"under {THIN_HEADS} eligible stayers: all levels' mean is used"
            out.not_estimated.append((f"promotion_probability_level_{level}", reason))
    if not eligible["promoted"].any():
        out.not_estimated.append(("promotion_multiplier_*", "no promotions"))
        return []
    base = eligible["level_id"].map(rates)
    found = fit_multipliers(eligible, "promoted", ("tenure", "age"), base)
    _put_multipliers(out, "promotion_multiplier", found, ("tenure", "age"))
    return found


def promotion_raises(
    out: Overrides,
    steps: Sequence[Transition],
    stayers: Mapping[str, pd.DataFrame],
    division: RaiseSplit | None,
) -> None:
    """Set the promotion raise of each level."""
    if division is None:
        out.not_estimated.append(("promotion_raise_*", "the ordinary raise is not known"))
        return
    minima = [dict(zip(s.after.ranges["level_id"], s.after.ranges["minimum"], strict=True)) for s in steps]
    for level in LEVELS[:-1]:
        frames = [p[p["promoted"] & (p["level_id"] == level)] for p in (stayers[s.label] for s in steps)]
        heads = sum(len(frame) for frame in frames)
        if heads < PROMOTED_MIN:
            out.put(f"promotion_raise_level_{level}", None, f"{heads} promoted, under {PROMOTED_MIN}")
        else:
            found = promotion_raise(frames, minima, division.cola, division.merit)
            out.put(f"promotion_raise_level_{level}", found)
