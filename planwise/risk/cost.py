"""Impact on cost: payroll and what a year adds to it, against another simulation of the same years."""

import math
from typing import Any

from planwise.engine.outcome import Kpis

FIGURES = ("payroll", "payroll_change")
# payroll: annual base pay × FTE of the active at year end; payroll_change: what a year adds to it.


def cost_impact(before: Kpis, after: Kpis) -> dict[str, Any]:
    """Return what changes, in currency and as a rate of what it was before, by year and in sum.

    `payroll` over the horizon is the sum of the years' payrolls, `payroll_change` that of the changes; a rate
    is None where there was nothing before. `highest_payroll` is the highest of any year.
    """
    years = [
        {"simulation_year": old["simulation_year"], **_compared(_figures(old), _figures(new))}
        for old, new in zip(before, after, strict=True)
    ]
    old_sum, new_sum = (
        {name: math.fsum(_figures(year)[name] for year in kpis) for name in FIGURES}
        for kpis in (before, after)
    )
    highest = [max(_figures(year)["payroll"] for year in kpis) for kpis in (before, after)]
    return {
        "years": years,
        "horizon": _compared(old_sum, new_sum),
        "highest_payroll": _difference(*highest),
    }


def _figures(year: dict[str, Any]) -> dict[str, float]:
    return {name: float(year[name] or 0.0) for name in FIGURES}


def _compared(before: dict[str, float], after: dict[str, float]) -> dict[str, dict[str, float | None]]:
    return {name: _difference(before[name], after[name]) for name in FIGURES}


def _difference(before: float, after: float) -> dict[str, float | None]:
    difference = after - before
    rate = difference / abs(before) if before else None
    return {"before": before, "after": after, "difference": difference, "difference_rate": rate}
