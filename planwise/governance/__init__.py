"""The ledger: scenarios, levers in force, simulation runs."""

from planwise.governance.connection import LedgerUnusable
from planwise.governance.dynamic_levers import DynamicLevers
from planwise.governance.effective import effective_parameters, years_of
from planwise.governance.ledger import Ledger, open_ledger, utc_now
from planwise.governance.runs import SimulationRun, SimulationRuns
from planwise.governance.scenario import BASELINE, Scenario
from planwise.governance.scenarios import Scenarios

__all__ = [
    "BASELINE",
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
