"""Evaluate a scenario in memory with the plan's own SQL."""

import difflib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from planwise.census import Census, market_file, market_key
from planwise.census.market import MARKET_COLUMNS
from planwise.census.schema import GROUPINGS
from planwise.engine.market_groups import kpis_with_groups, named_groups
from planwise.engine.outcome import Kpis, kpi_rows
from planwise.engine.plan_detail import PAY_READ
from planwise.engine.preview_sql import (
    CODED,
    DYNAMICS_CATALOG,
    KPIS,
    KPIS_WITH_GROUPS,
    MARKET,
    PAY,
    BoundNumbers,
    Chains,
    PreviewQueries,
    Statement,
    folded_query,
    query_over,
    up_to,
)
from planwise.engine.project import CATALOG, MEMORY, census_key, database_options
from planwise.engine.variables import (
    Bound,
    bindings,
    hire_shares,
    parameter_rows,
    parameters_key,
    rates_of,
    sqlmesh_variables,
)
from planwise.errors import InputError
from planwise.parameters import Chain, EffectiveParameters, Value
from planwise.parameters.calibrated_rates import NO_RATES, PARTS, rates_files
from planwise.parameters.values import awards, merit_groups
from planwise.settings import Settings

NEAREST_SHOWN = 3
NAMING_GROUPS = ("merit_groups", "drift_groups", "awards")
PARAMETER_COLUMNS = {
    "parameter": "TEXT",
    "level_id": "INTEGER",
    "simulation_year": "INTEGER",
    "value": "TEXT",
    "tier": "TEXT",
}


def load_census_tables(cursor: duckdb.DuckDBPyConnection, census: Census) -> None:
    """Load a census, its levels and market reference into the schema `raw`, unless they are there."""
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.raw")
    for part, file in (("census", census.census_file), ("levels", census.levels_file)):
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {CATALOG}.raw.{part}_{census_key(census)} "
            "AS SELECT * FROM read_parquet(?)",
            [str(file)],
        )
    for column in GROUPINGS:
        cursor.execute(
            f"ALTER TABLE {CATALOG}.raw.census_{census_key(census)} ADD COLUMN IF NOT EXISTS {column} TEXT"
        )
    for part, columns in PARTS.items():
        declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {CATALOG}.raw.{part}_{NO_RATES} ({declared})")
    declared = ", ".join(f"{name} {kind}" for name, kind in MARKET_COLUMNS.items())
    table = f"{CATALOG}.raw.market_{market_key(census)}"
    if (market := market_file(census)) is None:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} ({declared})")
    else:
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT * FROM read_parquet(?)", [str(market)])


def load_rates(cursor: duckdb.DuckDBPyConnection, settings: Settings, effective: EffectiveParameters) -> str:
    """Load the calibrated rates of these parameters, unless they are loaded already; return their key.

    Raises InputError for rates that the home does not have.
    """
    key = rates_of(effective)
    files = {} if key == NO_RATES else rates_files(settings, key)
    for part, file in files.items():
        columns = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in PARTS[part].items())
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {CATALOG}.raw.{part}_{key} AS SELECT {columns} FROM read_parquet(?)",
            [str(file)],
        )
    return key


def check_against_census(
    cursor: duckdb.DuckDBPyConnection, census: Census, effective: EffectiveParameters
) -> None:
    """Raise InputError for levels and groups of the parameters that the census does not have."""
    _check_shares_of_missing_levels(cursor, census, effective)
    for year in effective.years:
        for name, attribute, groups in _groups_of(effective, year):
            rows = cursor.execute(
                f"SELECT DISTINCT {attribute} FROM {CATALOG}.raw.census_{census_key(census)} "
                f"WHERE NOT {attribute} IS NULL"
            ).fetchall()
            known = sorted(str(row[0]) for row in rows)
            if missing := [group for group in groups if group not in known]:
                nearest = (
                    difflib.get_close_matches(missing[0], known, n=NEAREST_SHOWN) or known[:NEAREST_SHOWN]
                )
                raise InputError(
                    f"{name}: {attribute} {missing[0]!r} is not in census {census.name}.",
                    remedy=f"It has for example {', '.join(nearest)}. A scenario that was made for another "
                    "census is simulated on its own: leave out --census."
                    if known
                    else f"It has no {attribute}; map a column to it when importing.",
                )


def _groups_of(effective: EffectiveParameters, year: int) -> list[tuple[str, str, list[str]]]:
    """Return the parameters of a year that name groups: parameter, attribute, groups."""
    found = []
    for name in ("merit_groups", "drift_groups"):
        if (merits := merit_groups(effective.value(name, year))) is not None:
            found.append((name, merits[0], [one.group for one in merits[1]]))
    if (rates := awards(effective.value("awards", year))) is not None:
        found.append(("awards", rates[0], list(rates[1])))
    return found


def _check_shares_of_missing_levels(
    cursor: duckdb.DuckDBPyConnection, census: Census, effective: EffectiveParameters
) -> None:
    """Raise InputError when hires would enter levels for which the census has no pay range."""
    wanted = {level for level, share in hire_shares(effective) if share}
    if not wanted:
        return
    rows = cursor.execute(f"SELECT level_id FROM {CATALOG}.raw.levels_{census_key(census)}").fetchall()
    known = {int(level) for (level,) in rows}
    if missing := sorted(wanted - known):
        named = ", ".join(f"new_hire_level_share_{level}" for level in missing)
        raise InputError(
            f"{named} above 0: census {census.name} has the levels {sorted(known)} only.",
            remedy="Set those shares to 0 and spread them over the levels there are, or set none of the "
            "shares: hires then enter the levels as recent hires of the census did.",
        )


def load_parameter_table(cursor: duckdb.DuckDBPyConnection, effective: EffectiveParameters) -> str:
    """Load the effective parameters, one row per parameter, level and year; return the table's name."""
    table = f"{CATALOG}.raw.parameters_{parameters_key(effective)}"
    columns = [list(column) for column in zip(*parameter_rows(effective), strict=True)]
    unnested = ", ".join(f"UNNEST(CAST(? AS {kind}[])) AS {name}" for name, kind in PARAMETER_COLUMNS.items())
    cursor.execute(f"CREATE OR REPLACE TABLE {table} AS SELECT {unnested}", columns)
    return table


SCHEMAS = ("staging", "intermediate", "marts")
# The planner cannot estimate the rows of a chain of common table expressions. By default it builds
# hash tables from the wide side of a join; the models name the small side last.
LEFT_AS_WRITTEN = "build_side_probe_side"
UNVERSIONED = frozenset(
    {"parameters_key", "target_growth_by_year"}
)  # a record, and audits: no KPI reads them
PAY_COLUMNS = (
    *("employee_id", "simulation_year", "level_id"),
    *("CAST(gender AS TEXT) AS gender", "CAST(department AS TEXT) AS department"),
    *("is_active", "is_hire", "CAST(base_pay AS DOUBLE) AS base_pay"),
)
PAY_NAMES = (
    *("employee_id", "simulation_year", "level_id", "gender", "department"),
    *("is_active", "is_hire", "base_pay"),
)
PAY_ORDER = ("simulation_year", "employee_id")
PAY_TABLE = "pay_of_people"
PAY_AND_KPIS, PAY_OF_PEOPLE, DYNAMICS_TO_KPIS = "pay_and_kpis", "pay_of_people", "dynamics_to_kpis"
DETAIL_OF_PAY = "detail_of_pay"
FOLDED_EMPLOYEES_MAX = 200_000  # every step of the single query stays in memory until its end
DYNAMICS_UNFOLDED = 2  # computed as tables for a shape before folding them is worth a second


@dataclass(frozen=True)
class PreviewOutcome:
    """KPIs of every employee's simulation; `seconds` is wall time, `employees` the census headcount.

    `reused`: the dynamics were computed before; `kept`: they are available for the next evaluation.
    """

    kpis: Kpis
    seconds: float
    employees: int
    dynamics_reused: bool
    dynamics_kept: bool = True


class Preview:
    """Evaluates parameters on one census; owns its database; not thread-safe."""

    def __init__(self, settings: Settings, census: Census, market_groups: tuple[str, ...] = ()) -> None:
        """Take groups whose market position the KPIs are to have as well, such as `department=Police`."""
        self._settings = settings
        self._market_groups = market_groups
        self._census = census
        self._key = census_key(census)
        self._folds = census.rows <= FOLDED_EMPLOYEES_MAX
        self._shape: dict[str, Any] | None = None
        self._groups: list[Value] = []
        self._sql: PreviewQueries | None = None
        self._numbers: BoundNumbers | None = None
        self._computed: dict[str, Bound] | None = None
        self._passed: dict[str, Bound] | None = None  # evaluated last without tables
        self._tables_made = 0
        self._paid: tuple[str, pa.Table] | None = None
        self._queries: dict[str, str] = {}
        self._prepared: set[str] = set()
        self._database = duckdb.connect(MEMORY, config=database_options(settings))
        self._database.execute("SET enable_progress_bar = false")  # on stdout, of a query of two seconds
        self._database.execute(f"SET disabled_optimizers = '{LEFT_AS_WRITTEN}'")
        for catalog in (CATALOG, DYNAMICS_CATALOG):
            self._database.execute(f"ATTACH ':memory:' AS {catalog}")
            for schema in SCHEMAS:
                self._database.execute(f"CREATE SCHEMA {catalog}.{schema}")
        load_census_tables(self._database, census)
        for column in CODED:
            texts = (
                f"SELECT DISTINCT {column} FROM {CATALOG}.raw.census_{self._key} WHERE NOT {column} IS NULL"
            )
            # with the empty text, because an enumeration needs a member
            self._database.execute(
                f"CREATE TYPE {_code_type(column)} AS ENUM (({texts}) UNION SELECT '' ORDER BY 1)"
            )

    def evaluate(self, effective: EffectiveParameters, *, passing: bool = False) -> PreviewOutcome:
        """Return the KPIs that a plan of the same parameters gives, exactly.

        `passing`: the dynamics are one draw of many, for which tables would not pay.
        """
        started = time.perf_counter()
        self._compute_shape(effective)
        values = bindings(effective)
        needed = self._dynamics_of(values)
        reused = needed == self._computed
        if reused or not self._passes(needed, passing):
            self._compute_dynamics(needed)
            kpis = self._execute(PAY_AND_KPIS, values)
        else:
            self._passed = needed
            kpis = self._execute(DYNAMICS_TO_KPIS, values)
        found, kept = named_groups(kpi_rows(kpis), self._market_groups), needed == self._computed
        return PreviewOutcome(found, time.perf_counter() - started, self._census.rows, reused, kept)

    def pay(self, effective: EffectiveParameters) -> pd.DataFrame:
        """Return one row per simulated year and person employed in it, as `int_pay` of a plan has it.

        Columns: employee_id, simulation_year, level_id, gender, department, is_active (at year end), is_hire,
        base_pay (annual, at year end or exit). In the order of year and id.
        """
        found: pd.DataFrame = self._pay(effective).select(list(PAY_NAMES)).to_pandas()
        return found

    def detail(self, effective: EffectiveParameters) -> pd.DataFrame:
        """Return groups, cells of the merit matrix and ranges of every year; see `plan_detail.COLUMNS`."""
        pay = self._pay(effective)
        assert self._sql is not None and self._numbers is not None  # there is a shape
        self._numbers.put(bindings(effective))  # pay that was kept is of other values than the last ones
        sql = self._sql.query(DETAIL_OF_PAY, lambda chains: query_over(chains, PAY_TABLE))
        self._database.register(PAY_TABLE, pay)
        try:
            return self._database.execute(sql).df()
        finally:
            self._database.unregister(PAY_TABLE)

    def _pay(self, effective: EffectiveParameters) -> pa.Table:
        """Return every person's pay; that of the last parameters is kept, since both its readers want it."""
        self._compute_shape(effective)
        values = bindings(effective)
        self._compute_dynamics(self._dynamics_of(values))  # which a reader may join to the pay
        key = effective.digest_of(Chain.DYNAMICS, Chain.PAY)
        if self._paid is not None and self._paid[0] == key:
            return self._paid[1]
        pay = self._execute(PAY_OF_PEOPLE, values).fetch_arrow_table()
        self._paid = (key, pay) if self._folds else None
        return pay

    @property
    def can_prepare(self) -> bool:
        """Whether `prepare` has work to do: a tenth of a second, one or two seconds for a new shape."""
        wanted = {PAY_AND_KPIS, DYNAMICS_TO_KPIS} if self._folds else {PAY_AND_KPIS}
        return self._computed is not None and not wanted <= self._prepared

    def prepare(self) -> None:
        """Prepare for other levers than the last ones; otherwise the next evaluation does it."""
        if self.can_prepare:
            self._prepare(PAY_AND_KPIS)
            if self._folds:
                self._fold_dynamics()
                self._prepare(DYNAMICS_TO_KPIS)

    def close(self) -> None:
        """Free the database."""
        self._database.close()

    def _compute_shape(self, effective: EffectiveParameters) -> None:
        """Render the models and compute what no binding changes, once per shape of the parameters."""
        variables = sqlmesh_variables(
            effective,
            census_hash=self._key,
            as_of=self._census.as_of.isoformat(),
            market_key=market_key(self._census),
            bound=False,
        )
        shape = {name: value for name, value in variables.items() if name not in UNVERSIONED}
        groups = [effective.value(name, year) for name in NAMING_GROUPS for year in effective.years]
        if shape == self._shape and groups == self._groups:
            return
        check_against_census(self._database, self._census, effective)
        load_rates(self._database, self._settings, effective)
        self._groups = groups
        if shape == self._shape:
            return
        self._shape = None
        sql = PreviewQueries(self._settings, variables, shape, self._key)
        for statement in sql.static:
            self._create(statement, {})
        self._sql = sql
        self._computed, self._passed, self._tables_made = None, None, 0
        self._queries = {}
        self._prepared.clear()
        self._numbers = BoundNumbers(self._database, sql.names)
        self._shape = shape

    def _dynamics_of(self, values: Mapping[str, Bound]) -> dict[str, Bound]:
        assert self._sql is not None  # there is a shape
        return {name: values[name] for s in self._sql.dynamics for name in s.placeholders}

    def _passes(self, needed: dict[str, Bound], passing: bool) -> bool:
        """Return whether to evaluate dynamics without tables, as for a slider on the move.

        Dynamics that are requested twice get tables, unless they are known to be passing.
        """
        if not self._folds or self._computed is None or (needed == self._passed and not passing):
            return False
        if self._tables_made >= DYNAMICS_UNFOLDED:
            self._fold_dynamics()
        return DYNAMICS_TO_KPIS in self._queries

    def _fold_dynamics(self) -> None:
        if DYNAMICS_TO_KPIS not in self._queries:
            self._queries[DYNAMICS_TO_KPIS] = self._folded(DYNAMICS_TO_KPIS)

    def _folded(self, name: str) -> str:
        """Return the one query that computes KPIs or pay, from the tables that exist by then."""
        assert self._sql is not None  # there is a shape

        def fold(chains: Chains) -> str:
            own = chains.static if name == DYNAMICS_TO_KPIS else (*chains.static, *chains.dynamics)
            tables = {s.name: s.columns for s in own}
            if name == PAY_OF_PEOPLE:
                return folded_query(up_to(chains.pay, PAY), PAY, tables, (*PAY_COLUMNS, *PAY_READ), PAY_ORDER)
            chain = chains.pay if name == PAY_AND_KPIS else chains.moving
            if not self._market_groups:
                return folded_query(up_to(chain, KPIS), KPIS, tables)
            whole = {**chain, KPIS_WITH_GROUPS: kpis_with_groups(KPIS, MARKET, self._market_groups)}
            return folded_query(up_to(whole, KPIS_WITH_GROUPS), KPIS_WITH_GROUPS, tables)

        return self._sql.query("/".join((name, *self._market_groups)), fold)

    def _compute_dynamics(self, needed: dict[str, Bound]) -> None:
        """Compute the tables of the dynamics, unless they exist for the same bindings."""
        if needed == self._computed:
            return
        self._computed = None
        assert self._sql is not None  # there is a shape
        for statement in self._sql.dynamics:
            self._create(statement, needed)
        self._prepared &= {DYNAMICS_TO_KPIS}  # a prepared plan is void without its tables
        self._tables_made += 1
        self._computed = needed

    def _execute(self, name: str, values: Mapping[str, Bound]) -> duckdb.DuckDBPyConnection:
        """Run one of the prepared queries on the values of the bindings."""
        assert self._numbers is not None  # there is a shape
        self._numbers.put(values)
        self._prepare(name)
        return self._database.execute(f"EXECUTE {name}")

    def _prepare(self, name: str) -> None:
        if name not in self._prepared:
            if name not in self._queries:
                self._queries[name] = self._folded(name)
            self._database.execute(f"PREPARE {name} AS {self._queries[name]}")
            self._prepared.add(name)

    def _create(self, statement: Statement, values: Mapping[str, Bound]) -> None:
        sql = statement.sql
        if statement.coded:
            codes = ", ".join(f"CAST({name} AS {_code_type(name)}) AS {name}" for name in statement.coded)
            sql = f"SELECT * REPLACE ({codes}) FROM ({sql})"
        self._database.execute(
            f"CREATE OR REPLACE {statement.kind} {statement.name} AS {sql}",
            {name: values[name] for name in statement.placeholders} or None,
        )


def _code_type(column: str) -> str:
    """Return the name of the enumeration type of a column's texts."""
    return f"{CATALOG}.main.{column}_code"
