"""Parameters as people read and type them: labels, values such as 3.30%, 1.15× or 1 July, and their risk."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from planwise.errors import InputError
from planwise.formatting import MINUS, level, local, money, points, with_levels
from planwise.parameters import Assumption, Lever, Value, risk_of
from planwise.parameters.catalogue import Parameter, Unit
from planwise.parameters.values import LEAP_YEAR, awards, canonical, merit_groups, outside_bounds

Declared = Lever | Assumption
TIMES = "\N{MULTIPLICATION SIGN}"
PERCENT = 100
DECIMALS = (2, 6)  # at least, at most: what is shown is what counts
EXAMPLES = {
    Unit.RATE: "3.5 or 3.5%",
    Unit.MULTIPLIER: "1.15",
    Unit.YEARS: "0.5",
    Unit.MONEY: "1,250,000",
    Unit.COUNT: "42",
    Unit.FLAG: "on or off",
    Unit.MONTH_DAY: "07-01 for the first of July",
    Unit.HORIZON: "5 or 2026-2030",
    Unit.GROUPS: "department: Engineering=+0.5pp; Legal=x0.9",
    Unit.RATES: "0123456789abcdef, the key that a calibration gives",
    Unit.AWARDS: "department: Police=3%; Fire=2.5%",
}
_FLAGS = {"on": "true", "yes": "true", "off": "false", "no": "false"}
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")


def written(parameter: Parameter, value: Value) -> str:
    """Return a value with its unit, as tables and messages show it; what null means where it is null."""
    if value is None:
        return parameter.null_means or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        if parameter.unit is Unit.GROUPS:
            return _by_group(value)
        if parameter.unit is Unit.AWARDS:
            return _awards(value)
        return _day(value) if parameter.unit is Unit.MONTH_DAY else value.replace("-", "–")
    return _NUMBERS[parameter.unit](value)


def _by_group(value: str) -> str:
    """Return merit by group in words: Engineering +0.5 pp; Legal 0.9× (by department)."""
    found = merit_groups(value)
    assert found is not None  # a text has groups
    attribute, merits = found
    texts = [
        f"{one.group} {points(one.points) if one.points else f'{one.factor:g}{TIMES}'}" for one in merits
    ]
    return f"{'; '.join(texts)} {_by(attribute)}"


def _awards(value: str) -> str:
    """Return awards in words: Fire 2.50%; Police 3.00% (by department)."""
    found = awards(value)
    assert found is not None  # a text has groups
    attribute, rates = found
    texts = [f"{group} {_NUMBERS[Unit.RATE](rate)}" for group, rate in rates.items()]
    return f"{'; '.join(texts)} {_by(attribute)}"


def _by(attribute: str) -> str:
    return f"(by {attribute.removesuffix('_id').replace('_', ' ')})"


def typed(parameter: Parameter, value: Value) -> str:
    """Return a value as one types it into its field, without a unit: 3.5 for a rate of 0.035."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return value
    return _plain(value * PERCENT, 0) if parameter.unit is Unit.RATE else _plain(value, 0)


def entered(parameter: Parameter, text: str) -> Value:
    """Return the canonical value that a typed text means: rates are in percent, with or without the sign.

    Raises InputError, in the units that were typed, for what is no value or is outside the hard bounds.
    """
    value = canonical(parameter, _spelled(parameter, text.strip()))
    if outside_bounds(parameter, value):
        raise _outside(parameter, value)
    return value


def allowed(parameter: Parameter) -> str:
    """Return the hard bounds in the parameter's unit: 1.00% to 8.00%; empty where there are none."""
    if parameter.bounds is None:
        return ""
    return " to ".join(written(parameter, bound) for bound in parameter.bounds)


def recommended(lever: Lever) -> str:
    """Return the recommended range in the lever's unit."""
    return " to ".join(written(lever, edge) for edge in lever.recommended)


def full_label(parameter: Declared) -> str:
    """Return a parameter's label outside its group: Merit rate, L3 Manager."""
    if isinstance(parameter, Lever) and parameter.level_id is not None:
        return f"{parameter.label.partition(',')[0]}, {level(parameter.level_id)}"
    return parameter.label


def row_label(parameter: Declared) -> str:
    """Return a parameter's label inside its group: a lever of one level by its level, else its own label."""
    if isinstance(parameter, Lever) and parameter.level_id is not None:
        return level(parameter.level_id)
    return parameter.label


def family(lever: Lever, levers: Iterable[Lever]) -> tuple[Lever, ...]:
    """Return the same lever of every level, itself included."""
    if lever.level_id is None:
        return (lever,)
    stem = lever.name.removesuffix(str(lever.level_id))
    return tuple(one for one in levers if one.name == f"{stem}{one.level_id}")


def risk_in(parameter: Declared, value: Value) -> str:
    """Return the risk of a lever's value as a word; empty for an assumption: it has no recommended range."""
    if isinstance(parameter, Lever) and isinstance(value, float):
        return risk_of(parameter, value).value
    return ""


def _spelled(parameter: Parameter, text: str) -> str:
    """Return the text as `canonical` reads it; raises InputError for what is not of the unit."""
    if parameter.unit is Unit.FLAG:
        return _FLAGS.get(text.lower(), text)
    if parameter.unit not in _NUMBERS or (parameter.unit is Unit.HORIZON and "-" in text.lstrip("-")):
        return text
    if text.lower() in {"", "null", "none"} or text.lower() == (parameter.null_means or "").lower():
        return ""
    number = text.replace(MINUS, "-").lstrip(f"{local().mark}$ ").rstrip(f"{TIMES}xX ")
    percent = number.endswith("%")
    number = number.removesuffix("%").strip()
    number = number.replace(",", "") if _THOUSANDS.fullmatch(number) else number.replace(",", ".")
    try:
        canonical(parameter, number)
    except InputError:
        raise InputError(
            f"{text!r} is not a value of {with_levels(parameter.label)}.",
            remedy=f"Type for example {EXAMPLES[parameter.unit]}.",
        ) from None
    if percent and parameter.unit is Unit.MULTIPLIER:
        return str(float(number) / PERCENT)
    return f"{number}%" if parameter.unit is Unit.RATE or percent else number


def _outside(parameter: Parameter, value: Value) -> InputError:
    assert parameter.bounds is not None and not isinstance(value, str | None)
    low, high = parameter.bounds
    side, bound = ("above the highest", high) if value > high else ("below the lowest", low)
    remedy = f"Enter {allowed(parameter)}."
    if isinstance(parameter, Lever):
        remedy = f"Enter {allowed(parameter)}; recommended are {recommended(parameter)}."
    if parameter.unit is Unit.RATE and not outside_bounds(parameter, meant := value * PERCENT):
        remedy = f"Rates are typed in percent: did you mean {written(parameter, meant)}? {remedy}"
    limit = f"{side} value allowed, {written(parameter, bound)}"
    label = with_levels(parameter.label)
    return InputError(f"{label}: {written(parameter, value)} is {limit}.", remedy=remedy)


def _plain(number: float, least: int = DECIMALS[0]) -> str:
    """Return a number with no more decimals than it needs, but at least some."""
    text = f"{number:.{DECIMALS[1]}f}".rstrip("0")
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(least, '0')}" if least or decimals else whole


def _signed(text: str) -> str:
    return text.replace("-", MINUS)


def _years(value: float) -> str:
    return "1 year" if value == 1 else f"{_plain(value, 0)} years"


def _day(month_day: str) -> str:
    month, day = (int(part) for part in month_day.split("-"))
    return f"{day} {date(LEAP_YEAR, month, day):%B}"


_NUMBERS: Mapping[Unit, Callable[[float], str]] = {
    Unit.RATE: lambda value: _signed(f"{_plain(value * PERCENT)}%"),
    Unit.MULTIPLIER: lambda value: f"{_plain(value)}{TIMES}",
    Unit.YEARS: _years,
    Unit.MONEY: money,
    Unit.COUNT: str,
    Unit.HORIZON: _years,
}
