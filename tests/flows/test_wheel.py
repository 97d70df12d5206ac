"""The wheel, installed in an environment of its own and run outside the checkout."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from types import SimpleNamespace

import pytest

from benchmarks.serving import let_in, serving
from planwise.settings import REPOSITORY
from tests.browser.conftest import browser, visits_in, window_of  # noqa: F401, the first is a fixture

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

LEARN = "ui/assets/learn/models.md"
UNTRACKED_TOO = ("--cached", "--others", "--exclude-standard")


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_of(folder):
    return {path for path in folder.rglob("*") if path.suffix != ".pyc" and path.name != "__pycache__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Build a source distribution and the wheel from it; install that beside the packages used here."""
    folder = tmp_path_factory.mktemp("wheel")
    source, built, venv = folder / "source", folder / "built", folder / "venv"
    for name in run("git", "-C", str(REPOSITORY), "ls-files", "-z", *UNTRACKED_TOO).split("\0")[:-1]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        if (REPOSITORY / name).exists():
            shutil.copy(REPOSITORY / name, source / name, follow_symlinks=False)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    python = (sys.executable, "-P", "-m")
    run(*python, "build", "--no-isolation", "-o", str(built), str(source), env=clean)
    run(*python, "venv", "--without-pip", str(venv))
    packages = next(venv.glob("lib/python*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    pip = (*python, "pip", "-q", "--python", str(venv / "bin/python"), "install", "--no-index", "--no-deps")
    run(*pip, *map(str, built.glob("*.whl")), env=clean)
    outside = folder / "elsewhere"
    outside.mkdir()
    environment = clean | {"PLANWISE_HOME": str(folder / "home"), "COLUMNS": "200"}
    return SimpleNamespace(
        home=folder / "home",
        packages=packages,
        environment=environment,
        command=(str(venv / "bin/planwise"),),
        planwise=lambda *tokens, **more: run(
            str(venv / "bin/planwise"), *tokens, cwd=outside, env=environment | more
        ),
        outside=outside,
    )


def test_an_installed_wheel_runs_the_main_job_outside_a_checkout(wheel, server, browser):  # noqa: F811
    installed = files_of(wheel.packages)
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    done = json.loads(wheel.planwise("demo", "--employees", "500", "--json", PREFECT_API_URL=server))
    checks = json.loads(wheel.planwise("doctor", "--json"))
    found = {check["name"]: (check["status"], check["found"]) for check in checks["checks"]}
    assert done["study"]["converged"] and done["increases"]["rows"] == done["rows"] == 500
    assert found["installation"] == ("ok", f"PlanWise {version} in {wheel.packages}")
    assert checks["ok"] and wheel.planwise("--version").strip() == version
    assert (wheel.packages / LEARN).read_bytes() == (REPOSITORY / "docs/reference/models.md").read_bytes()
    with (
        (wheel.home / "serve.log").open("w+") as log,
        serving(wheel.home, log, program=wheel.command, environment=wheel.environment) as served,
        window_of(browser) as window,
        visits_in(window) as visit,
    ):
        let_in(window, served)
        page = visit(f"{served.url}/?page=results")
        page.wait_for_function("document.title.startsWith('Results · ')")
        assert page.locator("h1").inner_text() == "Results of baseline"
        assert page.locator(".kpi:visible").count() > 3
    assert files_of(wheel.packages) == installed, "nothing is written into the installation"
    assert list(wheel.outside.iterdir()) == [], "nor into the current folder"


def test_an_installation_that_lacks_its_models_says_so(wheel):
    project = {"PLANWISE_PROJECT": str(wheel.outside)}
    done = subprocess.run(
        [*wheel.command, "preview", "--json"],
        env=wheel.environment | project,
        cwd=wheel.outside,
        capture_output=True,
        text=True,
        timeout=60,
    )
    error = json.loads(done.stdout)["error"]
    assert done.returncode == 2
    assert "is not the SQLMesh project" in error["what"] and "PLANWISE_PROJECT" in error["remedy"]
