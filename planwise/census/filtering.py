"""Choose rows by a boolean SQL expression over the file's columns, where it can touch nothing else.

The expression runs in an in-memory DuckDB that holds only the file's rows, without access to files, network,
extensions or Python variables. Columns are text as in the file, blank is NULL; where the expression needs
numbers (`AnnualSalary > 20000`), columns that hold only numbers or money are numbers.
"""

from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from planwise.census.parsing import parse_money
from planwise.errors import InputError

CONFIG: dict[str, Any] = {"python_enable_replacements": False, "threads": 1}
NUMBERS_STYLE = "1,234.56"


def kept_rows(frame: pd.DataFrame, expression: str) -> npt.NDArray[np.bool_]:
    """Return for each row whether the expression is true (NULL is not); raises InputError on a bad one."""
    try:
        return _evaluate(_as_text(frame), expression)
    except duckdb.Error as first:
        try:
            return _evaluate(_as_numbers(frame), expression)
        except duckdb.Error:
            reason = str(first).split("\n\n")[0].strip()
            raise InputError(
                f"The filter {expression!r} cannot be evaluated: {reason}",
                remedy=f"Write one true-or-false SQL expression over: {', '.join(map(repr, frame.columns))}.",
            ) from first


def _evaluate(table: pa.Table, expression: str) -> npt.NDArray[np.bool_]:
    with duckdb.connect(":memory:", config=CONFIG) as connection:
        connection.register("source", table)
        connection.execute("CREATE TABLE file AS SELECT * FROM source")
        connection.unregister("source")
        connection.execute(
            r"CREATE MACRO money(t) AS "
            r"TRY_CAST(regexp_replace(t::VARCHAR, '[$,\s]', '', 'g') AS DECIMAL(14,2))"
        )
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        query = f"SELECT row_number, ({expression}\n) AS keep FROM file"
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise InputError(f"The filter {expression!r} is more than one expression.")
        result = connection.execute(statements[0])
        kinds = [str(column[1]) for column in result.description or []]
        answer = result.fetchnumpy()
    if len(kinds) != 2 or kinds[1] != "BOOLEAN" or len(answer["row_number"]) != table.num_rows:
        raise InputError(
            f"The filter {expression!r} is not a true-or-false expression over the rows.",
            remedy="Give what would stand after WHERE.",
        )
    keep = np.zeros(table.num_rows, dtype=bool)
    keep[answer["row_number"]] = np.ma.filled(answer["keep"], False)
    return keep


def _as_text(frame: pd.DataFrame) -> pa.Table:
    texts = frame.where(frame != "", None)
    columns = {str(name): pa.array(texts[name], pa.string()) for name in frame.columns}
    return pa.table({"row_number": pa.array(range(len(frame)), pa.int64())} | columns)


def _as_numbers(frame: pd.DataFrame) -> pa.Table:
    table = _as_text(frame)
    for position, name in enumerate(frame.columns, start=1):
        filled = frame[name] != ""
        money = parse_money(frame[name][filled], NUMBERS_STYLE)
        if filled.any() and not money.bad.any():
            numbers = np.full(len(frame), np.nan)
            numbers[filled.to_numpy()] = money.cents / 100
            table = table.set_column(position, str(name), pa.array(numbers, pa.float64(), from_pandas=True))
    return table
