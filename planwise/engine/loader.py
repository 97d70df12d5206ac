"""Reload only what a change of variables can have changed.

SQLMesh's own loader parses every model again whenever any variable differs. A trial differs from the one
before in a few, so this loader keeps a file's models while the file, the macros, the audits and the variables
that the file reads are what they were. What a file reads is found in its text: every `@name` in it, and for
each macro among them the `evaluator.var("name")` in its source.

Blueprints hold placeholders (`$cola_rate_2026`); the variable `bindings` says what they stand for. So a trial
changes numbers in trees that are parsed and expanded already.
"""

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp
from sqlmesh.core import constants
from sqlmesh.core.audit import ModelAudit
from sqlmesh.core.dialect import MacroFunc, parse
from sqlmesh.core.loader import CacheBase, SqlMeshLoader
from sqlmesh.core.macros import MacroRegistry
from sqlmesh.core.model import Model, SqlModel, load_sql_based_models
from sqlmesh.core.model.common import ParsableSql
from sqlmesh.core.signal import signal
from sqlmesh.utils import UniqueKeyDict
from sqlmesh.utils.jinja import JinjaMacroRegistry

from planwise.engine.expanded import ExpandedModel
from planwise.engine.placeholders import placeholders_of, text_with_values

REFERENCE = re.compile(r"@(\w+)")
VARIABLE_READ = re.compile(r"""\.var\(\s*["'](\w+)["']""")


@dataclass
class Template:
    """A model with placeholders, and the copy of it with the values of the last load."""

    model: SqlModel
    names: tuple[str, ...]
    values: tuple[Any, ...] = ()
    bound: SqlModel | None = None


class IncrementalLoader(SqlMeshLoader):
    """SQLMesh's loader with an in-memory cache of models by file and by the variables each file reads."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._loaded: dict[Path, tuple[str, list[SqlModel]]] = {}
        self._templates: dict[str, Template] = {}

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
        around = [self._macros_max_mtime, self._audits_max_mtime, self.context.default_catalog]
        for path in self._glob_paths(
            self.config_path / constants.MODELS, ignore_patterns=self.config.ignore_patterns, extension=".sql"
        ):
            self._track_file(path)
            text = path.read_text(encoding="utf-8")
            read = [text, *(audit.query.sql() for name, audit in audits.items() if name in text)]
            names = {name.lower() for part in read for name in REFERENCE.findall(part)}
            used = (names & variables.keys()).union(*(reads.get(name, set()) for name in names))
            state = json.dumps([text, around, {name: variables.get(name) for name in sorted(used)}])
            known = self._loaded.get(path)
            if known is None or known[0] != state:
                fresh = self._create(path, text, variables, macros, jinja_macros, audits, signals)
                known = (state, fresh)
                self._loaded[path] = known
            for model in known[1]:
                models[model.fqn] = self._with_values(model, variables.get("bindings"))
        return models

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

    def _create(
        self,
        path: Path,
        text: str,
        variables: Mapping[str, Any],
        macros: MacroRegistry,
        jinja_macros: JinjaMacroRegistry,
        audits: UniqueKeyDict[str, ModelAudit],
        signals: UniqueKeyDict[str, signal],
    ) -> list[SqlModel]:
        defaults = self.config.model_defaults
        models = load_sql_based_models(
            parse(text, default_dialect=defaults.dialect),
            get_variables=lambda gateway: dict(variables),
            path=path,
            defaults=defaults.dict(),
            macros=macros,
            jinja_macros=jinja_macros,
            audit_definitions=audits,
            module_path=self.config_path,
            dialect=defaults.dialect,
            time_column_format=self.config.time_column_format,
            physical_schema_mapping=self.config.physical_schema_mapping,
            project=self.config.project,
            default_catalog=self.context.default_catalog,
            infer_names=self.config.model_naming.infer_names,
            signal_definitions=signals,
            default_catalog_per_gateway=self.context.default_catalog_per_gateway,
            virtual_environment_mode=self.config.virtual_environment_mode,
        )
        return [self._expanded(model, path) for model in models if isinstance(model, SqlModel)]

    def _expanded(self, model: SqlModel, path: Path) -> SqlModel:
        """Return the model with its macros expanded: what is versioned is the very SQL that runs.

        SQLMesh would expand them again at every rendering, several times a plan. Audits that call a macro
        keep the environment they need.
        """
        audits = [audit for name, _ in model.audits if (audit := model.audit_definitions.get(name))]
        call_macros = any(audit.query.find(MacroFunc) for audit in audits)
        query = model.render_query_or_raise()
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
        return expanded if optimised else ExpandedModel.of(expanded, model.columns_to_types)


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
