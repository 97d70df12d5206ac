"""A past simulation as the views see it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class PastRun:
    """One simulation of the ledger: seconds of its models; growth and payroll of the last year, or None.

    `by` is who started it in the dashboard, empty for the command line.
    """

    scenario: str
    started_at: datetime
    seconds: float
    models_run: int
    models_reused: int
    gate: str
    published: bool
    by: str
    growth: float | None
    payroll: float | None
