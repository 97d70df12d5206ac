"""Canonical values, assignments and the horizon."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple, NoReturn, TypeVar

from planwise.errors import InputError
from planwise.parameters.calibrated_rates import KEY_PATTERN
from planwise.parameters.catalogue import Catalogue, Kind, Parameter, Unit, Value, catalogue

DECIMALS = 6
MONEY_DECIMALS = 2
LEAP_YEAR = 2024  # knows every day of any year
NULLS = frozenset({"null", "none", ""})
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_RANGE = re.compile(r"([0-9]{4})\s*-\s*([0-9]{4})")
_MONTH_DAY = re.compile(r"([0-9]{2})-([0-9]{2})")


def canonical(parameter: Parameter, value: object) -> Value:
    """Return the canonical value; raise InputError for an invalid one. Bounds are not checked."""
    if isinstance(value, str):
        value = value.strip()
    if value is None or (isinstance(value, str) and value.lower() in NULLS):
        if not parameter.nullable:
            _raise_invalid(parameter, value, "a value; this parameter cannot be null")
        return None
    return _BY_UNIT[parameter.unit](parameter, value)


def outside_bounds(parameter: Parameter, value: Value) -> bool:
    """Return whether a canonical value is outside the hard bounds (inclusive)."""
    if parameter.bounds is None or value is None or isinstance(value, str):
        return False
    low, high = parameter.bounds
    return not low <= value <= high


def _number(parameter: Parameter, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        _raise_invalid(parameter, value, "a number")
    if isinstance(value, str):
        percent = value.endswith("%") and parameter.unit is Unit.RATE
        text = value[:-1].rstrip() if percent else value
        if not _NUMBER.fullmatch(text):
            _raise_invalid(parameter, value, "a number such as 0.03")
        number = float(Decimal(text) / 100) if percent else float(text)
    else:
        number = float(value)
    if not math.isfinite(number):
        _raise_invalid(parameter, value, "a finite number")
    return number


def _decimal(parameter: Parameter, value: object) -> Value:
    places = MONEY_DECIMALS if parameter.unit is Unit.MONEY else DECIMALS
    return round(_number(parameter, value), places) + 0.0  # + 0.0 turns -0.0 into 0.0


def _count(parameter: Parameter, value: object) -> Value:
    number = _number(parameter, value)
    if number != int(number):
        _raise_invalid(parameter, value, "a whole number")
    return int(number)


def _flag(parameter: Parameter, value: object) -> Value:
    text = str(value).lower()
    if text not in {"true", "false"}:
        _raise_invalid(parameter, value, "true or false")
    return text == "true"


def _month_day(parameter: Parameter, value: object) -> Value:
    found = _MONTH_DAY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        _raise_invalid(parameter, value, "a day of the year as MM-DD, such as 07-01")
    month, day = int(found[1]), int(found[2])
    try:
        date(LEAP_YEAR, month, day)
    except ValueError:
        _raise_invalid(parameter, value, "a day of the year as MM-DD, such as 07-01")
    if (month, day) == (2, 29):
        _raise_invalid(parameter, value, "a day that every year has")
    return f"{month:02d}-{day:02d}"


GROUP_ATTRIBUTES = ("department", "job_family", "location", "manager_id")
GROUP_POINTS_MAX_RATE = 0.1
GROUP_FACTOR_MAX = 3.0
_GROUP_VALUE = re.compile(r"(?P<sign>[+-])\s*(?P<points>[0-9.]+)\s*(?P<pp>pp)?|x\s*(?P<factor>[0-9.]+)")
_GROUP = re.compile(r'\s*(?:"(?:[^"]|"")*"\s*=[^;]*|[^;]+)')  # a name with a semicolon is in quotes
AWARD_MAX_RATE = 0.25
_AWARD = re.compile(r"(?P<rate>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(?P<percent>%)?")


@dataclass(frozen=True)
class GroupMerit:
    """What a group's merit differs by: its level's rate x `factor` + `points` (a rate)."""

    group: str
    factor: float = 1.0
    points: float = 0.0

    def __str__(self) -> str:
        group = _quoted(self.group)
        return f"{group}={_plain(self.points, '+')}" if self.points else f"{group}=x{_plain(self.factor)}"


def _plain(value: float, sign: str = "") -> str:
    """Return a number without exponent, to `DECIMALS` places."""
    return f"{round(value, DECIMALS) + 0.0:{sign}.{DECIMALS}f}".rstrip("0").rstrip(".")


def _quoted(group: str) -> str:
    if ";" in group or group.startswith('"'):
        return '"' + group.replace('"', '""') + '"'
    return group


def _name_of(text: str) -> str:
    """Return a group's name without its quotes."""
    group = text.strip()
    if len(group) > 1 and group[0] == group[-1] == '"':
        group = group[1:-1].replace('""', '"')
    return group


def merit_groups(value: Value) -> tuple[str, tuple[GroupMerit, ...]] | None:
    """Return the attribute and the groups of a canonical `merit_groups`; None without any."""
    if value is None:
        return None
    attribute, _, groups = str(value).partition(": ")
    return attribute, _group_merits(groups)


def _group_merits(text: str) -> tuple[GroupMerit, ...]:
    """Return groups separated by semicolons; raises ValueError for another text."""
    return tuple(_group_merit(one) for one in _GROUP.findall(text) if one.strip())


def _group_merit(text: str) -> GroupMerit:
    """Return one `GROUP=+0.5pp` or `GROUP=x1.1`; raises ValueError for another text."""
    name, _, change = text.rpartition("=")
    found, group = _GROUP_VALUE.fullmatch(change.strip()), _name_of(name)
    if found is None or not group:
        raise ValueError(text)
    if found["factor"]:
        merit = GroupMerit(group, factor=round(float(found["factor"]), DECIMALS))
    else:
        size = float(found["points"]) / (100 if found["pp"] else 1)
        merit = GroupMerit(group, points=round(size if found["sign"] == "+" else -size, DECIMALS))
    if merit.factor > GROUP_FACTOR_MAX or abs(merit.points) > GROUP_POINTS_MAX_RATE:
        raise ValueError(text)
    return merit


def awards(value: Value) -> tuple[str, dict[str, float]] | None:
    """Return the attribute and the award of each group of a canonical `awards`; None without any."""
    if value is None:
        return None
    attribute, _, groups = str(value).partition(": ")
    return attribute, dict(_awards(groups))


def awards_text(attribute: str, rates: Mapping[str, float]) -> str:
    """Return the canonical value of awards, each a rate by group."""
    texts = [f"{_quoted(group)}={_plain(rates[group])}" for group in sorted(rates)]
    return f"{attribute}: {'; '.join(texts)}"


def _awards(text: str) -> list[tuple[str, float]]:
    """Return groups with their awards; raises ValueError for a text that is none."""
    return [_award(one) for one in _GROUP.findall(text) if one.strip()]


def _award(text: str) -> tuple[str, float]:
    """Return the group and the rate of one `GROUP=3%` or `GROUP=0.03`; raises ValueError for another text."""
    name, _, rate = text.rpartition("=")
    found, group = _AWARD.fullmatch(rate.strip()), _name_of(name)
    if found is None or not group:
        raise ValueError(text)
    award = round(float(found["rate"]) / (100 if found["percent"] else 1), DECIMALS)
    if award > AWARD_MAX_RATE:
        raise ValueError(text)
    return group, award


def _groups(parameter: Parameter, value: object) -> Value:
    wanted = (
        f"an attribute ({', '.join(GROUP_ATTRIBUTES)}), a colon, and groups with points (at most "
        f"{GROUP_POINTS_MAX_RATE:.0%}) or a factor (at most {GROUP_FACTOR_MAX:g}), "
        "as in `department: Engineering=+0.5pp; Legal=x0.9`"
    )
    name, merits = _by_attribute(parameter, value, wanted, _group_merits)
    _check_named_once(parameter, value, [one.group for one in merits])
    return f"{name}: {'; '.join(map(str, sorted(merits, key=lambda one: one.group)))}"


def _group_awards(parameter: Parameter, value: object) -> Value:
    wanted = (
        f"an attribute ({', '.join(GROUP_ATTRIBUTES)}), a colon, and groups with an award of 0 to "
        f"{AWARD_MAX_RATE:.0%}, as in `department: Police=3%; Fire=2.5%`"
    )
    name, rates = _by_attribute(parameter, value, wanted, _awards)
    _check_named_once(parameter, value, [group for group, _ in rates])
    return awards_text(name, dict(rates))


_Found = TypeVar("_Found")


def _by_attribute(
    parameter: Parameter, value: object, wanted: str, parse: Callable[[str], _Found]
) -> tuple[str, _Found]:
    """Return the attribute and what `parse` makes of the groups behind its colon; raises InputError."""
    attribute, colon, rest = str(value).partition(":")
    name = attribute.strip().lower().replace(" ", "_")
    name = "manager_id" if name == "manager" else name
    try:
        found = parse(rest)
    except ValueError:
        _raise_invalid(parameter, value, wanted)
    if not colon or name not in GROUP_ATTRIBUTES or not found:
        _raise_invalid(parameter, value, wanted)
    return name, found


def _check_named_once(parameter: Parameter, value: object, groups: Sequence[str]) -> None:
    if len(set(groups)) < len(groups):
        _raise_invalid(parameter, value, "a value: a group is named twice")


def _rates(parameter: Parameter, value: object) -> Value:
    found = str(value).lower()
    if not KEY_PATTERN.fullmatch(found):
        _raise_invalid(parameter, value, "the key of stored rates: 16 digits and letters from a to f")
    return found


def _horizon(parameter: Parameter, value: object) -> Value:
    found = _RANGE.fullmatch(value) if isinstance(value, str) else None
    return f"{found[1]}-{found[2]}" if found else _count(parameter, value)


def _raise_invalid(parameter: Parameter, value: object, wanted: str) -> NoReturn:
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
    Unit.GROUPS: _groups,
    Unit.AWARDS: _group_awards,
    Unit.RATES: _rates,
}


Overrides = Mapping[str, Value]
"""Keys `cola_rate` (all years) or `cola_rate@2028`; a year's own value beats the one for all years."""

_KEY = re.compile(r"(?P<name>[^@=\s]+)(@(?P<year>[0-9]{4}))?")


class Key(NamedTuple):
    """Which parameter, and which year (None is every year)."""

    name: str
    year: int | None

    def __str__(self) -> str:
        return self.name if self.year is None else f"{self.name}@{self.year}"


def parse_key(text: str) -> Key:
    """Split `name` or `name@year`; raise InputError otherwise."""
    found = _KEY.fullmatch(text.strip())
    if found is None:
        raise InputError(
            f"{text!r} is not a parameter name.", remedy="Write `name` or `name@2028` for one year."
        )
    return Key(found["name"], int(found["year"]) if found["year"] else None)


def parse_assignments(
    assignments: Iterable[str], kind: Kind | None = None, *, declared: Catalogue | None = None
) -> dict[str, Value]:
    """Parse `name=value` texts to canonical overrides.

    Raises InputError on an unknown name (with the nearest), a bad number, a parameter set twice, or one of
    the other kind. Bounds and years are for `resolve`, which knows the years.
    """
    overrides: dict[str, Value] = {}
    for text in assignments:
        left, equals, right = text.partition("=")
        if not equals:
            raise InputError(
                f"{text!r} is not an assignment.", remedy="Write `name=value` or `name@2028=value`."
            )
        key = parse_key(left)
        if str(key) in overrides:
            raise InputError(f"{key} is set twice.", remedy="Keep one of the two.")
        overrides.update(canonical_overrides({str(key): right}, kind, declared=declared))
    return overrides


def canonical_overrides(
    overrides: Mapping[str, object], kind: Kind | None = None, *, declared: Catalogue | None = None
) -> dict[str, Value]:
    """Return overrides with checked names and canonical values, sorted by key; raise InputError otherwise."""
    known = declared or catalogue()
    result: dict[str, Value] = {}
    for text, value in overrides.items():
        key = parse_key(text)
        parameter = known.parameter(key.name, kind)
        if key.year is not None and not parameter.yearly:
            raise InputError(
                f"{key.name} is one value for all years; {key} names a year.",
                remedy=f"Write `{key.name}=…`.",
            )
        result[str(key)] = canonical(parameter, value)
    return dict(sorted(result.items()))


def merged_overrides(old: Overrides, new: Overrides) -> dict[str, Value]:
    """Return old overrides with new ones on top; a new all-years value drops the old years' own."""
    everywhere = {key for key in new if parse_key(key).year is None}
    kept = {key: value for key, value in old.items() if parse_key(key).name not in everywhere}
    return dict(sorted({**kept, **new}.items()))


HORIZON = "years"


def simulated_years(value: object, first_year: int) -> tuple[int, ...]:
    """Return the years of a count (`5`) or a range (`2026-2030`) that starts with the census's first year.

    Raises InputError for a horizon outside its bounds (1 to 10 years) or a range that starts elsewhere.
    """
    parameter = catalogue().assumptions[HORIZON]
    horizon = canonical(parameter, value)
    if isinstance(horizon, str):
        start, end = (int(part) for part in horizon.split("-"))
    else:
        start, end = first_year, first_year + int(horizon or 0) - 1
    assert parameter.bounds is not None  # declared numeric
    shortest, longest = (int(bound) for bound in parameter.bounds)
    if not shortest <= end - start + 1 <= longest:
        raise InputError(
            f"years = {horizon} is {end - start + 1} years, outside {shortest} to {longest}.",
            remedy=f"Give a count, or a range such as {first_year}-{first_year + longest - 1}.",
        )
    if start != first_year:
        raise InputError(
            f"years = {horizon} starts in {start}, but the first year after the census is {first_year}.",
            remedy=f"Start the range with {first_year}, or use a census as of the end of {start - 1}.",
        )
    return tuple(range(start, end + 1))


SHARE_PREFIX = "new_hire_level_share_"
SHARE_SUM_TOLERANCE = 1e-5  # five shares of 6 decimals


def check_bounds(overrides: Overrides, declared: Catalogue) -> None:
    """Raise an InputError that lists every value outside its hard bounds."""
    violations = [
        (key, value, parameter)
        for key, value in overrides.items()
        if outside_bounds(parameter := declared.parameter(parse_key(key).name), value)
    ]
    if violations:
        raise InputError(
            "\n".join(_violation(key, value, parameter) for key, value, parameter in violations),
            remedy="Give values within the bounds (see `planwise parameters list`).",
        )


def check_years(overrides: Overrides, years: tuple[int, ...]) -> None:
    """Raise InputError when an override names a year that is not simulated."""
    wrong = [str(key) for key in map(parse_key, overrides) if key.year is not None and key.year not in years]
    if wrong:
        raise InputError(
            f"{', '.join(wrong)}: not a simulated year.",
            remedy=f"The simulated years are {', '.join(map(str, years))}.",
        )


def check_share_sums(shares: Iterable[tuple[str, Value]]) -> None:
    """Raise InputError unless the level shares of hires are all null, or all set and sum to 1."""
    pairs = list(shares)
    given = [float(value) for _, value in pairs if value is not None]
    if given and (len(given) != len(pairs) or abs(sum(given) - 1) > SHARE_SUM_TOLERANCE):
        raise InputError(
            f"{SHARE_PREFIX}1..{len(pairs)}: {len(given)} of {len(pairs)} are set, with sum {sum(given):g}.",
            remedy="Set all of them, with sum 1, or none.",
        )


def check_locked(changes: Iterable[tuple[Key, Value, Value]]) -> None:
    """Raise InputError for locked levers; each change is (key, requested value, current value)."""
    lines = [f"{key} is locked at {old} (got {new})." for key, new, old in changes]
    if lines:
        raise InputError(
            "\n".join(lines), remedy="Keep locked levers unchanged, or unlock them in levers.yaml."
        )


def _violation(key: str, value: Value, parameter: Parameter) -> str:
    assert parameter.bounds is not None  # it is outside them
    low, high = parameter.bounds
    return f"{key} = {value} is outside its hard bounds {low:g} to {high:g} ({parameter.label})."
