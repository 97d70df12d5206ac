"""Run the cascade: the matching project's models, rendered once, then run chunk by chunk in one database."""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb

from planwise.engine.project import (
    CATALOG,
    MEMORY,
    database_options,
    quoted_path,
    rendered_queries,
    standalone_config,
)
from planwise.enrichment.declarations import Matching, declared_matchings, model_variables
from planwise.settings import REPOSITORY, Settings

PROJECT = REPOSITORY / "enrichment_project"
# Models of all records, computed once; the others are of one chunk.
ONCE = frozenset(
    [
        "stg_left",
        "stg_right",
        "int_exact",
        "int_open",
        "int_words",
        "int_left_words",
        "int_left_blocks",
        "int_right_blocks",
        "int_candidates",
    ]
)


def connect(options: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection to a database in memory that prints nothing on standard output."""
    connection = duckdb.connect(config=dict(options or {}))
    connection.execute("SET enable_progress_bar = false")
    return connection


def matching_config() -> Any:
    """Return the configuration of SQLMesh's commands on the matching project."""
    return standalone_config(model_variables(declared_matchings()))


@lru_cache(maxsize=8)
def rendered_models(settings: Settings, matching: Matching) -> Mapping[str, str]:
    """Return the SQL of a matching's models by name, which takes SQLMesh a second, once a process."""
    return rendered_queries(settings, PROJECT, model_variables((matching,)))


class Cascade:
    """The models of one matching on one database; `close` it, or use it as a context manager."""

    def __init__(self, settings: Settings, matching: Matching, database: Path | None = None) -> None:
        self.matching = matching
        queries = rendered_models(settings, matching)
        suffix = f"_{matching.matching}"
        self.sql_texts = queries
        stems = {name.rpartition(".")[2].removesuffix(suffix): sql for name, sql in queries.items()}
        self._once = {stem: sql for stem, sql in stems.items() if stem in ONCE}
        self._by_chunk = {stem: sql for stem, sql in stems.items() if stem not in ONCE}
        options = database_options(settings, database or MEMORY) | {
            "threads": max(settings.threads, len(os.sched_getaffinity(0))),
            "preserve_insertion_order": True,  # rows are numbered as they are in the file
        }
        self.connection = connect(options)
        where = MEMORY if database is None else str(database)
        self.connection.execute(f"ATTACH {quoted_path(Path(where))} AS {CATALOG}")
        self.connection.execute(f"USE {CATALOG}")
        for schema in ("input", "enrichment"):
            self.connection.execute(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{schema}")

    def __enter__(self) -> "Cascade":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self.connection.close()

    def table(self, stem: str) -> str:
        """Return the qualified name of a model's table."""
        return f"{CATALOG}.enrichment.{stem}_{self.matching.matching}"

    def input(self, stem: str) -> str:
        """Return the qualified name of an input table: left, right, decisions or chunk."""
        return f"{CATALOG}.input.{stem}_{self.matching.matching}"

    def prepare(self) -> None:
        """Compute the models of all records, from the input tables."""
        for stem, sql in self._once.items():
            self.connection.execute(f"CREATE OR REPLACE TABLE {self.table(stem)} AS {sql}")

    def match(self, first: int, last: int) -> str:
        """Match the records from `first` to `last`; return the table with their matches."""
        records = f"SELECT record FROM {self.input('left')} WHERE record BETWEEN {first} AND {last}"
        self.connection.execute(f"CREATE OR REPLACE TABLE {self.input('chunk')} AS {records}")
        for stem, sql in self._by_chunk.items():
            self.connection.execute(f"CREATE OR REPLACE TABLE {self.table(stem)} AS {sql}")
        return self.table("fct_matches")
