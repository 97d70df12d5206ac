"""The census inside a database: tables named by content, so that no path is part of any fingerprint."""

import duckdb

from planwise.census import Census
from planwise.engine.config import CATALOG

HASH_DIGITS = 16


def census_key(census: Census) -> str:
    """Return the part of the content hash that names a census's tables."""
    return census.content_hash[:HASH_DIGITS]


def load_census_tables(cursor: duckdb.DuckDBPyConnection, census: Census) -> None:
    """Load a census and its levels into the `raw` schema, unless they are there already."""
    cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.raw")
    for part, file in (("census", census.census_file), ("levels", census.levels_file)):
        cursor.execute(
            f"CREATE TABLE IF NOT EXISTS {CATALOG}.raw.{part}_{census_key(census)} "
            "AS SELECT * FROM read_parquet(?)",
            [str(file)],
        )
