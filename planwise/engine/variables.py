"""Effective parameters as SQLMesh variables: one JSON document per chain, one blueprint per year.

A blueprint's numbers are placeholders (`$cola_rate_2026`), and the variable `bindings` has their
values: a plan puts the numbers into the models, a preview binds them; the SQL around them is the same. What a
year's models read is in that year's blueprint only, so a change re-versions the models of its year and later,
and nothing before.
"""

import hashlib
import json
from calendar import isleap, monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import log1p
from typing import Any

from planwise.census.market import NO_MARKET
from planwise.parameters import EffectiveParameters
from planwise.parameters.calibrated_rates import ASSUMPTION, NO_RATES
from planwise.parameters.catalogue import FALLBACK
from planwise.parameters.effective import SCALED_BY_CENSUS
from planwise.parameters.values import GROUP_ATTRIBUTES, awards, merit_groups

LEVELS = (1, 2, 3, 4, 5)
RAISES = ("cola", "promotion", "merit")  # the order of raises that fall on one day
RAISE_CAPS = ("individual_raise_max", "promotion_raise_max", "range_maximum_cap")
RECENT_PREMIUM = FALLBACK["new_hire_salary_adjustment"]  # what recent hires are paid already, in their range
POSITION_WITHOUT_RECENT = 0.1  # in the range; with the default premium it ends near 40 % of it
EXITS_VARY = ("exits_vary_by_tenure", "exits_vary_by_level", "exits_vary_by_department")
SHARE_DECIMALS = 8  # of a binding
INDEX_DECIMALS = Decimal("0.00000001")
Number = int | float | Decimal
Bound = Number | Sequence[str] | Sequence[float]
"""The value of a placeholder: a number, or a list whose places belong together."""


@dataclass(frozen=True)
class YearBlueprint:
    """One year's values of a chain: `fixed` shapes the SQL, `numbers` are values a preview may bind."""

    year: int
    fixed: Mapping[str, str]
    numbers: Mapping[str, Bound]

    def placeholders(self) -> dict[str, str]:
        """Return the numbers as named placeholders."""
        return {
            **self.fixed,
            **{name: f"${name}_{self.year}" for name in self.numbers},
        }

    def bindings(self) -> dict[str, Bound]:
        """Return the placeholders' values."""
        return {f"{name}_{self.year}": value for name, value in self.numbers.items()}


def sqlmesh_variables(
    effective: EffectiveParameters,
    *,
    census_hash: str,
    as_of: str,
    market_key: str = NO_MARKET,
    bound: bool = True,
) -> dict[str, Any]:
    """Return the project's variables for a scenario on a census (its content hash, date and market).

    Unbound, the models keep placeholders for their numbers.
    """

    def blueprints(chain: list[YearBlueprint]) -> str:
        return json.dumps([blueprint.placeholders() for blueprint in chain])

    return {
        "census_hash": census_hash,
        "census_as_of": as_of,
        "rates_key": rates_of(effective),
        "market_key": market_key,
        "simulated_years": json.dumps(list(effective.years)),
        "dynamics_years": blueprints(dynamics_blueprints(effective)),
        "pay_basis_years": blueprints(pay_basis_blueprints(effective)),
        "pay_years": blueprints(pay_blueprints(effective)),
        "hazard_multipliers": json.dumps(_hazard_rows(effective)),
        "drift": rates_of(effective) != NO_RATES,
        "grouped_raises": json.dumps(_grouped_raises(effective)),
        "tenure_bands": json.dumps(
            [[member, band.end] for member, band in effective.declared.bands["tenure"].items()]
        ),
        "merit_matrix": json.dumps(_merit_rows()),
        "hire_level_shares": json.dumps(hire_shares(effective)),
        "cash_factors": json.dumps(cash_factors(effective)),
        "new_hire_profile_years": effective.value("new_hire_profile_years"),
        "cola_date": effective.value("cola_date"),
        "promotion_date": effective.value("promotion_date"),
        "merit_date": effective.value("merit_date"),
        "raise_order": json.dumps(_raise_order(effective)),
        "raise_caps": json.dumps({name: effective.value(name) for name in RAISE_CAPS}),
        "target_growth_by_year": json.dumps(
            [[y, effective.value("headcount_growth", y)] for y in effective.years]
        ),
        "parameters_key": parameters_key(effective),
        **(
            {"bindings": {name: literal(value) for name, value in bindings(effective).items()}}
            if bound
            else {}
        ),
    }


def rates_of(effective: EffectiveParameters) -> str:
    """Return the key of the calibrated rates, or `none` without any."""
    return str(effective.value(ASSUMPTION) or NO_RATES)


def bindings(effective: EffectiveParameters) -> dict[str, Bound]:
    """Return the value of every placeholder."""
    chains = [*dynamics_blueprints(effective), *pay_blueprints(effective)]
    by_year = {name: value for blueprint in chains for name, value in blueprint.bindings().items()}
    return by_year | _merit_bindings(effective)


def literal(value: Bound | str) -> str:
    """Return a bound value as SQL."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, Sequence):
        return f"[{', '.join(map(literal, value))}]"
    return format(Decimal(str(value)), "f")


def dynamics_blueprints(effective: EffectiveParameters) -> list[YearBlueprint]:
    """Return what decides who leaves, joins and is promoted, year by year."""
    promotion_day = str(effective.value("promotion_date"))
    months = _months(effective, "promotion_min_tenure_years")
    found = []
    for year, previous in _with_previous(effective.years):
        promotion_date = _day(year, promotion_day)
        fixed = {
            "year": str(year),
            "opening_workforce": f"int_workforce_{previous}" if previous else "int_baseline_workforce",
            "year_start": f"'{year}-01-01'",
            "year_end": f"'{year}-12-31'",
            "days_in_year": str(366 if isleap(year) else 365),
            "promotion_date": f"'{promotion_date}'",
            "promotion_hired_by": f"'{_months_before(promotion_date, months)}'",
            # The first year opens with the census, whose people set the scale of a rate without a year.
            "rate_is_stated": str(previous is not None and effective.states(SCALED_BY_CENSUS, year)).upper(),
        }
        numbers: dict[str, Bound] = {"seed": effective.seed}
        names = ["headcount_growth", SCALED_BY_CENSUS, "new_hire_termination_rate", *EXITS_VARY]
        names += [f"promotion_probability_level_{level}" for level in LEVELS[:-1]]
        numbers |= {name: _number(effective, name, year) for name in names}
        numbers["new_hire_exit_share"] = same_year_share(
            float(_number(effective, "new_hire_termination_rate", year))
        )
        numbers |= {f"pay_response_level_{level}": pay_response(effective, level, year) for level in LEVELS}
        found.append(YearBlueprint(year, fixed, numbers))
    return found


def same_year_share(yearly: float) -> float:
    """Return the share of hires who leave by the end of their first calendar year, at a constant hazard.

    `yearly` is the share that leaves within twelve months, h = 1 - exp(-λ). With hire days spread evenly over
    the year the share is 1 - (1 - exp(-λ)) / λ = 1 - h / λ.
    """
    if yearly <= 0:
        return 0.0
    if yearly >= 1:
        return 1.0
    return round(1 + yearly / log1p(-yearly), SHARE_DECIMALS)


def pay_basis_blueprints(effective: EffectiveParameters) -> list[YearBlueprint]:
    """Return the calendar of raises, year by year; no rate is part of it."""
    months = _months(effective, "merit_min_tenure_years")
    order = _raise_order(effective)
    found = []
    for year in effective.years:
        days = {kind: _day(year, str(effective.value(f"{kind}_date"))) for kind in RAISES}
        fixed = {
            "year": str(year),
            "year_start": f"'{year}-01-01'",
            "year_end": f"'{year}-12-31'",
            "days_in_year": str(366 if isleap(year) else 365),
            "merit_hired_by": f"'{_months_before(days['merit'], months)}'",
            **{f"{kind}_date": f"'{day}'" for kind, day in days.items()},
            **{
                f"{place}_raise_date": f"'{days[kind]}'"
                for place, kind in zip(("first", "second", "third"), order, strict=True)
            },
        }
        found.append(YearBlueprint(year, fixed, {}))
    return found


def _group_terms(effective: EffectiveParameters, year: int) -> dict[str, Bound]:
    """Return merit, awards and drift by group: the place of their attribute (0 without any), names, terms."""
    attribute, merits = merit_groups(effective.value("merit_groups", year)) or ("", ())
    award_attribute, rates = awards(effective.value("awards", year)) or ("", {})
    places = ("", *GROUP_ATTRIBUTES)
    drift_attribute, drifts = merit_groups(effective.value("drift_groups", year)) or ("", ())
    return {
        "merit_group_attribute": places.index(attribute),
        "merit_group_names": [one.group for one in merits],
        "merit_group_factors": [one.factor for one in merits],
        "merit_group_points": [one.points for one in merits],
        "award_attribute": places.index(award_attribute),
        "award_names": list(rates),
        "award_rates": list(rates.values()),
        "drift_group_attribute": places.index(drift_attribute),
        "drift_group_names": [one.group for one in drifts],
        "drift_group_factors": [one.factor for one in drifts],
        "drift_group_points": [one.points for one in drifts],
    }


def _grouped_raises(effective: EffectiveParameters) -> list[str]:
    """Return which raises have groups in any year: the models look none up otherwise."""
    terms = [_group_terms(effective, year) for year in effective.years]
    attributes = {"award": "award_attribute", "merit": "merit_group_attribute"}
    return [kind for kind, attribute in attributes.items() if any(term[attribute] for term in terms)]


def pay_blueprints(effective: EffectiveParameters) -> list[YearBlueprint]:
    """Return what decides pay, year by year."""
    found = []
    position = effective.number_or_none("hire_range_position")
    for year, previous in _with_previous(effective.years):
        fixed = {
            "year": str(year),
            "opening_pay": f"int_pay_{previous}" if previous else "int_baseline_workforce",
            "hires_copy_pay": str(position is None).upper(),
            "days_in_year": str(366 if isleap(year) else 365),
        }
        names = ["cola_rate", "new_hire_salary_adjustment"]
        names += [f"merit_rate_level_{level}" for level in LEVELS]
        names += [f"promotion_raise_level_{level}" for level in LEVELS[:-1]]
        names += [*(f"drift_shift_level_{level}" for level in LEVELS), "drift_varies_by_group"]
        numbers: dict[str, Bound] = {"seed": effective.seed}
        numbers |= {name: _number(effective, name, year) for name in names}
        numbers |= {
            "range_index": range_index(effective, year),
            "market_index": market_index(effective, year),
            "entry_factor": entry_factor(effective, year),
            "hire_range_position": POSITION_WITHOUT_RECENT if position is None else position,
            "hire_range_spread": _number(effective, "hire_range_spread", year),
        }
        numbers |= _group_terms(effective, year)
        found.append(YearBlueprint(year, fixed, numbers))
    return found


def market_index(effective: EffectiveParameters, year: int) -> Decimal:
    """Return how far market pay has moved from the census to the end of a year (1 = not at all)."""
    return _index(effective, year, lambda y: _rate(effective, "market_movement", y))


def entry_factor(effective: EffectiveParameters, year: int) -> Decimal:
    """Return the factor on the pay of a recent hire that a hire copies: adjustment / premium x market index.

    Recent hires are taken to have been paid the premium already.
    """
    premium = _rate(effective, "new_hire_salary_adjustment", year) / Decimal(str(RECENT_PREMIUM))
    return (premium * market_index(effective, year)).quantize(INDEX_DECIMALS)


def range_index(effective: EffectiveParameters, year: int) -> Decimal:
    """Return how far the pay ranges have moved: by `range_adjustment`, or by the COLA without one."""

    def moved(y: int) -> Decimal:
        adjustment = effective.value("range_adjustment", y)
        return _rate(effective, "cola_rate", y) if adjustment is None else Decimal(str(adjustment))

    return _index(effective, year, moved)


def pay_response(effective: EffectiveParameters, level: int, year: int) -> Number:
    """Return the factor on a level's exit probability: (pay index / market index) ^ -elasticity.

    The pay index is the level's growth by COLA and merit since the census. Exactly 1 when the elasticity
    is 0, so that pay levers then leave the dynamics alone.
    """
    elasticity = effective.value("turnover_pay_elasticity")
    opening = year - 1
    if not elasticity or opening < effective.years[0]:
        return 1

    def raised(y: int) -> Decimal:
        cola, merit = _rate(effective, "cola_rate", y), _rate(effective, f"merit_rate_level_{level}", y)
        return (1 + cola) * (1 + merit) - 1

    position = float(_index(effective, opening, raised)) / float(market_index(effective, opening))
    return round(float(position ** -float(str(elasticity))), 8)


def _index(effective: EffectiveParameters, year: int, movement: Callable[[int], Decimal]) -> Decimal:
    index = Decimal(1)
    for simulated in effective.years:
        if simulated <= year:
            index *= 1 + movement(simulated)
    return index.quantize(INDEX_DECIMALS)


def _rate(effective: EffectiveParameters, name: str, year: int) -> Decimal:
    return Decimal(str(effective.value(name, year)))


def _number(effective: EffectiveParameters, name: str, year: int) -> Number:
    value = effective.value(name, year)
    assert isinstance(value, int | float)  # declared numeric
    return value


def _with_previous(years: tuple[int, ...]) -> list[tuple[int, int | None]]:
    return list(zip(years, (None, *years), strict=False))


def _day(year: int, month_day: str) -> date:
    return date.fromisoformat(f"{year}-{month_day}")


def _months(effective: EffectiveParameters, name: str) -> int:
    return round(12 * effective.number(name))


def _months_before(day: date, months: int) -> date:
    """Return the same day some months earlier, or the last of that month when it has no such day."""
    index = day.year * 12 + day.month - 1 - months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _raise_order(effective: EffectiveParameters) -> list[str]:
    return sorted(RAISES, key=lambda kind: (str(effective.value(f"{kind}_date")), RAISES.index(kind)))


def _hazard_rows(effective: EffectiveParameters) -> list[list[Any]]:
    """Return hazard, dimension, half-open band and multiplier; only terminations have one by level."""
    rows: list[list[Any]] = []
    for hazard in ("termination", "promotion"):
        for dimension in ("tenure", "age"):
            for member, band in effective.declared.bands[dimension].items():
                multiplier = effective.value(f"{hazard}_multiplier_{dimension}_{member}")
                rows.append([hazard, dimension, band.start, band.end, multiplier])
    for level in LEVELS:
        multiplier = effective.value(f"termination_multiplier_level_{level}")
        rows.append(["termination", "level", level, level + 1, multiplier])
    return rows


RATINGS = (1, 2, 3, 4, 5)
POSITIONS = ("below_range", "1", "2", "3", "4", "above_range")  # in the pay range


def _merit_rows() -> list[list[Any]]:
    """Return the placeholders of the merit matrix: rating, its factor, those of position in range."""
    positions = [f"$merit_quartile_{position}" for position in POSITIONS]
    return [[rating, f"$merit_rating_{rating}", *positions] for rating in RATINGS]


def _merit_bindings(effective: EffectiveParameters) -> dict[str, Number]:
    families = [f"rating_{rating}" for rating in RATINGS] + [f"quartile_{place}" for place in POSITIONS]
    return {f"merit_{name}": effective.number(f"merit_multiplier_{name}") for name in families}


def hire_shares(effective: EffectiveParameters) -> list[list[Any]]:
    """Return level and configured share of hires; nothing when the census decides."""
    shares = [[level, effective.value(f"new_hire_level_share_{level}")] for level in LEVELS]
    return [] if any(share is None for _, share in shares) else shares


def cash_factors(effective: EffectiveParameters) -> list[list[Any]]:
    """Return level, total cash and employer cost as multiples of base pay, as texts of 6 decimals."""
    found: list[list[Any]] = []
    for level in LEVELS:
        cash = 1 + Decimal(str(effective.number(f"bonus_rate_level_{level}")))
        cost = cash * (1 + Decimal(str(effective.number(f"employer_cost_rate_level_{level}"))))
        found.append([level, f"{cash:.6f}", f"{cost:.6f}"])
    return found


def parameters_key(effective: EffectiveParameters) -> str:
    """Return the key of the table of effective parameters: a hash of their values and tiers."""
    return hashlib.sha256(json.dumps(parameter_rows(effective)).encode()).hexdigest()[:16]


def parameter_rows(effective: EffectiveParameters) -> list[list[Any]]:
    """Return parameter, level, year, value as text and tier of every effective value."""
    return [
        [row.parameter, row.level_id, row.year, None if row.value is None else str(row.value), row.tier]
        for row in effective.rows()
    ]
