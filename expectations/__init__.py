"""Quality gates: suites as Python, thresholds as data, evaluated by Great Expectations."""

from expectations.gate import run_gate
from planwise.gate import GateCheck, GateResult, require

__all__ = ["GateCheck", "GateResult", "require", "run_gate"]
