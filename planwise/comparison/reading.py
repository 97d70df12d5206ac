"""Read published Parquet: exact decimals, one bounded in-memory DuckDB, nothing written but its spill."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import duckdb

from planwise.engine.publishing import Publication
from planwise.errors import InputError

Number = int | float | Decimal
Row = dict[str, Any]
MEMORY_LIMIT = "1GB"  # two years of a million people fit; more goes to a temporary folder
ACTIVE = ("continuous_active", "new_hire_active")


@contextmanager
def reader() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection that reads Parquet within MEMORY_LIMIT."""
    with tempfile.TemporaryDirectory(prefix="planwise-") as spill:
        connection = duckdb.connect(
            config={"memory_limit": MEMORY_LIMIT, "temp_directory": spill, "preserve_insertion_order": False}
        )
        try:
            yield connection
        finally:
            connection.close()


def rows(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] | None = None
) -> list[Row]:
    """Return a query's rows; money is Decimal, as published."""
    result = connection.execute(query, parameters)
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def mart_rows(connection: duckdb.DuckDBPyConnection, publication: Publication, mart: str) -> list[Row]:
    """Return a small mart whole; raises InputError when its file is missing or damaged."""
    with damage_named(publication):
        return rows(connection, "SELECT * FROM read_parquet(?)", [path(publication, mart)])


def path(publication: Publication, mart: str) -> str:
    """Return a mart's file as DuckDB takes it: glob characters of the home's name stand for themselves."""
    name = str(publication.file(mart))
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def require_columns(
    connection: duckdb.DuckDBPyConnection, publication: Publication, mart: str, *columns: str
) -> None:
    """Raise InputError when a mart, published by an earlier version, lacks one of the columns."""
    result = connection.execute("SELECT * FROM read_parquet(?) LIMIT 0", [path(publication, mart)])
    published = {column[0] for column in result.description}
    if missing := [name for name in columns if name not in published]:
        raise InputError(
            f"The result of {publication.scenario} was published by an earlier version of PlanWise: "
            f"{mart} has no {' and no '.join(missing)}.",
            remedy=f"Run the scenario again: `planwise simulate --scenario {publication.scenario}`.",
        )


@contextmanager
def damage_named(*publications: Publication) -> Iterator[None]:
    """Turn what DuckDB says about a missing or damaged file into an InputError with the remedy."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.BinderException) as error:
        names = " or ".join(publication.scenario for publication in publications)
        again = "; ".join(
            f"delete {result.folder} and run `planwise simulate --scenario {result.scenario}`"
            for result in publications
        )
        reason = str(error).splitlines()[0]
        raise InputError(
            f"The published result of {names} is damaged: {reason}", remedy=f"To write it again: {again}."
        ) from error
