"""The ledger: scenarios, levers in force, simulation runs."""

from planwise.governance.chain import EventType
from planwise.governance.connection import LedgerUnusable
from planwise.governance.ledger import (
    Ledger,
    SimulationRun,
    SimulationRuns,
    current_user,
    effective_parameters,
    open_ledger,
    require_role,
    utc_now,
    years_of,
)
from planwise.governance.permissions import Action
from planwise.governance.scenarios import DynamicLevers, Scenario, Scenarios

__all__ = [
    "Action",
    "DynamicLevers",
    "EventType",
    "Ledger",
    "LedgerUnusable",
    "Scenario",
    "Scenarios",
    "SimulationRun",
    "SimulationRuns",
    "current_user",
    "effective_parameters",
    "open_ledger",
    "require_role",
    "utc_now",
    "years_of",
]
