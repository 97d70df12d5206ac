"""The numbers of an evaluation as a table of one current row, which prepared queries read.

DuckDB plans a statement with untyped parameters again at every execution, but not one that reads a table.
"""

from collections.abc import Iterable, Mapping

import duckdb

from planwise.engine.fold import BINDINGS, CURRENT_SLOT
from planwise.engine.variables import Number

DECIMALS = "DECIMAL(18, 8)"
WHOLE = "BIGINT"  # a seed is part of a text, where 42.00000000 is another seed than 42
# Two rows that are never read: the planner takes the range of a column for what it can ever hold, and would
# plan for the values of the moment without them.
LIMITS = ((CURRENT_SLOT - 1, -1e9), (CURRENT_SLOT + 1, 1e9))


class BoundNumbers:
    """The table, made anew for the names that are given; not to be shared between threads."""

    def __init__(self, database: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
        self._database = database
        self._names = tuple(dict.fromkeys(names))
        self._values: dict[str, Number] = {}
        columns = ", ".join(f"{name} {_type(name)}" for name in self._names)
        database.execute(f"CREATE OR REPLACE TABLE {BINDINGS} (slot INTEGER, {columns})")
        for slot, value in (*LIMITS, (CURRENT_SLOT, 0)):
            row = f", {value}" * len(self._names)
            database.execute(f"INSERT INTO {BINDINGS} VALUES ({slot}{row})")

    def put(self, values: Mapping[str, Number]) -> None:
        """Make these the current values; `values` may name more than the table has."""
        changed = {n: values[n] for n in self._names if n not in self._values or values[n] != self._values[n]}
        if not changed:
            return
        changes = ", ".join(f"{name} = {value}" for name, value in changed.items())
        self._database.execute(f"UPDATE {BINDINGS} SET {changes} WHERE slot = {CURRENT_SLOT}")
        self._values.update(changed)  # only now: an update that was interrupted must be made again


def _type(name: str) -> str:
    return WHOLE if name.startswith("seed_") else DECIMALS
