"""What a flow is asked for: the parameters of deployments, of commands and of the dashboard."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from planwise.governance import BASELINE
from planwise.parameters import Value, canonical_overrides

Assignments = dict[str, bool | int | float | str | None]


class Request(BaseModel):
    """Frozen; an unknown field is an error, not a wish that goes unheard."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ScenarioRequest(Request):
    """One scenario, and changes for this run that are not stored."""

    scenario: str = Field(default=BASELINE, description="Name of a scenario")
    levers: Assignments = Field(default={}, description="Lever changes, e.g. cola_rate or cola_rate@2028")
    assumptions: Assignments = Field(default={}, description="Assumption changes, likewise")
    seed: int | None = Field(default=None, ge=0, description="Seed of the random draws")
    years: str | None = Field(default=None, description="A count (5) or a range (2026-2030)")
    census: str | None = Field(default=None, description="Name of a census; default the scenario's")

    def changes(self) -> dict[str, Value]:
        """Return the overrides on top of the scenario's own, canonical; raises InputError."""
        named = {"seed": self.seed, "years": self.years}
        given = {name: value for name, value in named.items() if value is not None}
        return {
            **canonical_overrides(self.levers, "lever"),
            **canonical_overrides({**self.assumptions, **given}, "assumption"),
        }


class SimulateRequest(ScenarioRequest):
    """Simulate a scenario, gate it, publish it."""


class IngestRequest(Request):
    """Bring a payroll file in."""

    file: Path = Field(description="CSV, Excel or Parquet")
    name: str | None = Field(default=None, description="Name of the census; default from the file name")
    mapping: dict[str, Any] | Path | None = Field(
        default=None, description="What the columns are: a mapping, or the path of a YAML file"
    )
    as_of: date | None = Field(default=None, description="Date of the census; default today")
    levels: str | None = Field(default=None, description="pay-quantiles or ranges")
    row_filter: str | None = Field(default=None, description="Boolean SQL over the file's columns")


class SweepRequest(Request):
    """Simulate many scenarios; `seeds` and `grid` span variants of each that are compared, not published."""

    scenarios: tuple[str, ...] = Field(default=(), description="Names; default every scenario there is")
    seeds: tuple[int, ...] = Field(default=(), description="Further seeds for each scenario")
    grid: dict[str, tuple[float, ...]] = Field(default={}, description="Values to try, by lever")
    census: str | None = Field(default=None, description="Name of a census; default each scenario's own")

    @model_validator(mode="after")
    def _grid_has_values(self) -> Self:
        if empty := [name for name, values in self.grid.items() if not values]:
            raise ValueError(f"the grid of {', '.join(empty)} is empty")
        return self


class MaintainRequest(Request):
    """House-keeping; `dry_run` only says what would go."""

    dry_run: bool = Field(default=True, description="Only say what would be removed")


def assigned(overrides: Mapping[str, Value]) -> Assignments:
    """Return overrides as a request takes them."""
    return dict(overrides)
