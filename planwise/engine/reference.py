"""Write docs/reference/models.md from the SQLMesh models: `python -m planwise.engine.reference`."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

os.environ.setdefault("MAX_FORK_WORKERS", "1")  # read by SQLMesh at import: one process loads the project

from sqlglot import exp
from sqlmesh import Context
from sqlmesh.core.model import Model

from planwise.engine.project import EXAMPLE_YEARS, project_config
from planwise.settings import REPOSITORY, Settings

PAGE = REPOSITORY / "docs" / "reference" / "models.md"
FOLDERS = {
    "staging": "Cleaned input: one model per source.",
    "intermediate": "Events and pay: who leaves, joins and is promoted, and every employee's pay.",
    "marts": "Published results, as Parquet files of the same names.",
}
INTRODUCTION = """# Models

Generated from `sqlmesh_project/models/` by `python -m planwise.engine.reference`; do not edit.

A model whose name ends in `<year>` exists once per simulated year; the year's parameter values are in its
SQL, so a change re-versions that year and later ones. Money is DECIMAL, so sums do not depend on the order
of rows. An audit that finds a row stops the plan.
"""


def project_models(project: Path | None = None) -> list[Model]:
    """Return every model once (the last example year represents all), in reading order."""
    context = Context(paths=[project or Settings().project], config=project_config())
    years = [str(year) for year in EXAMPLE_YEARS[:-1]]
    models = [m for m in context.models.values() if m.kind.is_materialized or m.kind.is_view]
    once = [m for m in models if not m.name.endswith(tuple(f"_{year}" for year in years))]
    order = list(FOLDERS)
    found = sorted(
        once, key=lambda m: (order.index(_schema(m)), "<year>" not in general_name(m.name), m.name)
    )
    context.close()
    return found


def reference(models: Iterable[Model]) -> str:
    """Return the page in Markdown."""
    models = list(models)
    described = column_descriptions(models)
    parts = [INTRODUCTION]
    for schema, sentence in FOLDERS.items():
        parts.append(f"\n## {schema.capitalize()}\n\n{sentence}\n")
        parts += [_section(m, described[m.name]) for m in models if _schema(m) == schema]
    return "".join(parts)


def column_descriptions(models: Iterable[Model]) -> dict[str, dict[str, str]]:
    """Return model -> column -> description.

    A column without one has that of the nearest model it comes from, else of the nearest that reads it.
    """
    by_table = {_table(m.name): m for m in models}
    sources = {t: sorted({_table(d) for d in m.depends_on} & by_table.keys()) for t, m in by_table.items()}
    readers = {t: [r for r, read in sources.items() if t in read] for t in by_table}

    def find(table: str, column: str, neighbours: Mapping[str, list[str]]) -> str:
        ring, seen = [table], {table}
        while ring:
            inherited = (by_table[t].column_descriptions.get(column) for t in ring)
            if found := next((description for description in inherited if description), None):
                return found
            near = [
                n
                for t in ring
                for n in neighbours[t]
                if n not in seen and column in column_types(by_table[n])
            ]
            ring = list(dict.fromkeys(near))
            seen.update(ring)
        return ""

    return {
        m.name: {c: find(t, c, sources) or find(t, c, readers) for c in column_types(m)}
        for t, m in by_table.items()
    }


def general_name(name: str) -> str:
    """Return a yearly model's name for any year: `int_pay_2027` is `int_pay_<year>`."""
    last, before = str(EXAMPLE_YEARS[-1]), str(EXAMPLE_YEARS[-2])
    return re.sub(rf"_{last}\b", "_<year>", re.sub(rf"_{before}\b", "_<year - 1>", name))


def _section(model: Model, descriptions: Mapping[str, str]) -> str:
    reads = sorted({general_name(_table(name)) for name in model.depends_on})
    facts = [
        f"Grain: {', '.join(f'`{g.sql()}`' for g in model.grains)}",
        f"Owner: `{model.owner}`; tags: {', '.join(f'`{tag}`' for tag in model.tags)}",
        f"Kind: {model.kind.name.value.lower()}",
        f"Reads: {', '.join(f'`{name}`' for name in _shortened(reads))}",
        f"Audits: {', '.join(_audit(name, args) for name, args in model.audits) or 'none of its own'}",
    ]
    rows = [
        f"| `{column}` | {kind} | {descriptions[column]} |\n" for column, kind in column_types(model).items()
    ]
    return (
        f"\n### `{general_name(_table(model.name))}`\n\n{model.description}\n\n"
        + "".join(f"- {fact}\n" for fact in facts)
        + "\n| column | type | what |\n| --- | --- | --- |\n"
        + "".join(rows)
    )


def _shortened(reads: list[str]) -> list[str]:
    """Return what is read, the year before left out where every year is read."""
    every = {name for name in reads if name.endswith("_<year>")}
    pairs = {name: name.replace("_<year>", "_<year - 1>") for name in every}
    unions = {previous for name, previous in pairs.items() if previous in reads}
    return [name for name in reads if name not in unions]


def _audit(name: str, arguments: Mapping[str, object]) -> str:
    columns = arguments.get("columns")
    columns_text = re.sub(r"[()\s]", "", columns.sql()).replace(",", ", ") if hasattr(columns, "sql") else ""
    return f"`{name}`({columns_text})" if columns_text else f"`{name}`"


def column_types(model: Model) -> dict[str, str]:
    """Return column -> type as the query gives it; `unknown` when it does not say."""
    return {c.alias_or_name: _type(c) for c in model.render_query_or_raise().selects}


def _type(column: exp.Expr) -> str:
    """Return what the projection casts to, else what SQLMesh inferred from the models it reads."""
    kind = column.unalias().args.get("to") or column.type
    return kind.sql("duckdb").upper() if kind else "unknown"


def _table(name: str) -> str:
    return name.replace('"', "").rpartition(".")[2]


def _schema(model: Model) -> str:
    return model.name.replace('"', "").split(".")[-2]


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(reference(project_models()), encoding="utf-8")
