"""What a typed text, a pasted block or a tool means, as changes of a draft; nothing is changed here."""

import re
from collections.abc import Mapping, Sequence

from planwise.errors import InputError
from planwise.parameters import EffectiveParameters, Lever, Value
from planwise.parameters.values import SHARE_PREFIX
from ui.values.edits import keys_of, same_in_all_years
from ui.values.parameter_text import entered
from ui.views.levers.sheet import family

Years = Sequence[int] | None
"""The years that an edit is for; None is all of them."""


def changes_of(effective: EffectiveParameters, name: str, years: Years, value: object) -> dict[str, object]:
    """Return the changes that give one parameter a value in these years."""
    return dict.fromkeys(keys_of(effective, name, years), value)


def typed_changes(effective: EffectiveParameters, name: str, years: Years, text: str) -> dict[str, object]:
    """Return the changes that a typed text means; raises InputError in the unit that was typed.

    The five shares of hires belong together: five numbers in one of their fields are all of them.
    """
    parameter = effective.declared.parameter(name)
    parts = re.split(r"[\s;/]+", text.strip().replace("%", ""))
    if name.startswith(SHARE_PREFIX):
        shares = [one for one in effective.declared.assumptions.values() if one.name.startswith(SHARE_PREFIX)]
        if len(parts) == len(shares):
            return {one.name: entered(one, part) for one, part in zip(shares, parts, strict=True)}
        if entered(parameter, text) is None:
            return {one.name: None for one in shares}
    return changes_of(effective, name, years, entered(parameter, text))


def pasted_changes(
    effective: EffectiveParameters,
    order: Sequence[str],
    name: str,
    year: int | None,
    texts: Sequence[Sequence[str]],
) -> dict[str, object]:
    """Return the changes of a block whose first cell is a parameter and year (None: the all-years column).

    Rows go down in `order`, columns to the right; empty cells are passed over. Raises InputError, naming the
    place, for a text that is no value or a block that does not fit.
    """
    columns: list[int | None] = [None, *effective.years]
    row_at, column_at = order.index(name), columns.index(year)
    if row_at + len(texts) > len(order) or column_at + max(map(len, texts), default=0) > len(columns):
        raise InputError(
            f"The block of {len(texts)} rows does not fit from here.",
            remedy="Start further up or to the left, or copy a smaller block.",
        )
    found: dict[str, object] = {}
    for row, line in zip(order[row_at:], texts, strict=False):
        for column, text in zip(columns[column_at:], line, strict=False):
            if text.strip():
                found |= typed_changes(effective, row, None if column is None else (column,), text)
    return found


def copied_to_levels(effective: EffectiveParameters, name: str, years: Years) -> dict[str, object]:
    """Return the changes that give every level what this level's lever has in these years."""
    lever = _lever(effective, name)
    members = [one for one in family(lever, effective.declared.levers.values()) if one.name != name]
    if years is None and same_in_all_years(effective, name):
        return {member.name: effective.value(name) for member in members}
    return {
        key: effective.value(name, year)
        for member in members
        for year in (effective.years if years is None else years)
        for key in keys_of(effective, member.name, (year,))
    }


def ramp(
    effective: EffectiveParameters, name: str, first: tuple[int, float], last: tuple[int, float]
) -> dict[str, object]:
    """Return the changes of a straight line from (year, value) to (year, value), years between included.

    Raises InputError unless the last year is after the first one.
    """
    (start, low), (end, high) = first, last
    if end <= start:
        raise InputError(f"{end} is not after {start}.", remedy="Choose a later year to end in.")
    step = (high - low) / (end - start)
    years = [year for year in effective.years if start <= year <= end]
    return {key: low + step * (year - start) for year in years for key in keys_of(effective, name, (year,))}


def unlocked(changes: Mapping[str, Value], locks: Sequence[str]) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Return the changes of levers that are not locked, and the locked levers that are passed over."""
    kept = {key: value for key, value in changes.items() if key.partition("@")[0] not in locks}
    names = dict.fromkeys(key.partition("@")[0] for key in changes if key not in kept)
    return kept, tuple(names)


def _lever(effective: EffectiveParameters, name: str) -> Lever:
    lever = effective.declared.parameter(name, "lever")
    assert isinstance(lever, Lever)
    return lever
