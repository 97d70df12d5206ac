"""What enters a database from outside: tables named by content, so that no path is in a fingerprint."""

import duckdb

from planwise.census import Census
from planwise.engine.config import CATALOG
from planwise.engine.variables import hire_shares, parameter_rows, parameters_key
from planwise.errors import InputError
from planwise.parameters import EffectiveParameters

HASH_DIGITS = 16
PARAMETER_COLUMNS = {
    "parameter": "TEXT",
    "level_id": "INTEGER",
    "simulation_year": "INTEGER",
    "value": "TEXT",
    "tier": "TEXT",
}


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


def refuse_shares_of_missing_levels(
    cursor: duckdb.DuckDBPyConnection, census: Census, effective: EffectiveParameters
) -> None:
    """Raise InputError when hires are to enter levels that a loaded census has no pay range for."""
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
