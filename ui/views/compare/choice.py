"""Which scenarios are compared: what the address says, as far as it can be, and what to say otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass

from ui.values.compared import FEWEST, MOST

SUGGESTED = 3  # compared when nothing was chosen yet


@dataclass(frozen=True)
class Choice:
    """The scenarios to compare, the base first, and what could not be used of what was asked for."""

    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def chosen(wanted: Sequence[str], selected: str, published: Sequence[str]) -> Choice:
    """Return published scenarios, each once, no more than can be compared.

    `wanted` is the address's list, the base first; where it is empty, the first published one (the baseline)
    is the base, and the selected scenario stands beside it, or else a few others do.
    """
    if not wanted:
        others = [name for name in published[1:] if name == selected] or list(published[1:SUGGESTED])
        return Choice(tuple([*published[:1], *others]))
    remarks = []
    if twice := sorted({name for name in wanted if wanted.count(name) > 1}):
        remarks.append(f"{', '.join(twice)} was named more than once, and is compared once.")
    once = list(dict.fromkeys(wanted))
    if unknown := [name for name in once if name not in published]:
        remarks.append(f"{', '.join(map(repr, unknown))} is not published, and is left out.")
    found = [name for name in once if name in published]
    if len(found) > MOST:
        remarks.append(f"{MOST} scenarios are compared at once; {', '.join(found[MOST:])} is left out.")
    found = found[:MOST]
    if len(found) < FEWEST:
        found += [name for name in published if name not in found][: FEWEST - len(found)]
        if len(found) >= FEWEST:
            remarks.append(f"{found[-1]} is added, as a comparison needs two.")
    return Choice(tuple(found), tuple(remarks))
