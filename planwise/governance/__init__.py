"""The ledger: scenarios, levers in force, simulation runs."""

from planwise.governance.connection import LedgerUnusable
from planwise.governance.ledger import (
    Ledger,
    SimulationRun,
    SimulationRuns,
    effective_parameters,
    open_ledger,
    utc_now,
    years_of,
)
from planwise.governance.scenarios import DynamicLevers, Scenario, Scenarios

__all__ = [
    "DynamicLevers",
    "Ledger",
    "LedgerUnusable",
    "Scenario",
    "Scenarios",
    "SimulationRun",
    "SimulationRuns",
    "effective_parameters",
    "open_ledger",
    "utc_now",
    "years_of",
]
