"""A model whose SQL is text with gaps: for names of tables, and for numbers.

SQLMesh renders a model at every plan: it copies the parsed query, looks for macros, resolves tables, quotes,
and generates SQL, which costs more than running it. The loader has expanded the macros once, so all that is
left to a plan is where the tables are. The text of a query, or of an audit, is therefore cut once at its
tables, and a rendering fills the gaps.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp
from sqlmesh.core.model import SqlModel
from sqlmesh.core.model.common import ParsableSql
from sqlmesh.core.snapshot import DeployabilityIndex, Snapshot, to_table_mapping

from planwise.engine.placeholders import text_with_values

MARK = "\N{SYMBOL FOR UNIT SEPARATOR}"  # no SQL of ours contains it
MARKED = re.compile(f'"{MARK}(.*?){MARK}"')
THIS_MODEL = "this_model"


@dataclass(frozen=True)
class SqlText:
    """SQL in pieces: between two of them stands a table, by its name as SQLMesh has it in its mappings."""

    pieces: tuple[str, ...]
    tables: tuple[str, ...]

    @classmethod
    def of(cls, query: exp.Query) -> "SqlText":
        """Cut a query at its qualified tables; those without a schema are its own expressions."""
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
        """Put numbers where placeholders stand."""
        return SqlText(tuple(text_with_values(piece, values) for piece in self.pieces), self.tables)

    def filled(self, tables: Mapping[str, str]) -> exp.Query:
        """Return the SQL as a query that nobody parses; a table that is not in the mapping keeps its name."""
        names = [_quoted(tables[name]) if name in tables else name for name in self.tables]
        parts = [text for pair in zip(self.pieces, [*names, ""], strict=True) for text in pair]
        return exp.Select(
            expressions=[exp.Star()], from_=exp.From(this=exp.Var(this=f"({''.join(parts)}) AS filled"))
        )


@dataclass
class Rendered:
    """What is rendered once for all values of a model's placeholders."""

    text: SqlText
    columns: dict[str, exp.DataType] | None
    audits: dict[str, SqlText] = field(default_factory=dict)


class ExpandedModel(SqlModel):
    """A model without macros; in a plan its SQL is filled in, everywhere else it is SQLMesh's own."""

    _rendered: Rendered | None = None
    _text: SqlText | None = None

    @classmethod
    def of(cls, model: SqlModel, columns: dict[str, exp.DataType] | None) -> "ExpandedModel":
        """Return a model that has no macros left as one of this class; its columns are known or None."""
        fields = {name: getattr(model, name) for name in cls.model_fields}
        expanded = cls.model_construct(_fields_set=set(model.model_fields_set), **fields)
        expanded._path = model._path
        query = model.query
        assert isinstance(query, exp.Query)  # the project has no Jinja
        expanded._text = SqlText.of(query)
        expanded._rendered = Rendered(expanded._text, columns)
        return expanded

    def with_values(self, values: Mapping[str, Any]) -> "ExpandedModel":
        """Return a copy with numbers where placeholders stand."""
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
    """The snapshots of a plan, and which of them may stand for production."""

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
