"""After any change of parameters, what the loader kept is what a fresh load gives."""

import ast
import shutil
from pathlib import Path
from unittest.mock import patch

import pytest

from planwise.engine import incremental_loader
from planwise.engine.project import open_project
from planwise.engine.variables import sqlmesh_variables
from planwise.parameters import resolve, simulated_years
from planwise.settings import Settings

MACROS = sorted((Path(__file__).resolve().parents[2] / "sqlmesh_project" / "macros").glob("*.py"))
BEFORE = {"cola_rate": 0.03}
# One of each: a lever, a lever of one year, dynamics, hazards, dates, caps, shares.
CHANGES = [
    {"merit_rate_level_3": 0.041, "headcount_growth@2027": -0.1},
    {"cola_rate@2027": 0.041, "termination_multiplier_age_over_69": 3.0, "merit_multiplier_rating_5": 2.0},
    {
        **{"promotion_date": "09-01", "individual_raise_max": 0.2, "range_maximum_cap": True},
        **{"new_hire_level_share_1": 1},
        **{f"new_hire_level_share_{level}": 0 for level in (2, 3, 4, 5)},
    },
]


def variables(changes, census="example", years="2026-2027"):
    effective = resolve(simulated_years(years, 2026), scenario={**BEFORE, **changes})
    return sqlmesh_variables(effective, census_hash=census, as_of="2025-12-31")


def loaded(context):
    """Return each model's SQL and that of its audits, macros rendered."""
    return {
        name: (
            model.render_query_or_raise().sql(),
            {
                audit.name: model.render_audit_query(audit, **args).sql()
                for audit, args in model.audits_with_args
            },
        )
        for name, model in context.models.items()
    }


def reload(context, new_variables):
    context.config.variables.clear()
    context.config.variables.update(new_variables)
    context.load(update_schemas=False)
    return loaded(context)


def fresh(settings, new_variables):
    with patch.dict(incremental_loader.CREATED, clear=True):
        context = open_project(settings, new_variables)
        try:
            return loaded(context)
        finally:
            context.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The models that a process makes, and the cache that it leaves."""
    home = tmp_path_factory.mktemp("made")
    settings = Settings(home=home, cache_dir=home / "cache")
    return fresh(settings, variables({})), settings.cache_folder


@pytest.fixture
def settings(made, tmp_path):
    """A home with a copy of that cache."""
    shutil.copytree(made[1], tmp_path / "cache")
    return Settings(home=tmp_path, cache_dir=tmp_path / "cache")


def test_a_reload_equals_a_fresh_load(settings, made, tmp_path):
    """After all changes, on another census and horizon, and back at the start.

    What it is compared with is loaded in a home of its own: nothing there was stored by the reload.
    """
    context = open_project(settings, variables({}))
    changes = {name: value for one in CHANGES for name, value in one.items()}
    everything = variables(changes, census="another", years="2026-2028")
    apart = Settings(home=tmp_path / "apart", cache_dir=tmp_path / "apart" / "cache")
    try:
        for one in CHANGES:
            assert reload(context, variables(one)) != made[0]
        assert reload(context, everything) == fresh(apart, everything)
        assert reload(context, variables({})) == made[0]
    finally:
        context.close()


def test_a_change_changes_only_models_that_read_it(settings):
    context = open_project(settings, variables({}))
    try:
        before = dict(context.models)
        reload(context, variables({"cola_rate@2027": 0.041}))
        kept = {name for name, model in context.models.items() if model is before.get(name)}
    finally:
        context.close()
    assert {name.split('"')[-2] for name in before.keys() - kept} >= {"int_pay_2027"}
    assert not [name for name in before.keys() - kept if "int_workforce" in name or "stg_" in name]


def test_audits_are_parsed_again_only_when_what_they_read_has_changed(settings):
    context = open_project(settings, variables({}))
    try:
        audit = context._audits["headcount_balances"]
        reload(context, variables({"cola_rate@2027": 0.041}))
        assert context._audits["headcount_balances"] is audit
        reload(context, variables({"headcount_growth@2027": -0.1}))  # an audit reads the target
        assert context._audits["headcount_balances"] is not audit
    finally:
        context.close()


def test_another_context_of_the_process_has_the_models_at_once(settings, monkeypatch):
    first = open_project(settings, variables({}))
    monkeypatch.setattr(incremental_loader.IncrementalLoader, "_create", None)
    second = open_project(settings, variables({}))
    try:
        monkeypatch.undo()
        assert loaded(second) == fresh(settings, variables({}))
    finally:
        first.close()
        second.close()


@pytest.mark.parametrize("file", MACROS, ids=lambda file: file.stem)
def test_macros_read_variables_by_literal_names(file):
    """Only by a literal name do the loader and SQLMesh's fingerprint know what a macro reads."""
    calls = [
        node
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "var"
    ]
    assert all(isinstance(call.args[0], ast.Constant) for call in calls)


def test_another_process_reads_the_models_of_the_first(made, settings, monkeypatch):
    monkeypatch.setattr(incremental_loader.IncrementalLoader, "_create", lambda *_: pytest.fail("made again"))
    assert fresh(settings, variables({})) == made[0]


def test_a_damaged_or_missing_cache_is_made_again(made, settings):
    entries = list((settings.cache_folder / "sqlmesh" / "models").iterdir())
    assert len(entries) > 20
    for number, file in enumerate(entries):
        file.write_bytes(file.read_bytes()[: 100 * (number % 2)])
    assert fresh(settings, variables({})) == made[0]


def test_another_code_makes_its_own_models(settings, monkeypatch):
    made = []
    create = incremental_loader.IncrementalLoader._create
    monkeypatch.setattr(incremental_loader, "code_digest", lambda project: "another")
    monkeypatch.setattr(
        incremental_loader.IncrementalLoader,
        "_create",
        lambda self, path, *rest: made.append(path) or create(self, path, *rest),
    )
    fresh(settings, variables({}))
    assert len(made) > 20
