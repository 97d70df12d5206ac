"""The Python API as its notebooks use it: they are run by Jupyter's client in kernels of their own."""

import os
import pickle
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from sqlmesh import Context

import planwise as pw
from planwise.engine import command_line
from planwise.errors import Busy, GateBlocked, InputError, PlanWiseError, UnexpectedError
from planwise.governance import current_user, open_ledger
from planwise.governance.permissions import Forbidden
from planwise.settings import REPOSITORY
from planwise.storage import hold_lock

NOTEBOOKS = REPOSITORY / "docs" / "notebooks"


# A last cell: what the cells before it have shown, IPython's `Out`.
KEEP = 'import pathlib, pickle\npathlib.Path("shown.pickle").write_bytes(pickle.dumps(list(Out.values())))'


def run_notebook(name, folder):
    """Run a notebook in a kernel of its own; return the value of each cell that ends with one."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are not stored"
    notebook.cells.append(nbformat.v4.new_code_cell(KEEP))
    NotebookClient(notebook, timeout=280, resources={"metadata": {"path": str(folder)}}).execute()
    return pickle.loads((folder / "shown.pickle").read_bytes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    before, umask = os.getcwd(), os.umask(0o022)
    os.chdir(tmp_path_factory.mktemp("notebooks"))
    yield Path.cwd()
    os.chdir(before)
    os.umask(umask)


@pytest.fixture(scope="module")
def what_if(folder):
    return run_notebook("what-if", folder)


@pytest.fixture(scope="module")
def home(what_if):
    return pw.open("notebook-home")


def test_the_what_if_notebook(what_if, home):
    said, baseline, without_2028, curve, outcome, by_level, kind = what_if
    assert said == "400 people as of 2025-12-31"
    assert list(baseline.index) == [2026, 2027, 2028, 2029, 2030]
    assert without_2028.increase_rate[2027] - without_2028.increase_rate[2028] == pytest.approx(
        0.02, abs=1e-3
    )
    assert np.diff(curve) == pytest.approx(np.diff(curve)[0], rel=0.01), "COLA costs in proportion"
    assert outcome[0].startswith("passed") and outcome[1]
    assert by_level["count"].sum() == 400 and str(kind.type).startswith("decimal")
    published = home.mart("fct_scenario_kpis", "cola_two")
    stored, previewed = published.pandas(), pd.DataFrame(home.preview("cola_two").kpis)
    stored = stored.sort_values("simulation_year")
    assert stored.payroll.tolist() == previewed.payroll.astype(float).tolist()
    assert float(sum(published.arrow()["payroll"].to_pylist())) == pytest.approx(stored.payroll.sum())


def test_the_study_notebook(home, folder):
    shown = run_notebook("study", folder)
    scenarios, (converged, reached, saved), changes, compared, difference = shown
    assert scenarios == ["baseline", "cola_two"]
    assert converged and reached == pytest.approx(0.035, abs=1e-3) and saved == "baseline_optimized"
    assert (changes.new > changes.old).all() and set(compared.columns.get_level_values(0)) == {
        "cola_two",
        saved,
    }
    assert (difference.low <= difference["mean"]).all() and (difference["mean"] <= difference.high).all()
    assert home.published() == ("baseline_optimized", "cola_two")


def test_files_are_their_owners_and_the_notebooks_mask_is_kept(home):
    assert os.umask(0o022) == 0o022
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in home.settings.root.rglob("*")}
    assert modes == {0}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda home: home.preview(cola_rat=0.02), "cola_rate"),
        (lambda home: home.preview(cola_rate=0.5), "hard bounds"),
        (lambda home: home.preview(seed="x"), "seed: Input should be a valid integer"),
        (lambda home: home.simulate("missing"), "Unknown scenario 'missing'"),
        (lambda home: home.optimize(target="increase"), "increase=0.035"),
        (lambda home: home.compare("cola_two"), "2 scenarios"),
        (lambda home: home.mart("fct_pay"), "fct_pay_equity"),
        (lambda home: home.mart("fct_budget", "missing"), "planwise simulate --scenario missing"),
        (lambda home: pw.open(home.settings.root / "missing"), "create=True"),
    ],
)
def test_what_is_wrong_is_said(home, call, said):
    with pytest.raises(InputError) as raised:
        call(home)
    assert said in str(raised.value)


def test_the_role_of_the_user_is_asked(home):
    with open_ledger(home.settings) as ledger:
        for name, role in {current_user(): "admin", "ann": "approver", "mia": "auditor"}.items():
            ledger.roles.give(name, role, lambda *_: None)
    ann, mia = pw.open(home.settings.root, user="ann"), pw.open(home.settings.root, user="mia")
    kpis = ann.mart("fct_scenario_kpis", "cola_two").pandas()
    assert len(kpis) == 5 and len(mia.mart("fct_increases", "cola_two").pandas()) == 400
    for refused in (
        lambda: ann.mart("fct_increases", "cola_two"),
        lambda: ann.mart("fct_level_summary", "cola_two"),
        lambda: ann.compare("cola_two", "baseline_optimized"),
        lambda: mia.simulate("cola_two"),
        lambda: ann.create_scenario("other"),
        lambda: mia.generate_census(50),
        lambda: pw.open(home.settings.root, user="eve"),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_sqlmesh_opens_the_warehouse_of_a_home_and_locks_it(home, monkeypatch):
    lock = home.settings.warehouse_lock_file
    with hold_lock(lock, "simulate a", timeout_seconds=0), pytest.raises(Busy, match="simulate a"):
        command_line.home_config(home.settings, "cola_two")
    config = command_line.home_config(home.settings, "cola_two")
    with command_line.LOCKS, closing(Context(paths=[home.settings.project], config=config)) as context:
        with pytest.raises(Busy, match="sqlmesh on cola_two"), hold_lock(lock, "simulate", timeout_seconds=0):
            pass
        assert not context.diff("scenario_cola_two"), "the models are those of the scenario"
        assert context.diff("scenario_baseline_optimized")
        found = context.fetchdf("SELECT payroll FROM marts__scenario_cola_two.fct_scenario_kpis ORDER BY 1")
    stored = home.mart("fct_scenario_kpis", "cola_two").pandas()
    assert found.payroll.tolist() == sorted(stored.payroll)
    monkeypatch.setenv("PLANWISE_HOME", str(home.settings.root))
    monkeypatch.setenv(command_line.SCENARIO_VARIABLE, "missing")
    monkeypatch.setattr(command_line, "keep_private", lambda: None)
    with pytest.raises(SystemExit) as ended:
        command_line.command_line_config()
    assert ended.value.code == InputError.exit_code


def test_an_error_of_a_library_is_masked(home, monkeypatch, caplog):
    quoted = "employee 4711 earns 98765.40"

    def broken(*_):
        raise ValueError(quoted)

    monkeypatch.setattr("planwise.app.simulate.resolve_scenario", broken)
    with pytest.raises(UnexpectedError, match="ValueError") as raised:
        home.preview()
    assert raised.value.__cause__ is None and raised.value.__suppress_context__
    assert (
        "98765" not in str(raised.value) and "98765" not in caplog.text and "resolve_scenario" in caplog.text
    )


def test_importing_the_package_imports_nothing_slow():
    slow = {"duckdb", "pandas", "pydantic"}
    code = f"import sys, planwise; print(planwise.__version__, {slow} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1)[1].strip() == "set()"
    assert issubclass(GateBlocked, PlanWiseError)
    with pytest.raises(AttributeError, match="no attribute 'opened'"):
        _ = pw.opened
