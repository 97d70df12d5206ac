"""What each strategy does, answers and takes: one table for help, docs and the check of a question."""

from dataclasses import dataclass
from typing import Literal

Answers = Literal["target", "objective", "front"]
"""The most that it can be asked: a target alone, one (weighted) objective, or the front of several."""


@dataclass(frozen=True)
class About:
    """One strategy in words."""

    name: str
    what: str
    answers: Answers
    constraints: str
    takes: str


JUDGED = "judged, not sought"
NATIVE = "native"
PREVIEWS = "previews up to the number of trials, then 1 plan, at most 3"
TRIALS = "one plan a trial"
LOOP = "tuning loop: gap × {} × .8^(i−1) onto COLA, (1.2 − .1 · level) of it onto merit, half onto hiring pay"

ABOUT: tuple[About, ...] = (
    About(
        "solve",
        "the least change, Σ((x − x₀) / width of the recommended range)², that meets the target",
        "target",
        NATIVE,
        "1 plan, at most 3",
    ),
    About(
        "conservative", LOOP.format(".10"), "target", JUDGED, "one plan an iteration, and one for the start"
    ),
    About("balanced", LOOP.format(".30"), "target", JUDGED, "one plan an iteration, and one for the start"),
    About("aggressive", LOOP.format(".50"), "target", JUDGED, "one plan an iteration, and one for the start"),
    About(
        "slsqp", "SciPy: sequential least squares, gradients by differences", "objective", NATIVE, PREVIEWS
    ),
    About("l-bfgs-b", "SciPy: quasi-Newton within bounds", "objective", "augmented Lagrangian", PREVIEWS),
    About("tnc", "SciPy: truncated Newton within bounds", "objective", "augmented Lagrangian", PREVIEWS),
    About("cobyla", "SciPy: linear models, no gradient", "objective", NATIVE, PREVIEWS),
    About("cobyqa", "SciPy: quadratic models, no gradient", "objective", NATIVE, PREVIEWS),
    About(
        "differential-evolution",
        "SciPy: a population of previews, then slsqp from its best",
        "objective",
        NATIVE,
        PREVIEWS,
    ),
    About("tpe", "Optuna: tree-structured Parzen estimator", "front", "prefers feasible", TRIALS),
    About("nsga2", "Optuna: genetic search for a front", "front", "prefers feasible", TRIALS),
    About("cmaes", "Optuna: covariance matrix adaptation", "objective", "refused", TRIALS),
    About("random", "Optuna: draws that learn nothing, to compare with", "front", JUDGED, TRIALS),
    About("gp", "Optuna: Gaussian process (needs PyTorch)", "front", "prefers feasible", TRIALS),
    About("auto", "picks one of the others, and says why", "front", "as the one picked", "as the one picked"),
)
OBJECTIVES: dict[Answers, str] = {
    "target": "a target",
    "objective": "one, or a weighted sum",
    "front": "one or several",
}


def markdown() -> str:
    """Return the table as it stands in the docs."""
    rows = [
        f"| `{one.name}` | {one.what} | {OBJECTIVES[one.answers]} | {one.constraints} | {one.takes} |"
        for one in ABOUT
    ]
    head = ["| strategy | what it does | objectives | constraints | takes |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])
