"""House rules of the SQL models, and proof that the linter fails on what it is there for."""

import re
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml
from sqlmesh import Context
from sqlmesh.core import console
from sqlmesh.core.linter.rules import BUILTIN_RULES

from planwise.census import generate_census
from planwise.census.market import NO_MARKET
from planwise.engine.preview import PARAMETER_COLUMNS, load_census_tables
from planwise.engine.project import CATALOG, EXAMPLE_HASH, LINTER_RULES, census_key
from planwise.engine.reference import PAGE, column_descriptions, column_types, project_models, reference
from planwise.parameters.calibrated_rates import NO_RATES, PARTS
from planwise.settings import Settings
from scripts import sql_checks

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "sqlmesh_project"
UNREPEATABLE = re.compile(
    r"\b(?:random|now|uuid|current_date|current_timestamp|today|hash)\s*\(", re.IGNORECASE
)


@pytest.fixture(scope="module")
def models():
    return project_models()


WRONG = {  # a column of another model, and one of no model
    "staging/stg_market_reference": ("midpoint", "midpiont"),
    "marts/fct_workforce_snapshot": ("market_reference", "market_referense"),
}


def test_the_linter_fails_on_columns_that_do_not_exist(tmp_path, monkeypatch, capsys):
    project = tmp_path / "sqlmesh_project"
    shutil.copytree(PROJECT, project)
    for model, (column, wrong) in WRONG.items():
        file = project / "models" / f"{model}.sql"
        header, query = file.read_text(encoding="utf-8").split(");\n", 1)
        assert column in query
        file.write_text(header + ");\n" + re.sub(rf"\b{column}\b", wrong, query, count=1), encoding="utf-8")
    monkeypatch.setattr(console, "_CONSOLE", console.TerminalConsole())
    assert not sql_checks.lint(Context(paths=[project]))
    told = " ".join(capsys.readouterr().out.split())
    assert "ambiguousorinvalidcolumn" in told
    assert [wrong for _, wrong in WRONG.values() if wrong not in told] == [], told


def yearly(name):
    """Return the name of a blueprint's file for the model of one year."""
    stem, _, year = name.rpartition("_")
    return f"{stem}_year" if year.isdigit() else name


def test_every_model_has_a_unit_test_of_its_name(models):
    """`scripts/sql_checks.py` runs them."""
    files = {path.stem.removeprefix("test_"): path for path in (PROJECT / "tests").glob("test_*.yaml")}
    assert {yearly(model.view_name) for model in models} == set(files)
    for name, path in files.items():
        lines = [line.strip() for line in path.read_text().splitlines()]
        named = [line.split(".")[-1].strip() for line in lines if line.startswith("model:")]
        assert {yearly(model) for model in named} == {name}


def test_nothing_is_drawn_or_dated_but_from_stable_keys():
    found = {
        str(file.relative_to(ROOT)): call[0]
        for file in PROJECT.rglob("*.sql")
        if (call := UNREPEATABLE.search(file.read_text()))
    }
    assert found == {}


DOMAINS = {"census", "parameters", "dynamics", "pay", "budget", "equity", "results"}


def test_every_model_has_an_owner_its_layer_and_its_domain(models):
    assert [m.name for m in models if not m.owner] == []
    layers = {m.name: m.name.replace('"', "").split(".")[-2] for m in models}
    assert {m.name: m.tags for m in models if len(m.tags) != 2 or m.tags[0] != layers[m.name]} == {}
    assert {m.tags[1] for m in models} == DOMAINS


def test_every_rule_of_the_linter_is_on_and_what_is_ignored_has_a_reason(models):
    assert sorted(BUILTIN_RULES) == sorted(LINTER_RULES)
    for file in PROJECT.glob("models/*/*.sql"):
        text = file.read_text(encoding="utf-8")
        assert ("ignored_rules" in text) == text.startswith("/* "), file


def test_the_declared_inputs_are_the_tables_that_are_loaded(tmp_path):
    census = generate_census(Settings(home=tmp_path), employees=10)
    declared = yaml.safe_load((PROJECT / "external_models.yaml").read_text(encoding="utf-8"))
    with duckdb.connect() as database:
        database.execute(f"ATTACH ':memory:' AS {CATALOG}")
        load_census_tables(database, census)
        found = {
            f"raw.{part}_{EXAMPLE_HASH}": columns(database, f"{CATALOG}.raw.{part}_{census_key(census)}")
            for part in ("census", "levels")
        }
        for part in PARTS:
            found[f"raw.{part}_{EXAMPLE_HASH}"] = columns(database, f"{CATALOG}.raw.{part}_{NO_RATES}")
        found[f"raw.market_{EXAMPLE_HASH}"] = columns(database, f"{CATALOG}.raw.market_{NO_MARKET}")
        names = ", ".join(f"{name} {kind}" for name, kind in PARAMETER_COLUMNS.items())
        database.execute(f"CREATE TABLE parameters ({names})")
        found[f"raw.parameters_{EXAMPLE_HASH}"] = columns(database, "parameters")
        for model in declared:
            names = ", ".join(f"{name} {kind}" for name, kind in model["columns"].items())
            database.execute(f"CREATE OR REPLACE TABLE declared ({names})")
            assert columns(database, "declared") == found.pop(model["name"])
    assert found == {}


def columns(database, table):
    return [row[:2] for row in database.execute(f"DESCRIBE {table}").fetchall()]


def test_every_model_says_what_one_row_is(models):
    assert [m.name for m in models if not m.description or not m.description.startswith("One row per")] == []
    assert [m.name for m in models if not m.grains] == []


def test_every_column_is_described_and_typed(models):
    bare = {m: [c for c, what in of.items() if not what] for m, of in column_descriptions(models).items()}
    assert {name: columns for name, columns in bare.items() if columns} == {}
    untyped = {m.name: [c for c, t in column_types(m).items() if t.lower() == "unknown"] for m in models}
    assert {name: columns for name, columns in untyped.items() if columns} == {}


def test_the_model_reference_is_current(models):
    assert PAGE.read_text(encoding="utf-8") == reference(models), "run `make docs`"
