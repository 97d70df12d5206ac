"""What is done in one place only: each row names a construct, the files that may use it, and why."""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import real_data

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("planwise", "flows", "ui", "expectations", "benchmarks")


def imports(*modules: str) -> Callable[[ast.AST], bool]:
    """Match the import of a module or of a part of it."""

    def matches(node: ast.AST) -> bool:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            return False
        return any(name == module or name.startswith(f"{module}.") for name in names for module in modules)

    return matches


def calls(*functions: str) -> Callable[[ast.AST], bool]:
    """Match a call that is written `module.function(...)`."""
    return lambda node: isinstance(node, ast.Call) and ast.unparse(node.func) in functions


def renames_a_path(node: ast.AST) -> bool:
    """Match `path.rename(target)`; `rename` of a table is called in other ways."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "rename"
        and len(node.args) == 1
        and not node.keywords
        and not isinstance(node.args[0], ast.Constant | ast.Dict)
    )


@dataclass(frozen=True)
class Rule:
    """A construct and its one place; `example` is what the rule must find."""

    construct: str
    matches: Callable[[ast.AST], bool]
    example: str
    place: tuple[str, ...]


IN_THEIR_ONE_PLACE = [
    Rule("fcntl", imports("fcntl"), "import fcntl", ("planwise/storage.py",)),
    Rule("filelock", imports("filelock"), "from filelock import FileLock", ("planwise/storage.py",)),
    Rule("os.replace", calls("os.replace", "os.rename"), "os.replace(a, b)", ("planwise/storage.py",)),
    Rule("Path.rename", renames_a_path, "part.rename(folder / name)", ("planwise/storage.py",)),
    Rule(
        "own temporary file",
        calls("tempfile.mkstemp", "tempfile.NamedTemporaryFile"),
        "tempfile.mkstemp(dir=folder)",
        ("planwise/storage.py",),
    ),
    Rule("multiprocessing", imports("multiprocessing"), "import multiprocessing", ("planwise/workers.py",)),
    Rule("socket", imports("socket"), "import socket", ("planwise/processes.py",)),
]


@cache
def nodes_of(file: Path) -> tuple[ast.AST, ...]:
    looked_for = (ast.Import, ast.ImportFrom, ast.Call)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return tuple(node for node in ast.walk(tree) if isinstance(node, looked_for))


def uses(rule: Rule) -> Iterator[str]:
    for file in (file for folder in PACKAGES for file in sorted((ROOT / folder).rglob("*.py"))):
        name = str(file.relative_to(ROOT))
        if name not in rule.place:
            for node in nodes_of(file):
                if rule.matches(node):
                    yield f"{name}:{node.lineno}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("rule", IN_THEIR_ONE_PLACE, ids=lambda rule: rule.construct)
def test_a_construct_is_used_in_its_one_place(rule):
    assert list(uses(rule)) == [], f"{rule.construct} belongs in {', '.join(rule.place)}"


@pytest.mark.parametrize("rule", IN_THEIR_ONE_PLACE, ids=lambda rule: rule.construct)
def test_a_rule_finds_its_construct(rule):
    assert any(rule.matches(node) for node in ast.walk(ast.parse(rule.example)))
    assert all((ROOT / place).is_file() for place in rule.place)


def test_names_of_test_files_that_run_together_are_unique():
    folders = [folder for folder in (ROOT / "tests").iterdir() if folder.name not in ("browser", "flows")]
    names = Counter(file.name for folder in folders for file in folder.rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_the_folder_of_real_payrolls_is_read_in_one_place():
    files = (ROOT / "tests").rglob("*.py")
    uses_variable = [file.name for file in files if real_data.VARIABLE in file.read_text(encoding="utf-8")]
    assert uses_variable == ["real_data.py"]


@pytest.mark.parametrize(
    ("marked", "outcome", "expected", "result"),
    [
        (True, "skipped", True, "failed"),
        (True, "skipped", False, "skipped"),
        (True, "passed", True, "passed"),
        (False, "skipped", True, "skipped"),
    ],
)
def test_a_test_of_real_payrolls_that_skips_is_a_failure_where_they_are_expected(
    marked, outcome, expected, result, tmp_path
):
    report = pytest.TestReport(
        "t", ("t.py", 1, "t"), {real_data.MARK: 1} if marked else {}, outcome, ("t.py", 1, "why"), "call"
    )
    data = tmp_path if expected else None
    real_data.fail_skipped(report, data)
    assert report.outcome == result
    assert ("skipped, although" in str(report.longrepr)) is (outcome != result)
    said = real_data.summary([report], None)
    assert (said is not None and said.startswith("1 tests of real payrolls")) is marked


def test_real_payrolls_that_are_expected_but_not_there_end_the_run(tmp_path):
    marks = []
    item = SimpleNamespace(get_closest_marker=lambda name: name == real_data.MARK, add_marker=marks.append)
    with pytest.raises(pytest.UsageError, match=f"{real_data.VARIABLE} names .*{tmp_path.name}"):
        real_data.require_or_skip([item], tmp_path)
    (tmp_path / "payroll").mkdir()
    (tmp_path / "payroll" / "one.csv.gz").touch()
    real_data.require_or_skip([item], tmp_path)
    assert marks == []
    real_data.require_or_skip([item], None)
    assert [mark.name for mark in marks] == ["skip"]
