"""The numbers that prepared queries read are those of the evaluation, also after one that was interrupted."""

import duckdb
import pytest

from planwise.engine.preview_sql import BINDINGS, CURRENT_SLOT, BoundNumbers
from planwise.engine.project import CATALOG


class Interrupted:
    """A database that breaks at the next statement when it is told to."""

    def __init__(self):
        self.inner, self.breaks = duckdb.connect(":memory:"), False
        self.inner.execute(f"ATTACH ':memory:' AS {CATALOG}")

    def execute(self, sql):
        if self.breaks:
            self.breaks = False
            raise RuntimeError("Query interrupted")
        return self.inner.execute(sql)

    def current(self):
        found = self.inner.execute(f"SELECT cola, seed_a FROM {BINDINGS} WHERE slot = {CURRENT_SLOT}")
        return tuple(map(float, found.fetchone()))


def test_the_current_row_has_the_values_of_the_last_evaluation():
    database = Interrupted()
    numbers = BoundNumbers(database, ["cola", "seed_a", "cola"])
    numbers.put({"cola": 0.025, "seed_a": 42, "other": 1})
    assert database.current() == (0.025, 42)
    numbers.put({"cola": 0.03, "seed_a": 42})
    assert database.current() == (0.03, 42)


def test_an_update_that_was_interrupted_is_made_again():
    database = Interrupted()
    numbers = BoundNumbers(database, ["cola", "seed_a"])
    numbers.put({"cola": 0.025, "seed_a": 42})
    database.breaks = True
    with pytest.raises(RuntimeError):
        numbers.put({"cola": 0.03, "seed_a": 42})
    numbers.put({"cola": 0.03, "seed_a": 42})
    assert database.current() == (0.03, 42)
