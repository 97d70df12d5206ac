"""SQLMesh's loader, which creates again only what has changed since it was created last."""

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlmesh.core import constants
from sqlmesh.core.audit import Audit, ModelAudit
from sqlmesh.core.dialect import MacroFunc, parse
from sqlmesh.core.loader import CacheBase, SqlMeshLoader
from sqlmesh.core.macros import MacroRegistry
from sqlmesh.core.model import Model, SqlModel, load_sql_based_models
from sqlmesh.core.model.common import ParsableSql
from sqlmesh.core.signal import signal
from sqlmesh.utils import UniqueKeyDict
from sqlmesh.utils.cache import FileCache
from sqlmesh.utils.jinja import JinjaMacroRegistry

from planwise.engine.postgres import portable
from planwise.engine.sqlmesh_adapter import ExpandedModel, placeholders_of, text_with_values
from planwise.storage import digest_of_files

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
        self._audits: tuple[str, UniqueKeyDict[str, Audit]] = ("", UniqueKeyDict("audits"))
        self._audit_texts: dict[str, str] = {}

    def _load_audits(
        self, macros: MacroRegistry, jinja_macros: JinjaMacroRegistry
    ) -> UniqueKeyDict[str, Audit]:
        """Return the audits of the last load, unless a file, a macro or a variable that they read changed."""
        files = [*(self.config_path / constants.AUDITS).rglob("*.sql")]
        texts = {str(file): file.read_text(encoding="utf-8") for file in files}
        used = self._variables_of(texts.values(), _variables_read_by_macros(macros))
        state = json.dumps([texts, self._macros_max_mtime, self.context.default_catalog, used])
        if state != self._audits[0]:
            self._audits = state, super()._load_audits(macros, jinja_macros)
            self._audit_texts = {name: audit.query.sql() for name, audit in self._audits[1].items()}
        for file in files:
            self._track_file(file)
        return self._audits[1]

    def _variables_of(self, texts: Iterable[str], reads: Mapping[str, set[str]]) -> dict[str, Any]:
        """Return the variables, with their values, that texts read themselves or by the macros they call."""
        variables = self.config.variables
        names = {name.lower() for text in texts for name in REFERENCE.findall(text)}
        used = (names & variables.keys()).union(*(reads.get(name, set()) for name in names))
        return {name: variables.get(name) for name in sorted(used)}

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
        variables, reads = self.config.variables, _variables_read_by_macros(macros)
        definitions = {"macros": macros, "jinja_macros": jinja_macros}
        definitions |= {"audit_definitions": audits, "signal_definitions": signals}
        around = [self._macros_max_mtime, self._audits_max_mtime, self.context.default_catalog]
        around += [self.config.model_defaults.optimize_query, variables.get("engine")]
        for path in self._glob_paths(
            self.config_path / constants.MODELS, ignore_patterns=self.config.ignore_patterns, extension=".sql"
        ):
            self._track_file(path)
            text = path.read_text(encoding="utf-8")
            read = [text, *(audit for name, audit in self._audit_texts.items() if name in text)]
            state = json.dumps([text, around, self._variables_of(read, reads)])
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
