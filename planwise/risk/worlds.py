"""The possible worlds of a scenario: rates that are not known exactly, and luck.

A world is a set of rates and the seed by which chance decides who leaves, joins and is promoted. The worlds
of a scenario are numbered; rates and seed of a world depend on the scenario's seed and the number alone.

Turnover: log(new year / mean) is Student's t with ν = 4 + n − 1 degrees of freedom and scale s √(1 + 1/n),
s² = (4 · .08² + Σ deviation²) / ν, where n are the years that the rates were estimated from: what is known
before any year counts as four. Headcount growth is the same with .012 and without the logarithm. Without a
calibration what is stated counts as one year. Raises are drawn only in years in which no plan has decided
them: those of one of the past years that are known, awards of all groups together, or others.

Who leaves differs too: the exits of each department, level and tenure band relative to others', by factors
that are the same in all years of a world. What people get beyond the award (drift) is moved in all years, for
all, for each group and for each level. Factors of departments and groups are drawn by the models themselves,
from the seed and the name, since no parameter knows the names: a world gives the standard deviation.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from planwise.errors import InputError
from planwise.formatting import counted
from planwise.parameters import EffectiveParameters, Value
from planwise.parameters.calibrated_rates import ASSUMPTION
from planwise.parameters.catalogue import LEVELS, catalogue
from planwise.parameters.values import AWARD_MAX_RATE, DECIMALS, awards_text
from planwise.risk.decisions import AWARDS, COLA, MERITS, NEW_GROWTH, RAISES, Awarded, decided_by

Vector = npt.NDArray[np.float64]
Matrix = npt.NDArray[np.float64]

SEED = "seed"  # the assumption
SEED_LIMIT = 2**31  # its declared bounds end below it
SEEDS_MAX = 10_000  # by then P10 and P90 are known to a hundredth of a standard deviation

TURNOVER = "termination_rate"
DRAW_RATES, KNOWN_YEARS = "draw_rates", "calibration_years"
SPREADS = {TURNOVER: "spread_of_turnover", NEW_GROWTH: "spread_of_headcount_growth"}

PRIOR_YEARS = 4  # what the spreads below count as
TURNOVER_PRIOR = 0.08  # standard deviation of the logarithm of a year's turnover
GROWTH_PRIOR = 0.012
RAISE_PRIOR = 0.015  # standard deviation of a year's raises about what is stated
AWARD_MEAN, AWARD_PRIOR, AWARD_GROUP_PRIOR = 0.025, 0.015, 0.015  # of awards that no past year had
EXITS_VARY = {  # standard deviations of the logarithm of exits relative to others'
    "exits_vary_by_department": 0.12,
    "exits_vary_by_level": 0.08,
    "exits_vary_by_tenure": 0.06,
}
DRIFTS, GROUP_DRIFT = tuple(f"drift_shift_level_{level}" for level in LEVELS), "drift_varies_by_group"
DRIFT_PRIOR, DRIFT_GROUP_PRIOR, DRIFT_LEVEL_PRIOR = 0.004, 0.006, 0.003  # of a year's drift
DRIFT_STREAM, AWARD_STREAM = 101, 102  # of normal draws beside the sequence
GROWTH_MAX = 0.3  # drawn growth is within plus or minus this
TURNOVER_FACTOR_MAX = 3.0  # drawn turnover is within the stated rate / 3 and x 3
LOW, HIGH = 0.1, 0.9
NORMAL_ENDS = np.array([NormalDist().inv_cdf(end) for end in (LOW, HIGH)])
SMALLEST = 1e-6  # a headcount is never less than this share of what it was

# The coordinates of a world: turnover, then each simulated year's growth and raises.
HORIZON_MAX = 10
GROWTH_FROM, RAISES_FROM = 1, 1 + HORIZON_MAX
DIMENSIONS = 1 + 2 * HORIZON_MAX
LOOKED_AT = 256  # worlds, for P10 and P90 of what has no formula
BLOCK = 64  # points are computed in powers of two from here on
EDGE = 2.0**-33  # keeps a coordinate off 0 and 1

RATES_AND_LUCK, LUCK = "rates and luck", "luck alone"
LUCK_MEANS = "Luck is chance alone: the same rates, another draw of who leaves, joins and is promoted."
RATES_MEANS = (
    "Rates are drawn too because they are not known exactly: turnover and headcount growth may be as far "
    "from what is stated as years differ from each other, and so may the exits of a department, a level or "
    "a tenure band relative to others', and drift."
)

DEVIATES = {
    "exits_vary_by_department": "each department's exits relative to others'",
    "exits_vary_by_level": "each level's exits relative to others'",
    "exits_vary_by_tenure": "each tenure band's exits relative to others'",
    GROUP_DRIFT: "what each group and level gets beyond the award in a year",
}
MEANS = {
    RATES_AND_LUCK: (RATES_MEANS, LUCK_MEANS),
    LUCK: (LUCK_MEANS,),
}  # of what is drawn, in a sentence each


def replicate_seeds(own: int, count: int) -> tuple[int, ...]:
    """Return `count` different seeds, the same for the same `own` whatever the count: own first.

    The i-th further one is the first four bytes of SHA-256 of "own:i", modulo 2³¹; one that was there already
    is skipped. Raises InputError for a count outside 1 to 10,000.
    """
    if not 1 <= count <= SEEDS_MAX:
        raise InputError(
            f"{count} seeds are outside 1 to {SEEDS_MAX:,}.", remedy="Give a number of seeds in between."
        )
    return tuple(_seeds(own, max(BLOCK, 1 << (count - 1).bit_length()))[:count])


@lru_cache(maxsize=32)
def _seeds(own: int, count: int) -> list[int]:
    found, tried = {own: None}, 0
    while len(found) < count:
        tried += 1
        digest = hashlib.sha256(f"{own}:{tried}".encode()).digest()
        found.setdefault(int.from_bytes(digest[:4], "big") % SEED_LIMIT)
    return list(found)


def world_of(own: int, seed: int) -> int | None:
    """Return the number of the world that has a seed; None for a seed that is none of a scenario's own."""
    count = BLOCK
    while count < 2 * SEEDS_MAX:
        known = _seeds(own, count)
        if seed in known:
            return known.index(seed)
        count *= 4
    return None


@dataclass(frozen=True)
class Predictive:
    """Where a new year may be around the mean of `known` years: Student's t, scaled."""

    spread: float
    known: int

    @property
    def freedom(self) -> int:
        """Degrees of freedom."""
        return PRIOR_YEARS + max(self.known, 1) - 1

    @property
    def scale(self) -> float:
        """The scale of a new year: it varies by `spread`, and the mean is as sure as `known` years are."""
        return float(self.spread * np.sqrt(1 + 1 / max(self.known, 1)))

    @property
    def correlation(self) -> float:
        """The correlation between two new years: the error of the mean is common to them."""
        return 1 / (max(self.known, 1) + 1)

    def quantile(self, probability: npt.ArrayLike) -> Vector:
        """Return the distance from the mean that a new year stays below with a probability."""
        from scipy.special import stdtrit  # SciPy is slow to import

        return np.asarray(self.scale * stdtrit(self.freedom, probability), dtype=float)


def year_spread(values: Sequence[float], prior: float) -> float:
    """Return the standard deviation from year to year: of the years seen, and a prior worth four years."""
    seen = np.asarray(values, dtype=float)
    squares = float(((seen - seen.mean()) ** 2).sum()) if len(seen) else 0.0
    return float(np.sqrt((PRIOR_YEARS * prior**2 + squares) / (PRIOR_YEARS + max(len(seen), 1) - 1)))


@dataclass(frozen=True)
class RateDraws:
    """The rates of one scenario's worlds: what is stated by year, whether it is drawn, and how far it varies.

    `open_years` are those whose raises are drawn, `past` what past years awarded; `merits` has each level's
    rates by year, and is empty where raises are decided; `drifts` each level's shift of drift, empty where
    nothing drifts. `deviations` are the standard deviations that the models draw with.
    Another `stream` has other worlds, from which a model can be computed without those that are simulated.
    """

    seed: int
    years: tuple[int, ...]
    turnover: tuple[float, ...]
    growth: tuple[float, ...]
    open_years: tuple[bool, ...]
    past: tuple[Awarded, ...]
    cola: tuple[float, ...]
    merits: tuple[tuple[str, tuple[float, ...]], ...]
    drifts: tuple[tuple[str, tuple[float, ...]], ...]
    deviations: tuple[tuple[str, float], ...]
    turnover_law: Predictive
    growth_law: Predictive
    draws_turnover: bool
    draws_growth: bool
    stream: int = 0

    @classmethod
    def of(cls, effective: EffectiveParameters, decided: Collection[str] | None = None) -> "RateDraws":
        """Return the rates of a scenario's worlds; `decided` is what it decides unless more plans count."""
        plans = decided_by(effective) if decided is None else decided
        drawn, years = bool(effective.value(DRAW_RATES)), effective.years
        known, drifts = int(effective.number(KNOWN_YEARS)), drawn and effective.value(ASSUMPTION) is not None
        found = (EXITS_VARY if drawn else {}) | ({GROUP_DRIFT: DRIFT_GROUP_PRIOR} if drifts else {})
        free = tuple(drawn and not {RAISES, f"{RAISES}@{year}"} & set(plans) for year in years)

        def stated(name: str) -> tuple[float, ...]:
            return tuple(effective.number(name, year) for year in years)

        return cls(
            seed=effective.seed,
            years=years,
            turnover=stated(TURNOVER),
            growth=stated(NEW_GROWTH),
            open_years=free,
            past=Awarded.past(effective) if any(free) else (),
            cola=stated(COLA),
            merits=tuple((name, stated(name)) for name in MERITS) if any(free) else (),
            drifts=tuple((name, stated(name)) for name in DRIFTS) if drifts else (),
            deviations=tuple((name, _stated_or(effective, name, usual)) for name, usual in found.items()),
            turnover_law=Predictive(effective.number(SPREADS[TURNOVER]), known),
            growth_law=Predictive(effective.number(SPREADS[NEW_GROWTH]), known),
            draws_turnover=drawn,
            draws_growth=drawn and NEW_GROWTH not in plans,
        )

    @property
    def anything(self) -> bool:
        """Whether any rate is drawn."""
        deviates = any(spread > 0 for _, spread in self.deviations)
        return self.draws_turnover or self.draws_growth or bool(self.merits or self.drifts) or deviates

    def without(self) -> "RateDraws":
        """Return the same without any rate that is drawn."""
        return replace(
            self,
            past=(),
            merits=(),
            drifts=(),
            deviations=(),
            draws_turnover=False,
            draws_growth=False,
        )

    def without_drift(self) -> "RateDraws":
        """Return the same for people whose pay does not drift: no drift to be moved."""
        return replace(
            self,
            drifts=(),
            deviations=tuple(one for one in self.deviations if one[0] != GROUP_DRIFT),
        )

    def turnover_factors(self, worlds: Sequence[int]) -> Vector:
        """Return the factor on turnover in each world, the same in all its years; 1 where it is not drawn."""
        if not self.draws_turnover:
            return np.ones(len(worlds))
        return _factors(self.turnover_law.quantile(self._points(worlds)[:, 0]))

    def growths(self, worlds: Sequence[int]) -> Matrix:
        """Return headcount growth by world and year.

        Each year's is Student's t; years are correlated, because the error of the mean is common to all.
        """
        if not self.draws_growth:
            return np.tile(self.growth, (len(worlds), 1))
        from scipy.special import ndtr, ndtri  # SciPy is slow to import

        count, common = len(self.years), self.growth_law.correlation
        scores = ndtri(self._points(worlds)[:, GROWTH_FROM : GROWTH_FROM + count])
        mixed = np.linalg.cholesky(common + (1 - common) * np.eye(count))
        return _grown(np.array(self.growth), self.growth_law.quantile(ndtr(scores @ mixed.T)))

    def raise_shifts(self, worlds: Sequence[int]) -> Matrix:
        """Return what merit of all levels is moved by, by world and year; 0 where it is decided."""
        if not self.merits:
            return np.zeros((len(worlds), len(self.years)))
        from scipy.special import ndtri  # SciPy is slow to import

        chosen = self._points(worlds)[:, RAISES_FROM : RAISES_FROM + len(self.years)]
        return np.asarray(RAISE_PRIOR * ndtri(chosen) * np.array(self.open_years), dtype=float)

    def awarded(self, world: int) -> dict[int, Awarded]:
        """Return what is awarded in each open year of a world; nothing where no past year is known.

        Those of one of the n past years with weight n / (n + 1), else normal about 2.5 %, and by group.
        """
        if not self.past:
            return {}
        generator = np.random.default_rng((self.seed, self.stream, AWARD_STREAM, world))
        names = {name: one.attribute for one in self.past for name, _ in one.groups}
        places = self._points((world,))[0, RAISES_FROM : RAISES_FROM + len(self.years)]
        found = {}
        for year, place, free in zip(self.years, places, self.open_years, strict=True):
            common, *apart = generator.standard_normal(1 + len(names))
            cola = AWARD_MEAN + AWARD_PRIOR * common
            rates = {name: cola + AWARD_GROUP_PRIOR * by for name, by in zip(names, apart, strict=True)}
            seen = int(place * (len(self.past) + 1))
            other = Awarded(cola, next(iter(names.values()), ""), tuple(rates.items()))
            if free:
                found[year] = self.past[seen] if seen < len(self.past) else other
        return found

    def drift_shifts(self, worlds: Sequence[int]) -> npt.NDArray[np.float64]:
        """Return what drift is moved by, by world, year and level: by as much for all, and for each level."""
        years = len(self.years)
        if not self.drifts:
            return np.zeros((len(worlds), years, len(LEVELS)))
        size = max(BLOCK, 1 << int(max(worlds, default=0)).bit_length())
        drawn = _normals(self.seed, self.stream, size)[list(worlds), :years]
        return np.asarray(DRIFT_PRIOR * drawn[..., :1] + DRIFT_LEVEL_PRIOR * drawn[..., 1:])

    def assumptions(self, world: int) -> dict[str, Value]:
        """Return turnover, headcount growth and what else differs in a world, as changes of assumptions."""
        found: dict[str, Value] = dict(self.deviations)
        moved = self.drift_shifts((world,))[0]
        for place, (name, stated) in enumerate(self.drifts):
            found |= _by_year(name, self.years, _raised(name, np.array(stated), moved[:, place]))
        for year, one in self.awarded(world).items():
            rates = {name: round(_award(rate), DECIMALS) for name, rate in one.groups}
            found[f"{AWARDS}@{year}"] = awards_text(one.attribute, rates) if rates else None
        if self.draws_turnover:
            factor = float(self.turnover_factors((world,))[0])
            found |= _by_year(TURNOVER, self.years, [min(factor * rate, 1.0) for rate in self.turnover])
        if self.draws_growth:
            found |= _by_year(NEW_GROWTH, self.years, self.growths((world,))[0])
        return found

    def levers(self, world: int) -> dict[str, Value]:
        """Return the raises of a world where no plan has decided them, as changes of the scenario's levers.

        Where past awards are known, they are drawn, and merit moves as drift does; else merit of all levels
        moves alike.
        """
        found: dict[str, Value] = {}
        drawn, shifts = self.awarded(world), self.raise_shifts((world,))[0]
        beyond = self.drift_shifts((world,))[0] * np.array(self.open_years)[:, None]
        for year, one in drawn.items():
            low, high = catalogue().levers[COLA].bounds
            found[f"{COLA}@{year}"] = round(min(max(one.cola, low), high), DECIMALS)
        for place, (name, stated) in enumerate(self.merits):
            moved = beyond[:, place] * (np.array(stated) > 0) if drawn else shifts
            found |= _by_year(name, self.years, _raised(name, np.array(stated), moved))
        return found

    def regressors(self, worlds: Sequence[int]) -> Matrix:
        """Return what the payroll of a world depends on, by world, year and regressor: 1, then what is drawn.

        That is the logarithm of the headcount over the stated one, and of the factor on turnover, and what
        drift has moved pay by, all levels alike.
        """
        columns = [np.ones((len(worlds), len(self.years)))]
        if self.draws_growth:
            drawn, stated = (
                np.log(np.maximum(1 + g, SMALLEST)) for g in (self.growths(worlds), np.array(self.growth))
            )
            columns.append(np.cumsum(drawn - stated, axis=1))
        if self.draws_turnover:
            columns.append(np.tile(np.log(self.turnover_factors(worlds))[:, None], len(self.years)))
        if self.drifts:
            columns.append(np.cumsum(self.drift_shifts(worlds).mean(axis=2), axis=1))
        return np.stack(columns, axis=2)

    def as_json(self) -> list[dict[str, Any]]:
        """Return one object per rate: what is stated for the first year, P10, P90 (or null) and why."""
        ends, known = np.array((LOW, HIGH)), _known(self.turnover_law.known)
        rate, growth = self.turnover[0], np.array(self.growth[0])
        by_turnover = np.minimum(rate * _factors(self.turnover_law.quantile(ends)), 1.0)
        by_growth = _grown(growth, self.growth_law.quantile(ends))
        stated = "the plan states it" if self.draws_turnover else LUCK
        found = [
            _described(TURNOVER, rate, by_turnover, known)
            if self.draws_turnover
            else _described(TURNOVER, rate, None, LUCK),
            _described(NEW_GROWTH, self.growth[0], by_growth, known)
            if self.draws_growth
            else _described(NEW_GROWTH, self.growth[0], None, stated),
        ]
        if self.past:
            first = [next(iter(self.awarded(world).values())).cola for world in range(LOOKED_AT)]
            ends = np.maximum(np.quantile(first, (LOW, HIGH)), 0)
            found.append(_described(COLA, self.cola[0], ends, "a past year's awards, or others"))
        for name, rates in () if self.past else self.merits:
            between = _raised(name, np.array(rates[0]), RAISE_PRIOR * NORMAL_ENDS)
            found.append(_described(name, rates[0], between, "no plan has set COLA or merit"))
        for name, spread in self.deviations:
            if spread == 0 and not (name == GROUP_DRIFT and self.drifts):
                found.append(_described(name, 0.0, None, "the scenario states 0"))
                continue
            if name == GROUP_DRIFT:
                apart = np.hypot(np.hypot(spread, DRIFT_PRIOR), DRIFT_LEVEL_PRIOR) * NORMAL_ENDS
            else:
                apart = np.exp(spread * NORMAL_ENDS) - 1
            found.append(_described(name, 0.0, apart, DEVIATES[name]))
        return found

    def _points(self, worlds: Sequence[int]) -> Matrix:
        size = max(BLOCK, 1 << int(max(worlds, default=0)).bit_length())
        return _sequence(self.seed, self.stream, size)[list(worlds)]


def in_world(
    effective: EffectiveParameters, world: int, decided: Collection[str] | None = None, own: int | None = None
) -> EffectiveParameters:
    """Return a scenario's parameters in a world of its own, or of the seed `own`: other seed, other rates."""
    draws = RateDraws.of(effective, decided)
    draws = draws if own is None else replace(draws, seed=own)
    changed = luck_alone(effective, world, own)
    if assumptions := draws.assumptions(world):
        changed = changed.with_assumptions(assumptions)
    return changed.with_levers(draws.levers(world)) if draws.merits else changed


def luck_alone(effective: EffectiveParameters, world: int, own: int | None = None) -> EffectiveParameters:
    """Return a scenario's parameters with the seed of a world and the scenario's rates."""
    seed = replicate_seeds(effective.seed if own is None else own, world + 1)[world]
    return effective if seed == effective.seed else effective.with_assumptions({SEED: seed})


@lru_cache(maxsize=8)
def _normals(seed: int, stream: int, size: int) -> npt.NDArray[np.float64]:
    """Return normal draws by world, year, and all levels' or one's; those of a world whatever the size."""
    generator = np.random.default_rng((seed, stream, DRIFT_STREAM))
    drawn = generator.standard_normal((size, HORIZON_MAX, 1 + len(LEVELS)))
    drawn.flags.writeable = False
    return drawn


@lru_cache(maxsize=32)
def _sequence(seed: int, stream: int, size: int) -> Matrix:
    """Return the first points of a scrambled Sobol sequence: the first 2, 4, 8 … cover every rate evenly."""
    from scipy.stats.qmc import Sobol  # SciPy is slow to import

    generator = np.random.default_rng((seed, stream))
    points: Matrix = np.clip(Sobol(DIMENSIONS, scramble=True, rng=generator).random(size), EDGE, 1 - EDGE)
    points.flags.writeable = False
    return points


def _stated_or(effective: EffectiveParameters, name: str, usual: float) -> float:
    """Return what the scenario states, which may be 0; else what is usual, as the default is a plan's 0."""
    return effective.number(name) if effective.tier(name) == "scenario" else usual


def _factors(shifts: Vector) -> Vector:
    return np.asarray(np.clip(np.exp(shifts), 1 / TURNOVER_FACTOR_MAX, TURNOVER_FACTOR_MAX), dtype=float)


def _grown(stated: Vector, shifts: Vector) -> Vector:
    """Return stated growth moved, within the limit or what is stated beyond it."""
    low, high = np.minimum(stated, -GROWTH_MAX), np.maximum(stated, GROWTH_MAX)
    return np.asarray(np.clip(stated + shifts, low, high), dtype=float)


def _raised(name: str, stated: Vector, shifts: Vector) -> Vector:
    low, high = catalogue().parameters[name].bounds or (-np.inf, np.inf)
    return np.asarray(np.clip(stated + shifts, low, high), dtype=float)


def _award(rate: float) -> float:
    return min(max(rate, 0.0), AWARD_MAX_RATE)


def _by_year(name: str, years: Sequence[int], values: Iterable[float]) -> dict[str, Value]:
    """Return one value for all years where it is the same in all, else a value for each."""
    rounded = [round(float(value), DECIMALS) for value in values]
    if len(set(rounded)) == 1:
        return {name: rounded[0]}
    return {f"{name}@{year}": value for year, value in zip(years, rounded, strict=True)}


def _described(name: str, stated: float, ends: Vector | None, why: str) -> dict[str, Any]:
    low, high = (None, None) if ends is None else map(float, ends)
    return {"rate": name, "stated": stated, "drawn": ends is not None, "p10": low, "p90": high, "why": why}


def _known(years: int) -> str:
    if years == 0:
        return "no calibration: years differ as they usually do"
    return f"calibrated on {counted(years, 'year')}"
