"""What the editors show: every lever and the main assumptions, in the units that people type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planwise.parameters import Assumption, Catalogue, EffectiveParameters, Lever, Value
from planwise.parameters.declaration import Unit
from ui.values.edits import same_in_all_years
from ui.values.formatting import level
from ui.values.parameter_text import PERCENT, TIMES, typed, written

GROUPS = {  # family -> title of its group, and what one of its members is called without a level
    "cola_rate": ("Cost of living", "All levels"),
    "merit_rate": ("Merit raise a year", ""),
    "new_hire_salary_adjustment": ("New hires", "Pay adjustment"),
    "promotion_probability": ("Promotion probability a year", ""),
    "promotion_raise": ("Raise at promotion", ""),
}
ASSUMPTIONS = "Assumptions and goals"
# The reach of an assumption's slider; its number takes whatever the hard bounds allow.
REACH: Mapping[str, tuple[float, float] | None] = {
    "termination_rate": (0.0, 0.35),
    "headcount_growth": (-0.10, 0.20),
    "market_movement": (-0.05, 0.10),
    "target_growth": (0.0, 0.10),
    "payroll_budget": None,
}
SHORT = {
    "termination_rate": "Turnover",
    "headcount_growth": "Headcount growth",
    "market_movement": "Market movement",
    "target_growth": "Growth target",
    "payroll_budget": "Payroll budget",
}
UNITS = {Unit.RATE: ("%", PERCENT), Unit.MULTIPLIER: (TIMES, 1), Unit.MONEY: ("$", 1)}
STEPS = {Unit.RATE: 0.1, Unit.MULTIPLIER: 0.01, Unit.MONEY: 100_000}  # in the units that are typed
WIDE = 0.2  # a range of rates from here on is stepped by half points
WIDE_STEP = 0.5
DECIMALS = {Unit.RATE: 4, Unit.MULTIPLIER: 6, Unit.MONEY: 2}  # what is shown is what counts


def edited_names(declared: Catalogue) -> tuple[str, ...]:
    """Return the parameters that the page edits, in its order."""
    return (*declared.levers, *REACH)


def board(effective: EffectiveParameters, year: int | None, locks: Mapping[str, str]) -> dict[str, Any]:
    """Return what stays while values change: years, groups of levers, ranges, units.

    `locks` says for a locked lever who locked it and why.
    """
    declared = effective.declared
    groups: dict[str, list[dict[str, Any]]] = {}
    for lever in declared.levers.values():
        groups.setdefault(_family(lever), []).append(_lever(lever, locks))
    ordered = [*(family for family in GROUPS if family in groups), *(f for f in groups if f not in GROUPS)]
    titled = [
        {"title": _title(family), "levers": groups[family], "folded": False, "open": True}
        for family in ordered
    ]
    assumptions = [_assumption(declared.assumptions[name]) for name in REACH]
    folded = {"title": ASSUMPTIONS, "levers": assumptions, "folded": True, "open": False}
    return {"years": list(effective.years), "year": year, "groups": [*titled, folded]}


@dataclass(frozen=True)
class Problem:
    """A value that cannot be: the parameter it was typed for, and what is wrong with it."""

    name: str
    text: str


def values(
    base: EffectiveParameters, effective: EffectiveParameters, year: int | None, problem: Problem | None
) -> dict[str, Any]:
    """Return every editor's value, in the units that are typed, beside the base scenario's."""
    return {
        name: _value(base, effective, name, year)
        | {"problem": problem.text if problem and problem.name == name else ""}
        for name in edited_names(effective.declared)
    }


def raw_value(declared: Catalogue, name: str, number: object) -> object:
    """Return what a typed number means to the parameter; what is no number is left for it to refuse."""
    unit = declared.parameters[name].unit
    if isinstance(number, bool) or not isinstance(number, int | float):
        return number
    return number / UNITS[unit][1]


def _lever(lever: Lever, locks: Mapping[str, str]) -> dict[str, Any]:
    unit, scale = UNITS[lever.unit]
    title, alone = _title(_family(lever)), GROUPS.get(_family(lever), ("", lever.label))[1]
    label = alone if lever.level_id is None else level(lever.level_id)
    low, high = lever.bounds
    locked = locks.get(lever.name) or ("Locked by its declaration" if lever.locked else "")
    return {
        "name": lever.name,
        "label": label,
        "aria": f"{title}, {label}",
        "unit": unit,
        "low": low * scale,
        "high": high * scale,
        "step": _step(lever.unit, high - low),
        "decimals": DECIMALS[lever.unit],
        "recommended": [edge * scale for edge in lever.recommended],
        "slider": True,
        "nullable": False,
        "nothing": "",
        "locked": locked,
        "hint": locked
        or f"{lever.description} Recommended {written(lever, lever.recommended[0])} to "
        f"{written(lever, lever.recommended[1])}; allowed {written(lever, low)} to {written(lever, high)}.",
    }


def _assumption(assumption: Assumption) -> dict[str, Any]:
    unit, scale = UNITS[assumption.unit]
    reach = REACH[assumption.name]
    low, high = reach or (0.0, 1.0)
    return {
        "name": assumption.name,
        "label": SHORT[assumption.name],
        "aria": SHORT[assumption.name],
        "unit": unit,
        "low": low * scale,
        "high": high * scale,
        "step": _step(assumption.unit, high - low),
        "decimals": DECIMALS[assumption.unit],
        "recommended": None,
        "slider": reach is not None,
        "nullable": assumption.nullable,
        "nothing": assumption.null_means or "",
        "locked": "",
        "hint": assumption.description + ("" if assumption.yearly else " One value for all years."),
    }


def _value(
    base: EffectiveParameters, effective: EffectiveParameters, name: str, year: int | None
) -> dict[str, Any]:
    parameter = effective.declared.parameters[name]
    scale = UNITS[parameter.unit][1]
    old, new = (_in_years(side, name, year) for side in (base, effective))
    varies, base_varies = len(set(new)) > 1, len(set(old)) > 1
    return {
        "value": None if varies or new[0] is None else round(float(str(new[0])) * scale, 8),
        "position": _mean(new) * scale,
        "base_position": _mean(old) * scale,
        "base_text": "varies" if base_varies else _short(parameter, old[0]),
        "varies": varies,
        "changed": new != old,
    }


def _in_years(side: EffectiveParameters, name: str, year: int | None) -> list[Value]:
    if year is not None or same_in_all_years(side, name):
        of = year if year in side.years else side.years[0]
        return [side.value(name, of)]
    return [side.value(name, simulated) for simulated in side.years]


def _short(parameter: Lever | Assumption, value: Value) -> str:
    """Return a value with its unit and no more decimals than it has."""
    if value is None:
        return "none"
    unit = UNITS[parameter.unit][0]
    return written(parameter, value) if parameter.unit is Unit.MONEY else f"{typed(parameter, value)}{unit}"


def _mean(values: Sequence[Value]) -> float:
    numbers = [float(str(value)) for value in values if value is not None]
    return sum(numbers) / len(numbers) if numbers else 0.0


def _step(unit: Unit, width: float) -> float:
    return WIDE_STEP if unit is Unit.RATE and width > WIDE else STEPS[unit]


def _title(family: str) -> str:
    return GROUPS[family][0] if family in GROUPS else family.replace("_", " ").capitalize()


def _family(lever: Lever) -> str:
    return lever.name if lever.level_id is None else lever.name.rpartition("_level_")[0]
