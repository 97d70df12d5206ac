"""The canonical census: exact Arrow types, one order, and a content hash that depends on nothing else."""

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from planwise.census.schema import ARROW_SCHEMA, DEFAULT_RATING, LEVELS_SCHEMA, RESERVED_ID_PREFIX
from planwise.errors import InputError

DEFAULTS: Mapping[str, Any] = {
    "birth_date": None,
    "gender": None,
    "ethnicity": None,
    "performance_rating": DEFAULT_RATING,
    "fte": 1,
}


def decimal_array(unscaled: npt.NDArray[np.int64], kind: pa.Decimal128Type) -> pa.Array:
    """Return unscaled integers (cents for money) as exact decimals, without a loop over rows."""
    words = np.empty((len(unscaled), 2), dtype="<i8")
    words[:, 0] = unscaled
    words[:, 1] = unscaled >> 63
    return pa.Array.from_buffers(kind, len(unscaled), [None, pa.py_buffer(words.tobytes())])


def unscaled_integers(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return a decimal column's unscaled integers (cents for money)."""
    parts = [
        np.frombuffer(chunk.buffers()[1], dtype="<i8")[2 * chunk.offset : 2 * (chunk.offset + len(chunk)) : 2]
        for chunk in column.chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _decimals(values: pd.Series, kind: pa.Decimal128Type) -> pa.Array:
    numbers = pd.to_numeric(values).to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise InputError(f"Column {values.name} holds a value that is not a number.")
    return decimal_array(np.rint(numbers * 10**kind.scale).astype(np.int64), kind)


def _arrow_column(values: pd.Series, field: pa.Field) -> pa.Array:
    if pa.types.is_decimal(field.type):
        return _decimals(values, field.type)
    if pa.types.is_date(field.type):
        return pa.array(
            pd.to_datetime(values, format="ISO8601").astype("datetime64[s]"), from_pandas=True
        ).cast(pa.date32())
    return pa.array(values, type=field.type, from_pandas=True)


def _table(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    missing = [name for name in schema.names if name not in frame.columns]
    if missing:
        raise InputError(f"Missing columns {', '.join(missing)}; found {', '.join(map(str, frame.columns))}.")
    try:
        arrays = [_arrow_column(frame[field.name].reset_index(drop=True), field) for field in schema]
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise InputError(f"The table does not have the declared types: {error}") from error
    for field, array in zip(schema, arrays, strict=True):
        if not field.nullable and array.null_count:
            raise InputError(f"Column {field.name} is required but {array.null_count} rows have no value.")
    return pa.table(arrays, schema=schema)


def census_table(frame: pd.DataFrame) -> pa.Table:
    """Return the canonical census, sorted by employee id, optional columns filled with their defaults.

    `frame` has the columns of the schema (base_pay in USD); raises InputError on missing columns or values,
    duplicate or reserved ids, and pay that is not positive.
    """
    table = _table(
        frame.assign(**{k: v for k, v in DEFAULTS.items() if k not in frame.columns}), ARROW_SCHEMA
    )
    ids = table["employee_id"]
    if len(ids) == 0:
        raise InputError("A census needs at least one employee; this one has none.")
    if pc.count_distinct(ids).as_py() != len(ids):
        raise InputError("Employee ids are not unique.")
    if pc.any(pc.starts_with(ids, RESERVED_ID_PREFIX)).as_py():
        raise InputError(
            f"Employee ids must not start with {RESERVED_ID_PREFIX}, reserved for simulated hires."
        )
    if unscaled_integers(table["base_pay"]).min() <= 0:
        raise InputError("base_pay must be above 0 for every employee.")
    return table.sort_by("employee_id").combine_chunks()


def levels_table(frame: pd.DataFrame) -> pa.Table:
    """Return the canonical pay ranges, lowest level first; the midpoint is computed from the range.

    Raises InputError unless the ranges are half-open, rising, contiguous (maximum = the next minimum).
    """
    ordered = frame.sort_values("level_id").assign(midpoint=lambda f: 0)
    table = _table(ordered, LEVELS_SCHEMA)
    low, high = unscaled_integers(table["minimum"]), unscaled_integers(table["maximum"])
    ids = table["level_id"].to_pylist()
    for position, level in enumerate(ids):
        if low[position] <= 0 or low[position] >= high[position]:
            raise InputError(
                f"Level {level}: the minimum {low[position] / 100:.2f} must be above 0 and below the maximum "
                f"{high[position] / 100:.2f}."
            )
        if position and (low[position] != high[position - 1] or level != ids[position - 1] + 1):
            raise InputError(
                f"Levels {ids[position - 1]}, {level} are not contiguous: "
                f"{high[position - 1] / 100:.2f} is the end of one, {low[position] / 100:.2f} the next.",
                remedy="Give consecutive levels whose maximum equals the next level's minimum.",
            )
    midpoints = decimal_array((low + high + 1) // 2, LEVELS_SCHEMA.field("midpoint").type)
    return table.set_column(3, LEVELS_SCHEMA.field("midpoint"), midpoints)


def content_hash(as_of: date, census: pa.Table, levels: pa.Table) -> str:
    """Return the SHA-256 of what the census says: date, rows in id order, ranges; never of file bytes."""
    digest = hashlib.sha256(f"planwise-census-1|{as_of.isoformat()}|{census.num_rows}".encode())
    for table in (census, levels):
        for field in table.schema:
            digest.update(f"|{field.name}:{field.type}|".encode())
            _update(digest, table[field.name], field.type)
    return digest.hexdigest()


def _update(digest: Any, column: pa.ChunkedArray, kind: pa.DataType) -> None:
    if pa.types.is_string(kind):
        values = column.to_pylist()
        digest.update(np.array([-1 if v is None else len(v) for v in values], dtype="<i4").tobytes())
        digest.update("".join(v for v in values if v is not None).encode())
    elif pa.types.is_decimal(kind):
        digest.update(unscaled_integers(column).astype("<i8").tobytes())
    else:
        numbers = column.cast(pa.int32()).fill_null(np.iinfo(np.int32).min)
        digest.update(numbers.to_numpy().astype("<i4").tobytes())
