"""The command line as a program: exit codes, one JSON object, messages without traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points, packages_distributions, version
from pathlib import Path
from types import SimpleNamespace

import pytest

from planwise.app.compare import CompareRequest
from planwise.census import generate_census
from planwise.cli import commands as cli
from planwise.cli import main
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.settings import REPOSITORY, Settings, SignInSettings

START_SECONDS_MAX = 1.0
# A home whose commands are PlanWise's own; what the packages around it add is theirs to test.
MAIN = "from planwise.cli import main; main()"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    generate_census(Settings(home=folder), employees=50)
    return folder


@pytest.fixture
def planwise(home):
    def call(*tokens, code=MAIN, at=home):
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, tokens)],
            capture_output=True,
            text=True,
            env={**os.environ, "PLANWISE_HOME": str(at), "COLUMNS": "200"},
            timeout=60,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)

    return call


@pytest.fixture
def called(home, monkeypatch, capsys):
    """The same within this process, which takes a tenth of the time."""

    def call(*tokens, columns="200", at=home):
        monkeypatch.setenv("PLANWISE_HOME", str(at))
        monkeypatch.setenv("COLUMNS", columns)
        code = cli.run([*map(str, tokens)])
        shown = capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err
        return SimpleNamespace(code=code, out=shown.out, err=shown.err)

    return call


def only_json(done):
    """The one JSON object on stdout, and nothing else there."""
    (line,) = done.out.splitlines()
    return json.loads(line)


def test_create_show_clone_list_delete(called):
    made = called(
        "scenario", "create", "more", "--set", "cola_rate=0.03", "--set", "merit_rate_level_3@2028=4%",
        "--assume", "seed=7", "--json",
    )  # fmt: skip
    assert made.code == 0, made.err
    made = only_json(made)
    assert made["scenario"] == "more"
    assert made["years"] == [2026, 2027, 2028, 2029, 2030]
    assert made["overrides"] == {"cola_rate": 0.03, "merit_rate_level_3@2028": 0.04, "seed": 7}
    rows = {
        (row["parameter"], row["year"]): (row["value"], row["tier"]) for row in made["effective_parameters"]
    }
    assert rows["cola_rate", 2030] == (0.03, "scenario")
    assert rows["merit_rate_level_3", 2028] == (0.04, "scenario")
    assert rows["merit_rate_level_3", 2029] == (0.033, "default")
    assert rows["seed", None] == (7, "scenario")

    assert only_json(called("scenario", "show", "more", "--json")) == made
    assert (
        called("scenario", "copy", "more", "most", "--title", "All in", "--set", "cola_rate=0.05").code == 0
    )
    most = only_json(called("scenario", "show", "most", "--json"))
    assert (most["parent"], most["title"]) == ("more", "All in")
    titled = only_json(called("scenario", "set", "most", "--title", "All in, twice", "--json"))
    assert titled == most | {"title": "All in, twice"}
    assert called("scenario", "archive", "most").code == 0
    listed = only_json(called("scenario", "list", "--json"))["scenarios"]
    assert [scenario["scenario"] for scenario in listed] == ["baseline", "more"]
    assert "All in, twice" in called("scenario", "list", "--archived").out
    assert only_json(called("scenario", "archive", "most", "--restore", "--json"))["archived_at"] is None
    listed = only_json(called("scenario", "list", "--json"))["scenarios"]
    assert [scenario["scenario"] for scenario in listed] == ["baseline", "more", "most"]
    assert only_json(called("scenario", "delete", "most", "--json")) == {
        "scenario": "most",
        "deleted": True,
    }
    assert called("scenario", "show", "most").code == 2


def test_create_from_another_is_a_clone_of_it(called):
    called("scenario", "create", "first", "--set", "cola_rate=0.04")
    made = only_json(called("scenario", "create", "second", "--from", "first", "--json"))
    assert (made["parent"], made["overrides"]) == ("first", {"cola_rate": 0.04})


def test_set_changes_and_unsets(called):
    called("scenario", "create", "moving", "--set", "cola_rate=0.04", "--assume", "years=2")
    changed = called(
        "scenario", "set", "moving", "--unset", "years", "--set", "merit_rate_level_1@2030=0.04", "--json"
    )
    assert only_json(changed)["overrides"] == {"cola_rate": 0.04, "merit_rate_level_1@2030": 0.04}


def test_the_list_of_scenarios_fits_a_narrow_terminal(called):
    name, about = "x" * 48, "What this scenario is for, in some more words than one line can hold at once."
    changes = [token for level in range(1, 6) for token in ("--set", f"merit_rate_level_{level}=0.04")]
    called("scenario", "create", name, "--description", about, "--as", "Zoë", *changes)
    lines = called("scenario", "list", columns="80").out.splitlines()
    assert max(map(len, lines)) <= 80
    shown = " ".join(" ".join(lines).split())
    assert f"{name} census in use, from baseline," in shown and "by Zoë" in shown and about in shown
    assert "merit_rate_level_1=0.04, merit_rate_level_2=0.04, merit_rate_level_3=0.04, 2 more" in shown


def test_the_baseline_is_shown_with_its_defaults(called):
    shown = called("scenario", "show", "baseline")
    assert shown.code == 0
    assert "merit_rate_level_1" in shown.out
    assert "No warnings" in shown.err


BAD = [
    (["scenario", "create", "x", "--set", "cola_rate=0.5"], "outside its hard bounds 0 to 0.08"),
    (["scenario", "create", "x", "--set", "cola_rat=0.03"], "Did you mean cola_rate"),
    (["scenario", "create", "x", "--set", "cola_rate@2040=0.03"], "2026, 2027, 2028, 2029, 2030"),
    (["scenario", "create", "x", "--set", "seed=1"], "--assume"),
    (["scenario", "create", "x", "--assume", "years=2027-2030"], "starts in 2027"),
    (["scenario", "create", "Bad Name"], "cannot name a scenario"),
    (["scenario", "create", "x", "--census", "nowhere"], "nowhere"),
    (["scenario", "show", "nothing"], "Unknown scenario 'nothing'"),
    (["scenario", "delete", "baseline"], "built in"),
    (["scenario", "create"], "NAME"),
    (["scenario", "list", "--nonsense"], "--nonsense"),
    (["nonsense"], "nonsense"),
]


@pytest.mark.parametrize(("tokens", "message"), BAD)
def test_bad_input_is_2_with_a_message_and_changes_nothing(called, home, tokens, message):
    done = called(*tokens)
    assert done.code == 2
    assert message in done.err
    assert done.out == ""
    with open_ledger(Settings(home=home)) as ledger, pytest.raises(InputError):
        ledger.scenarios.get("x")


@pytest.mark.parametrize(("tokens", "message"), [BAD[0], BAD[-1]])
def test_bad_input_is_one_json_object_with_json(called, tokens, message):
    done = called(*tokens, "--json")
    assert done.code == 2
    error = only_json(done)["error"]
    assert set(error) == {"type", "what", "remedy"}
    assert message in f"{error['what']} {error['remedy']}"


def test_without_a_census_the_message_says_how_to_get_one(called, tmp_path):
    done = called("scenario", "create", "x", at=tmp_path)
    assert done.code == 2
    assert "planwise census generate" in done.err


@pytest.mark.parametrize("before", [True, False])
def test_home_overrides_the_environment_before_and_after_the_command(called, home, tmp_path, before):
    command, option = ["scenario", "show", "baseline"], ["--home", home]
    assert called(*(option + command if before else command + option), at=tmp_path).code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_ledger_is_reported(planwise, tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"garbage " * 1000)
    done = planwise("scenario", "list", "--json", at=tmp_path)
    assert done.code == 2
    assert only_json(done)["error"]["type"] == "LedgerUnusable"


BREAKS = """
import sys
from planwise.cli.commands import app, run
@app.command
def breaks(*, home=None, json: bool = False):
    raise ZeroDivisionError("the unexpected")
sys.exit(run(sys.argv[1:]))
"""


def test_the_unexpected_is_5_and_its_traceback_is_in_a_file(planwise, tmp_path):
    done = planwise("breaks", code=BREAKS, at=tmp_path)
    assert done.code == 5
    assert "Internal error: ZeroDivisionError: the unexpected" in done.err
    (log,) = (tmp_path / "logs").iterdir()
    assert str(log) in done.err.replace("\n", "")
    assert "in breaks" in log.read_text()


def test_the_log_goes_where_home_says(planwise, tmp_path):
    done = planwise("breaks", "--home", tmp_path / "there", "--json", code=BREAKS, at=tmp_path / "not_there")
    assert only_json(done)["error"]["type"] == "ZeroDivisionError"
    assert len(list((tmp_path / "there" / "logs").iterdir())) == 1
    assert not (tmp_path / "not_there").exists()


WAITS = """
import time
import sys
from planwise.cli.commands import app, run
@app.command
def waits():
    try:
        print("ready", flush=True)
        time.sleep(30)
    finally:
        print("cleaned up", flush=True)
sys.exit(run(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGINT, 130, "Interrupted"), (signal.SIGTERM, 143, "SIGTERM")]
)
def test_a_signal_cleans_up_and_ends_with_its_code(sent, code, word):
    process = subprocess.Popen(
        [sys.executable, "-c", WAITS, "waits"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(sent, signal.SIG_DFL),  # a background job is born deaf to SIGINT
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(sent)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert out == "cleaned up\n"
    assert word in err
    assert "Traceback" not in err


def test_a_reader_that_leaves_is_no_error():
    shell = f"'{sys.executable}' -c '{MAIN}' parameters list --json | head -c 10"
    done = subprocess.run(shell, shell=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == '{"levers": '[:10]
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_version_and_help(planwise):
    assert planwise("--version").out.strip() == version("planwise")
    shown = planwise("--help")
    assert shown.code == 0
    assert {"census", "scenario", "parameters"} <= set(shown.out.split())


@pytest.mark.timing
def test_help_is_quick(planwise):
    def seconds():
        started = time.perf_counter()
        planwise("--help")
        return time.perf_counter() - started

    assert min(seconds() for _ in range(3)) < START_SECONDS_MAX


HEAVY = ("sqlmesh", "prefect", "panel", "optuna", "scipy", "great_expectations", "duckdb", "pandas")


@pytest.mark.parametrize(
    ("module", "heavy"),
    [("planwise.cli.commands", (*HEAVY, "sqlalchemy")), ("planwise.cli.checkpoints", HEAVY)],
)
def test_the_root_command_and_what_reads_the_ledger_alone_import_nothing_heavy(module, heavy):
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_parameters_are_listed_and_the_reference_is_written(called, tmp_path):
    listed = only_json(called("parameters", "list", "--json"))
    assert len(listed["levers"]) == 15
    page = tmp_path / "page.md"
    assert only_json(called("parameters", "reference", "--output", page, "--json")) == {"file": str(page)}
    assert "| `cola_rate` |" in page.read_text()


def test_the_installed_program_is_this_one():
    (entry,) = entry_points(group="console_scripts", name="planwise")
    assert entry.load() is main


HOSTILE = (
    "open({mark!r}, 'a').write(__file__ + '\\n')\nraise SystemExit('a module of the current folder ran')\n"
)
STRANGERS_SETTINGS = """
PLANWISE_HOME=evil
PLANWISE_PROJECT=evil
PLANWISE_THREADS=zero
PLANWISE_LEDGER_URL=evil://
PREFECT_API_URL=http://127.0.0.1:9/api
"""
NOT_VALID = ("prefect.toml", "pyproject.toml", "config.yaml", "matplotlibrc", "profiles.toml", "dask.yaml")
# As the installed script starts; then the processes that commands start.
SCRIPT = """
import os, subprocess, sys
from planwise.cli.commands import run
from planwise.processes import PYTHON, child_environment, keep_private
from planwise.workers import SPAWN

if __name__ == "__main__":
    keep_private()
    code = run(sys.argv[1:])
    worker = SPAWN.Process(target=os.getpid)
    worker.start()
    worker.join()
    job = [*PYTHON, "-m", "planwise.app.job_process", "nothing"]
    done = subprocess.run(job, env=child_environment(), capture_output=True, text=True)
    assert "has no request" in done.stderr, done.stderr
    sys.exit(code or worker.exitcode)
"""


@pytest.fixture
def hostile(tmp_path):
    """A folder that a stranger has prepared: modules of every name that may be imported, and settings."""
    folder, mark = tmp_path / "hostile", str(tmp_path / "ran")
    folder.mkdir()
    modules = {name for name in packages_distributions() if name.isidentifier()} | sys.stdlib_module_names
    for name in modules | {"planwise", "flows", "ui", "expectations", "config", "sitecustomize"}:
        (folder / f"{name}.py").write_text(HOSTILE.format(mark=mark))
    (folder / ".env").write_text(STRANGERS_SETTINGS)
    for name in NOT_VALID:
        (folder / name).write_text("{[")
    return SimpleNamespace(folder=folder, ran=Path(mark))


def test_nothing_of_the_current_folder_is_run_or_believed_and_files_are_their_owners_only(hostile, tmp_path):
    script, home = tmp_path / "bin" / "planwise", tmp_path / "home"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    (hostile.folder / "people.csv").write_text("employee_id,annual_pay\n")
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, script, "census", "generate", "--employees", "20"],
        cwd=hostile.folder,
        env={**os.environ, "PLANWISE_HOME": "../home", "PYTHONPATH": path},
        umask=0o022,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, hostile.ran.exists()) == (0, False), done.stderr
    files = [file for file in (home, *home.rglob("*")) if not file.is_symlink()]
    assert [file for file in files if file.suffix == ".parquet"]
    assert [str(file) for file in files if file.stat().st_mode & 0o077] == []


def test_a_command_runs_in_its_home_with_the_callers_paths(hostile, home, monkeypatch):
    monkeypatch.chdir(hostile.folder)
    monkeypatch.setenv("PLANWISE_HOME", str(home))
    monkeypatch.setenv("PLANWISE_LEDGER_URL", "sqlite:///own.sqlite")
    monkeypatch.setenv("PLANWISE_GATE_THRESHOLDS", "own.yaml")
    arguments = {"file": Path("a.csv"), "request": CompareRequest(xlsx=Path("b.xlsx")), "number": 3}
    with cli._from_home(arguments):
        assert Path.cwd() == home.resolve()
        assert Settings().ledger == f"sqlite:///{hostile.folder}/own.sqlite"
        assert os.environ["PLANWISE_GATE_THRESHOLDS"] == f"{hostile.folder}/own.yaml"
        assert arguments["file"] == hostile.folder / "a.csv" and arguments["number"] == 3
        assert arguments["request"].xlsx == hostile.folder / "b.xlsx"
    assert Path.cwd() == hostile.folder


@pytest.mark.parametrize("name", ["HOME", "PROJECT", "CACHE_DIR"])
def test_the_homes_env_file_is_read_but_names_no_code_and_no_other_home(called, home, name):
    file = home / ".env"
    file.write_text("PLANWISE_THREADS=3\nPLANWISE_AUTH=basic\n")
    try:
        assert Settings(home=home).threads == 3
        assert SignInSettings(home=home).auth == "basic"
        file.write_text(f"PLANWISE_{name}=/elsewhere\n")
        done = called("census", "list")
        assert done.code == 2 and f"sets PLANWISE_{name}, which only the environment can" in done.err
    finally:
        file.unlink()


def test_a_census_is_deleted_with_its_versions_and_reports_unless_it_is_needed(called, home):
    for name, employees in (("old", 30), ("old", 31), ("older", 32), ("kept", 33)):
        generate_census(Settings(home=home), employees=employees, name=name)
    for name in ("old", "older", "kept"):
        (home / "imports" / f"20260101T000000000000-{name}").mkdir(parents=True)
    called("scenario", "create", "on_old", "--set", "cola_rate=0.03")
    with open_ledger(Settings(home=home)) as ledger:
        ledger.scenarios.create("held", census="older")
    needed = {"kept": "is in use", "older": "the census of held", "absent": "Unknown census"}
    for name, reason in needed.items():
        done = called("census", "delete", name, "--yes")
        assert done.code == 2 and reason in done.err
    asked = called("census", "delete", "old")
    assert asked.code == 2 and "Nothing was deleted" in asked.err and "4 folders or files" in asked.err
    assert only_json(called("census", "delete", "old", "--yes", "--json"))["deleted"] is True
    left = {path.name.partition("-")[2] or path.name for path in (home / "imports").iterdir()}
    assert left == {"older", "kept"}
    stored = {path.name.partition("-")[0] for path in (home / "censuses" / ".versions").iterdir()}
    assert "old" not in stored and {"older", "kept"} <= stored
    assert not (home / "censuses" / "old").is_symlink()
