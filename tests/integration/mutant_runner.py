"""Run pytest with one module changed, each time in a fork of a process that has imported the libraries.

A line of standard input is JSON: module, text, changed text, tests, and a file for what pytest prints. The
answer is a line with its exit code.
"""

import importlib
import json
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader

import pytest

LIBRARIES = (
    "cyclopts", "duckdb", "hypothesis", "openpyxl", "optuna", "pandas", "panel", "panel_material_ui",
    "plotly.graph_objects", "pyarrow.parquet", "pydantic_settings", "rich.markdown", "scipy.optimize",
    "scipy.stats", "sqlalchemy.orm", "sqlglot", "xlsxwriter",
)  # fmt: skip
LEFT_OUT = ("cacheprovider", "unraisableexception", "anyio", "xdist", "faulthandler")  # plugins
# A failure need not be explained here: no assertion is rewritten.
OPTIONS = ("-q", "-x", "--assert=plain", *(part for name in LEFT_OUT for part in ("-p", f"no:{name}")))


class MutatedLoader(SourceFileLoader):
    def __init__(self, fullname, path, change):
        super().__init__(fullname, path)
        self._change = change

    def get_code(self, fullname):  # compiled anew: the cached bytecode is the unchanged module's
        return self.source_to_code(self.get_data(self.path).decode().replace(*self._change), self.path)


class MutantFinder(MetaPathFinder):
    def __init__(self, module, *change):
        self._module, self._change = module, change

    def find_spec(self, fullname, path, target=None):
        if fullname != self._module:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        spec.loader = MutatedLoader(fullname, spec.origin, self._change)
        return spec


def run_tests(module, text, changed, tests, output):
    """Redirect this process to a file, change the module and run the tests; return pytest's exit code."""
    assert module not in sys.modules
    with open(output, "wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    sys.meta_path.insert(0, MutantFinder(module, text, changed))
    code = pytest.main([*OPTIONS, tests])
    sys.stdout.flush()
    return code


def main():
    for library in LIBRARIES:
        importlib.import_module(library)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(run_tests(*json.loads(line)))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
