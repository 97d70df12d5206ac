"""House rules of the SQL models, and proof that the linter fails on what it is there for."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from planwise.engine.reference import PAGE, column_descriptions, column_types, project_models, reference

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "sqlmesh_project"
UNREPEATABLE = re.compile(
    r"\b(?:random|now|uuid|current_date|current_timestamp|today|hash)\s*\(", re.IGNORECASE
)


@pytest.fixture(scope="module")
def models():
    return project_models()


def lint(project, log_dir):
    command = [str(Path(sys.executable).parent / "sqlmesh"), "--log-file-dir", str(log_dir)]
    return subprocess.run([*command, "-p", str(project), "lint"], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("model", "column", "wrong"),
    [
        ("staging/stg_market_reference", "midpoint", "midpiont"),  # of another model
        ("marts/fct_workforce_snapshot", "market_reference", "market_referense"),
    ],
)
def test_the_linter_fails_on_a_column_that_does_not_exist(tmp_path, model, column, wrong):
    project = tmp_path / "sqlmesh_project"
    shutil.copytree(PROJECT, project)
    file = project / "models" / f"{model}.sql"
    header, query = file.read_text(encoding="utf-8").split(");\n", 1)
    assert column in query
    file.write_text(header + ");\n" + re.sub(rf"\b{column}\b", wrong, query, count=1), encoding="utf-8")
    done = lint(project, tmp_path / "logs")
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 1 and "ambiguousorinvalidcolumn" in told and wrong in told, told


def test_nothing_is_drawn_or_dated_but_from_stable_keys():
    found = {
        str(file.relative_to(ROOT)): call[0]
        for file in PROJECT.rglob("*.sql")
        if (call := UNREPEATABLE.search(file.read_text()))
    }
    assert found == {}


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
