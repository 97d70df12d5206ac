"""Draws as the models make them: the project's own macro, rendered and run on DuckDB."""

from functools import cache

import duckdb
import numpy as np
import numpy.typing as npt
from sqlglot import exp
from sqlmesh.core.dialect import parse_one
from sqlmesh.core.macros import MacroEvaluator
from worlds import shared

STREAMS = {
    "termination": "person",
    "termination_date": "person",
    "promotion": "person",
    "reduction": "person",
    "level": "hire_profile",
    "template": "hire_profile",
    "hire_date": "hire_profile",
    "range_position": "hire_profile",
    "drift_donor": "drift_donor",
    "new_hire_termination": "hire_exit",
    "new_hire_termination_date": "hire_exit",
}
PEOPLE = 20_000


@cache
def macro_sql(stream: str, block: str, seed: int, year: int) -> str:
    """Return the SQL of one draw, as `@draw(@draw_block(...), ...)` expands in a model."""
    draw_block, draw = (shared().macro(name) for name in ("draw_block", "draw"))
    evaluator = MacroEvaluator(dialect="duckdb")
    literal, column = exp.Literal.number, exp.column("employee_id")
    digest = draw_block(evaluator, literal(seed), literal(year), column, exp.column(block))
    expression = parse_one(digest, dialect="duckdb")
    return str(draw(evaluator, expression, exp.column(stream)))


@cache
def draws(stream: str, *, seed: int = 42, year: int = 2026, people: int = PEOPLE) -> npt.NDArray[np.float64]:
    """Return one stream's draws of EMP-000001, EMP-000002, ... in that order."""
    sql = macro_sql(stream, STREAMS[stream], seed, year)
    query = (
        f"SELECT {sql} AS u FROM (SELECT 'EMP-' || LPAD(CAST(n AS TEXT), 6, '0') AS employee_id, n "
        f"FROM RANGE(1, {people + 1}) AS t(n)) ORDER BY n"
    )
    return np.asarray(duckdb.sql(query).fetchnumpy()["u"], dtype=np.float64)
