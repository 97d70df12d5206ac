"""What a plan will do and what it did, as plain values."""

from dataclasses import dataclass
from typing import Any

Kpis = list[dict[str, Any]]
"""One object per simulated year, by year: the columns of `fct_scenario_kpis`; money and rates as numbers."""


@dataclass(frozen=True)
class PlanSummary:
    """What a plan is going to do, known before it runs."""

    environment: str
    fingerprint: str
    models_to_run: tuple[str, ...]
    models_reused: tuple[str, ...]
    models_left_out: tuple[str, ...]

    def __str__(self) -> str:
        run, reused = len(self.models_to_run), len(self.models_reused)
        return f"{run} models to run, {reused} reused"


@dataclass(frozen=True)
class PlanOutcome:
    """What a plan did; `seconds` is wall time, from the parameters to tables that can be read."""

    environment: str
    fingerprint: str
    seconds: float
    models_run: tuple[str, ...]
    models_reused: tuple[str, ...]
    kpis: Kpis
