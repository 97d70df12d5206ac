"""Which groups are too small for their pay to be shown: it could reveal a person's."""

from collections.abc import Hashable, Mapping
from typing import TypeVar

SMALLEST_GROUP = 10  # people
Name = TypeVar("Name", bound=Hashable)


def small_groups(sizes: Mapping[Name, int], smallest: int = SMALLEST_GROUP) -> list[Name]:
    """Return the groups to be hidden or counted together: the small ones, and the next until they are enough.

    With fewer than `smallest` people in them, the total of all groups would reveal their pay. An empty
    group hides nothing.
    """
    pooled: list[Name] = []
    total = 0
    for name, people in sorted(sizes.items(), key=lambda entry: (entry[1], str(entry[0]))):
        if people >= smallest and (not pooled or total >= smallest):
            break
        if people:
            pooled.append(name)
            total += people
    return pooled
