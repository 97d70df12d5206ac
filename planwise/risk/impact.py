"""Impact of each parameter: the difference between two sets of levers, taken apart by simulation.

Each changed lever is moved alone; what all of them do together beyond the sum of that is the remainder, their
interaction. Nothing is attributed by a formula: every part is a simulated difference, and they sum to the
whole.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from planwise.engine.outcome import Kpis

GROWTH, PAYROLL = "growth_compound", "payroll"
FIGURES = (GROWTH, PAYROLL)  # of the last year: a rate, and currency a year


@dataclass(frozen=True)
class Parts:
    """One figure's difference, taken apart: `alone` by lever, `remainder` what only all together do."""

    before: float
    after: float
    total: float
    alone: Mapping[str, float]
    remainder: float

    def as_json(self) -> dict[str, Any]:
        """Return the parts as JSON values."""
        return asdict(self)


def one_at_a_time(changed: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Return the levers to simulate: each changed one alone, by its name."""
    return {name: {name: value} for name, value in changed.items()}


def parameter_impact(before: Kpis, after: Kpis, alone: Mapping[str, Kpis]) -> dict[str, Parts]:
    """Take the last year's growth and payroll apart, given the KPIs with each changed lever alone.

    total = after − before = Σ alone + remainder. A figure that is not available is left out.
    """
    found = {}
    for name in FIGURES:
        values = [kpis[-1].get(name) for kpis in (before, after, *alone.values())]
        if any(value is None for value in values):
            continue
        old, new, *others = (float(value) for value in values if value is not None)
        parts = {lever: value - old for lever, value in zip(alone, others, strict=True)}
        total = new - old
        found[name] = Parts(old, new, total, parts, total - math.fsum(parts.values()))
    return found
