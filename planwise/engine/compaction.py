"""Compaction: copy the warehouse without its free blocks, and swap the copy in."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from planwise.engine.project import CATALOG, database_options, quoted_path
from planwise.errors import PlanWiseError
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
