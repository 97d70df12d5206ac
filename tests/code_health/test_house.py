"""Packaging and documentation match the code; no file names a package registry."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from planwise.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("planwise", "flows", "ui", "expectations")
PROJECTS = ("sqlmesh_project", "enrichment_project")
AROUND = ("tests", "benchmarks", "scripts")
REGISTRY_HOSTS = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|anaconda\.(?:org|com)|artifactory|"
    r"(?:^|\s)--(?:extra-)?index-url|(?:^|\s)--find-links|(?:^|\s)--trusted-host",
    re.MULTILINE | re.IGNORECASE,
)
# Locks aside, options that point pip elsewhere may only be switched off.
SWITCHED_OFF = re.compile(r"--no-emit-(?:index-url|find-links|trusted-host)")


def tracked_files():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of tracked files")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [file for name in listed.decode().split("\0") if name and (file := ROOT / name).is_file()]


def pins(lock):
    """Return name -> version of a lock file; anything else in it, or a version without hashes, fails."""
    found = {}
    text = (ROOT / lock).read_text(encoding="utf-8").replace(" \\\n", "")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        pin = re.fullmatch(
            r"([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==(\S+)(?:\s+--hash=sha256:[0-9a-f]{64})+", line
        )
        assert pin, f"{lock}: not a pinned version with hashes: {line!r}"
        found[canonicalize_name(pin[1])] = pin[2]
    return found


def requirements(*extras):
    optional = PROJECT["optional-dependencies"]
    return [
        Requirement(r) for group in (PROJECT["dependencies"], *(optional[e] for e in extras)) for r in group
    ]


def imported_names(folder):
    for file in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((alias.name.partition(".")[0], file) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                yield node.module.partition(".")[0], file


def test_what_make_installs_from_a_lock_must_have_its_hash():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = re.findall(r"\$\((?:PIP|INSTALL)\).*(?:install|\.lock).*", makefile)
    assert len(installs) == 4
    assert all("$(INSTALL)" in line or "--no-deps -" in line for line in installs)
    assert "\nINSTALL = sh scripts/install " in makefile
    script = (ROOT / "scripts/install").read_text(encoding="utf-8")
    installing = [line for line in script.splitlines() if " -m pip " in line]
    assert len(installing) == 1 and " install --no-deps --require-hashes " in installing[0]


def test_no_tracked_file_names_a_package_registry():
    named = {}
    for file in tracked_files():
        try:
            text = SWITCHED_OFF.sub("", file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
        if file != Path(__file__) and (found := REGISTRY_HOSTS.search(text)):
            named[str(file.relative_to(ROOT))] = found[0].strip()
    assert named == {}


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.lock", ()),
        ("requirements-team.lock", ("team",)),
        ("requirements-dev.lock", ("dev", "team", "scale")),
    ],
)
def test_the_lock_satisfies_pyproject(lock, extras):
    locked = pins(lock)
    unmet = {
        str(r): locked.get(canonicalize_name(r.name))
        for r in requirements(*extras)
        if (version := locked.get(canonicalize_name(r.name))) is None or not r.specifier.contains(version)
    }
    assert unmet == {}, "run `make lock`"


LOCKS = ("requirements.lock", "requirements-team.lock", "requirements-dev.lock")


def test_the_locks_agree_so_that_one_environment_serves_all():
    for smaller, larger in pairwise(map(pins, LOCKS)):
        assert {n: (v, larger.get(n)) for n, v in smaller.items() if larger.get(n) != v} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_asks_for_a_gigabyte_of_machine_learning(lock):
    assert not [n for n in pins(lock) if n == "torch" or n.startswith("nvidia-")]


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_can_install_the_project_itself_without_build_isolation(lock):
    assert int(pins(lock)["setuptools"].partition(".")[0]) >= 77


@pytest.mark.parametrize("folder", [*PACKAGES, "sqlmesh_project", *AROUND])
def test_what_is_imported_is_declared(folder):
    extras = ("team", "scale") if folder not in AROUND else ("dev", "team", "scale")
    declared = {canonicalize_name(r.name) for r in requirements(*extras)}
    distributions = packages_distributions()
    local = {path.stem for path in (*ROOT.iterdir(), *(ROOT / folder).rglob("*"))}
    undeclared = {
        name: str(file.relative_to(ROOT))
        for name, file in imported_names(folder)
        if name not in sys.stdlib_module_names
        and name not in local
        and not declared & {canonicalize_name(d) for d in distributions.get(name, [name])}
    }
    assert undeclared == {}, "declare it in pyproject.toml and run `make lock`"


def test_a_built_package_holds_every_file_of_its_packages(tmp_path):
    wanted = {
        str(file.relative_to(ROOT))
        for file in tracked_files()
        if file.relative_to(ROOT).parts[0] in (*PACKAGES, *PROJECTS) and file.name != ".gitkeep"
    }
    source = tmp_path / "source"
    for name in (*sorted(wanted), "pyproject.toml", "README.md", "LICENSE"):
        copy = source / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    subprocess.run([*command, "-w", str(tmp_path), str(source)], check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("planwise-*.whl")
    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_operator_guide_lists_every_setting():
    guide = (ROOT / "docs" / "operator-guide.md").read_text(encoding="utf-8")
    names = {f"PLANWISE_{field.upper()}" for field in Settings.model_fields}
    assert names - set(re.findall(r"`(PLANWISE_\w+)` \|", guide)) == set()


def test_the_map_of_the_code_names_every_folder_and_nothing_that_is_gone():
    page = (ROOT / "docs" / "code.md").read_text(encoding="utf-8")
    folders = {
        folder
        for package in ("planwise", "flows", "ui", "tests")
        for folder in (ROOT / package).rglob("*/")
        if any(folder.glob("*.py")) and "tests/unit/" not in str(folder)
    }
    missing = {str(folder.relative_to(ROOT)) for folder in folders if f"`{folder.name}/" not in page}
    assert {name for name in missing if not name.endswith("versions")} == set()
    there = {file.name for folder in (*PACKAGES, *AROUND) for file in (ROOT / folder).rglob("*.py")}
    assert {Path(name).name for name in re.findall(r"`([\w/]+\.py)", page)} - there == set()


@pytest.mark.parametrize(
    "page", ["README.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_to_files_of_the_project_lead_somewhere(page):
    file = ROOT / page
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", file.read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (file.parent / link).exists()] == []
