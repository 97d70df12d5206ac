"""Impact on cost: payroll and what a year adds to it, against another simulation of the same years."""

import math
from collections.abc import Mapping
from typing import Any

from planwise.engine.outcome import Kpis

FIGURES = ("payroll", "payroll_change")
# payroll: annual base pay × FTE of the active at year end; payroll_change: what a year adds to it.


Amounts = dict[str, float | None]


def cost_impact(before: Kpis, after: Kpis) -> dict[str, Any]:
    """Return what changes, in currency and as a rate of what it was before, by year and in sum.

    `payroll` over the horizon is the sum of the years' payrolls, `payroll_change` that of the changes; a rate
    is None where there was nothing before, an amount where the KPIs do not have it. `highest_payroll` is the
    highest of any year.
    """
    years = [
        {"simulation_year": old["simulation_year"], **_compared(_figures(old), _figures(new))}
        for old, new in zip(before, after, strict=True)
    ]
    highest = [max(float(year["payroll"]) for year in kpis) for kpis in (before, after)]
    return {
        "years": years,
        "horizon": _compared(_sums(before), _sums(after)),
        "highest_payroll": _difference(*highest),
    }


def _figures(year: Mapping[str, Any]) -> Amounts:
    return {name: None if year.get(name) is None else float(year[name]) for name in FIGURES}


def _sums(kpis: Kpis) -> Amounts:
    by_name = {name: [_figures(year)[name] for year in kpis] for name in FIGURES}
    return {
        name: None if None in amounts else math.fsum(a for a in amounts if a is not None)
        for name, amounts in by_name.items()
    }


def _compared(before: Amounts, after: Amounts) -> dict[str, Amounts]:
    return {name: _difference(before[name], after[name]) for name in FIGURES}


def _difference(before: float | None, after: float | None) -> Amounts:
    if before is None or after is None:
        return {"before": before, "after": after, "difference": None, "difference_rate": None}
    difference = after - before
    rate = difference / abs(before) if before else None
    return {"before": before, "after": after, "difference": difference, "difference_rate": rate}
