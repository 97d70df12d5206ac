"""One spelling for each value, so that equal parameter sets are equal: 6 decimals, whole numbers, MM-DD."""

import math
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import NoReturn

from planwise.errors import InputError
from planwise.parameters.declaration import Parameter, Unit, Value

DECIMALS = 6
MONEY_DECIMALS = 2
LEAP_YEAR = 2024  # knows every day of any year
NULLS = frozenset({"null", "none", ""})
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_RANGE = re.compile(r"([0-9]{4})\s*-\s*([0-9]{4})")
_MONTH_DAY = re.compile(r"([0-9]{2})-([0-9]{2})")


def canonical(parameter: Parameter, value: object) -> Value:
    """Return the canonical value; raise InputError when it cannot be one, whatever the bounds say."""
    if isinstance(value, str):
        value = value.strip()
    if value is None or (isinstance(value, str) and value.lower() in NULLS):
        if not parameter.nullable:
            _refuse(parameter, value, "a value; null is not one for this parameter")
        return None
    return _BY_UNIT[parameter.unit](parameter, value)


def outside_bounds(parameter: Parameter, value: Value) -> bool:
    """Say whether a canonical value breaks the hard bounds (inclusive)."""
    if parameter.bounds is None or value is None or isinstance(value, str):
        return False
    low, high = parameter.bounds
    return not low <= value <= high


def _number(parameter: Parameter, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        _refuse(parameter, value, "a number")
    if isinstance(value, str):
        percent = value.endswith("%") and parameter.unit is Unit.RATE
        text = value[:-1].rstrip() if percent else value
        if not _NUMBER.fullmatch(text):
            _refuse(parameter, value, "a number such as 0.03")
        number = float(Decimal(text) / 100) if percent else float(text)
    else:
        number = float(value)
    if not math.isfinite(number):
        _refuse(parameter, value, "a finite number")
    return number


def _decimal(parameter: Parameter, value: object) -> Value:
    places = MONEY_DECIMALS if parameter.unit is Unit.MONEY else DECIMALS
    return round(_number(parameter, value), places) + 0.0  # + 0.0 turns -0.0 into 0.0


def _count(parameter: Parameter, value: object) -> Value:
    number = _number(parameter, value)
    if number != int(number):
        _refuse(parameter, value, "a whole number")
    return int(number)


def _flag(parameter: Parameter, value: object) -> Value:
    text = str(value).lower()
    if text not in {"true", "false"}:
        _refuse(parameter, value, "true or false")
    return text == "true"


def _month_day(parameter: Parameter, value: object) -> Value:
    found = _MONTH_DAY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        _refuse(parameter, value, "a day of the year as MM-DD, such as 07-01")
    month, day = int(found[1]), int(found[2])
    try:
        date(LEAP_YEAR, month, day)
    except ValueError:
        _refuse(parameter, value, "a day of the year as MM-DD, such as 07-01")
    if (month, day) == (2, 29):
        _refuse(parameter, value, "a day that every year has")
    return f"{month:02d}-{day:02d}"


def _horizon(parameter: Parameter, value: object) -> Value:
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    return f"{found[1]}-{found[2]}" if found else _count(parameter, value)


def _refuse(parameter: Parameter, value: object, wanted: str) -> NoReturn:
    raise InputError(
        f"{parameter.name} = {value!r} is not {wanted}.",
        remedy=f"{parameter.label}: {parameter.description}",
    )


_BY_UNIT: dict[Unit, Callable[[Parameter, object], Value]] = {
    Unit.RATE: _decimal,
    Unit.MULTIPLIER: _decimal,
    Unit.YEARS: _decimal,
    Unit.MONEY: _decimal,
    Unit.COUNT: _count,
    Unit.FLAG: _flag,
    Unit.MONTH_DAY: _month_day,
    Unit.HORIZON: _horizon,
}
