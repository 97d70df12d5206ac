"""Every damaged store is a named error with its remedy, and nothing else in the home changes."""

import json
import shutil
from functools import partial
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest

from planwise.census import load_census
from planwise.cli import commands as cli
from planwise.settings import Settings
from tests.homes import contents, copy_of, make_stores


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return copy_of(tmp_path_factory, "stores", make_stores)


@pytest.fixture
def home(made, tmp_path):
    shutil.copytree(made.root, tmp_path / "home", symlinks=True)
    return Settings(home=tmp_path / "home")


@pytest.fixture
def planwise(home, monkeypatch, capsys):
    monkeypatch.setenv("PLANWISE_HOME", str(home.root))
    monkeypatch.chdir(home.root.parent)

    def call(*tokens):
        code = cli.run([*tokens, "--json"])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err
        return SimpleNamespace(code=code, answer=json.loads(shown.out))

    return call


def missing(file):
    file.unlink()


def empty(file):
    file.write_bytes(b"")


def garbage(file):
    file.write_bytes(b"\xf5\x00 rubbish " * 500)


def truncated(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flipped(file):
    """Change one byte in the middle, as a disk does; the size stays."""
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 0xFF
    file.write_bytes(content)


def a_folder(file):
    shutil.rmtree(file) if file.is_dir() else file.unlink()
    file.mkdir()


def no_object(file):
    file.write_text("[]")


def nothing_in_it(file):
    file.write_text("{}")


def other_types(file):
    found = json.loads(file.read_text())
    file.write_text(json.dumps({key: 7 if isinstance(value, list) else [] for key, value in found.items()}))


def without_a_column(file):
    table = pq.read_table(file)
    pq.write_table(table.drop_columns(table.column_names[3:4]), file)


def garbage_line(file):
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], b"\x00\xff rubbish\n", *lines[3:]]))


def foreign_line(file):
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:3], b'{"op_code": 99}\n', *lines[3:]]))


def other_value(key, value, file):
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))


def rows_of_rubbish(file):
    import sqlite3

    with sqlite3.connect(file) as database:
        database.execute("UPDATE scenario SET overrides = '[[['")
    database.close()


def newer_revision(file):
    import sqlite3

    with sqlite3.connect(file) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()


AS_JSON = (empty, garbage, truncated, a_folder, no_object, nothing_in_it, other_types)
AS_PARQUET = (missing, empty, garbage, truncated, flipped, a_folder, without_a_column)
LOGS = (missing, empty, garbage, a_folder, garbage_line, foreign_line)
OTHER_VALUES = [
    partial(other_value, "fingerprint", "0" * 64),
    partial(other_value, "years", []),
    partial(other_value, "parameters", [1]),
]
PUBLISHED = "published/more/" + ("more" * 64)[:64]
COMPARE = ("compare", "less", "more", "--no-flow")
EMPLOYEE = ("employee", "E00", "--scenario", "more")
SHOW = ("scenario", "show", "more")
PLAN = ("simulate", "--plan-only", "--scenario", "more", "--no-flow")
RESUME, SWEEP_MORE = ("optimize", "--resume", "s", "--no-flow"), ("sweep", "--scenarios", "more", "--no-flow")
USE, CENSUSES = ("census", "use", "synthetic_20"), ("census", "list")
RESULT, CENSUS, STUDY = "'more' is damaged", "'synthetic_20' is damaged", "'s' is damaged"
SIMULATE, IMPORT, OPTIMIZE = (
    "planwise simulate --scenario more",
    "planwise census import",
    "planwise optimize",
)
# The store, its damages, the commands that read it, words of the message and of the remedy.
STORES = [
    (f"{PUBLISHED}/manifest.json", (missing, *AS_JSON), (COMPARE, EMPLOYEE), RESULT, SIMULATE),
    (f"{PUBLISHED}/manifest.json", OTHER_VALUES, (EMPLOYEE,), RESULT, SIMULATE),
    ("published/more/current", (empty, garbage, a_folder), (COMPARE, EMPLOYEE), RESULT, SIMULATE),
    (f"{PUBLISHED}/fct_workforce_snapshot.parquet", AS_PARQUET, (COMPARE, EMPLOYEE), RESULT, SIMULATE),
    (f"{PUBLISHED}/fct_yearly_events.parquet", AS_PARQUET, (EMPLOYEE,), RESULT, SIMULATE),
    (f"{PUBLISHED}/fct_scenario_kpis.parquet", AS_PARQUET, (COMPARE,), RESULT, SIMULATE),
    ("CENSUS/census.parquet", AS_PARQUET, (SHOW, USE), CENSUS, IMPORT),
    ("CENSUS/levels.parquet", AS_PARQUET, (SHOW,), CENSUS, IMPORT),
    ("CENSUS/manifest.json", (missing, *AS_JSON), (SHOW, CENSUSES), CENSUS, IMPORT),
    ("censuses/synthetic_20", (a_folder,), (SHOW, CENSUSES), CENSUS, IMPORT),
    ("censuses/current", (empty, garbage, a_folder), (SHOW,), "census in use", "planwise census use"),
    (
        "ledger.sqlite",
        (empty, garbage, truncated, a_folder, rows_of_rubbish),
        (SHOW,),
        "The ledger",
        "backup",
    ),
    ("ledger.sqlite", (newer_revision,), (SHOW,), "revision 9999", "newer PlanWise"),
    ("studies/s/study.json", AS_JSON, (("study", "list"),), STUDY, OPTIMIZE),
    ("studies/s/summary.json", AS_JSON, (("study", "list"),), STUDY, OPTIMIZE),
    (
        "studies/s/journal.log",
        LOGS,
        (("study", "show", "s"), ("study", "export", "s"), RESUME),
        STUDY,
        OPTIMIZE,
    ),
    ("studies/s/result.json", AS_JSON, (("study", "show", "s"), ("study", "report", "s")), STUDY, OPTIMIZE),
    ("warehouse.duckdb", (empty, garbage, truncated, a_folder), (PLAN,), "The warehouse", "builds a new one"),
    ("auth/users.json", AS_JSON, (("user", "list"),), "The file of users", "planwise user add"),
    ("sweeps/20261120T120000000.json", AS_JSON, (SWEEP_MORE,), "report of a sweep", "planwise sweep"),
]
CASES = [
    pytest.param(
        store, damage, command, what, remedy,
        id=f"{store.rpartition('/')[2]}-{getattr(damage, '__name__', 'other value')}-{'-'.join(command[:2])}",
    )
    for store, damages, commands, what, remedy in STORES
    for damage in damages
    for command in commands
]  # fmt: skip


@pytest.mark.parametrize(("store", "damage", "command", "what", "remedy"), CASES)
def test_a_damaged_store_is_named_with_its_remedy(home, planwise, store, damage, command, what, remedy):
    census = load_census(home).census_file.parent.relative_to(home.root)
    file = home.root / store.replace("CENSUS", str(census))
    damage(file)
    before = contents(home.root)
    done = planwise(*command)
    error = done.answer["error"]
    assert done.code == 2, error
    assert error["type"] in {"DamagedStore", "LedgerUnusable", "WarehouseUnusable"}
    assert what in error["what"] and file.name.partition(".")[0] in error["what"], error["what"]
    assert remedy in error["remedy"], error["remedy"]
    assert contents(home.root) == before
