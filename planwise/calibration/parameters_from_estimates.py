"""Turn estimates into parameters within their bounds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from planwise.calibration.awards import POOLED, award_parameters, bounded
from planwise.calibration.exits import OWN_CURVE, Multiplier, fit_multipliers
from planwise.calibration.raises import (
    COMPARABLE_RATES,
    RaiseSplit,
    RaiseSummary,
    merit_by_level,
    promoted_rows,
    promotion_raise,
    split,
)
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
from planwise.parameters.values import awards_text
from planwise.risk.decisions import PAST_AWARDS, PAST_COLA, RAISE_ESTIMATES
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


@dataclass(frozen=True)
class RuleFit:
    """COLA and merit as the simulation's rules give them, and how much of the raises they explain (R²).

    `scales` are the neutral factors of the merit matrix by year and level; `capped`: merit stops at the range
    maximum.
    """

    division: RaiseSplit
    scales: Mapping[str, Mapping[int, float]]
    explained: float
    capped: bool


def fit_rules(
    out: Overrides,
    steps: Sequence[Transition],
    stayers: Mapping[str, pd.DataFrame],
    summaries: Sequence[RaiseSummary],
    cola: float | None,
) -> RuleFit | None:
    """Return COLA and merit by level, weighting years equally; None without stayers who were not promoted."""
    if not summaries:
        return None
    lowest, highest = catalogue().levers["cola_rate"].bounds
    if cola is not None and not lowest <= cola <= highest:
        raise InputError(
            f"The COLA {cola} is outside {lowest} to {highest}.", remedy="Give it as a share: 0.02."
        )
    totals, thin = _totals(summaries)
    seen = mean_of([s.common if s.spike is None else s.spike for s in summaries]) or 0.0
    division = split(seen, totals) if cola is None else _stated(cola, totals)
    for level in thin:
        reason = f"under {THIN_HEADS} stayers: all levels' mean raise is used"
        out.not_estimated.append((f"merit_rate_level_{level}", reason))
    fits = [_fit(steps, stayers, division, thin, capped=capped) for capped in (True, False)]
    return max(fits, key=lambda fit: fit.explained)  # of equals the first: merit stops at the range maximum


def _fit(
    steps: Sequence[Transition],
    stayers: Mapping[str, pd.DataFrame],
    division: RaiseSplit,
    thin: Sequence[int],
    *,
    capped: bool,
) -> RuleFit:
    merits: dict[int, list[float]] = {}
    scales, pairs = {}, []
    for step in steps:
        people = stayers[step.label]
        people = people[~people["promoted"] & people["raise_rate"].between(*COMPARABLE_RATES)]
        people = people.assign(awarded=people["base_pay"] * (1 + division.cola))
        found, scales[step.label], predicted = merit_by_level(people, step.after.ranges, capped)
        for level, rate in found.items():
            merits.setdefault(level, []).append(rate)
        pairs.append(pd.DataFrame({"seen": people["raise_rate"], "rule": predicted / people["base_pay"] - 1}))
    merit = {
        level: division.merit[level]
        if level in thin or level not in merits
        else mean_of(merits[level]) or 0.0
        for level in division.merit
    }
    split_found = RaiseSplit(division.cola, merit, division.moved)
    return RuleFit(split_found, scales, _explained(pd.concat(pairs)), capped)


EQUAL_RAISES = 5e-4  # raises that differ by less than this have nothing to explain


def _explained(pairs: pd.DataFrame) -> float:
    """Return the share of the raises' variance that the rules explain."""
    spread = float(((pairs["seen"] - pairs["seen"].mean()) ** 2).mean())
    if spread <= EQUAL_RAISES**2:
        return 1.0
    return 1 - float(((pairs["seen"] - pairs["rule"]) ** 2).mean()) / spread


def _totals(summaries: Sequence[RaiseSummary]) -> tuple[dict[int, float], list[int]]:
    """Return each level's total raise, and the levels for which it is everyone's, because of few people."""
    overall = mean_of([s.overall.value for s in summaries if s.overall.value is not None])
    totals: dict[int, float] = {}
    thin = []
    for level in LEVELS:
        found = [
            e.value for s in summaries if (e := s.by_level.get(level)) is not None and e.value is not None
        ]
        heads = sum(s.by_level[level].heads for s in summaries if level in s.by_level)
        if found and heads >= THIN_HEADS:
            totals[level] = sum(found) / len(found)
        elif overall is not None:
            totals[level] = overall
            thin.append(level)
    return totals, thin


def put_rules(out: Overrides, fit: RuleFit) -> None:
    """Set COLA and merit by level."""
    out.put("cola_rate", fit.division.cola)
    for level, merit in fit.division.merit.items():
        out.put(f"merit_rate_level_{level}", merit)
    if not fit.capped:
        out.values["range_maximum_cap"] = False


def put_awards(out: Overrides, attribute: str, rates: Mapping[str, float]) -> None:
    """Set awards by group; merit is 0, because drift has all that is above the award."""
    out.put("cola_rate", rates.get(POOLED, 0.0))
    out.values["awards"] = award_parameters(attribute, rates)["awards"]
    for level in LEVELS:
        out.put(f"merit_rate_level_{level}", 0.0)


def put_past_raises(out: Overrides, attribute: str, years: Sequence[Mapping[str, float]]) -> None:
    """Say that raises are estimates, and set what each year awarded by group, the last year first."""
    for name, estimate in RAISE_ESTIMATES.items():
        if name in out.values:
            out.values[estimate] = out.values[name]
    for member, rates in zip(catalogue().bands["past_years"], years, strict=False):
        out.values[f"{PAST_COLA}{member}"] = bounded(rates.get(POOLED, 0.0))
        groups = {group: bounded(rate) for group, rate in rates.items() if group != POOLED}
        if groups:
            out.values[f"{PAST_AWARDS}{member}"] = awards_text(attribute, groups)


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
    merit: Mapping[int, float],
    scales: Mapping[str, Mapping[int, float]],
    *,
    capped: bool,
) -> None:
    """Set the promotion raise of each level; `stayers` have `awarded`, the pay after COLA or award."""
    for level in LEVELS[:-1]:
        frames = []
        for step in steps:
            people = stayers[step.label]
            people = people[people["promoted"] & people["eligible"] & (people["level_id"] == level)]
            frames.append(promoted_rows(people, step.after.ranges, merit, scales.get(step.label, {}), capped))
        rows = pd.concat(frames)
        if len(rows) < PROMOTED_MIN:
            out.put(f"promotion_raise_level_{level}", None, f"{len(rows)} promoted, under {PROMOTED_MIN}")
        else:
            out.put(f"promotion_raise_level_{level}", promotion_raise(rows))
