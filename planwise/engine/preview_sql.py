"""Build the SQL of a preview: inline models as CTEs, pay and dynamics chains, parameter table."""

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import duckdb
from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from planwise.census.market import NO_MARKET
from planwise.census.schema import GROUPINGS
from planwise.engine.incremental_loader import code_digest
from planwise.engine.plan_detail import DETAIL, detail_query
from planwise.engine.project import CATALOG, LOADING, open_project
from planwise.engine.sqlmesh_adapter import PLACEHOLDER, placeholders_of
from planwise.engine.variables import Bound, literal
from planwise.settings import Settings
from planwise.storage import write_json

BINDINGS = f"{CATALOG}.main.bindings"
CURRENT_SLOT = 1
# Texts of few values: grouped and joined by as numbers.
CODED = ("gender", "ethnicity", "department", *GROUPINGS)


def folded_query(
    chain: Mapping[str, exp.Query],
    last: str,
    tables: Mapping[str, Iterable[str]],
    columns: tuple[str, ...] = ("*",),
    order: tuple[str, ...] = ("simulation_year",),
) -> str:
    """Return one query for the last of a chain of models, by qualified name.

    Each model becomes a common table expression: computed once when it is a query of its own, inlined when it
    only unites others, or is the market and read once. `tables` are the columns of the tables that the chain
    begins with. Unused columns are left out, which DuckDB does not do for a materialized expression.
    """
    names = {fqn: exp.to_table(fqn).name for fqn in chain}
    whole = exp.select(*columns).from_(exp.table_(names[last], quoted=True))
    bound: list[str] = []
    places_once = sum(PLACES in _reads(query) for query in chain.values()) == 1
    for fqn, query in chain.items():
        folded = query.copy()
        for table in folded.find_all(exp.Table):
            if (name := names.get(qualified(table))) is not None:
                table.set("db", None)
                table.set("catalog", None)
                table.set("this", exp.to_identifier(name, quoted=True))
        bound += placeholders_of(folded)
        _keep_codes(folded)
        _read_bindings(folded)
        alias = exp.to_identifier(names[fqn], quoted=True)
        inlined = only_unites(folded) or (fqn == PLACES and places_once)
        whole.with_(alias, folded, materialized=not inlined, copy=False)
    whole.order_by(*order, copy=False)
    read = dict.fromkeys(bound)
    known = {**tables, BINDINGS: ("slot", *read)}
    return _only_what_is_read(whole, known).sql(dialect="duckdb")


def qualified(table: exp.Table) -> str:
    """Return a table's full name, quoted, as SQLMesh names models."""
    return f'"{table.catalog or CATALOG}"."{table.db}"."{table.name}"'


def query_over(chains: "Chains", pay: str) -> str:
    """Return the detail's query over a table of every person's pay, with all in it that reads pay."""
    own = {INCREASES: "increase_budget", PLACES: "market_of_people"}
    names = {PAY: pay, **{fqn: name for fqn, name in own.items() if fqn in chains.pay}}
    whole, *others = (chains.pay[fqn].copy() for fqn in (DETAIL, *names) if fqn != PAY)
    for query in (whole, *others):
        for table in list(query.find_all(exp.Table)):
            if (name := names.get(qualified(table))) is not None:
                table.replace(exp.to_table(name, alias=table.alias or None))
        _read_bindings(query)
    for name, query in zip(list(names.values())[1:], others, strict=True):
        whole.with_(name, query, copy=False)
    return whole.sql(dialect="duckdb")


def only_unites(query: exp.Query) -> bool:
    """Return whether a query only unites other tables, so that materializing it would be a waste."""
    return not query.ctes and all(select.is_star for select in query.find_all(exp.Select))


def _only_what_is_read(query: exp.Select, tables: Mapping[str, Iterable[str]]) -> exp.Query:
    schema = MappingSchema(dialect="duckdb")
    for fqn, columns in tables.items():
        schema.add_table(fqn, dict.fromkeys(columns, "UNKNOWN"))
    found = qualify(query, schema=schema, dialect="duckdb", quote_identifiers=False, isolate_tables=False)
    return pushdown_projections(found, schema=schema, dialect="duckdb")


def _keep_codes(query: exp.Query) -> None:
    """Take the casts to text off the columns that the chain's tables hold as codes."""
    for cast in list(query.find_all(exp.Cast)):
        if isinstance(cast.this, exp.Column) and cast.this.name in CODED:
            cast.replace(cast.this)


def _read_bindings(query: exp.Query) -> None:
    """Replace each placeholder by a column of the bindings."""
    for node in list(query.find_all(*PLACEHOLDER)):
        select = node.find_ancestor(exp.Select)
        assert select is not None
        source = select.args.get("from_")
        joined = [join.this.alias for join in select.args.get("joins") or []]
        if "bindings" not in [*joined, source and source.this.alias]:
            current = exp.select("*").from_(BINDINGS).where(f"slot = {CURRENT_SLOT}").subquery("bindings")
            if source is None:
                select.from_(current, copy=False)
            else:
                select.join(current, join_type="cross", copy=False)
        node.replace(exp.column(node.name, table="bindings"))


KPIS = f'"{CATALOG}"."marts"."fct_scenario_kpis"'
INCREASES = f'"{CATALOG}"."marts"."fct_increase_budget"'
MARKET = f'"{CATALOG}"."marts"."fct_market_position"'
KPIS_WITH_GROUPS = f'"{CATALOG}"."main"."kpis_with_groups"'
PAY = f'"{CATALOG}"."intermediate"."int_pay"'
PLACES = f'"{CATALOG}"."intermediate"."int_market"'
DYNAMICS = f'"{CATALOG}"."intermediate"."int_workforce_'
# Where the tables of the dynamics are: a prepared query is planned again at every execution once a table was
# made in a database that it reads, and not every one reads these.
DYNAMICS_CATALOG = "dynamics"

Queries = dict[str, exp.Query]
"""Models' queries by qualified name, in an order that can run."""


@dataclass(frozen=True)
class Statement:
    """One model, TABLE or VIEW: SQL, columns and placeholders, and the columns that are read as codes."""

    kind: str
    name: str
    sql: str
    columns: tuple[str, ...]
    placeholders: tuple[str, ...]
    coded: tuple[str, ...]


@dataclass(frozen=True)
class Chains:
    """Models that no binding changes, those that only dynamics bindings change, and the rest.

    `pay` reads the tables of the dynamics; `moving` are the queries of both, of all that a binding changes.
    """

    static: tuple[Statement, ...]
    dynamics: tuple[Statement, ...]
    pay: Queries
    moving: Queries


def rendered_chains(settings: Settings, variables: Mapping[str, Any]) -> Chains:
    """Return the SQL of the KPIs, the detail and all they depend on; the variables leave numbers unbound."""
    with LOADING, contextlib.closing(open_project(settings, variables)) as context:
        ends = (KPIS, INCREASES, MARKET)
        needed = set(ends).union(*(context.dag.upstream(fqn) for fqn in ends))
        queries = {
            fqn: context.models[fqn].render_query_or_raise()
            for fqn in context.dag.sorted
            if fqn in needed and fqn in context.models
        }
    has_survey = variables["market_key"] != NO_MARKET
    queries[DETAIL] = detail_query(str(variables["merit_date"]), has_survey=has_survey)
    static, dynamics, pay = _sorted_by_chain(queries)
    moving = [fqn for fqn in queries if fqn not in static]
    read = set[str]().union(*(_reads(queries[fqn]) for fqn in moving))

    def statement(fqn: str, query: exp.Query, name: str) -> Statement:
        columns = tuple(query.named_selects)
        coded = tuple(column for column in CODED if fqn in read and column in columns)
        kind = "VIEW" if only_unites(query) else "TABLE"
        return Statement(kind, name, query.sql(dialect="duckdb"), columns, placeholders_of(query), coded)

    own = set(dynamics)
    return Chains(
        tuple(statement(fqn, queries[fqn], fqn) for fqn in static),
        tuple(
            statement(fqn, _reading_dynamics(queries[fqn], own), _in_dynamics(exp.to_table(fqn)))
            for fqn in dynamics
        ),
        {fqn: _reading_dynamics(queries[fqn], own) for fqn in pay},
        {fqn: queries[fqn] for fqn in moving},
    )


class PreviewQueries:
    """The SQL of a preview for one shape of the parameters, rendered once, then read from the home's cache.

    Rendering takes seconds and depends on nothing but the models, the libraries and the shape. The
    census's tables have a name of their own in the cache, so that the next census finds its SQL there.
    """

    def __init__(
        self, settings: Settings, variables: Mapping[str, Any], shape: Mapping[str, Any], census: str
    ) -> None:
        self._settings = settings
        self._variables = {**variables, CENSUS_HASH: ANY_CENSUS}
        self._census = census
        self._file = (
            settings.cache_folder
            / "preview"
            / f"{_digest(settings, {**shape, CENSUS_HASH: ANY_CENSUS})}.json"
        )
        self._chains: Chains | None = None
        self._stored = self._read()
        self.static = tuple(_statement(one, census) for one in self._stored["static"])
        self.dynamics = tuple(_statement(one, census) for one in self._stored["dynamics"])
        self.names: tuple[str, ...] = tuple(self._stored["names"])

    def query(self, name: str, fold: Callable[[Chains], str]) -> str:
        """Return a query of this name, which `fold` makes of the models unless it is in the cache."""
        queries = self._stored["queries"]
        if name not in queries:
            queries[name] = fold(self._rendered())
            self._write()
        return str(queries[name]).replace(ANY_CENSUS, self._census)

    def _rendered(self) -> Chains:
        if self._chains is None:
            self._chains = rendered_chains(self._settings, self._variables)
        return self._chains

    def _read(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            found: dict[str, Any] = json.loads(self._file.read_bytes())
            return found
        chains = self._rendered()
        names = [name for query in chains.moving.values() for name in placeholders_of(query)]
        return {
            "static": [asdict(one) for one in chains.static],
            "dynamics": [asdict(one) for one in chains.dynamics],
            "names": list(dict.fromkeys(names)),
            "queries": {},
        }

    def _write(self) -> None:
        write_json(self._file, self._stored)


ANY_CENSUS = "ca11ab1ece05c0de"  # in the cache for the key of a census, of as many digits
CENSUS_HASH = "census_hash"


def _statement(stored: Mapping[str, Any], census: str) -> Statement:
    kind, name, sql = (str(stored[part]).replace(ANY_CENSUS, census) for part in ("kind", "name", "sql"))
    columns, placeholders, coded = (tuple(stored[part]) for part in ("columns", "placeholders", "coded"))
    return Statement(kind, name, sql, columns, placeholders, coded)


def _digest(settings: Settings, variables: Mapping[str, Any]) -> str:
    """Return a digest of all that rendered SQL depends on: variables, project files, this code, libraries."""
    found = json.dumps(variables, sort_keys=True, default=str) + code_digest(settings.project)
    return hashlib.sha256(found.encode()).hexdigest()[:32]


def _reading_dynamics(query: exp.Query, dynamics: set[str]) -> exp.Query:
    """Return a query that reads the models of the dynamics from where their tables are."""
    found = query.copy()
    for table in found.find_all(exp.Table):
        if qualified(table) in dynamics:
            table.set("catalog", exp.to_identifier(DYNAMICS_CATALOG, quoted=True))
    return found


def _in_dynamics(table: exp.Table) -> str:
    return f'"{DYNAMICS_CATALOG}"."{table.db}"."{table.name}"'


def up_to(queries: Queries, last: str) -> Queries:
    """Return the queries that one of them reads, directly or not, and itself."""
    needed = {last}
    for fqn in reversed(queries):
        if fqn in needed:
            needed |= _reads(queries[fqn])
    return {fqn: query for fqn, query in queries.items() if fqn in needed}


def _sorted_by_chain(queries: Queries) -> tuple[list[str], list[str], list[str]]:
    static: list[str] = []
    dynamics: list[str] = []
    pay: list[str] = []
    for fqn, query in queries.items():
        reads = _reads(query)
        bound = bool(placeholders_of(query))
        if reads & set(pay) or (bound and not fqn.startswith(DYNAMICS)):
            pay.append(fqn)
        elif bound or reads & set(dynamics):
            dynamics.append(fqn)
        else:
            static.append(fqn)
    return static, dynamics, pay


def _reads(query: exp.Query) -> set[str]:
    return {qualified(table) for table in query.find_all(exp.Table)}


DECIMALS = "DECIMAL(18, 8)"
TEXTS = "TEXT[]"
WHOLE = "BIGINT"  # a seed is part of a text, where 42.00000000 is another seed than 42
# Two rows that are never read: the planner takes the range of a column for what it can ever hold, and would
# plan for the values of the moment without them.
LIMITS = {
    DECIMALS: ("-1e9", "0", "1e9"),
    WHOLE: ("-1e9", "0", "1e9"),
    TEXTS: ("['']", "[]", "[repeat(chr(65535), 1000)]"),
    f"{DECIMALS}[]": ("[-1e9]", "[]", "[1e9]"),
}
LISTS = {
    "merit_group_names": TEXTS,
    "merit_group_factors": f"{DECIMALS}[]",
    "merit_group_points": f"{DECIMALS}[]",
    "drift_group_names": TEXTS,
    "drift_group_factors": f"{DECIMALS}[]",
    "drift_group_points": f"{DECIMALS}[]",
    "award_names": TEXTS,
    "award_rates": f"{DECIMALS}[]",
}


class BoundNumbers:
    """The table of bound numbers, created for the given names; not thread-safe."""

    def __init__(self, database: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
        self._database = database
        self._names = tuple(dict.fromkeys(names))
        self._values: dict[str, Bound] = {}
        kinds = [_kind(name) for name in self._names]
        columns = ", ".join(f"{name} {kind}" for name, kind in zip(self._names, kinds, strict=True))
        database.execute(f"CREATE OR REPLACE TABLE {BINDINGS} (slot INTEGER, {columns})")
        for place, slot in enumerate((CURRENT_SLOT - 1, CURRENT_SLOT, CURRENT_SLOT + 1)):
            row = "".join(f", {LIMITS[kind][place]}" for kind in kinds)
            database.execute(f"INSERT INTO {BINDINGS} VALUES ({slot}{row})")

    def put(self, values: Mapping[str, Bound]) -> None:
        """Set the current values; names that the table lacks are ignored."""
        changed = {n: values[n] for n in self._names if n not in self._values or values[n] != self._values[n]}
        if not changed:
            return
        changes = ", ".join(f"{name} = {literal(value)}" for name, value in changed.items())
        self._database.execute(f"UPDATE {BINDINGS} SET {changes} WHERE slot = {CURRENT_SLOT}")
        self._values.update(changed)  # only now, because an interrupted update must be repeated


def _kind(name: str) -> str:
    stem = name.rpartition("_")[0]
    return WHOLE if stem == "seed" else LISTS.get(stem, DECIMALS)
