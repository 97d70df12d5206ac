"""Filter the rows of a file by an SQL expression that reads nothing but these rows."""

import json
import threading
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from planwise.census.numbers import POINT, parse_money
from planwise.errors import InputError
from planwise.masking import mask_values

if TYPE_CHECKING:
    pass

CHARACTERS_MAX = 10_000
SECONDS_MAX = 60
CONFIG: dict[str, Any] = {
    "python_enable_replacements": False,
    "threads": 1,
    "memory_limit": "2GB",
    "temp_directory": "",
}
ROW = "row number of the file"  # no header is so long by chance
TABLE, MONEY = "file", "money"
# Functions of their arguments alone, none of which makes a value much larger than those.
_OPERATORS = "+ - * / // % ** ^ & | ~ << >> || @ ~~ !~~ ~~* !~~* ~~~ like_escape not_like_escape ilike_escape"
_TEXTS = (
    "lower upper lcase ucase trim ltrim rtrim length len strlen substr substring left right concat concat_ws "
    "contains starts_with prefix suffix ends_with strpos instr position reverse split_part strip_accents "
    "nfc_normalize ascii chr not_ilike_escape regexp_matches regexp_full_match regexp_extract like ilike "
    "levenshtein jaro_winkler_similarity replace regexp_replace translate md5 sha256 hash"
)
_NUMBERS = (
    "abs round floor ceil ceiling trunc sign sqrt ln log log10 log2 exp pow power mod greatest least add "
    "subtract multiply divide isnan isfinite isinf even money"
)
_DATES = (
    "year month day quarter week weekday dayofweek dayofyear isodow date_part datepart date_trunc datetrunc "
    "date_diff datediff date_sub datesub date_add age last_day make_date strftime strptime try_strptime "
    "monthname dayname to_years to_months to_weeks to_days to_hours to_minutes to_seconds epoch"
)
_OTHERS = "coalesce ifnull nullif if isnull notnull typeof"
_OVER_ROWS = (
    "row_number rank dense_rank rank_dense percent_rank cume_dist ntile lag lead first_value last_value "
    "nth_value first last any_value count count_star count_if sum avg mean min max median mode bool_and "
    "bool_or arg_max arg_min max_by min_by stddev stddev_samp stddev_pop var_samp var_pop variance "
    "quantile_cont quantile_disc"
)
FUNCTIONS = frozenset(f"{_OPERATORS} {_TEXTS} {_NUMBERS} {_DATES} {_OTHERS} {_OVER_ROWS}".split())
REPLACING = frozenset({"replace", "regexp_replace", "translate"})  # by one character at most
NESTED_TYPES = frozenset({"LIST", "ARRAY", "STRUCT", "MAP", "UNION"})
SPECIAL = frozenset({"SUBQUERY", "LAMBDA", "STAR", "PARAMETER", "POSITIONAL_REFERENCE", "DEFAULT"})


def kept_rows(frame: pd.DataFrame, expression: str) -> npt.NDArray[np.bool_]:
    """Return for each row whether the expression is true (NULL is not); raises InputError on a bad one.

    It is a pure function of the file's rows: no chance, clock, setting, file or subquery.
    """
    import duckdb  # only a file with a filter needs it

    used = _columns_used(expression, list(map(str, frame.columns)))
    try:
        return _evaluate(_as_text(frame[used]), expression)
    except duckdb.InterruptException as error:
        raise InputError(
            f"The filter {_shown(expression)} took more than {SECONDS_MAX} seconds.",
            remedy="Give a simpler one.",
        ) from error
    except duckdb.Error as first:
        try:
            return _evaluate(_as_numbers(frame[used]), expression)
        except duckdb.Error:
            raise _not_evaluated(expression, first, frame.columns) from first


def _columns_used(expression: str, headers: list[str]) -> list[str]:
    """Return the columns that the expression names; raises InputError where it uses more than the rows."""
    import duckdb

    if len(expression) > CHARACTERS_MAX:
        raise InputError(f"The filter has {len(expression):,} characters; at most {CHARACTERS_MAX:,} fit.")
    with duckdb.connect(":memory:", config=CONFIG) as connection:
        found = connection.execute("SELECT json_serialize_sql(?)", [_query(expression)]).fetchone()
        tree = json.loads(found[0]) if found else {}
        if tree.get("error"):
            raise _not_evaluated(expression, str(tree.get("error_message")), headers)
        if len(tree["statements"]) != 1:
            raise InputError(f"The filter {_shown(expression)} is more than one expression.")
    lower = {header.casefold(): header for header in headers}
    used = []
    query = tree["statements"][0]["node"]
    for node in _nodes([query.pop("select_list")[1:], query]):
        if (part := _impure(node)) is not None:
            raise InputError(
                f"The filter {_shown(expression)} uses {part}, which is no function of a row's cells.",
                remedy="Give an expression over the columns, with the usual functions of text, numbers and "
                "dates, and window functions; write dates out instead of today's.",
            )
        if node.get("class") == "COLUMN_REF":
            parts = [part for part in node["column_names"] if part.casefold() != TABLE] or [TABLE]
            header = parts[0] if parts[0] in headers else lower.get(parts[0].casefold())
            if header is None:
                near = get_close_matches(parts[0], headers, n=1)
                raise _not_evaluated(
                    expression, f"there is no column {parts[0]!r}", headers, near[0] if near else None
                )
            used.append(header)
    return list(dict.fromkeys(used))


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Return every object of a parsed expression."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _impure(node: Mapping[str, Any]) -> str | None:
    """Return what in a part of an expression is no function of the rows, or not bounded; None if nothing."""
    name = str(node.get("function_name", "")).casefold()
    if node.get("class") in SPECIAL:
        return str(node["class"]).lower().replace("_", " ")
    if name and name not in FUNCTIONS:
        return name
    if name in REPLACING:
        by = node["children"][2:3]
        if by and (by[0].get("class") != "CONSTANT" or len(str(by[0]["value"].get("value", ""))) > 1):
            return f"{name} by more than one character"
    kind = node.get("cast_type") or {}
    return f"a {kind['id'].lower()}" if kind.get("id") in NESTED_TYPES else None


def _query(expression: str) -> str:
    return f'SELECT "{ROW}", ({expression}\n) AS keep FROM {TABLE}'


def _shown(expression: str) -> str:
    return repr(expression if len(expression) <= 200 else f"{expression[:200]}…")


def _not_evaluated(expression: str, reason: object, headers: Any, near: str | None = None) -> InputError:
    text = str(reason).split("\n\n")[0].strip()
    return InputError(
        f"The filter {_shown(expression)} cannot be evaluated: {mask_values(text)}",
        remedy=f"Did you mean {near!r}?"
        if near
        else f"Write one true-or-false SQL expression over: {', '.join(map(repr, headers))}.",
    )


def _evaluate(table: pa.Table, expression: str) -> npt.NDArray[np.bool_]:
    import duckdb

    with duckdb.connect(":memory:", config=CONFIG) as connection:
        connection.register("source", table)
        connection.execute(f"CREATE TABLE {TABLE} AS SELECT * FROM source")
        connection.unregister("source")
        connection.execute(
            rf"CREATE MACRO {MONEY}(t) AS "
            r"TRY_CAST(regexp_replace(t::VARCHAR, '[$,\s]', '', 'g') AS DECIMAL(14,2))"
        )
        connection.execute("SET enable_external_access = false; SET lock_configuration = true")
        clock = threading.Timer(SECONDS_MAX, connection.interrupt)
        clock.start()
        try:
            result = connection.execute(_query(expression))
            kinds = [str(column[1]) for column in result.description or []]
            answer = result.fetchnumpy()
        finally:
            clock.cancel()
    if len(kinds) != 2 or kinds[1] != "BOOLEAN" or len(answer[ROW]) != table.num_rows:
        raise InputError(
            f"The filter {_shown(expression)} is not a true-or-false expression over the rows.",
            remedy="Give an expression as after WHERE.",
        )
    keep = np.zeros(table.num_rows, dtype=bool)
    keep[answer[ROW]] = np.ma.filled(answer["keep"], False)
    return keep


def _as_text(frame: pd.DataFrame) -> pa.Table:
    texts = frame.where(frame != "", None)
    columns = {str(name): pa.array(texts[name], pa.string()) for name in frame.columns}
    return pa.table({ROW: pa.array(range(len(frame)), pa.int64())} | columns)


def _as_numbers(frame: pd.DataFrame) -> pa.Table:
    table = _as_text(frame)
    for position, name in enumerate(frame.columns, start=1):
        filled = frame[name] != ""
        money = parse_money(frame[name][filled], POINT)
        if filled.any() and not money.bad.any():
            numbers = np.full(len(frame), np.nan)
            numbers[filled.to_numpy()] = money.cents / 100
            table = table.set_column(position, str(name), pa.array(numbers, pa.float64(), from_pandas=True))
    return table
