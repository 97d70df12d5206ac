"""Scenarios and dynamic levers."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from planwise.errors import InputError
from planwise.formatting import natural_order
from planwise.governance.chain import Events, EventType
from planwise.governance.connection import reading, writing
from planwise.governance.models import DynamicLeverRow, ScenarioRow
from planwise.governance.publications import PROD
from planwise.parameters import (
    BASELINE,
    Overrides,
    Value,
    canonical_overrides,
    check_overrides,
    merged_overrides,
    resolve,
)
from planwise.parameters.values import Key, parse_key

RESERVED = frozenset({BASELINE, PROD})
FOUND_BY = "Found by study "  # the description of a scenario that a later study may replace begins so
EDITED = "Edited. "  # before it, once a person has changed the scenario: then no study may replace it
ENGINE = "optimization_engine"  # the author of levers that a study found
LEVEL = re.compile(r"_level_(\d+)$")
TITLE_MAX = 200  # characters
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,47}")


@dataclass(frozen=True)
class Scenario:
    """One scenario; census None is the one in use. The baseline has neither author nor time.

    The title is any text, empty for none; an archived one leaves the lists and loses nothing.
    """

    name: str
    census: str | None
    overrides: Mapping[str, Value]
    description: str
    created_at: datetime | None
    created_by: str | None
    parent: str | None
    title: str = ""
    archived_at: datetime | None = None


def baseline() -> Scenario:
    """Return the built-in scenario without overrides, on the census in use."""
    return Scenario(BASELINE, None, {}, "No overrides: dynamic levers and defaults.", None, None, None)


def check_new_name(name: str) -> None:
    """Raise InputError unless the name is valid for a new scenario."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name a scenario.",
            remedy="Use 1 to 48 of a-z, 0-9 and _, not starting with _.",
        )
    if name in RESERVED:
        raise InputError(f"The name {name!r} is reserved.", remedy="Choose another name.")


def checked_title(title: str) -> str:
    """Return a title on one line; raises InputError for one that is too long."""
    plain = " ".join(title.split())
    if len(plain) > TITLE_MAX:
        raise InputError(
            f"A title has at most {TITLE_MAX} characters (got {len(plain)}).",
            remedy="Shorten it; --description takes a longer text.",
        )
    return plain


def titled(name: str, titles: Mapping[str, str]) -> str:
    """Return a scenario's title with its name in brackets; the name alone without a title."""
    title = titles.get(name, "")
    return f"{title} ({name})" if title and title != name else name


TABLE = ScenarioRow.__table__
NOTHING: Mapping[str, object] = {}


class Scenarios:
    """Create, read, change and delete scenarios; stored values are canonical and within hard bounds."""

    def __init__(
        self,
        engine: Engine,
        *,
        actor: str,
        clock: Callable[[], datetime],
        in_force: Callable[[], Overrides],
        events: Events,
        require: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._in_force = in_force
        self._events = events
        self._require = require
        self._actor = actor
        self._clock = clock

    def create(
        self,
        name: str,
        overrides: Mapping[str, object] = NOTHING,
        *,
        census: str | None = None,
        description: str = "",
        title: str = "",
        parent: str | None = None,
        years: tuple[int, ...] | None = None,
        replace: bool = False,
        study: str | None = None,
    ) -> Scenario:
        """Store a new scenario; with the simulated `years`, years and level shares are checked too.

        With `replace` an existing scenario of this name is replaced in the same transaction; `study` is the
        one that found the levers. Raises InputError for a bad or taken name, or overrides that could not be
        resolved, Forbidden for a role that may not edit.
        """
        self._require()
        check_new_name(name)
        scenario = Scenario(
            name=name,
            census=census,
            overrides=self._checked(overrides, years),
            description=description,
            created_at=self._clock(),
            created_by=self._actor,
            parent=parent,
            title=checked_title(title),
        )
        try:
            with writing(self._engine) as connection:
                if replace:
                    connection.execute(delete(ScenarioRow).where(ScenarioRow.name == name))
                connection.execute(insert(ScenarioRow).values(vars(scenario)))
                kind = EventType.SCENARIO_CREATED if parent is None else EventType.SCENARIO_CLONED
                payload = {
                    "overrides": scenario.overrides,
                    "census": census,
                    "title": scenario.title,
                    "parent": parent,
                    "created_by": self._actor if study is None else ENGINE,
                    **({} if study is None else {"study": study, "started_by": self._actor}),
                }
                self._events.record(kind, scenario=name, payload=payload, connection=connection)
        except IntegrityError as error:
            raise InputError(
                f"The scenario {name} exists already.",
                remedy=f"Change it (`planwise scenario set {name}`), choose another name, or delete it.",
            ) from error
        return scenario

    def clone(
        self,
        source: str,
        name: str,
        overrides: Mapping[str, object] = NOTHING,
        *,
        census: str | None = None,
        description: str | None = None,
        title: str | None = None,
        years: tuple[int, ...] | None = None,
    ) -> Scenario:
        """Store a copy under a new name, with further overrides on top."""
        original = self.get(source)
        changes = check_overrides(overrides, years=years)
        return self.create(
            name,
            merged_overrides(original.overrides, changes),
            census=census or original.census,
            description=original.description if description is None else description,
            title=original.title if title is None else title,
            parent=source,
            years=years,
        )

    def get(self, name: str) -> Scenario:
        """Return a scenario; raise InputError with the nearest names when there is none."""
        with reading(self._engine) as connection:
            return self._get(connection, name)

    def list(self, *, archived: bool = False) -> list[Scenario]:
        """Return the baseline, then the scenarios by name; the archived ones only with `archived`."""
        query = select(TABLE)
        query = query if archived else query.where(TABLE.c.archived_at.is_(None))
        with reading(self._engine) as connection:
            found = [_scenario(row) for row in connection.execute(query).mappings()]
        return [baseline(), *sorted(found, key=lambda scenario: natural_order(scenario.name))]

    def titles(self) -> dict[str, str]:
        """Return the titles by name, also those of archived scenarios; empty for none."""
        return {scenario.name: scenario.title for scenario in self.list(archived=True)}

    def archive(self, name: str, *, restore: bool = False) -> Scenario:
        """Take a scenario off the lists, or put it back; nothing else of it changes."""
        self._require()
        with writing(self._engine) as connection:
            self._get_stored(connection, name)
            values = {"archived_at": None if restore else self._clock()}
            connection.execute(update(ScenarioRow).where(ScenarioRow.name == name).values(values))
            self._changed(connection, name, "put back" if restore else "archived")
            return self._get(connection, name)

    def set(
        self,
        name: str,
        overrides: Mapping[str, object] = NOTHING,
        *,
        unset: Iterable[str] = (),
        seen: Mapping[str, object] | None = None,
        title: str | None = None,
        years: tuple[int, ...] | None = None,
        reason: str = "",
    ) -> Scenario:
        """Change a scenario's overrides: remove `unset` keys, add `overrides`; return the result.

        Raises InputError when the stored overrides are not those that the editor has `seen`.
        """
        self._require()
        with writing(self._engine) as connection:
            old = self._get_stored(connection, name)
            if seen is not None and canonical_overrides(seen) != canonical_overrides(old.overrides):
                raise InputError(
                    f"{name} was changed by another user; nothing was saved.",
                    remedy="It was read again, with your edits added: check them, then save again.",
                )
            gone = set(unset)
            if missing := sorted(gone - set(old.overrides)):
                raise InputError(
                    f"{name} does not override {', '.join(missing)}.",
                    remedy=f"It overrides {', '.join(old.overrides) or 'nothing'}.",
                )
            kept = {key: value for key, value in old.overrides.items() if key not in gone}
            new = self._checked(merged_overrides(kept, check_overrides(overrides, years=years)), years)
            edited = EDITED if old.description.startswith(FOUND_BY) else ""
            named = old.title if title is None else checked_title(title)
            values = {"overrides": new, "description": f"{edited}{old.description}", "title": named}
            connection.execute(update(ScenarioRow).where(ScenarioRow.name == name).values(values))
            for payload in parameter_changes(old.overrides, new, reason):
                self._events.record(
                    EventType.PARAMETER_CHANGE,
                    scenario=name,
                    subject=payload["key"],
                    payload=payload,
                    connection=connection,
                )
            if named != old.title:
                self._changed(connection, name, "renamed", {"old": old.title, "new": named})
            return self._get(connection, name)

    def delete(self, name: str) -> None:
        """Delete a scenario; its published result is kept. Raises InputError for an unknown name."""
        self._require()
        with writing(self._engine) as connection:
            old = self._get_stored(connection, name)
            connection.execute(delete(ScenarioRow).where(ScenarioRow.name == name))
            self._changed(connection, name, "deleted", {"overrides": old.overrides, "census": old.census})

    def _changed(
        self, connection: Connection, name: str, change: str, more: Mapping[str, object] = NOTHING
    ) -> None:
        payload = {"change": change, **more}
        self._events.record(EventType.SCENARIO_CHANGED, scenario=name, payload=payload, connection=connection)

    def _checked(self, overrides: Mapping[str, object], years: tuple[int, ...] | None) -> dict[str, Value]:
        if years is None:
            return check_overrides(overrides)
        return resolve(years, scenario=overrides, dynamic=self._in_force()).overrides()

    def _get_stored(self, connection: Connection, name: str) -> Scenario:
        if name == BASELINE:
            raise InputError(
                f"{BASELINE} is built in and cannot be changed.",
                remedy=f"Copy it: `planwise scenario copy {BASELINE} NAME`.",
            )
        return self._get(connection, name, to_change=True)

    def _get(self, connection: Connection, name: str, *, to_change: bool = False) -> Scenario:
        if name == BASELINE:
            return baseline()
        query = select(TABLE).where(TABLE.c.name == name)
        query = query.with_for_update() if to_change else query  # SQLite's write lock is held already
        found = connection.execute(query).mappings().first()
        if found is None:
            names = [BASELINE, *connection.execute(select(TABLE.c.name)).scalars()]
            nearest = difflib.get_close_matches(name, names, cutoff=0.5)
            hint = f"Did you mean {', '.join(nearest)}? " if nearest else ""
            raise InputError(f"Unknown scenario {name!r}.", remedy=f"{hint}See `planwise scenario list`.")
        return _scenario(found)


def _scenario(row: RowMapping) -> Scenario:
    overrides: Mapping[str, Value] = row["overrides"]
    if not isinstance(overrides, dict):
        raise TypeError("overrides")
    return Scenario(**{**row, "overrides": overrides})


def parameter_changes(
    old: Mapping[str, Value], new: Mapping[str, Value], reason: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield what each changed override was and is; None is the value of the tier below.

    `change` and `change_percent` are of numbers only.
    """
    for key in sorted({*old, *new}):
        before, after = old.get(key), new.get(key)
        if before == after and (key in old) == (key in new):
            continue
        name, year = parse_key(key)
        level = LEVEL.search(name)
        numbers = [
            one for one in (before, after) if isinstance(one, int | float) and not isinstance(one, bool)
        ]
        change = round(float(numbers[1] - numbers[0]), 10) if len(numbers) == 2 else None
        percent = round(100 * change / abs(numbers[0]), 6) if change is not None and numbers[0] else None
        yield {
            "key": key,
            "parameter": name,
            "level": int(level[1]) if level else None,
            "year": year,
            "old": before,
            "new": after,
            "change": change,
            "change_percent": percent,
            "reason": reason,
        }


LEVERS_TABLE = DynamicLeverRow.__table__


class DynamicLevers:
    """Read and replace the lever values in force."""

    def __init__(self, engine: Engine, *, actor: str, clock: Callable[[], datetime], events: Events) -> None:
        self._engine = engine
        self._actor = actor
        self._clock = clock
        self._events = events

    def current(self) -> dict[str, Value]:
        """Return the values in force as overrides, sorted by key."""
        with reading(self._engine) as connection:
            return _levers(connection)

    def replace(
        self, levers: Mapping[str, object], *, reason: str = "", connection: Connection | None = None
    ) -> dict[str, Value]:
        """Replace all dynamic levers in one transaction; raise InputError for one out of bounds."""
        values = check_overrides(levers, kind="lever")
        now = self._clock()
        with nullcontext(connection) if connection is not None else writing(self._engine) as connection:
            for payload in parameter_changes(_levers(connection), values, reason):
                self._events.record(
                    EventType.PARAMETER_CHANGE, subject=payload["key"], payload=payload, connection=connection
                )
            connection.execute(delete(DynamicLeverRow))
            for key, value in values.items():
                name, year = parse_key(key)
                connection.execute(
                    insert(DynamicLeverRow).values(
                        parameter=name, year=year, value=value, set_at=now, set_by=self._actor
                    )
                )
        return values


def _levers(connection: Connection) -> dict[str, Value]:
    rows = connection.execute(select(LEVERS_TABLE.c.parameter, LEVERS_TABLE.c.year, LEVERS_TABLE.c.value))
    return dict(sorted((str(Key(name, year)), value) for name, year, value in rows))
