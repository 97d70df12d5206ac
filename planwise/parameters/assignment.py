"""Read `name=value` and `name@year=value` as given on a command line or in a form."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from planwise.errors import InputError
from planwise.parameters.canonical import canonical
from planwise.parameters.catalogue import Catalogue, Kind, catalogue
from planwise.parameters.declaration import Value

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
    """Return the canonical overrides that `name=value` texts spell.

    Raises InputError on an unknown name (with the nearest), a bad number, a parameter set twice, or one of
    the other kind. Bounds and years are for `resolve`, which knows the years.
    """
    overrides: dict[str, Value] = {}
    for text in assignments:
        left, equals, right = text.partition("=")
        if not equals:
            raise InputError(f"{text!r} assigns nothing.", remedy="Write `name=value` or `name@2028=value`.")
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
