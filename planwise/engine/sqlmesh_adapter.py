"""All use of SQLMesh's private parts: loader, context, rendered models, patches."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlmesh import Context
from sqlmesh.core.model import SqlModel
from sqlmesh.core.model.common import ParsableSql
from sqlmesh.core.scheduler import Scheduler
from sqlmesh.core.snapshot import (
    DeployabilityIndex,
    Snapshot,
    SnapshotEvaluator,
    SnapshotIntervals,
    to_table_mapping,
)
from sqlmesh.core.state_sync import StateSync
from sqlmesh.core.state_sync.base import DelegatingStateSync
from sqlmesh.utils import cron as sqlmesh_cron
from sqlmesh.utils import metaprogramming


def is_inside(path: Path | str | None, folder: Path | str | None) -> bool:
    """Return whether a file is in a folder; SQLMesh's own denies it below `site-packages`."""
    if path is None or folder is None or not (Path(path).exists() and Path(folder).exists()):
        return False
    return Path(path).absolute().is_relative_to(Path(folder).absolute())


_metaprogramming: Any = metaprogramming
_metaprogramming._is_relative_to = is_inside


class BatchedRecords(DelegatingStateSync):
    """Collects the records of finished models and writes them together in `record`."""

    def __init__(self, state_sync: StateSync) -> None:
        super().__init__(state_sync)
        self._held: list[SnapshotIntervals] = []

    def add_snapshots_intervals(self, snapshots_intervals: Sequence[SnapshotIntervals]) -> None:
        """Collect intervals."""
        self._held += snapshots_intervals

    def record(self) -> None:
        """Write the collected intervals."""
        held, self._held = self._held, []
        if held:
            self.state_sync.add_snapshots_intervals(held)


class RecordingScheduler(Scheduler):
    """Runs models, and records the finished ones together when all have ended."""

    def run_merged_intervals(self, **options: Any) -> Any:
        """Run models in dependency order; record the finished ones."""
        recorded = BatchedRecords(self.state_sync)  # type: ignore[abstract]  # it delegates
        self.state_sync = recorded
        try:
            return super().run_merged_intervals(**options)
        finally:
            self.state_sync = recorded.state_sync
            recorded.record()


class PlanContext(Context):
    """A context whose plans write their state once, not per model: each write is a table made and dropped."""

    def create_scheduler(
        self, snapshots: Iterable[Snapshot], snapshot_evaluator: SnapshotEvaluator
    ) -> Scheduler:
        """Return the recording scheduler."""
        return RecordingScheduler(
            snapshots,
            snapshot_evaluator,
            self.state_sync,
            default_catalog=self.default_catalog,
            max_workers=self.concurrent_tasks,
            console=self.console,
            notification_target_manager=self.notification_target_manager,
        )


SCHEDULE: Any = vars(sqlmesh_cron)["croniter"]  # SQLMesh's own, before it is replaced


class NoFileCache:
    """Replaces SQLMesh's file caches: no query is optimised, and the state is read as fast as a file."""

    def put(self, *_: Any, **__: Any) -> None:
        """Store nothing."""

    def get(self, name: str) -> None:
        """Return None."""

    def exists(self, name: str) -> bool:
        """Return False."""
        return False

    def with_optimized_query(self, model: Any, name: str | None = None) -> bool:
        """Return that no query was loaded."""
        return False

    def clear(self) -> None:
        """Do nothing."""


def without_file_caches(context: Context) -> None:
    """Disable a context's file caches."""
    state: Any = context.state_sync
    cache = state.state_sync.snapshot_state._snapshot_cache
    cache._optimized_query_cache = cache._snapshot_cache = NoFileCache()


class CachedCron:
    """Caches the ticks of schedules, which SQLMesh computes hundreds of times per plan."""

    def __init__(self, cron: str, start: Any = None) -> None:
        self._cron, self._start = cron, start

    def get_next(self) -> float:
        """Return the first tick after the start, in seconds since 1970."""
        return _tick(self._cron, self._start or time.time(), 1)

    def get_prev(self) -> float:
        """Return the last tick before the start, in seconds since 1970."""
        return _tick(self._cron, self._start or time.time(), -1)


@lru_cache(maxsize=4096)
def _tick(cron: str, start: Any, direction: int) -> float:
    found = SCHEDULE(cron, start)
    return float(found.get_next() if direction > 0 else found.get_prev())


def cache_schedules() -> None:
    """Make SQLMesh cache the ticks of schedules."""
    module: Any = sqlmesh_cron
    module.croniter = CachedCron


PLACEHOLDER = (exp.Parameter, exp.Placeholder)
PLACEHOLDER_TEXT = re.compile(r"\$([A-Za-z_]\w*)")


def placeholders_of(query: exp.Expr) -> tuple[str, ...]:
    """Return the names of a query's placeholders, each once, in order of appearance."""
    return tuple(dict.fromkeys(node.name for node in query.find_all(*PLACEHOLDER)))


def text_with_values(sql: str, values: Mapping[str, Any]) -> str:
    """Return a query's text with numbers for its placeholders; every placeholder needs a value."""
    return PLACEHOLDER_TEXT.sub(lambda found: str(values[found[1]]), sql)


MARK = "\N{SYMBOL FOR UNIT SEPARATOR}"  # does not occur in the project's SQL
MARKED = re.compile(f'"{MARK}(.*?){MARK}"')
THIS_MODEL = "this_model"


@dataclass(frozen=True)
class SqlText:
    """SQL cut at its tables; each table is named as in SQLMesh's mappings."""

    pieces: tuple[str, ...]
    tables: tuple[str, ...]

    @classmethod
    def of(cls, query: exp.Query) -> "SqlText":
        """Cut a query at its qualified tables; unqualified ones are its own expressions."""
        marked = query.copy()
        for table in list(marked.find_all(exp.Table)):
            if table.db:
                name = exp.table_name(table, dialect="duckdb", identify=True)
                table.set("catalog", None)
                table.set("db", None)
                table.set("this", exp.to_identifier(f"{MARK}{name}{MARK}", quoted=True))
        parts = MARKED.split(marked.sql(dialect="duckdb", comments=False))
        return cls(tuple(parts[::2]), tuple(name.replace('""', '"') for name in parts[1::2]))

    def with_values(self, values: Mapping[str, Any]) -> "SqlText":
        """Replace placeholders by numbers."""
        return SqlText(tuple(text_with_values(piece, values) for piece in self.pieces), self.tables)

    def filled(self, tables: Mapping[str, str]) -> exp.Query:
        """Return the SQL as a query that is not parsed; a table outside the mapping keeps its name."""
        names = [_quoted(tables[name]) if name in tables else name for name in self.tables]
        parts = [text for pair in zip(self.pieces, [*names, ""], strict=True) for text in pair]
        return exp.Select(
            expressions=[exp.Star()], from_=exp.From(this=exp.Var(this=f"({''.join(parts)}) AS filled"))
        )


@dataclass
class Rendered:
    """The parts of a model that are rendered once for all values of its placeholders."""

    text: SqlText
    columns: dict[str, exp.DataType] | None
    audits: dict[str, SqlText] = field(default_factory=dict)


class ExpandedModel(SqlModel):
    """A model without macros; a plan fills in its SQL, elsewhere SQLMesh renders it."""

    _rendered: Rendered | None = None
    _text: SqlText | None = None

    @classmethod
    def of(cls, model: SqlModel, columns: dict[str, exp.DataType] | None) -> "ExpandedModel":
        """Return a model without macros as an instance of this class."""
        fields = {name: getattr(model, name) for name in cls.model_fields}
        expanded = cls.model_construct(_fields_set=set(model.model_fields_set), **fields)
        expanded._path = model._path
        query = model.query
        assert isinstance(query, exp.Query)  # the project has no Jinja
        expanded._text = SqlText.of(query)
        expanded._rendered = Rendered(expanded._text, columns)
        return expanded

    def with_values(self, values: Mapping[str, Any]) -> "ExpandedModel":
        """Return a copy with numbers for its placeholders."""
        assert self._rendered is not None
        sql = ParsableSql(sql=text_with_values(self.query_.sql, values))
        bound = self.copy(update={"query_": sql})
        bound._path = self._path
        bound._rendered = self._rendered
        bound._text = self._rendered.text.with_values(values)
        return bound

    @property
    def columns_to_types(self) -> dict[str, exp.DataType] | None:
        """Return the columns, which no value changes."""
        if self._rendered is None:
            return super().columns_to_types
        columns = self._rendered.columns
        return None if columns is None else {name: kind.copy() for name, kind in columns.items()}

    def update_schema(self, schema: Any) -> None:
        """Leave the columns of other models out, as plans do: they would be part of the metadata's hash."""

    def set_mapping_schema(self, schema: dict[str, Any]) -> None:
        """Leave the columns of other models out."""

    def render_query(self, **options: Any) -> exp.Query | None:
        """Return the query; in a plan, with the tables of the plan."""
        if self._text is None or options.get("expand") or options.get("table_mapping"):
            return super().render_query(**options)
        if not options.get("snapshots"):
            query = self.query
            assert isinstance(query, exp.Query)
            return query
        return self._text.filled(_Tables.of(options).mapping(self._text.tables))

    def is_metadata_only_change(self, previous: Any) -> bool:
        """Return False at once when the queries' texts differ, for which SQLMesh parses both of them."""
        if isinstance(previous, SqlModel) and previous.query_.sql != self.query_.sql:
            return False
        return bool(super().is_metadata_only_change(previous))

    def render_audit_query(self, audit: Any, **options: Any) -> exp.Query:
        """Return an audit's query; in a plan, with the tables of the plan."""
        special = any(options.get(name) for name in ("expand", "table_mapping", THIS_MODEL))
        if self._rendered is None or special or self.fqn not in (options.get("snapshots") or {}):
            return super().render_audit_query(audit, **options)
        tables = _Tables.of(options)
        arguments: dict[str, Any] = {n: value for n, value in options.items() if isinstance(value, exp.Expr)}
        key = f"{audit.name} {sorted((name, value.sql()) for name, value in arguments.items())}"
        if key not in self._rendered.audits:
            self._rendered.audits[key] = SqlText.of(super().render_audit_query(audit, **arguments))
        text = self._rendered.audits[key]
        found = tables.mapping(text.tables)
        own = tables.snapshots[self.fqn]
        found[self.fqn] = own.table_name(tables.index.is_deployable(own))
        return text.filled(found)


@dataclass(frozen=True)
class _Tables:
    """The snapshots of a plan, and which of them are deployable."""

    snapshots: Mapping[str, Snapshot]
    index: DeployabilityIndex

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "_Tables":
        index = options.get("deployability_index") or DeployabilityIndex.all_deployable()
        return cls(options["snapshots"], index)

    def mapping(self, names: tuple[str, ...]) -> dict[str, str]:
        wanted = [self.snapshots[name] for name in dict.fromkeys(names) if name in self.snapshots]
        return to_table_mapping(wanted, self.index)


def _quoted(name: str) -> str:
    return exp.to_table(name, dialect="duckdb").sql(dialect="duckdb", identify=True)
