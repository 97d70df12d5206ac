"""The suites by name."""

from expectations.suites.base import Suite
from expectations.suites.census import CENSUS
from expectations.suites.simulation import SIMULATION
from expectations.suites.trial import TRIAL

SUITES: dict[str, Suite] = {suite.name: suite for suite in (CENSUS, SIMULATION, TRIAL)}

__all__ = ["SUITES", "Suite"]
