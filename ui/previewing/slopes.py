"""What each lever does to growth at a point: finite differences, one simulation a lever."""

from collections.abc import Mapping, Sequence
from typing import Any

from planwise.parameters import Chain, EffectiveParameters, Lever
from planwise.risk.sensitivity import DYNAMICS_STEP_WIDTHS, STEP_WIDTHS

GROWTH = "growth_compound"  # of the last year: a year, since the census


def moved_parameters(here: EffectiveParameters) -> dict[str, tuple[float, EffectiveParameters]]:
    """Return the parameters with each lever one step away in every year, and the mean step.

    The step is the one of `planwise.risk.sensitivity`, towards the middle of the bounds. Levers that change
    who is promoted come first: the last ones leave a worker with the dynamics of here.
    """
    levers = [lever for lever in here.declared.levers.values() if not lever.locked]
    ordered = sorted(levers, key=lambda lever: lever.chain is not Chain.DYNAMICS)
    points = {}
    for lever in ordered:
        old = {year: float(str(here.value(lever.name, year))) for year in here.years}
        new = {year: _moved(lever, value) for year, value in old.items()}
        step = sum(new[year] - old[year] for year in old) / len(old)
        if step:
            changes = {f"{lever.name}@{year}": value for year, value in new.items()}
            points[lever.name] = (step, here.with_levers(changes))
    return points


def lever_slopes(value: float, values: Mapping[str, float], steps: Mapping[str, float]) -> dict[str, float]:
    """Return percentage points of growth per percentage point (.01 of a multiplier) of each lever."""
    return {name: (values[name] - value) / steps[name] for name in values}


def growth_of(kpis: Sequence[Mapping[str, Any]]) -> float | None:
    """Return compound growth over the horizon; None when nobody is left."""
    value = kpis[-1][GROWTH]
    return None if value is None else float(value)


def _moved(lever: Lever, value: float) -> float:
    low, high = lever.bounds
    width = lever.recommended[1] - lever.recommended[0]
    size = width * (DYNAMICS_STEP_WIDTHS if lever.chain is Chain.DYNAMICS else STEP_WIDTHS)
    return min(value + size, high) if value <= (low + high) / 2 else max(value - size, low)
