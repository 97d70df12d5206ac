"""Upkeep of a warehouse: list and remove what is unneeded, copy it without its free blocks."""

import shutil
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from planwise.census import Census, market_key
from planwise.census.market import NO_MARKET
from planwise.engine.project import CATALOG, census_key, database_options, quoted_path
from planwise.engine.warehouse import Warehouse
from planwise.errors import PlanWiseError
from planwise.parameters.calibrated_rates import NO_RATES, PARTS
from planwise.settings import Settings
from planwise.storage import OWNER_ONLY, replace_file

COPY = "compact"
FREE_MIN_SHARE = 0.1  # with fewer free blocks a copy is not worth its time
MARGIN = 1.2  # of the blocks in use: the copy, and its log while it is written
WAL = ".wal"
# What a copy must have as well: rows by table, text by view.
TABLES = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ORDER BY ALL"
VIEWS = (
    "SELECT schema_name, view_name, sql FROM duckdb_views() "
    "WHERE database_name = ? AND NOT internal ORDER BY ALL"
)


# Physical tables and views: those of environments' schemas only show them.
PHYSICAL_VIEWS = (
    f"SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = '{CATALOG}' "
    "AND starts_with(schema_name, 'sqlmesh__')"
)
PHYSICAL_TABLES = (
    f"SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = '{CATALOG}' "
    f"AND (schema_name = 'raw' OR starts_with(schema_name, 'sqlmesh__')) "
    f"UNION ALL {PHYSICAL_VIEWS} ORDER BY ALL"
)


@dataclass(frozen=True)
class WarehouseContents:
    """Names of what is in a warehouse: environments, versions of models (snapshots), and tables and views."""

    environments: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()

    def without(self, other: "WarehouseContents") -> "WarehouseContents":
        """Return what the other one does not have."""
        return WarehouseContents(
            *(
                tuple(name for name in own if name not in set(others))
                for own, others in zip(astuple(self), astuple(other), strict=True)
            )
        )


def list_contents(warehouse: Warehouse) -> WarehouseContents:
    """Return everything that `remove_unneeded` might remove; tables are physical ones, with views."""
    cursor = warehouse.cursor()
    snapshots = cursor.execute(f'SELECT name, identifier FROM "{CATALOG}".sqlmesh._snapshots').fetchall()
    tables = cursor.execute(PHYSICAL_TABLES).fetchall()
    return WarehouseContents(
        tuple(sorted(warehouse.environments())),
        tuple(sorted(_snapshot_name(name, identifier) for name, identifier in snapshots)),
        tuple(f"{schema}.{name}" for schema, name in tables),
    )


def find_unneeded(
    warehouse: Warehouse, environments: Collection[str], censuses: Iterable[Census], rates: Iterable[str] = ()
) -> WarehouseContents:
    """Return what goes with these environments and what no environment has; nothing is removed.

    Loaded censuses and calibrated rates stay when they are among `censuses` and `rates` (keys).
    """
    kept_environments = [one for one in warehouse.state.get_environments() if one.name not in environments]
    snapshots = [
        snapshot
        for environment in kept_environments
        for snapshot in (
            *environment.snapshots,
            *((environment.previous_finalized_snapshots or ()) if environment.finalized_ts is None else ()),
        )
    ]
    tables = [exp.to_table(s.table_name(ready)) for s in snapshots for ready in (True, False)]
    censuses = list(censuses)
    keys = {census_key(census) for census in censuses}
    kept = WarehouseContents(
        tuple(environment.name for environment in kept_environments),
        tuple(_snapshot_name(snapshot.name, snapshot.identifier) for snapshot in snapshots),
        (
            *(f"{table.db}.{table.name}" for table in tables),
            *(f"raw.{part}_{key}" for key in keys for part in ("census", "levels")),
            *(f"raw.{part}_{key}" for key in (NO_RATES, *rates) for part in PARTS),
            *(f"raw.market_{key}" for key in {NO_MARKET, *map(market_key, censuses)}),
        ),
    )
    return list_contents(warehouse).without(kept)


def remove_unneeded(
    warehouse: Warehouse, environments: Collection[str], censuses: Iterable[Census], rates: Iterable[str] = ()
) -> WarehouseContents:
    """Remove what `find_unneeded` lists; return what is gone."""
    before, unneeded = list_contents(warehouse), find_unneeded(warehouse, environments, censuses, rates)
    for name in environments:
        warehouse.drop(name)
    warehouse.collect()
    cursor = warehouse.cursor()
    views = {f"{schema}.{name}" for schema, name in cursor.execute(PHYSICAL_VIEWS).fetchall()}
    for table in unneeded.tables:  # that SQLMesh has no record of, such as those of a killed run
        schema, name = table.split(".", 1)
        kind = "VIEW" if table in views else "TABLE"
        cursor.execute(f'DROP {kind} IF EXISTS "{CATALOG}"."{schema}"."{name}"')
    return before.without(list_contents(warehouse))


def _snapshot_name(name: str, identifier: str) -> str:
    model = name.replace('"', "").removeprefix(f"{CATALOG}.")
    return f"{model} {identifier}"


@dataclass(frozen=True)
class Compaction:
    """The warehouse's bytes before and after; `problem` says why it was not compacted."""

    bytes_before: int
    bytes_after: int
    problem: str | None = None


def compact_warehouse(settings: Settings) -> Compaction:
    """Compact the warehouse's file; the caller has the warehouse's lock and has closed the database.

    The copy replaces the file in one step, so a killed process leaves the old file or the new one. Nothing is
    done while few blocks are free, or when the disk has no space for the copy.
    """
    file = settings.warehouse_file
    before = file.stat().st_size
    try:
        problem = _compact(settings, file)
    except (duckdb.Error, OSError, PlanWiseError) as error:  # a full disk, say
        problem = f"{file} is unchanged, its compaction failed: {error}"
    return Compaction(before, file.stat().st_size, problem)


def _compact(settings: Settings, file: Path) -> str | None:
    """Compact the file; return why it was not possible."""
    options = {**database_options(settings, file), "preserve_insertion_order": True}
    with duckdb.connect(":memory:", config=options) as database:
        database.execute(f"ATTACH {quoted_path(file)} AS {CATALOG}")
        database.execute(f"CHECKPOINT {CATALOG}")
        used, total = _bytes(database)
        if total - used < FREE_MIN_SHARE * total:
            return None
        needed, free = used * MARGIN, shutil.disk_usage(file.parent).free
        if free < needed:
            return (
                f"{file} is not compacted: the copy needs {needed / 1e6:,.0f} MB and the disk has "
                f"{free / 1e6:,.0f} MB free. Free space there and run `planwise maintain --apply` again."
            )
        with replace_file(file) as partial:
            partial.unlink()  # DuckDB creates it
            _copy(database, file, partial)
    return None


def _copy(database: duckdb.DuckDBPyConnection, file: Path, target: Path) -> None:
    database.execute(f"ATTACH {quoted_path(target)} AS {COPY}")
    target.chmod(OWNER_ONLY)
    database.execute(f"COPY FROM DATABASE {CATALOG} TO {COPY}")
    if _content(database, CATALOG) != _content(database, COPY):
        raise PlanWiseError(f"the copy {target} differs from it.")
    for name in (COPY, CATALOG):
        database.execute(f"DETACH {name}")  # which writes its log into the file
    for log in (file, target):
        if Path(f"{log}{WAL}").exists():
            raise PlanWiseError(f"the log {log}{WAL} is not empty.")


def _content(database: duckdb.DuckDBPyConnection, name: str) -> tuple[list[Any], list[Any]]:
    tables = [
        (schema, table, database.execute(f'SELECT count(*) FROM {name}."{schema}"."{table}"').fetchone())
        for schema, table in database.execute(TABLES, [name]).fetchall()
    ]
    return tables, database.execute(VIEWS, [name]).fetchall()


def _bytes(database: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Return the bytes of the blocks in use, and of all blocks."""
    blocks = "SELECT block_size * used_blocks, block_size * total_blocks FROM pragma_database_size() "
    row = database.execute(f"{blocks} WHERE database_name = ?", [CATALOG]).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
