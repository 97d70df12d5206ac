"""Requests of the use-cases, shared by commands, flows, deployments and the dashboard."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from cyclopts import Parameter
from pydantic import Field, model_validator

from planwise.census.mapping import PayIs, PayUnit
from planwise.governance.request import Bounds, DaskAddress, Request, ScenarioRequest, form_choices

MAPPING_OPTIONS = {"encoding", "skip_rows", "pay_unit", "hours_per_year", "pay_is", "currency"}


class SimulateRequest(ScenarioRequest):
    """Simulate a scenario, gate it, publish it."""


class IngestRequest(Request):
    """Import a payroll file."""

    file: Path = Field(description="CSV, Excel or Parquet")
    name: str | None = Field(default=None, description="Name of the census; default from the file name")
    mapping: dict[str, Any] | Path | None = Field(
        default=None, description="Column mapping, or the path of its YAML file"
    )
    as_of: date | None = Field(default=None, description="Date of the census; default today")
    levels: str | None = Field(
        default=None,
        description="pay-quantiles or ranges",
        json_schema_extra=form_choices(lambda: ("pay-quantiles", "ranges")),
    )
    row_filter: str | None = Field(default=None, description="Boolean SQL over the file's columns")
    encoding: str | None = Field(default=None, description="Encoding of a text file; default by its bytes")
    skip_rows: int | None = Field(default=None, description="Lines above the header")
    pay_unit: PayUnit | None = Field(default=None, description="Unit of pay in the file")
    hours_per_year: float | None = Field(default=None, description="Hours of a full-time year")
    pay_is: PayIs | None = Field(default=None, description="What the amounts of part-timers are")
    currency: str | None = Field(default=None, description="ISO code; rows in another are rejected")

    def reading(self) -> dict[str, Any]:
        """Return the arguments of `read_census`."""
        return {
            "mapping": self.mapping,
            "as_of": self.as_of,
            "levels": self.levels,
            "row_filter": self.row_filter,
            "options": self.model_dump(include=MAPPING_OPTIONS),
            "name": self.name,
        }


class GenerateRequest(Request):
    """Generate a synthetic census."""

    employees: Annotated[int, Bounds(1, 1_000_000)] = Field(default=1000, description="Number of employees")
    seed: Annotated[int, Bounds(low=0)] = Field(default=42, description="The same seed gives the same census")
    name: str | None = Field(default=None, description="Name of the census; default synthetic_<employees>")


class SweepRequest(Request):
    """Simulate many scenarios; variants by `seeds` and `grid` are compared, not published."""

    scenarios: tuple[str, ...] = Field(default=(), description="Names; default every scenario")
    seeds: tuple[int, ...] = Field(default=(), description="Further seeds for each scenario")
    grid: dict[str, tuple[float, ...]] = Field(default={}, description="Values to try, by lever")
    census: str | None = Field(
        default=None, description="Name of a census; scenarios of another one are tried on it, not published"
    )
    workers: Annotated[int, Bounds(1, 64)] = Field(
        default=1, description="Processes that simulate variants, each with a database of its own"
    )

    dask: DaskAddress = Field(
        default=None,
        description="Simulate variants on a Dask cluster: tcp://HOST:PORT of its scheduler, or local",
    )

    @model_validator(mode="after")
    def _grid_has_values(self) -> Self:
        if empty := [name for name, values in self.grid.items() if not values]:
            raise ValueError(f"the grid of {', '.join(empty)} is empty")
        return self


class MaintainRequest(Request):
    """Delete what is no longer needed; `dry_run` only lists it."""

    dry_run: Annotated[bool, Parameter(negative="--apply")] = Field(
        default=True, description="List what would be deleted; --apply deletes it."
    )
    keep_studies: Annotated[int, Bounds(low=0)] = Field(
        default=5, description="Number of newest studies whose best trials are kept."
    )
    keep_checkpoints: Annotated[int | None, Bounds(low=1)] = Field(
        default=None,
        description="Number of newest checkpoints to keep, beside the baseline and the last release; "
        "all without.",
    )
