"""Preview: the models' own SQL on an in-memory DuckDB, with placeholders where the parameters stand.

The SQL is rendered once. What does not depend on a binding is computed once for a census; the dynamics again
when a binding of theirs changes; pay and KPIs are one prepared statement, so that an evaluation parses and
plans nothing. There is no rule here, only an order of execution: preview and plan agree because the SQL is
the same.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd

from planwise.census import Census
from planwise.engine.chains import KPIS, PAY, Statement, rendered_chains, up_to
from planwise.engine.config import CATALOG
from planwise.engine.fold import BINDINGS, CODED, CURRENT_SLOT, folded_query
from planwise.engine.kpis import kpi_rows
from planwise.engine.outcome import Kpis
from planwise.engine.project import MEMORY
from planwise.engine.raw import census_key, load_census_tables, refuse_shares_of_missing_levels
from planwise.engine.variables import Number, bindings, sqlmesh_variables
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings

SCHEMAS = ("staging", "intermediate", "marts")
BINDING_TYPE = "DECIMAL(18, 8)"
# Two rows that are never read: the planner takes the range of a column for what it can ever hold, and would
# plan for the values of the moment without them.
LIMITS = ((CURRENT_SLOT - 1, -1e9), (CURRENT_SLOT + 1, 1e9))
# The planner cannot know how many people a chain of common table expressions holds. Left to choose, it builds
# the hash tables of the joins from the wide side; the models name the small side last.
LEFT_AS_WRITTEN = "build_side_probe_side"
UNVERSIONED = frozenset(
    {"parameters_key", "target_growth_by_year"}
)  # a record, and audits: no KPI reads them
PAY_COLUMNS = (
    *("employee_id", "simulation_year", "level_id"),
    *("CAST(gender AS TEXT) AS gender", "CAST(department AS TEXT) AS department"),
    *("is_active", "is_hire", "CAST(base_pay AS DOUBLE) AS base_pay"),
)
PAY_ORDER = ("simulation_year", "employee_id")


@dataclass(frozen=True)
class PreviewOutcome:
    """KPIs of every employee's simulation; `seconds` is wall time, `employees` the census headcount."""

    kpis: Kpis
    seconds: float
    employees: int
    dynamics_reused: bool


class Preview:
    """Evaluates parameters on one census; owns its database; not to be shared between threads."""

    def __init__(self, settings: Settings, census: Census) -> None:
        self._settings = settings
        self._census = census
        self._key = census_key(census)
        self._shape: dict[str, Any] | None = None
        self._dynamics: tuple[Statement, ...] = ()
        self._computed: dict[str, Number] | None = None
        self._queries: dict[str, str] = {}
        self._prepared: set[str] = set()
        self._bound: tuple[str, ...] = ()
        self._database = duckdb.connect(MEMORY)
        self._database.execute(f"SET threads = {settings.threads}")
        self._database.execute(f"SET disabled_optimizers = '{LEFT_AS_WRITTEN}'")
        self._database.execute(f"ATTACH ':memory:' AS {CATALOG}")
        for schema in SCHEMAS:
            self._database.execute(f"CREATE SCHEMA {CATALOG}.{schema}")
        load_census_tables(self._database, census)
        for column in CODED:
            texts = (
                f"SELECT DISTINCT {column} FROM {CATALOG}.raw.census_{self._key} WHERE NOT {column} IS NULL"
            )
            # with one text more, as there is no enumeration of nothing
            self._database.execute(
                f"CREATE TYPE {_code_type(column)} AS ENUM (({texts}) UNION SELECT '' ORDER BY 1)"
            )

    def evaluate(self, effective: EffectiveParameters) -> PreviewOutcome:
        """Return the KPIs that a plan of the same parameters gives, exactly."""
        started = time.perf_counter()
        reused = self._prepare(effective)
        kpis = kpi_rows(self._execute("pay_and_kpis"))
        return PreviewOutcome(kpis, time.perf_counter() - started, self._census.rows, reused)

    def pay(self, effective: EffectiveParameters) -> pd.DataFrame:
        """Return one row per simulated year and person employed in it, as `int_pay` of a plan has it.

        Columns: employee_id, simulation_year, level_id, gender, department, is_active (at year end), is_hire,
        base_pay (annual, at year end or exit). In the order of year and id.
        """
        self._prepare(effective)
        return self._execute("pay").df()

    def close(self) -> None:
        """Free the database."""
        self._database.close()

    def _prepare(self, effective: EffectiveParameters) -> bool:
        """Make everything ready that comes before pay; return whether the dynamics were there."""
        self._compute_shape(effective)
        values = bindings(effective)
        reused = self._compute_dynamics(values)
        self._bind({name: values[name] for name in self._bound})
        return reused

    def _compute_shape(self, effective: EffectiveParameters) -> None:
        """Render, and compute what no binding changes, unless that is done for parameters of this shape."""
        variables = sqlmesh_variables(
            effective, census_hash=self._key, as_of=self._census.as_of.isoformat(), bound=False
        )
        shape = {name: value for name, value in variables.items() if name not in UNVERSIONED}
        if shape == self._shape:
            return
        refuse_shares_of_missing_levels(self._database, self._census, effective)
        self._shape = None
        chains = rendered_chains(self._settings, variables)
        for statement in chains.static:
            self._create(statement, {})
        self._dynamics = chains.dynamics
        self._computed = None
        tables = {s.name: s.columns for s in (*chains.static, *chains.dynamics)}
        kpis, self._bound = folded_query(chains.pay, KPIS, tables)
        pay, _ = folded_query(up_to(chains.pay, PAY), PAY, tables, PAY_COLUMNS, PAY_ORDER)
        self._queries = {"pay_and_kpis": kpis, "pay": pay}
        self._create_bindings()
        self._shape = shape

    def _compute_dynamics(self, values: Mapping[str, Number]) -> bool:
        """Compute the dynamics unless they are there for the same bindings; return whether they were."""
        needed = {name: values[name] for s in self._dynamics for name in s.placeholders}
        if needed == self._computed:
            return True
        self._computed = None
        for statement in self._dynamics:
            self._create(statement, values)
        self._prepared.clear()  # a plan is void with its tables gone
        self._computed = needed
        return False

    def _execute(self, name: str) -> duckdb.DuckDBPyConnection:
        """Run one of the prepared queries on the current bindings."""
        if name not in self._prepared:
            self._database.execute(f"PREPARE {name} AS {self._queries[name]}")
            self._prepared.add(name)
        return self._database.execute(f"EXECUTE {name}")

    def _create_bindings(self) -> None:
        columns = ", ".join(f"{name} {BINDING_TYPE}" for name in self._bound)
        self._database.execute(f"CREATE OR REPLACE TABLE {BINDINGS} (slot INTEGER, {columns})")
        for slot, value in (*LIMITS, (CURRENT_SLOT, 0)):
            row = f", {value}" * len(self._bound)
            self._database.execute(f"INSERT INTO {BINDINGS} VALUES ({slot}{row})")

    def _bind(self, values: Mapping[str, Number]) -> None:
        changes = ", ".join(f"{name} = {value}" for name, value in values.items())
        self._database.execute(f"UPDATE {BINDINGS} SET {changes} WHERE slot = {CURRENT_SLOT}")

    def _create(self, statement: Statement, values: Mapping[str, Number]) -> None:
        sql = statement.sql
        if statement.coded:
            codes = ", ".join(f"CAST({name} AS {_code_type(name)}) AS {name}" for name in statement.coded)
            sql = f"SELECT * REPLACE ({codes}) FROM ({sql})"
        self._database.execute(
            f"CREATE OR REPLACE {statement.kind} {statement.name} AS {sql}",
            {name: values[name] for name in statement.placeholders} or None,
        )


def _code_type(column: str) -> str:
    """Return the name of the enumeration of a column's texts in the census, in their order."""
    return f"{CATALOG}.main.{column}_code"
