"""The table of faults names tests that exist, and every fault that has to be survived is in it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAD = ["fault", "what one sees", "exit", "tests"]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
CODES = {"0", "1", "2", "3", "4", "5", "130", "137", "143"}
SURVIVED = (
    *("kill −9 in a simulation", "kill −9 in a study", "kill −9 while a result", "kill −9 in a release"),
    *("disk full", "read-only", "corrupt warehouse, Parquet", "missing or empty ledger"),
    *("Prefect server away", "Dask", "two runs", "cancelled", "fifty malformed", "any value"),
    "SQL, HTML, formula of a spreadsheet, path",
)


def rows():
    lines = [line for line in (ROOT / "docs" / "robustness.md").read_text().splitlines() if line[:1] == "|"]
    found = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert [cell.strip() for cell in found[0]] == HEAD
    return found[2:]


@cache
def functions_of(file):
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:40])
def test_a_fault_has_a_message_an_exit_code_and_tests_that_exist(row):
    fault, message, codes, tests = row
    assert fault and message
    assert set(codes.split(", ")) <= CODES
    named = TEST.findall(tests)
    assert named and len(named) == tests.count("`") // 2
    assert [f"{file}::{name}" for file, name in named if name not in functions_of(file)] == []


def test_every_fault_that_has_to_be_survived_is_in_the_table():
    faults = [row[0] for row in rows()]
    assert [fault for fault in SURVIVED if not any(fault in one for one in faults)] == []
