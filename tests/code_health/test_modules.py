"""How code is cut: sizes of files and folders, modules with one user, class names with one meaning."""

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("planwise", "flows", "ui", "expectations")
AROUND = ("sqlmesh_project", "benchmarks", "scripts", "tests")
LINES_MAX, TEST_LINES_MAX = 500, 600
SINGLE_USER_LINES_MIN = 120
MODULES_MIN, MODULES_MAX = 4, 12

# Folders with another number of modules, and why.
FOLDER_SIZES: dict[str, str] = {
    "planwise": "what the packages share, each by its name",
    "planwise/app": "a module for each use-case",
    "planwise/calibration": "a module for each thing to be estimated, then report and backtest",
    "planwise/census": "a module for each thing to be read: text, dates, numbers, pay, people, filters",
    "planwise/cli": "a file for each command group",
    "planwise/engine": "SQLMesh by its parts: plans, previews, upkeep, its command line, another database",
    "planwise/study": "flat: the nouns of a study, from its question to its result",
    "planwise/study/report": "what a report shows, its charts, and their theme",
    "ui/components": "a module for each thing that pages are made of",
    "ui/pages/approvals": "a page folder has 3 to 6 modules",
    "ui/pages/audit": "one list with its filters",
    "ui/pages/learn": "a page folder has 3 to 6 modules",
    "ui/pages/release": "a page folder has 3 to 6 modules",
    "ui/queries": "a reader for each subject",
    "ui/values": "the values of each subject",
}
# Modules under 120 lines with one importer in their folder, and why they are files of their own.
SINGLE_USER: dict[str, str] = {}
# Class names with several meanings, and why.
CLASS_NAMES: dict[str, str] = {}


def files(*folders: str) -> list[Path]:
    return [
        file
        for folder in folders
        for file in sorted((ROOT / folder).rglob("*.py"))
        if "migrations" not in file.parts
    ]


def name_of(file: Path) -> str:
    return str(file.relative_to(ROOT))


@cache
def tree_of(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def dotted(file: Path) -> str:
    return name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def importers() -> dict[str, set[str]]:
    """Return module -> modules of the product that import it, at the top or in a function."""
    modules = {dotted(file) for file in files(*PRODUCT)}
    found: dict[str, set[str]] = defaultdict(set)
    for file in files(*PRODUCT):
        for node in ast.walk(tree_of(file)):
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names = {
                    part if (part := f"{node.module}.{alias.name}") in modules else node.module
                    for alias in node.names
                }
            else:
                continue
            for name in names & modules - {dotted(file)}:
                found[name].add(dotted(file))
    return found


def test_a_file_holds_one_concept():
    limits = {"tests": TEST_LINES_MAX}
    lines = {name_of(f): len(f.read_text(encoding="utf-8").splitlines()) for f in files(*PRODUCT, *AROUND)}
    too_long = {n: count for n, count in lines.items() if count > limits.get(n.split("/")[0], LINES_MAX)}
    assert too_long == {}


def test_a_small_module_has_more_than_one_user():
    small = {}
    for file in files(*PRODUCT):
        users = importers().get(dotted(file), set())
        lines = len(file.read_text(encoding="utf-8").splitlines())
        folder = dotted(file).rpartition(".")[0]
        if (
            file.name != "__init__.py"
            and lines < SINGLE_USER_LINES_MIN
            and len(users) == 1
            and {user.rpartition(".")[0] for user in users} == {folder}
        ):
            small[name_of(file)] = sorted(users)
    assert {name: users for name, users in small.items() if name not in SINGLE_USER} == {}
    assert set(SINGLE_USER) <= set(small), "the list names modules that it no longer needs to"


def test_a_folder_has_a_readable_number_of_modules():
    sizes: dict[str, int] = defaultdict(int)
    for file in files(*PRODUCT):
        if file.name != "__init__.py":
            sizes[str(file.parent.relative_to(ROOT))] += 1
    outside = {f: n for f, n in sizes.items() if not MODULES_MIN <= n <= MODULES_MAX}
    assert {folder: n for folder, n in outside.items() if folder not in FOLDER_SIZES} == {}
    assert set(FOLDER_SIZES) <= set(outside), "the list names folders that it no longer needs to"


def test_a_class_name_has_one_meaning():
    places: dict[str, list[str]] = defaultdict(list)
    for file in files(*PRODUCT):
        for node in tree_of(file).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(name_of(file))
    twice = {name: where for name, where in places.items() if len(where) > 1}
    assert {name: where for name, where in twice.items() if name not in CLASS_NAMES} == {}
    assert set(CLASS_NAMES) <= set(twice), "the list names classes that it no longer needs to"


def loaded_first(module: str, file: Path, modules: set[str]) -> set[str]:
    """Return what a module's top-level imports load: the modules named, and the packages they are in."""
    named: set[str] = set()
    for node in tree_of(file).body:
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            named |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parts = [name.split(".") for name in named & modules]
    loaded = {".".join(part[: end + 1]) for part in parts for end in range(len(part))}
    own = module.split(".")
    return (loaded & modules) - {".".join(own[: end + 1]) for end in range(len(own))}


def test_no_module_is_loaded_while_it_waits_for_itself():
    paths = {dotted(file): file for file in files(*PRODUCT, "benchmarks")}
    left = {module: loaded_first(module, file, set(paths)) for module, file in paths.items()}
    while ready := {module for module, needed in left.items() if not needed & left.keys()}:
        left = {module: needed for module, needed in left.items() if module not in ready}
    assert {module: sorted(needed & left.keys()) for module, needed in left.items()} == {}


@pytest.mark.parametrize("listed", [FOLDER_SIZES, SINGLE_USER, CLASS_NAMES])
def test_every_exception_has_a_reason(listed):
    assert all(len(reason) > 10 for reason in listed.values())
