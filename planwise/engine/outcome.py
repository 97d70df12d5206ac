"""The summary and the outcome of a plan, as plain values."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

Kpis = list[dict[str, Any]]
"""One object per simulated year, by year: the columns of `fct_scenario_kpis`; money and rates as numbers."""


def column_of(figure: str, group: str) -> str:
    """Return the KPI column of a group's figure: `mean_market_ratio[department=Police]`."""
    return f"{figure}[{group}]"


@dataclass(frozen=True)
class PlanSummary:
    """What a plan will do, known before it runs."""

    environment: str
    fingerprint: str
    models_to_run: tuple[str, ...]
    models_reused: tuple[str, ...]
    models_left_out: tuple[str, ...]

    def __str__(self) -> str:
        run, reused = len(self.models_to_run), len(self.models_reused)
        return f"{run} models to run, {reused} reused"


@dataclass(frozen=True)
class ModelRun:
    """One model that has run, audits included; `rows` is None for a view."""

    name: str
    seconds: float
    rows: int | None

    def __str__(self) -> str:
        rows = "" if self.rows is None else f", {self.rows:,} rows"
        return f"{self.name}: {self.seconds:.2f} s{rows}"


@dataclass(frozen=True)
class PlanOutcome:
    """What a plan did; `seconds` is wall time, from the parameters to tables that can be read."""

    environment: str
    fingerprint: str
    seconds: float
    models_run: tuple[str, ...]
    models_reused: tuple[str, ...]
    kpis: Kpis
    timings: tuple[ModelRun, ...] = ()


def kpi_rows(result: "duckdb.DuckDBPyConnection") -> list[dict[str, Any]]:
    """Return one object per row of an executed query; decimals become floats, SQL nulls None."""
    names = [column[0] for column in result.description]
    return [
        {
            name: float(value) if isinstance(value, Decimal) else value
            for name, value in zip(names, row, strict=True)
        }
        for row in result.fetchall()
    ]
