"""The objectives that a study can minimize: each part is scaled by its baseline, so that weights compare.

Every part is dimensionless; cost, equity and adjusted_gap are 1 at the baseline, targets is 0 on target.
"""

import difflib
import math
from collections.abc import Iterable

from planwise.engine.outcome import Kpis
from planwise.errors import InputError

COST, EQUITY, ADJUSTED_GAP, TARGETS = "cost", "equity", "adjusted_gap", "targets"
OBJECTIVES = (COST, EQUITY, ADJUSTED_GAP, TARGETS)
PRESETS = {
    "conservative": ((COST, 0.6), (EQUITY, 0.3), (TARGETS, 0.1)),
    "balanced": ((COST, 0.4), (EQUITY, 0.3), (TARGETS, 0.3)),
    "growth": ((COST, 0.2), (EQUITY, 0.3), (TARGETS, 0.5)),
}
# Smallest baseline that a part is divided by: with a payroll change, a spread within
# levels or a gap near zero, noise of any size would look large.
COST_FLOOR = 0.01  # of the opening payroll
CV_FLOOR = 0.01
GAP_FLOOR = 0.001  # log points
GAP_UNMEASURED = 1.0  # log points: a penalty in place of a gap that cannot be measured

Objectives = tuple[tuple[str, float | None], ...]


def parse_objectives(text: str) -> Objectives:
    """Parse objectives such as `cost=.4,equity=.3` or `cost,equity`, or the name of a preset.

    Raises InputError for an unknown name (with the nearest), a weight that is not above 0, or weights for
    only some of them.
    """
    if text.strip() in PRESETS:
        return PRESETS[text.strip()]
    found: list[tuple[str, float | None]] = []
    for part in text.split(","):
        name, equals, weight = (piece.strip() for piece in part.partition("="))
        found.append((name, _weight(name, weight) if equals else None))
    return check_objectives(tuple(found))


def objectives_text(objectives: Iterable[tuple[str, float | None]]) -> str | None:
    """Return the text that `parse_objectives` reads as these objectives; None for no objectives."""
    parts = [name if weight is None else f"{name}={float(weight)!r}" for name, weight in objectives]
    return ",".join(parts) or None


def check_objectives(objectives: Objectives) -> Objectives:
    """Return the objectives if they are valid; raises InputError otherwise."""
    names = [name for name, _ in objectives]
    for name in names:
        if name not in OBJECTIVES:
            known = [*OBJECTIVES, *PRESETS]
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise InputError(
                f"Unknown objective {name!r}.",
                remedy=f"{hint}Objectives: {', '.join(OBJECTIVES)}; presets: {', '.join(PRESETS)}.",
            )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"The objective {', '.join(twice)} is named twice.", remedy="Name it once.")
    weights = [weight for _, weight in objectives]
    if any(weight is None for weight in weights) and any(weight is not None for weight in weights):
        raise InputError(
            "Some objectives have a weight and some have none.",
            remedy="Give every weight (one weighted objective), or none (a front of trade-offs).",
        )
    for name, weight in objectives:
        if weight is not None and not (math.isfinite(weight) and weight > 0):
            raise InputError(
                f"The weight {weight:g} of {name} is not above 0.",
                remedy="Give a number above 0, or leave the objective out.",
            )
    return objectives


def cost_part(kpis: Kpis, baseline: Kpis) -> float:
    """Return payroll change over the horizon / max(|the baseline's|, 1 % of its opening payroll)."""
    opening = float(baseline[0]["payroll"]) - float(baseline[0]["payroll_change"])
    scale = max(abs(_payroll_change(baseline)), COST_FLOOR * opening)
    return _payroll_change(kpis) / scale if scale > 0 else 0.0


def equity_part(kpis: Kpis, baseline: Kpis) -> float:
    """Return the last year's within-level coefficient of variation / max(the baseline's, .01)."""
    return _cv(kpis) / max(_cv(baseline), CV_FLOOR)


def adjusted_gap_part(kpis: Kpis, baseline: Kpis) -> float:
    """Return the last year's largest adjusted gap / max(the baseline's, .001).

    A gap that cannot be measured counts as 1 log point, and makes levers infeasible.
    """
    return _gap(kpis) / max(_gap(baseline), GAP_FLOOR)


def targets_part(reached: float, target: float, tolerance: float) -> float:
    """Return the squared gap to the target, in tolerances."""
    return ((reached - target) / tolerance) ** 2


def _payroll_change(kpis: Kpis) -> float:
    return math.fsum(float(year["payroll_change"]) for year in kpis)


def _cv(kpis: Kpis) -> float:
    cv = kpis[-1]["within_level_cv"]
    return 0.0 if cv is None else float(cv)


def _gap(kpis: Kpis) -> float:
    gap = kpis[-1]["adjusted_gap_max"]
    return GAP_UNMEASURED if gap is None else float(gap)


def _weight(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise InputError(
            f"The weight {text!r} of {name} is not a number.", remedy="Write `cost=.4,equity=.3,targets=.3`."
        ) from error
