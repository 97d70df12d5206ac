"""What is said about strategies, objectives, constraints and how a study stands."""

from collections.abc import Mapping

from ui.components.html import Tone
from ui.values.formatting import percent, points
from ui.values.searches import CANCELLED, INTERRUPTED, RUNNING, Search, SearchSummary

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
    "nsga2": "Genetic search for a front of trade-offs; from about 1,000 trials.",
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


def stopped(reason: str) -> str:
    """Return why a study ended, as the end of a sentence."""
    return STOPPED.get(reason, reason)


def standing(study: Search | SearchSummary) -> tuple[str, Tone]:
    """Return how a study stands, in a word or three, and its tone."""
    if study.state == RUNNING:
        return "Running", ""
    if isinstance(study, Search):
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
