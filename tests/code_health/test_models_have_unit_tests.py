"""Every SQLMesh model has a unit test of its own name, and it passes."""

from pathlib import Path

import pytest
from sqlmesh import Context

from planwise.engine.project import project_config
from planwise.settings import REPOSITORY

PROJECT = REPOSITORY / "sqlmesh_project"


@pytest.fixture(scope="module")
def context() -> Context:
    return Context(paths=[PROJECT], config=project_config())


def yearly(name: str) -> str:
    """Return the name of a blueprint's file for the model of one year."""
    stem, _, year = name.rpartition("_")
    return f"{stem}_year" if year.isdigit() else name


def test_every_model_has_a_unit_test(context: Context) -> None:
    models = {yearly(model.view_name) for model in context.models.values()}
    tested = {path.stem.removeprefix("test_") for path in (PROJECT / "tests").glob("test_*.yaml")}

    assert models == tested


def test_every_unit_test_is_of_the_model_it_is_named_after() -> None:
    for path in (PROJECT / "tests").glob("test_*.yaml"):
        named = [
            line.split(".")[-1].strip()
            for line in path.read_text().splitlines()
            if line.strip().startswith("model:")
        ]
        assert {yearly(name) for name in named} == {path.stem.removeprefix("test_")}


def test_every_unit_test_passes(context: Context) -> None:
    result = context.test()

    assert result.testsRun >= len(list(Path(PROJECT / "tests").glob("test_*.yaml")))
    assert result.wasSuccessful(), [str(failure[0]) for failure in (*result.failures, *result.errors)]
