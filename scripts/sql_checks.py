"""Check the SQL models: their format, SQLMesh's linter and their unit tests.

As `sqlmesh format --check`, `lint` and `test` do, but what takes longest, loading the models, is done once.
"""

import gc
import os
import sys
from pathlib import Path

os.environ.setdefault("MAX_FORK_WORKERS", "1")  # never fork a process with threads: the first project's tests

from sqlmesh import Context
from sqlmesh.core.console import TerminalConsole, set_console
from sqlmesh.utils.errors import SQLMeshError

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = (ROOT / "sqlmesh_project", ROOT / "enrichment_project")


def lint(context: Context) -> bool:
    """Return whether the linter has nothing to say."""
    try:
        context.lint_models()
    except SQLMeshError as error:
        print(error)
        return False
    return True


def run_unit_tests(context: Context, project: Path) -> bool:
    """Return whether all unit tests, at least one a file, pass."""
    result = context.test()
    return result.testsRun >= len(list(project.glob("tests/test_*.yaml"))) and result.wasSuccessful()


def main() -> int:
    """Run every check; return 1 if any failed."""
    set_console(TerminalConsole())  # SQLMesh prints what it finds
    gc.disable()  # parsed SQL is very many objects that stay: scanning them took a third of the time
    return max(check(project) for project in PROJECTS)


def check(project: Path) -> int:
    """Run every check of one project; return 1 if any failed."""
    context = Context(paths=[project])
    passed = {
        "format": context.format(check=True),
        "lint": lint(context),
        "test": run_unit_tests(context, project),
    }
    for name, good in passed.items():
        print(f"sqlmesh {name} of {project.name}: {'ok' if good else 'FAILED'}")
    return 0 if all(passed.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
