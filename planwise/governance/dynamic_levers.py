"""The dynamic levers: values in force, changed only by a release or a rollback."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select

from planwise.governance.connection import reading, writing
from planwise.governance.models import DynamicLeverRow
from planwise.parameters import Value, check_overrides
from planwise.parameters.assignment import Key, parse_key

TABLE = DynamicLeverRow.__table__


class DynamicLevers:
    """Read and replace the lever values in force."""

    def __init__(self, engine: Engine, *, actor: str, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._actor = actor
        self._clock = clock

    def current(self) -> dict[str, Value]:
        """Return the values in force as overrides, sorted by key."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(TABLE.c.parameter, TABLE.c.year, TABLE.c.value))
            return dict(sorted((str(Key(name, year)), value) for name, year, value in rows))

    def replace(self, levers: Mapping[str, object]) -> dict[str, Value]:
        """Put exactly these levers in force, all or none; raise InputError for one out of bounds."""
        values = check_overrides(levers, kind="lever")
        now = self._clock()
        with writing(self._engine) as connection:
            connection.execute(delete(DynamicLeverRow))
            for key, value in values.items():
                name, year = parse_key(key)
                connection.execute(
                    insert(DynamicLeverRow).values(
                        parameter=name, year=year, value=value, set_at=now, set_by=self._actor
                    )
                )
        return values
