"""Faults of the machine, of the home and of the arguments: an error with its remedy, and nothing changed."""

import errno
import io
import itertools
import os
import shutil
import sqlite3
import subprocess
import sys

import duckdb
import pytest
from cyclopts import App

from planwise import storage
from planwise.census import generate_census
from planwise.cli import commands
from planwise.cli.commands import app, run
from planwise.engine.project import CATALOG, database_options, sqlmesh_config
from planwise.errors import InputError, MachineError, PlanWiseError, expected_error, machine_error
from planwise.governance import open_ledger
from planwise.settings import Settings

RIGHTS, SPACE = "user who owns", "Free space"


def raised_from(error, cause):
    error.__cause__ = cause
    return error


FAULTS = [
    (OSError(errno.ENOSPC, "No space left on device", "/home/x"), "/home/x cannot be used: No space", SPACE),
    (OSError(errno.ENOSPC, "No space left on device"), "Standard output or a file cannot be used", SPACE),
    (PermissionError(errno.EACCES, "Permission denied", "/home/x"), "/home/x cannot be used", RIGHTS),
    (OSError(errno.EROFS, "Read-only file system", "/home/x"), "Read-only file system", RIGHTS),
    (OSError(errno.EMFILE, "Too many open files"), "Too many open files", "raise the limit"),
    (duckdb.IOException('Could not write file "/w": No space left on device'), "No space left", SPACE),
    (duckdb.IOException('Could not write all bytes to file "/w": wanted=9 wrote=3'), "No space left", SPACE),
    (duckdb.OutOfMemoryException("failed to allocate 2 GiB"), "not enough memory: failed", "more memory"),
    (sqlite3.OperationalError("database or disk is full"), "database or disk is full", SPACE),
    (MemoryError(), "not enough memory.", "more memory"),
    (raised_from(RuntimeError("a model failed"), OSError(errno.EDQUOT, "Quota", "/q")), "/q cannot", SPACE),
    (ExceptionGroup("two", [ValueError("x"), OSError(errno.EROFS, "ro", "/q")]), "/q cannot", RIGHTS),
]


@pytest.mark.parametrize(("error", "what", "remedy"), FAULTS, ids=lambda value: type(value).__name__)
def test_a_fault_of_the_machine_has_its_place_and_a_remedy(error, what, remedy):
    found = expected_error(error)
    assert isinstance(found, MachineError)
    assert found.exit_code == 2
    assert what in found.what
    assert remedy in found.remedy


def test_a_defect_is_no_fault_of_the_machine():
    assert machine_error(ZeroDivisionError("x")) is None
    assert machine_error(ValueError("No space left on device")) is None  # another library's text
    assert expected_error(KeyError("x")) is None
    assert expected_error(InputError("x")).what == "x"
    assert expected_error(raised_from(PlanWiseError("x"), MemoryError())).exit_code == 2


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("made") / "home"
    settings = Settings(home=home)
    generate_census(settings, employees=20)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("kept", {"cola_rate": 0.02})
    return home


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    shutil.copytree(made, tmp_path / "home", symlinks=True)
    monkeypatch.setenv("PLANWISE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.suffix not in (".lock", ".sqlite-shm", ".sqlite-wal")
    }


WRITES = {
    "census generate": ["census", "generate", "--employees", "30", "--name", "new"],
    "census import": ["census", "import", "pay.csv", "--as-of", "2025-12-31"],
    "census use": ["census", "use", "synthetic_20"],
    "user add": ["user", "add", "anna", "--role", "analyst", "--password-file", "password"],
    "simulate": ["simulate"],
}
PAY = "employee_id,job_title,department,hire_date,level_id,base_pay\n" + "".join(
    f"A{n:03},Clerk,Sales,2019-01-{1 + n % 28:02},{1 + n % 4},{40_000 + 9_000 * (n % 4) + n}\n"
    for n in range(40)
)


@pytest.mark.parametrize("command", WRITES)
@pytest.mark.parametrize("step", ["open", "write", "rename"])
def test_a_full_disk_is_reported_and_changes_nothing(home, tmp_path, monkeypatch, capsys, command, step):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pay.csv").write_text(PAY)
    os.close(os.open(tmp_path / "password", os.O_CREAT, 0o600))
    (tmp_path / "password").write_text("correct horse battery staple\n")
    before = contents(home)

    place = {"open": (os, "open"), "write": (storage, "_flush"), "rename": (os, "replace")}[step]
    real_open = os.open

    def full(path, flags=os.O_CREAT, *args, **options):
        if step == "open" and not flags & os.O_CREAT:
            return real_open(path, flags, *args, **options)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(*place, full)
        code = run(WRITES[command])
    shown = capsys.readouterr()
    if command == "census use" and code == 0:
        return  # already in use: nothing is written
    assert code == 2, shown.err
    assert "No space left on device" in shown.err
    assert SPACE in shown.err
    left = {name: content for name, content in contents(home).items() if not name.startswith("jobs")}
    assert {name: left.get(name) for name in before} == before
    assert not [name for name in left if name.endswith(storage.PARTIAL)]


@pytest.mark.parametrize("command", WRITES)
def test_a_read_only_folder_is_reported_and_changes_nothing(home, tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pay.csv").write_text(PAY)
    os.close(os.open(tmp_path / "password", os.O_CREAT, 0o600))
    (tmp_path / "password").write_text("correct horse battery staple\n")
    before = contents(home)
    real_open, real_mkdir = os.open, os.mkdir

    def refused(path):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    with monkeypatch.context() as patch:  # root may write everywhere, so that modes would not do
        patch.setattr(
            os,
            "open",
            lambda path, flags=0, *args, **options: (
                refused(path) if flags & os.O_CREAT else real_open(path, flags, *args, **options)
            ),
        )
        patch.setattr(
            os,
            "mkdir",
            lambda path, *args, **options: (
                real_mkdir(path, *args, **options) if os.path.isdir(path) else refused(path)
            ),
        )
        code = run(WRITES[command])
    shown = " ".join(capsys.readouterr().err.split())
    if command == "census use" and code == 0:
        return  # already in use: nothing is written
    assert code == 2, shown
    assert f"{home}" in shown and "Read-only file system" in shown and RIGHTS in shown
    assert contents(home) == before


def homes(folder):
    (folder / "file").write_text("x")
    (folder / "dangling").symlink_to(folder / "gone" / "deep")
    (folder / "loop").symlink_to(folder / "loop")
    return {
        "file": "is not a folder",
        "file/below": "is not a folder",
        "dangling": "does not exist",
        "loop": "link",
        "long" * 100: "File name too long",
        "deep/" * 2000: "File name too long",
        "line\nbreak": "control characters",
        "not\udcffutf": "not UTF-8",
        "year=2026": "DuckDB cannot use",
        "a?b": "DuckDB cannot use",
    }


@pytest.mark.parametrize("tokens", [["census", "list"], ["scenario", "list", "--json"]])
def test_a_home_that_cannot_be_used_is_named(tmp_path, monkeypatch, capsys, tokens):
    for name, problem in homes(tmp_path).items():
        monkeypatch.setenv("PLANWISE_HOME", f"{tmp_path}/{name}")
        assert run(tokens) == 2, name
        shown = capsys.readouterr()
        assert problem in shown.out + shown.err, name
    monkeypatch.setenv("PLANWISE_HOME", "~nobody-of-this-name/x")
    assert run(tokens) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "file", "loop"]


def test_a_home_of_any_other_name_holds_all_its_files(tmp_path):
    root = tmp_path / "it's #1; 50% {x} [y] ünï 😀 $HOME"
    with open_ledger(Settings(home=root)) as ledger:
        assert [scenario.name for scenario in ledger.scenarios.list()] == ["baseline"]
    connection = (
        sqlmesh_config(root / "warehouse.duckdb", {}, database_options(Settings(home=root)))
        .gateways["warehouse"]
        .connection
    )
    adapter = connection.create_engine_adapter()
    assert adapter.fetchone("SELECT current_database()") == (CATALOG,)
    adapter.close()
    assert {path.name for path in root.iterdir()} >= {"ledger.sqlite", "warehouse.duckdb"}
    assert list(tmp_path.iterdir()) == [root]


def test_a_user_id_without_an_account_can_work(home, monkeypatch, capsys):
    for name in ("HOME", "USER", "LOGNAME", "USERNAME", "LNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    assert run(["scenario", "create", "new", "--set", "cola_rate=0.02", "--json"]) == 0, (
        capsys.readouterr().err
    )
    assert os.environ.pop("HOME") == str(home)


def test_text_goes_to_any_standard_output(home, monkeypatch):
    for encoding in ("ascii", "latin-1"):
        written = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
        assert run(["parameters", "list"]) == run(["parameters", "list", "--json"]) == 0
        assert written.getvalue().decode(encoding).count("cola_rate") >= 2


def test_standard_streams_may_be_closed_or_full():
    program = f"'{sys.executable}' -c 'from planwise.cli import main; main()' parameters list"
    cases = {">&-": 0, "<&- >&- 2>&-": 0, ">/dev/full": 2, "--bad 2>/dev/full": 2}
    script = "\n".join(f"{program} {redirected}; echo $? >&3" for redirected in cases)
    bash = ["bash", "-c", f"exec 3>&1\n{script}"]
    done = subprocess.run(bash, capture_output=True, text=True, timeout=120)
    assert [int(code) for code in done.stdout.split()] == list(cases.values())
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def commands_of(group: App, path=()):
    for name in group:
        if name.startswith("-"):
            continue
        found = group[name]
        if any(not sub.startswith("-") for sub in found):
            yield from commands_of(found, (*path, name))
        else:
            yield (*path, name), found


WHOLE = ("1.5", "nan", "1e400", "", "9" * 400, "１２")
NUMBER = ("nan", "-inf", "1e400", "x", "")
TEXT = ("", "nul\0", "not\udcffutf", "a'b\"%s{x}[/y];=", "x" * 20_000, "../..", "9999-99-99")
SERVERS = {("up",), ("serve",), ("demo",), ("benchmark",), ("doctor",)}  # started by values that are right
SECONDS_EACH = 0.5


def options():
    for path, command in commands_of(app):
        for argument in command.assemble_argument_collection():
            option = next((name for name in argument.names if name.startswith("--")), None)
            kind = str(argument.hint)
            if option and option != "--home" and "bool" not in kind:
                yield path, option, WHOLE if "int" in kind else NUMBER if "float" in kind else TEXT


def test_no_argument_of_any_command_is_an_internal_error(tmp_path, monkeypatch, capsys):
    """Each option of each command gets a value of its own row, in turn, on a home without a census."""
    monkeypatch.setenv("PLANWISE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "internal", lambda error, tokens: (_ for _ in ()).throw(error))
    tried = 0
    for turn, (path, option, values) in enumerate(options()):
        chosen = values if values is WHOLE else itertools.islice(itertools.cycle(values), turn, turn + 2)
        for value in chosen:
            if path in SERVERS and values is TEXT:
                continue
            code = run([*path, f"{option}={value}"])
            tried += 1
            assert code in (0, 1, 2) and (values is not WHOLE or code == 2), (path, option, value[:50], code)
    capsys.readouterr()
    assert tried > 150
