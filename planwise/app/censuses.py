"""Change censuses: put one in use, name its levels, set its pay ranges, delete it; each is an event."""

from collections.abc import Mapping
from typing import Any

from planwise.app.deletion import Deletion
from planwise.app.deletion import delete_census as delete_files
from planwise.census import Census, registry
from planwise.governance import EventType, open_ledger
from planwise.governance.permissions import Action
from planwise.settings import Settings


def use_census(settings: Settings, name: str) -> Census:
    """Put a census in use; raises InputError for an unknown one, Forbidden for a role that may not edit."""
    require_edit(settings)
    return record_census(settings, registry.use_census(settings, name), "put in use")


def rename_levels(settings: Settings, name: str, names: Mapping[int, str]) -> Census:
    """Give the levels of a census other names."""
    require_edit(settings)
    return record_census(settings, registry.rename_levels(settings, name, names), "levels named", names=names)


def set_ranges(
    settings: Settings,
    name: str,
    ranges: Mapping[int, tuple[float, float]],
    *,
    given: bool = True,
    seen: str | None = None,
) -> Census:
    """Give the levels of a census other pay ranges; see `registry.set_ranges`."""
    require_edit(settings)
    census = registry.set_ranges(settings, name, ranges, given=given, seen=seen)
    return record_census(settings, census, "ranges set", ranges=ranges)


def delete_census(settings: Settings, deletion: Deletion) -> None:
    """Delete a census with its files."""
    require_edit(settings)
    delete_files(settings, deletion)
    with open_ledger(settings) as ledger:
        ledger.events.record(EventType.DATA_LOADED, subject=deletion.name, payload={"change": "deleted"})


def record_census(settings: Settings, census: Census, change: str, **more: Any) -> Census:
    """Record what was done with a census, and return it."""
    payload = {"change": change, "rows": census.rows, "content_hash": census.content_hash, **more}
    with open_ledger(settings) as ledger:
        ledger.events.record(EventType.DATA_LOADED, subject=census.name, payload=payload)
    return census


def require_edit(settings: Settings) -> None:
    """Raise Forbidden unless the role allows changes of scenarios and censuses."""
    with open_ledger(settings) as ledger:
        ledger.require(Action.EDIT)
