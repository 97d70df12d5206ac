"""Labels of a study: state, objectives, targets, measures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from planwise.formatting import count, money, money_short, percent, points, ratio, seconds
from ui.components.html import Tone
from ui.values.studies import (
    CANCELLED,
    INTERRUPTED,
    LEVER,
    PART,
    RUNNING,
    StudyLever,
    StudySummary,
    StudyTrials,
)

AUTOMATIC = ""  # of the strategy: what the study takes when none is named
STRATEGIES: Mapping[str, str] = {
    "solve": "Finds the smallest change of the levers that meets the target; proves it with 1 to 3 plans.",
    "auto": "Looks at levers, constraints, noise and time, picks one of the others and says why.",
    "conservative": "Tuning loop in small steps (10% of the gap, shrinking): COLA first, lower levels more.",
    "balanced": "Tuning loop in medium steps (30% of the gap, shrinking).",
    "aggressive": "Tuning loop in large steps (50% of the gap, shrinking).",
    "slsqp": "Follows the slopes; quick where the outcome is smooth and levers are few.",
    "l-bfgs-b": "Follows the slopes within bounds; constraints by penalty.",
    "tnc": "As l-bfgs-b, more careful steps.",
    "cobyla": "Needs no slopes; constraints handled directly.",
    "cobyqa": "Needs no slopes; the best choice with several constraints.",
    "differential-evolution": "A population that evolves; for many levers, or ones that move whole people.",
    "tpe": "Learns from all trials where good levers lie; for fronts, and any constraint.",
    "nsga2": "Genetic study for a front of trade-offs; from about 1,000 trials.",
    "cmaes": "Adapts its search direction; without constraints only.",
    "random": "Draws that learn nothing: a yardstick for the others.",
    "gp": "Gaussian process: few, well-chosen trials; needs PyTorch.",
}
OBJECTIVES: Mapping[str, str] = {
    "cost": "Cost: payroll added over the years",
    "equity": "Equity: spread of pay within levels",
    "adjusted_gap": "Adjusted gap: between alike people",
    "targets": "Target: squared distance of growth",
}
SHORT: Mapping[str, str] = {
    "cost": "cost",
    "equity": "equity",
    "adjusted_gap": "adjusted gap",
    "targets": "target",
    "change": "change",
}
PURPOSES: Mapping[str, str] = {
    "baseline": "as it is",
    "lowest": "least growth",
    "highest": "most growth",
    "reach": "reach",
    "nearest": "nearest",
    "seed": "other seed",
    "start": "start",
    "sample": "draw",
    "slope": "slope",
    "verify": "verification",
    "robustness": "other seed",
    "sensitivity": "sensitivity",
    "alone": "lever alone",
}
STOPPED: Mapping[str, str] = {
    "converged": "the target was met",
    "trials": "all trials were taken",
    "iterations": "all iterations were taken",
    "timeout": "its time was up",
    "stagnation": "nothing better came for a while",
    "cancelled": "it was cancelled",
    "interrupted": "its process ended",
    "unreachable": "the target is out of reach",
}


def objectives_text(objectives: tuple[tuple[str, float | None], ...]) -> str:
    """Return what is minimised, in short."""
    if not objectives:
        return "least change"
    if all(weight is None for _, weight in objectives):
        return "front of " + " × ".join(SHORT[name] for name, _ in objectives)
    return " + ".join(f"{weight:g} {SHORT[name]}" for name, weight in objectives)


def purpose(name: str) -> str:
    """Return what a trial was for, in words."""
    return PURPOSES.get(name, name)


def stop_reason(reason: str) -> str:
    """Return why a study ended, as the end of a sentence."""
    return STOPPED.get(reason, reason)


def study_state(study: StudyTrials | StudySummary) -> tuple[str, Tone]:
    """Return how a study stands, in a word or three, and its tone."""
    if study.state == RUNNING:
        return "Running", ""
    if isinstance(study, StudyTrials):
        outcome = study.outcome or {}
        converged, reachable = outcome.get("converged"), outcome.get("reachable")
    else:
        converged, reachable = study.converged, study.reachable
    target = study.target
    if study.state.startswith("failed"):
        return "Failed", "bad"
    if study.state == INTERRUPTED:
        return "Interrupted", "warn"
    if study.state == CANCELLED:
        return "Cancelled", "warn"
    if converged is None:
        return "Ended without a result", "warn"
    if converged:
        return ("Converged" if target is not None else "Best found"), "good"
    return ("Best found", "warn") if reachable else ("Out of reach", "bad")


def target_text(target: float | None, tolerance: float | None = None) -> str:
    """Return a target with its tolerance; an en dash where none is sought."""
    if target is None or target != target:
        return "–"
    near = "" if tolerance is None else f" ± {points(tolerance, 2).lstrip('+')}"
    return f"{percent(target, 2)}{near}"


PP = 100.0


@dataclass(frozen=True)
class Measure:
    """A column of the trials; `axis` is Plotly's format of it."""

    column: str
    name: str
    write: Callable[[Any], str]
    axis: str


def _pct(value: Any) -> str:
    return percent(value, 2)


GROWTH = Measure("growth", "Annual growth (CAGR)", _pct, ".2%")
SCORE = Measure("score", "Objective (lower is better)", lambda v: ratio(v, 4), ".4~g")
OUTCOMES = (
    GROWTH,
    Measure("cost", "Payroll added over the years, $", money_short, "$.4~s"),
    Measure("payroll", "Highest payroll of a year, $", money_short, "$.4~s"),
    Measure("within_level_cv", "Spread within levels (CV)", lambda v: percent(v, 2), ".1%"),
    Measure("adjusted_gap", "Adjusted gap", _pct, ".2%"),
    Measure("below_minimum", "People under their range", count, ",d"),
    Measure("raise_max", "Highest raise of a year", lambda v: percent(v, 1), ".0%"),
)


def parts_of(study: StudyTrials) -> tuple[Measure, ...]:
    """Return the objectives asked, each scaled by the scenario as it is."""
    return tuple(_part(name) for name in sorted(study.named(PART), key=list(SHORT).index))


def measures_of(study: StudyTrials) -> tuple[Measure, ...]:
    """Return what the trials of a study can be compared by; what no trial has is left out."""
    own = (*parts_of(study), *(() if study.spec.multi_objective else (SCORE,)))
    return tuple(one for one in (*own, *OUTCOMES) if study.trials[one.column].notna().any())


def lever_measure(lever: StudyLever) -> Measure:
    """Return a tuned lever as a measure."""
    return Measure(lever.column, lever.label, _pct, ".1%")


def named(measures: tuple[Measure, ...], column: str) -> Measure:
    """Return a measure by its column; the first when none has it."""
    return next((one for one in measures if one.column == column), measures[0])


def lever_change(old: Any, new: Any) -> str:
    """Return how far a lever moved, in points of its unit."""
    return "–" if old is None or new is None else points(float(new) - float(old))


def gap(value: Any) -> str:
    """Return target minus growth."""
    return "–" if value is None or value != value else points(float(value) / PP)


def _part(name: str) -> Measure:
    title = f"{SHORT[name].capitalize()} (1: unchanged scenario)"
    if name == "targets":
        title = "Target (squared tolerances off)"
    elif name == "change":
        title = "Change (weighted, squared widths)"
    return Measure(PART + name, title, lambda v: ratio(v, 4), ".3~g")


__all__ = ["GROWTH", "LEVER", "OUTCOMES", "SCORE", "Measure", "count", "money", "percent", "seconds"]
