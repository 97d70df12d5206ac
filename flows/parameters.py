"""What a flow is asked for: the parameters of deployments, of commands and of the dashboard."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from planwise.governance import BASELINE
from planwise.parameters import Value, canonical_overrides
from planwise.study.objectives import parse_objectives
from planwise.study.spec import (
    DEFAULT_ITERATIONS,
    DEFAULT_SEEDS,
    DEFAULT_TOLERANCE_RATE,
    default_strategy,
)

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


class OptimizeRequest(ScenarioRequest):
    """Look for the levers that meet a growth target, on top of a scenario; publish what is found."""

    target_growth: float | None = Field(
        default=None,
        description="Compound annual growth of mean base pay since the census; default the scenario's target",
    )
    strategy: str | None = Field(
        default=None, description="How to look; default solve for a target, auto for objectives"
    )
    objectives: str | None = Field(
        default=None,
        description="cost=.4,equity=.3,targets=.3, or cost,equity (a front), a preset; default least change",
    )
    constraints: tuple[str, ...] = Field(default=(), description="Such as payroll<=1e9 or merit_monotone")
    tolerance: float = Field(default=DEFAULT_TOLERANCE_RATE, description="How near is near enough, a rate")
    max_iterations: int = Field(default=DEFAULT_ITERATIONS, description="For the tuning loops")
    trials: int | None = Field(default=None, description="For sampling strategies")
    timeout_seconds: float | None = Field(default=None, description="Stop asking for trials after this")
    stagnation: int | None = Field(default=None, description="Stop after so many trials without a better one")
    seeds: int = Field(
        default=DEFAULT_SEEDS, description="Replicates for robustness and payroll_risk; 0 none"
    )
    workers: int = Field(default=1, ge=1, description="Processes that evaluate trials side by side")
    tune: tuple[str, ...] | None = Field(default=None, description="Levers to tune; default all pay levers")
    by_year: bool = Field(default=False, description="Tune each lever once a year")
    lock: tuple[str, ...] = Field(default=(), description="Levers to leave alone")
    preview: bool = Field(default=False, description="Decide on previews; nothing is verified or published")
    single_iteration: bool = Field(default=False, description="Only the strategy's first step, to look at")
    publish: bool = Field(default=True, description="Simulate and publish what was found")
    save_as: str | None = Field(default=None, description="Its scenario; default <scenario>_optimized")
    resume: str | None = Field(default=None, description="Go on with this study")

    @property
    def chosen_strategy(self) -> str:
        """The strategy asked for, or the one taken when none is; raises InputError as objectives do."""
        return self.strategy or default_strategy(parse_objectives(self.objectives) if self.objectives else ())

    @property
    def target_scenario(self) -> str:
        """The scenario that keeps what was found."""
        return self.save_as or f"{self.scenario}_optimized"


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
    keep_studies: int = Field(default=5, ge=0, description="Studies whose best trials stay as environments")


def assigned(overrides: Mapping[str, Value]) -> Assignments:
    """Return overrides as a request takes them."""
    return dict(overrides)
