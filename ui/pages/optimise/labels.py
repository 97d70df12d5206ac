"""Labels of a study: state, objectives, targets, measures."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from planwise.formatting import PAGE, count, is_missing, moment, money_short, percent, points, ratio
from planwise.parameters.catalogue import Unit
from planwise.study.spec import RISKY, added_risk, state_text
from planwise.study.target import Target
from ui.components.html import TableColumn, Tone
from ui.values.parameter_text import TIMES
from ui.values.studies import PART, StudyLever, StudySummary, StudyTrials

AUTOMATIC = ""  # strategy: the study's default
STRATEGIES: Mapping[str, str] = {
    "solve": "Finds the smallest change of the levers that meets the target; verifies it with 1 or 2 plans.",
    "auto": "Picks one of the others by levers, constraints, noise and time, and gives the reason.",
    "conservative": "Tuning loop in small steps (10% of the gap, shrinking): COLA first, lower levels more.",
    "balanced": "Tuning loop in medium steps (30% of the gap, shrinking).",
    "aggressive": "Tuning loop in large steps (50% of the gap, shrinking).",
    "slsqp": "Follows the slopes; fast for smooth outcomes and few levers.",
    "l-bfgs-b": "Follows the slopes within bounds; constraints by penalty.",
    "tnc": "Like l-bfgs-b, with more careful steps.",
    "cobyla": "Needs no slopes; constraints handled directly.",
    "cobyqa": "Needs no slopes; the best choice with several constraints.",
    "differential-evolution": "A population that evolves; for many levers, or those that change who stays.",
    "tpe": "Learns from all trials where good levers lie; for fronts, and any constraint.",
    "nsga2": "Genetic study for a front of trade-offs; from about 1,000 trials.",
    "cmaes": "Adapts its direction; only without constraints.",
    "random": "Random draws: a baseline for the others.",
    "gp": "Gaussian process: few, well-chosen trials; needs PyTorch.",
}
OBJECTIVES: Mapping[str, str] = {
    "cost": "Cost: payroll added over the years",
    "equity": "Spread of pay within levels",
    "adjusted_gap": "Adjusted gap: between comparable people",
    "targets": "Target: squared distance from it",
}
SHORT: Mapping[str, str] = {
    "cost": "cost",
    "equity": "spread within levels",
    "adjusted_gap": "adjusted gap",
    "targets": "target",
    "change": "change",
}
PURPOSES: Mapping[str, str] = {
    "baseline": "baseline",
    "lowest": "lowest bounds",
    "highest": "highest bounds",
    "reach": "reach",
    "nearest": "nearest",
    "seed": "other draw",
    "check": "check of the chance",
    "start": "start",
    "sample": "sample",
    "slope": "slope",
    "verify": "verification",
    "robustness": "other draw",
    "sensitivity": "sensitivity",
    "alone": "lever alone",
}


def objectives_text(objectives: tuple[tuple[str, float | None], ...]) -> str:
    """Return the objectives in short."""
    if not objectives:
        return "least change"
    if all(weight is None for _, weight in objectives):
        return "front of " + " × ".join(SHORT[name] for name, _ in objectives)
    return " + ".join(f"{weight:g} {SHORT[name]}" for name, weight in objectives)


def purpose(name: str) -> str:
    """Return the label of a trial's purpose."""
    return PURPOSES.get(name, name)


TONES: Mapping[str, Tone] = {
    "Running": "",
    "Target met": "good",
    "Failed": "bad",
    "Out of reach": "bad",
}


def study_state(study: StudyTrials | StudySummary) -> tuple[str, Tone]:
    """Return a study's state in at most four words, and its tone."""
    outcome: Mapping[str, Any] = (
        study.outcome or {}
        if isinstance(study, StudyTrials)
        else {
            "converged": study.converged,
            "reachable": study.reachable,
            "within_policy": study.within_policy,
            "risk_level": study.risk_level,
        }
    )
    converged = outcome.get("converged")
    risk = outcome.get("risk")
    level = added_risk(risk) if isinstance(risk, Mapping) else outcome.get("risk_level")
    text = state_text(
        study.state,
        converged=converged,
        reachable=outcome.get("reachable"),
        has_target=study.target is not None,
        within_policy=outcome.get("within_policy"),
    )
    if level in RISKY and converged:
        return f"{text}, risk {level}", "bad"
    return text, "good" if text == "Best found" and converged else TONES.get(text, "warn")


def target_text(target: Target | None, tolerance: float | None = None) -> str:
    """Return a target with its tolerance; an en dash where none is sought."""
    if target is None:
        return "–"
    near = "" if tolerance is None else f" ± {target.gap_text(tolerance, 2, PAGE).lstrip('+')}"
    return f"{target.text(PAGE)}{near}"


def study_label(study: StudySummary, called: Callable[[str], str]) -> str:
    """Return what a study is called in a menu: its scenario's title, what it seeks, when it began."""
    sought = objectives_text(study.header.spec.weights) if study.target is None else study.target.text(PAGE)
    return f"{called(study.header.scenario)}: {sought}, {moment(study.header.created_at or study.updated_at)}"


def found_text(study: StudySummary) -> str:
    """Return what a study's best reaches; an en dash before there is one, or without a target."""
    if study.target is None or study.reached is None:
        return "–"
    return study.target.measure.text(study.reached, 2, PAGE)


@dataclass(frozen=True)
class TrialMeasure:
    """A column of the trials: its name, how a value is written, and Plotly's format of its axis."""

    column: str
    name: str
    write: Callable[[Any], str]
    axis: str

    def table_column(self) -> TableColumn:
        """Return the column of a table."""
        return TableColumn(self.column, self.name, self.write)


def _pct(value: Any) -> str:
    return percent(value, 2)


def figure(value: Any) -> str:
    """Return a figure without a unit; an en dash where there is none."""
    return "–" if value is None or value != value else ratio(value, 4)


TRIAL = TableColumn("trial", "Trial", count)
STATE = TableColumn("state", "State", is_text=True, whole=True)
GROWTH = TrialMeasure("growth", "Growth of average pay", _pct, ".2%")
SCORE = TrialMeasure("score", "Objective (lower is better)", figure, ".4~g")
OUTCOMES = (
    GROWTH,
    TrialMeasure("cost", "Payroll added over the years", money_short, "$"),
    TrialMeasure("payroll", "Highest payroll of a year", money_short, "$"),
    TrialMeasure("within_level_cv", "Spread within levels (CV)", _pct, ".1%"),
    TrialMeasure("adjusted_gap", "Adjusted gap", _pct, ".2%"),
    TrialMeasure("below_minimum", "People below the range minimum", count, ",d"),
    TrialMeasure("raise_max", "Highest raise of a year", lambda v: percent(v, 1), ".0%"),
)
PART_NAMES = {
    "targets": "Target (squared distance, in tolerances)",
    "change": "Change (weighted, squared widths)",
}


def reached_measure(study: StudyTrials) -> TrialMeasure:
    """Return what the study is judged by: the measure of its target, without one growth."""
    if study.target is None:
        return GROWTH
    of = study.target.measure
    axis = "$" if of.is_amount else ".2%"
    return TrialMeasure("reached", _capital(of.label), lambda value: of.text(value, 3, PAGE), axis)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def parts_of(study: StudyTrials) -> tuple[TrialMeasure, ...]:
    """Return the study's objectives, each scaled by the baseline."""
    names = sorted(study.named(PART), key=list(SHORT).index)
    titles = {name: f"{SHORT[name].capitalize()} (1: unchanged scenario)" for name in names} | PART_NAMES
    return tuple(TrialMeasure(PART + name, titles[name], figure, ".3~g") for name in names)


def measures_of(study: StudyTrials) -> tuple[TrialMeasure, ...]:
    """Return the measures by which a study's trials can be compared, those without any value left out."""
    sought = () if study.target is None else (reached_measure(study),)
    own = (*sought, *parts_of(study), *(() if study.spec.multi_objective else (SCORE,)))
    return tuple(one for one in (*own, *OUTCOMES) if study.trials[one.column].notna().any())


def lever_measure(lever: StudyLever) -> TrialMeasure:
    """Return a tuned lever as a measure."""
    axis = ".2f" if lever.unit == Unit.MULTIPLIER else ".1%"
    return TrialMeasure(lever.column, lever.label, lambda value: lever_text(lever, value), axis)


def lever_text(lever: StudyLever, value: Any) -> str:
    """Return a lever's value in its unit: a factor, or per cent; an en dash for none."""
    if is_missing(value):
        return "–"
    return f"{ratio(value)}{TIMES}" if lever.unit == Unit.MULTIPLIER else percent(value, 2)


def lever_change(lever: StudyLever, new: Any) -> str:
    """Return how far a lever moved from its value in force, in its unit."""
    if lever.start is None or is_missing(new):
        return "–"
    moved = float(new) - lever.start
    return ratio(moved, sign=True) if lever.unit == Unit.MULTIPLIER else points(moved)


def gap(value: Any) -> str:
    """Return the distance to the target; `value` is in percentage points, of an amount per cent."""
    return "–" if value is None or value != value else points(float(value) / 100)
