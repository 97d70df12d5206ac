"""All use of SQLMesh's private parts: loader, context, rendered models, patches."""

import hashlib
import inspect
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlmesh import Context
from sqlmesh.core import constants
from sqlmesh.core.audit import ModelAudit
from sqlmesh.core.dialect import MacroFunc, parse
from sqlmesh.core.loader import CacheBase, SqlMeshLoader
from sqlmesh.core.macros import MacroRegistry
from sqlmesh.core.model import Model, SqlModel, load_sql_based_models
from sqlmesh.core.model.common import ParsableSql
from sqlmesh.core.scheduler import Scheduler
from sqlmesh.core.signal import signal
from sqlmesh.core.snapshot import (
    DeployabilityIndex,
    Snapshot,
    SnapshotEvaluator,
    SnapshotIntervals,
    to_table_mapping,
)
from sqlmesh.core.state_sync import StateSync
from sqlmesh.core.state_sync.base import DelegatingStateSync
from sqlmesh.utils import UniqueKeyDict, metaprogramming
from sqlmesh.utils import cron as sqlmesh_cron
from sqlmesh.utils.cache import FileCache
from sqlmesh.utils.jinja import JinjaMacroRegistry

from planwise.engine.postgres import portable
from planwise.storage import digest_of_files


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


REFERENCE = re.compile(r"@(\w+)")
VARIABLE_READ = re.compile(r"""\.var\(\s*["'](\w+)["']""")


@dataclass
class Template:
    """A model with placeholders, and the copy of it with the values of the last load."""

    model: SqlModel
    names: tuple[str, ...]
    values: tuple[Any, ...] = ()
    bound: SqlModel | None = None


# Models by their file and by all that they were made from; what a process goes back and forth between stays.
CREATED: dict[Path, dict[str, list[SqlModel]]] = {}
STATES_KEPT = 4  # of a file


LIBRARIES = ("sqlmesh", "sqlglot", "duckdb", "planwise")
SOURCES = {".sql", ".py", ".csv", ".yaml"}


def code_digest(project: Path) -> str:
    """Return a digest of what models are made with: the project's files, this package, the libraries."""
    files = [file for file in project.rglob("*") if file.suffix in SOURCES]
    own = digest_of_files([*files, *Path(__file__).parent.glob("*.py")])
    return " ".join([own, *(version(name) for name in LIBRARIES)])


class IncrementalLoader(SqlMeshLoader):
    """SQLMesh's loader; it creates models again only when their file or a variable that it reads has changed.

    All contexts of a process share the models, of which SQLMesh changes none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._templates: dict[str, Template] = {}

    def _load_external_models(self, *args: Any, **options: Any) -> UniqueKeyDict[str, Model]:
        """Return the inputs where columns are checked; in a plan they would be models of the environment."""
        checked = self.config.model_defaults.optimize_query is not False
        return super()._load_external_models(*args, **options) if checked else UniqueKeyDict("models")

    def _load_sql_models(
        self,
        macros: MacroRegistry,
        jinja_macros: JinjaMacroRegistry,
        audits: UniqueKeyDict[str, ModelAudit],
        signals: UniqueKeyDict[str, signal],
        cache: CacheBase,
        gateway: str | None,
        selected_paths: set[Path] | None = None,
    ) -> UniqueKeyDict[str, Model]:
        models: UniqueKeyDict[str, Model] = UniqueKeyDict("models")
        variables = self.config.variables
        reads = _variables_read_by_macros(macros)
        definitions = {"macros": macros, "jinja_macros": jinja_macros}
        definitions |= {"audit_definitions": audits, "signal_definitions": signals}
        around = [self._macros_max_mtime, self._audits_max_mtime, self.context.default_catalog]
        around += [self.config.model_defaults.optimize_query, variables.get("engine")]
        for path in self._glob_paths(
            self.config_path / constants.MODELS, ignore_patterns=self.config.ignore_patterns, extension=".sql"
        ):
            self._track_file(path)
            text = path.read_text(encoding="utf-8")
            read = [text, *(audit.query.sql() for name, audit in audits.items() if name in text)]
            names = {name.lower() for part in read for name in REFERENCE.findall(part)}
            used = (names & variables.keys()).union(*(reads.get(name, set()) for name in names))
            state = json.dumps([text, around, {name: variables.get(name) for name in sorted(used)}])
            states = CREATED.setdefault(path, {})
            created = states.get(state)
            if created is None:
                make = partial(self._create, path, text, definitions)
                created = states[state] = self._stored(path, state, make)
                if len(states) > STATES_KEPT:
                    del states[next(iter(states))]
            for model in created:
                models[model.fqn] = self._with_values(model, variables.get("bindings"))
        return models

    @cached_property
    def _store(self) -> tuple[str, FileCache[list[SqlModel]]]:
        """The digest of the code, and the folder of what was made with it and with other code."""
        return code_digest(self.config_path), FileCache(self.context.cache_dir, prefix="models")

    def _stored(self, path: Path, state: str, make: Callable[[], list[SqlModel]]) -> list[SqlModel]:
        """Return what a process made of the same file, values and code before, or make and store it.

        A cache that cannot be written or read costs seconds, and nothing else.
        """
        code, cache = self._store
        entry = hashlib.sha256(f"{code} {path} {state}".encode()).hexdigest()
        created = None
        with suppress(OSError):
            created = cache.get(path.stem, entry)
        if created is None:
            created = make()
            with suppress(OSError):
                cache.put(path.stem, entry, value=created)
        return created

    def _with_values(self, model: SqlModel, values: Mapping[str, Any] | None) -> SqlModel:
        """Return the model with numbers for its placeholders; the one of the last load if these are equal."""
        template = self._template(model)
        if values is None or not template.names:
            return model
        needed = tuple(values[name] for name in template.names)
        if template.bound is None or template.values != needed:
            template.values, template.bound = needed, _bound(model, values)
        return template.bound

    def _template(self, model: SqlModel) -> "Template":
        known = self._templates.get(model.fqn)
        if known is None or known.model is not model:
            query = model.query
            assert isinstance(query, exp.Query)  # the project has no Jinja
            known = self._templates[model.fqn] = Template(model, placeholders_of(query))
        return known

    def _create(self, path: Path, text: str, definitions: Mapping[str, Any]) -> list[SqlModel]:
        defaults = self.config.model_defaults
        models = load_sql_based_models(
            parse(text, default_dialect=defaults.dialect),
            get_variables=lambda gateway: dict(self.config.variables),
            path=path,
            defaults=defaults.dict(),
            module_path=self.config_path,
            dialect=defaults.dialect,
            time_column_format=self.config.time_column_format,
            physical_schema_mapping=self.config.physical_schema_mapping,
            project=self.config.project,
            default_catalog=self.context.default_catalog,
            infer_names=self.config.model_naming.infer_names,
            default_catalog_per_gateway=self.context.default_catalog_per_gateway,
            virtual_environment_mode=self.config.virtual_environment_mode,
            **definitions,
        )
        return [self._expanded(model, path) for model in models if isinstance(model, SqlModel)]

    def _expanded(self, model: SqlModel, path: Path) -> SqlModel:
        """Return the model with its macros expanded, so that the versioned SQL is the SQL that runs.

        SQLMesh would expand them again at every rendering, several times a plan. Audits that call a macro
        keep the environment they need.
        """
        audits = [audit for name, _ in model.audits if (audit := model.audit_definitions.get(name))]
        call_macros = any(audit.query.find(MacroFunc) for audit in audits)
        elsewhere = self.config.variables.get("engine") is not None
        query = portable(model.render_query_or_raise()) if elsewhere else model.render_query_or_raise()
        expanded = model.copy(
            update={
                "query_": ParsableSql.from_parsed_expression(query, model.dialect),
                "depends_on_": model.depends_on,
                "extract_dependencies_from_query": False,
                **({} if call_macros else {"python_env": {}}),
            }
        )
        expanded._path = path
        optimised = self.config.model_defaults.optimize_query is not False
        return expanded if optimised or elsewhere else ExpandedModel.of(expanded, model.columns_to_types)


def _bound(model: SqlModel, values: Mapping[str, Any]) -> SqlModel:
    if isinstance(model, ExpandedModel):
        return model.with_values(values)
    bound = model.copy(update={"query_": ParsableSql(sql=text_with_values(model.query_.sql, values))})
    bound._path = model._path
    return bound


def _variables_read_by_macros(macros: MacroRegistry) -> dict[str, set[str]]:
    """Return what each of the project's macros reads by a literal name."""
    return {
        name.lower(): set(VARIABLE_READ.findall(inspect.getsource(definition)))
        for name, registered in macros.items()
        if (definition := getattr(registered, "func", None)) is not None
        and not definition.__module__.startswith("sqlmesh.")
    }
