"""What overrides must satisfy before anything is resolved from them; every violation is reported at once."""

from collections.abc import Iterable

from planwise.errors import InputError
from planwise.parameters.assignment import Key, Overrides, parse_key
from planwise.parameters.canonical import outside_bounds
from planwise.parameters.catalogue import Catalogue
from planwise.parameters.declaration import Parameter, Value

SHARE_PREFIX = "new_hire_level_share_"
SHARE_SUM_TOLERANCE = 1e-5  # five shares of 6 decimals


def refuse_outside_bounds(overrides: Overrides, declared: Catalogue) -> None:
    """Raise one InputError that names every value outside its hard bounds."""
    violations = [
        (key, value, parameter)
        for key, value in overrides.items()
        if outside_bounds(parameter := declared.parameter(parse_key(key).name), value)
    ]
    if violations:
        raise InputError(
            "\n".join(_violation(key, value, parameter) for key, value, parameter in violations),
            remedy="Give values within the bounds (hard bounds are declared in `planwise parameters list`).",
        )


def refuse_other_years(overrides: Overrides, years: tuple[int, ...]) -> None:
    """Raise InputError when an override names a year that is not simulated."""
    wrong = [str(key) for key in map(parse_key, overrides) if key.year is not None and key.year not in years]
    if wrong:
        raise InputError(
            f"{', '.join(wrong)}: not a simulated year.",
            remedy=f"The simulated years are {', '.join(map(str, years))}.",
        )


def refuse_unbalanced_shares(shares: Iterable[tuple[str, Value]]) -> None:
    """Raise InputError unless the level shares of hires are all null, or all set and sum to 1."""
    pairs = list(shares)
    given = [float(value) for _, value in pairs if value is not None]
    if given and (len(given) != len(pairs) or abs(sum(given) - 1) > SHARE_SUM_TOLERANCE):
        raise InputError(
            f"{SHARE_PREFIX}1..{len(pairs)}: {len(given)} of {len(pairs)} are set, with sum {sum(given):g}.",
            remedy="Set all of them, with sum 1, or none.",
        )


def refuse_locked(changes: Iterable[tuple[Key, Value, Value]]) -> None:
    """Raise InputError for locked levers; each change is (key, value asked for, value in force)."""
    lines = [f"{key} is locked at {old}; {new} was asked for." for key, new, old in changes]
    if lines:
        raise InputError("\n".join(lines), remedy="Leave locked levers alone, or unlock them in levers.yaml.")


def _violation(key: str, value: Value, parameter: Parameter) -> str:
    assert parameter.bounds is not None  # outside_bounds said so
    low, high = parameter.bounds
    return f"{key} = {value} is outside its hard bounds {low:g} to {high:g} ({parameter.label})."
