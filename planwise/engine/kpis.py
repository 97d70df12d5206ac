"""KPIs as plain numbers."""

from decimal import Decimal
from typing import Any

import duckdb


def kpi_rows(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """Return one object per row of an executed query; decimals become floats, SQL nulls None."""
    names = [column[0] for column in result.description]
    return [
        {
            name: float(value) if isinstance(value, Decimal) else value
            for name, value in zip(names, row, strict=True)
        }
        for row in result.fetchall()
    ]
