"""What the other engines of the benchmark share: a scenario's parameters as plain numbers, and chance.

Single numbers (rates, ranges, indexes, chances) are exact fractions until they are used. Whatever is done
once per employee is done by the engines themselves, but for the draws: of all engines only DuckDB has md5.
"""

import hashlib
from calendar import isleap, monthrange
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from math import ceil, floor, log
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from planwise.census import Census
from planwise.errors import InputError
from planwise.parameters import EffectiveParameters

TENURE_EDGES, AGE_EDGES = (1, 2, 3, 5, 7, 10, 15, 20, 25, 30, 35), (25, 35, 45, 55, 60, 62, 65, 70)
TENURES = (
    *("under_1", "1", "2", "3_to_4", "5_to_6", "7_to_9", "10_to_14"),
    *("15_to_19", "20_to_24", "25_to_29", "30_to_34", "over_34"),
)
AGES = (
    *("under_25", "25_to_34", "35_to_44", "45_to_54", "55_to_59", "60_to_61"),
    *("62_to_64", "65_to_69", "over_69", None),  # None: not known
)
TENURE_MAX, AGE_MAX = 60, 110
STEPS = ("cola", "promotion", "merit")
QUARTILES = ("below_range", "1", "2", "3", "4", "above_range")
RATINGS = range(1, 6)
NEUTRAL_RATING = 3
NEVER = np.datetime64("9999-12-31", "D")
LEFT_OUT = (
    "merit_groups",
    "individual_raise_max",
    "calibrated_rates",
    "awards",
)  # rules of the product that these engines lack

Floats = npt.NDArray[np.float64]
Row = dict[str, float]


def exact(value: Any) -> Fraction:
    """Return what is written, exactly: 0.1 is one tenth."""
    return Fraction(str(value))


def rounded(value: Fraction, decimals: int) -> Fraction:
    """Round half up."""
    scale = 10**decimals
    return Fraction(floor(value * scale + Fraction(1, 2)), scale)


def lanes(seed: int, year: int, block: str, ids: Sequence[str]) -> Floats:
    """Return four draws a person, from 0 to 1: 32 bits of an md5 each, the midpoint of a cell."""
    digests = b"".join(hashlib.md5(f"{seed}|{year}|{block}|{one}".encode()).digest() for one in ids)
    found: Floats = (np.frombuffer(digests, dtype=">u4").reshape(-1, 4).astype(np.float64) + 0.5) / 2**32
    return found


def chances(weights: Counter[Fraction], rate: Fraction) -> dict[Fraction, Fraction]:
    """Return the chance of each weight: in proportion to it, at most 1, their mean the rate."""
    left, rest = rate * weights.total(), sum((w * n for w, n in weights.items()), Fraction(0))
    found: dict[Fraction, Fraction] = {}
    for weight in sorted(weights, reverse=True):
        if rest and left * weight <= rest:
            break
        found[weight] = Fraction(1)
        left -= weights[weight]
        rest -= weight * weights[weight]
    return {w: found.get(w) or w * left / rest for w in weights}


@dataclass(frozen=True)
class PayRules:
    """A year's raises: the steps in their order, days, and by level (index 0 is no level) what they give."""

    steps: tuple[str, ...]
    days: dict[str, np.datetime64]
    merit_hired_by: np.datetime64
    cola_rate: float
    merit_rate: Floats
    promotion_rate: Floats
    promotion_most: float
    minimum: Floats
    maximum: Floats
    by_rating: Floats
    by_quartile: Floats
    capped: bool

    @property
    def promotion_first(self) -> bool:
        """Whether merit is paid at the level after a promotion of the year."""
        return self.days["promotion"] <= self.days["merit"]


@dataclass(frozen=True)
class HireRules:
    """A year's hires: shares of levels, cumulated, and what position and market make of a draw.

    Where they copy the pay of their templates (`copied`, by level), `copy_factor` is on it.
    """

    levels: npt.NDArray[np.int64]
    upper: Floats
    position: float
    spread: float
    minimum: Floats
    width: Floats
    factor: float
    templates_from: npt.NDArray[np.int64]
    templates: npt.NDArray[np.int64]
    copied: npt.NDArray[np.bool_]
    copy_factor: float


class Rules:
    """A census and a scenario's parameters, ready for engines; raises InputError for rules that they lack."""

    def __init__(self, census: Census, effective: EffectiveParameters) -> None:
        self.effective, self.as_of = effective, census.as_of
        self.seed, self.years = effective.seed, tuple(effective.years)
        if used := [n for n in LEFT_OUT if any(self.value(n, year) is not None for year in self.years)]:
            raise InputError(f"The other engines do not know {' and '.join(used)}.", remedy="Leave it out.")
        people = pd.read_parquet(census.census_file).sort_values("employee_id", ignore_index=True)
        self.people = pd.DataFrame(
            {
                "id": people.employee_id.astype(object),
                "hired": pd.to_datetime(people.hire_date).astype("datetime64[s]"),
                "born": pd.to_datetime(people.birth_date).astype("datetime64[s]"),
                "level": people.level_id.astype("int64"),
                "rating": people.performance_rating.astype("int64"),
                "fte": people.fte.astype(float),
                "pay": people.base_pay.astype(float),
            }
        )
        rows = pd.read_parquet(census.levels_file).to_dict("records")
        self._levels = {int(row["level_id"]): row for row in rows}
        self.top = max(self._levels)
        self.codes = len(TENURES) * len(AGES) * (self.top + 1)
        self._leave, self._rise = self._weights("termination"), self._weights("promotion")
        recent = ((pd.Timestamp(self.as_of) - self.people.hired).dt.days * 4 / 1461).round(4)
        self._recent = recent <= float(self.value("new_hire_profile_years"))
        found = {level: self._templates(level) for level in self._levels}
        sizes = [len(found.get(level, ())) for level in range(self.top + 1)]
        self.template_sizes = np.array(sizes)
        self.template_starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self.template_rows = np.concatenate([found[level] for level in sorted(found)])
        self._shares = self._level_shares()

    def value(self, name: str, year: int | None = None) -> Any:
        """Return a parameter."""
        return self.effective.value(name, year)

    def rate(self, name: str, year: int | None = None) -> Fraction:
        """Return a parameter as an exact number."""
        return exact(self.value(name, year))

    def days_in(self, year: int) -> int:
        """Return the number of its days."""
        return 366 if isleap(year) else 365

    def code(self, tenure: int, age: int, level: int) -> int:
        """Return the number of a combination of bands and level."""
        return (tenure * len(AGES) + age) * (self.top + 1) + level

    def leave_chances(self, year: int, counts: npt.NDArray[np.int64]) -> Floats:
        """Return the chance to leave by code, given how many people have each.

        The people of the first year set the scale, unless the scenario states the rate of this very year.
        """
        known = [(code, weight) for code, weight in self._leave.items() if counts[code]]
        weights: Counter[Fraction] = Counter()
        for code, weight in known:
            weights[weight] += int(counts[code])
        if year == self.years[0]:
            self._first_weights = weights
        elif not self.effective.states("termination_rate", year):
            weights = self._first_weights
        rate = self.rate("termination_rate", year)
        by_weight = chances(weights, rate)
        scale = next((by_weight[w] / w for w in by_weight if by_weight[w] < 1), None) if rate < 1 else None
        found = np.zeros(self.codes)
        for code, weight in known:
            chance = Fraction(1) if scale is None else min(scale * weight, 1)
            found[code] = float(min(chance * self._pay_response(code % (self.top + 1), year), 1))
        return found

    def rise_chances(self, year: int, counts: npt.NDArray[np.int64]) -> Floats:
        """Return the chance to be promoted by code, given how many of those eligible have each."""
        found = np.zeros(self.codes)
        for level in self._levels:
            known = [(c, w) for c, w in self._rise.items() if counts[c] and c % (self.top + 1) == level]
            weights: Counter[Fraction] = Counter()
            for code, weight in known:
                weights[weight] += int(counts[code])
            if known:
                by_weight = chances(weights, self.rate(f"promotion_probability_level_{level}", year))
                for code, weight in known:
                    found[code] = float(by_weight[weight])
        return found

    def promotion(self, year: int) -> tuple[np.datetime64, np.datetime64]:
        """Return the day of promotions, and until when one must have been hired."""
        return self._day("promotion", year), self._hired_by("promotion", year)

    def hires(self, year: int, people: int, stay: int) -> tuple[int, int]:
        """Return how many are hired, and how many of them leave in the year; below 0: so many have to go."""
        need = int(rounded(people * (1 + self.rate("headcount_growth", year)), 0)) - stay
        if need < 0:
            return need, 0
        yearly = float(self.rate("new_hire_termination_rate", year))
        share = exact(round(1 + yearly / log(1 - yearly), 8) if yearly else 0)
        hired = ceil(need / (1 - share))
        return hired, hired - need

    def pay_rules(self, year: int) -> PayRules:
        """Return what raises pay in a year."""
        days = {step: self._day(step, year) for step in STEPS}
        most = self.value("promotion_raise_max", year)
        ranges = [self._range(level, year) for level in range(self.top + 1)]
        return PayRules(
            steps=tuple(sorted(STEPS, key=lambda step: (days[step], STEPS.index(step)))),
            days=days,
            merit_hired_by=self._hired_by("merit", year),
            cola_rate=float(self.rate("cola_rate", year)),
            merit_rate=self._by_level("merit_rate", year),
            promotion_rate=self._by_level("promotion_raise", year, self.top - 1),
            promotion_most=np.inf if most is None else float(most),
            minimum=np.array([low for low, _ in ranges]),
            maximum=np.array([high for _, high in ranges]),
            by_rating=np.array([0.0, *(float(self.rate(f"merit_multiplier_rating_{r}")) for r in RATINGS)]),
            by_quartile=np.array([float(self.rate(f"merit_multiplier_quartile_{q}")) for q in QUARTILES]),
            capped=bool(self.value("range_maximum_cap")),
        )

    def hire_rules(self, year: int) -> HireRules:
        """Return what hires of a year are like."""
        low, high = (
            np.array([float(self._levels.get(n, {}).get(end, 0)) for n in range(self.top + 1)])
            for end in ("minimum", "maximum")
        )
        stated = self.value("hire_range_position")
        adjusted = self.rate("new_hire_salary_adjustment", year)
        return HireRules(
            levels=np.array(list(self._shares)),
            upper=np.cumsum([float(share) for share in self._shares.values()]),
            position=0.1 if stated is None else float(stated),
            spread=float(self.rate("hire_range_spread", year)),
            minimum=low,
            width=high - low,
            factor=float(adjusted * self._market_index(year)),
            templates_from=self.template_starts,
            templates=self.template_sizes,
            copied=np.isin(np.arange(self.top + 1), self.people.level if stated is None else []),
            copy_factor=float(round(adjusted / exact("1.15") * self._market_index(year), 8)),
        )

    def _weights(self, hazard: str) -> dict[int, Fraction]:
        """Return the weight of each code: of tenure and age, for leaving also of the level."""
        found = {}
        for t, tenure in enumerate(TENURES):
            for a, age in enumerate(AGES):
                by_age = Fraction(1) if age is None else self.rate(f"{hazard}_multiplier_age_{age}")
                both = self.rate(f"{hazard}_multiplier_tenure_{tenure}") * by_age
                for level in self._levels:
                    own = self.rate(f"{hazard}_multiplier_level_{level}") if hazard == "termination" else 1
                    found[self.code(t, a, level)] = rounded(both * own, 8)
        return found

    def _pay_response(self, level: int, year: int) -> Fraction:
        elasticity = float(self.value("turnover_pay_elasticity"))
        if not elasticity or year == self.years[0]:
            return Fraction(1)
        raised = Fraction(1)
        for y in range(self.years[0], year):
            raised *= (1 + self.rate("cola_rate", y)) * (1 + self.rate(f"merit_rate_level_{level}", y))
        position = float(round(raised, 8)) / float(self._market_index(year - 1))
        return exact(round(position**-elasticity, 8))

    def _day(self, kind: str, year: int) -> np.datetime64:
        return np.datetime64(f"{year}-{self.value(f'{kind}_date')}", "s")

    def _hired_by(self, kind: str, year: int) -> np.datetime64:
        day = self._day(kind, year).astype("datetime64[D]").astype(date)
        months = round(12 * float(self.value(f"{kind}_min_tenure_years")))
        y, month = divmod(day.year * 12 + day.month - 1 - months, 12)
        return np.datetime64(date(y, month + 1, min(day.day, monthrange(y, month + 1)[1])), "s")

    def _by_level(self, name: str, year: int, top: int | None = None) -> Floats:
        known = [n for n in self._levels if n <= (self.top if top is None else top)]
        found = np.zeros(self.top + 1)
        found[known] = [float(self.rate(f"{name}_level_{level}", year)) for level in known]
        return found

    def _market_index(self, year: int) -> Fraction:
        product = Fraction(1)
        for y in range(self.years[0], year + 1):
            product *= 1 + self.rate("market_movement", y)
        return round(product, 8)

    def _range(self, level: int, year: int) -> tuple[float, float]:
        index = Fraction(1)
        for y in range(self.years[0], year + 1):
            own = self.value("range_adjustment", y)
            index *= 1 + (self.rate("cola_rate", y) if own is None else exact(own))
        row = self._levels.get(level, {"minimum": 0, "maximum": 0})
        low, high = (float(rounded(exact(row[end]) * round(index, 8), 2)) for end in ("minimum", "maximum"))
        return low, high

    def _templates(self, level: int) -> npt.NDArray[np.int64]:
        """Return the rows of the census that hires of a level are like."""
        here = self.people.level == level
        for chosen in (here & self._recent, here):
            if chosen.any():
                return np.flatnonzero(chosen)
        return np.arange(len(self.people))

    def _level_shares(self) -> dict[int, Fraction]:
        configured = {level: self.value(f"new_hire_level_share_{level}") for level in RATINGS}
        if all(share is not None for share in configured.values()):
            return {level: exact(share) for level, share in configured.items() if share}
        like = self.people.level[self._recent] if self._recent.any() else self.people.level
        counts = like.value_counts().sort_index()
        return {int(level): Fraction(int(n), len(like)) for level, n in counts.items()}
