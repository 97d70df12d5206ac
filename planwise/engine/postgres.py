"""The models on PostgreSQL: connection, dialect, and the inputs that a plan reads."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import duckdb
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError
from sqlglot import exp
from sqlmesh.core.config.connection import PostgresConnectionConfig

from planwise.errors import InputError

ENGINE = "postgres"
EXACT = "DECIMAL(38, 12)"  # what is rounded has fewer decimals, or is a double whose others do not count
BYTEWISE = frozenset({"C", "POSIX", "C.UTF-8", "C.utf8"})
SERVER_PORT = 5432
# It cannot estimate the rows of chained expressions: it would join each row with each, and compile for it.
PLANNER = "-c enable_nestloop=off -c jit=off"
TYPES = {"VARCHAR": "TEXT", "INTEGER": "INT", "DOUBLE": "DOUBLE PRECISION"}
SET_URL = "Set PLANWISE_WAREHOUSE_URL to postgresql://user:password@host/database."


class PostgresConnection(PostgresConnectionConfig):
    """A connection by psycopg 3, PlanWise's driver; SQLMesh's own needs an older one beside it."""

    @property
    def _connection_factory(self) -> Callable[..., Any]:
        import psycopg

        def connect(database: str, **options: Any) -> Any:
            return psycopg.connect(dbname=database, options=PLANNER, **options)

        return connect


def postgres_connection(url: str | None) -> PostgresConnection:
    """Return the connection of a URL; raises InputError for none, or one of another database."""
    if not url:
        raise InputError("The gateway postgres needs a database.", remedy=SET_URL)
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InputError("PLANWISE_WAREHOUSE_URL is not a URL.", remedy=SET_URL) from error
    if not parsed.drivername.startswith("postgresql") or not parsed.database:
        raise InputError(
            f"PLANWISE_WAREHOUSE_URL is for {parsed.drivername}, or names no database.", remedy=SET_URL
        )
    host = parsed.host or parsed.query.get("host") or "localhost"
    options: dict[str, Any] = {
        "host": host if isinstance(host, str) else host[0],
        "port": parsed.port or SERVER_PORT,
        "user": parsed.username or "",
        "password": parsed.password or "",
        "database": parsed.database,
        "concurrent_tasks": 1,
        "check_import": False,
    }
    return PostgresConnection(**options)


def portable(query: exp.Query) -> exp.Query:
    """Return a model's query without what only DuckDB has; SQLGlot translates the rest.

    PostgreSQL rounds decimals only, makes rows of a series by itself, and indexes arrays by brackets.
    """

    def translated(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Round):
            node.set("this", exp.cast(node.this, EXACT))
        elif isinstance(node, exp.Explode) and isinstance(node.this, exp.GenerateSeries):
            return node.this
        elif isinstance(node, exp.Anonymous) and node.name.upper() == "LIST_POSITION":
            return exp.Anonymous(this="ARRAY_POSITION", expressions=node.expressions)
        elif isinstance(node, exp.Anonymous) and node.name.upper() == "LIST_EXTRACT":
            values, place = node.expressions
            return exp.Bracket(this=exp.paren(values), expressions=[place], offset=1)
        return node

    rewritten = query.copy().transform(translated)
    assert isinstance(rewritten, exp.Query)
    return rewritten


def load_tables(connection: PostgresConnection, tables: Iterable[duckdb.DuckDBPyRelation]) -> None:
    """Load relations of DuckDB, by their aliases, into the schema `raw`, unless they are loaded already.

    Raises InputError when the database cannot be reached, or does not order texts by their bytes.
    """
    import psycopg

    try:
        with connection.create_engine_adapter().cursor.connection as database:
            cursor = database.cursor()
            check_order(cursor, connection.database)
            cursor.execute("CREATE SCHEMA IF NOT EXISTS raw")
            for table in tables:
                load_table(cursor, table.alias, table.columns, table.types, table.fetchall())
    except psycopg.OperationalError as error:
        raise InputError(
            f"The database {connection.database} on {connection.host} cannot be used: {error}", remedy=SET_URL
        ) from error


def check_order(cursor: Any, database: str) -> None:
    """Raise InputError when texts are not in the order of their bytes: hires would copy other people."""
    cursor.execute("SELECT datcollate FROM pg_database WHERE datname = current_database()")
    (order,) = cursor.fetchone()
    if order not in BYTEWISE:
        raise InputError(
            f"The database {database} sorts texts as in {order}; the figures would differ from DuckDB's.",
            remedy=f"Make it by `createdb --template template0 --locale C {database}`.",
        )


def load_table(
    cursor: Any, name: str, columns: Sequence[str], types: Sequence[Any], rows: Sequence[Sequence[Any]]
) -> None:
    """Create and fill a table of the schema `raw`, unless it exists."""
    cursor.execute("SELECT to_regclass(%s)", [f"raw.{name}"])
    if cursor.fetchone()[0] is None:
        declared = ", ".join(f"{c} {TYPES.get(str(t), t)}" for c, t in zip(columns, types, strict=True))
        cursor.execute(f"CREATE TABLE raw.{name} ({declared})")
        with cursor.copy(f"COPY raw.{name} FROM STDIN") as copied:
            for row in rows:
                copied.write_row(row)
