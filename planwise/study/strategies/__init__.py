"""Strategies by name, what each one does, and which questions it can answer."""

import difflib
import math
from dataclasses import dataclass
from typing import Literal

from planwise.errors import InputError
from planwise.study.problem import Problem, Strategy, evaluation_budget
from planwise.study.spec import OptimizeRequest, StudySpec
from planwise.study.strategies.auto import Auto, choose
from planwise.study.strategies.heuristic import AGGRESSIVE, BALANCED, CONSERVATIVE
from planwise.study.strategies.sampling import CMAES, GP, SAMPLERS, require_torch
from planwise.study.strategies.scipy_methods import SCIPY_METHODS
from planwise.study.strategies.solve import SOLVE

Answers = Literal["target", "objective", "front"]
"""The most general question of a strategy: a target, one (weighted) objective, or a front of several."""


@dataclass(frozen=True)
class StrategyInfo:
    """Description of one strategy."""

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

STRATEGY_INFO: tuple[StrategyInfo, ...] = (
    StrategyInfo(
        "solve",
        "the least change, Σ((x − x₀) / width of the recommended range)², that meets the target",
        "target",
        NATIVE,
        "1 plan, at most 2",
    ),
    StrategyInfo(
        "conservative", LOOP.format(".10"), "target", JUDGED, "one plan an iteration, and one for the start"
    ),
    StrategyInfo(
        "balanced", LOOP.format(".30"), "target", JUDGED, "one plan an iteration, and one for the start"
    ),
    StrategyInfo(
        "aggressive", LOOP.format(".50"), "target", JUDGED, "one plan an iteration, and one for the start"
    ),
    StrategyInfo(
        "slsqp", "SciPy: sequential least squares, gradients by differences", "objective", NATIVE, PREVIEWS
    ),
    StrategyInfo(
        "l-bfgs-b", "SciPy: quasi-Newton within bounds", "objective", "augmented Lagrangian", PREVIEWS
    ),
    StrategyInfo(
        "tnc", "SciPy: truncated Newton within bounds", "objective", "augmented Lagrangian", PREVIEWS
    ),
    StrategyInfo("cobyla", "SciPy: linear models, no gradient", "objective", NATIVE, PREVIEWS),
    StrategyInfo("cobyqa", "SciPy: quadratic models, no gradient", "objective", NATIVE, PREVIEWS),
    StrategyInfo(
        "differential-evolution",
        "SciPy: a population of previews, then slsqp from its best",
        "objective",
        NATIVE,
        PREVIEWS,
    ),
    StrategyInfo("tpe", "Optuna: tree-structured Parzen estimator", "front", "prefers feasible", TRIALS),
    StrategyInfo("nsga2", "Optuna: genetic search for a front", "front", "prefers feasible", TRIALS),
    StrategyInfo("cmaes", "Optuna: covariance matrix adaptation", "objective", "refused", TRIALS),
    StrategyInfo("random", "Optuna: draws that learn nothing, to compare with", "front", JUDGED, TRIALS),
    StrategyInfo("gp", "Optuna: Gaussian process (needs PyTorch)", "front", "prefers feasible", TRIALS),
    StrategyInfo(
        "auto", "picks one of the others, and says why", "front", "as the one picked", "as the one picked"
    ),
)
OBJECTIVES: dict[Answers, str] = {
    "target": "a target",
    "objective": "one, or a weighted sum",
    "front": "one or several",
}


def markdown() -> str:
    """Return the table of the docs."""
    rows = [
        f"| `{one.name}` | {one.what} | {OBJECTIVES[one.answers]} | {one.constraints} | {one.takes} |"
        for one in STRATEGY_INFO
    ]
    head = ["| strategy | what it does | objectives | constraints | takes |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


# How long a study takes, in previews of pay levers, measured at 2,000 to 12,000 people. Another seed moves
# people, so that its preview takes longer; a plan has its overhead; publishing simulates every mart.
START_SECONDS = 12.0  # of a new process: libraries and models
SEARCH_PREVIEWS = 12.0  # bounds, slopes, steps, and the levers one by one
SEED_PREVIEWS, PLAN_PREVIEWS, PUBLISH_PREVIEWS = 2.3, 8.0, 22.0
SCIPY_PLANS, LOOP_START = 1, 1
PREVIEW_START_SECONDS, PREVIEW_SECONDS = 0.08, 2.6e-6  # of a preview; for each person and year


def expected_seconds(request: OptimizeRequest, strategy: str, trials: int, preview_seconds: float) -> float:
    """Return about how long a study takes until its result is published; from one preview on pay levers."""
    takes, plan = strategy_info(strategy).takes, 1.0 if request.preview else PLAN_PREVIEWS
    if takes == TRIALS:
        searched = trials * plan / request.workers
    elif takes == PREVIEWS:
        searched = trials + SCIPY_PLANS * plan
    elif strategy == SOLVE.name:
        searched = plan
    else:
        searched = (request.iterations + LOOP_START) * plan
    published = request.publish and not request.preview
    after = SEED_PREVIEWS * request.seeds + (PUBLISH_PREVIEWS if published else 0.0)
    limit = request.timeout_seconds or math.inf
    return (
        START_SECONDS + min((SEARCH_PREVIEWS + searched) * preview_seconds, limit) + after * preview_seconds
    )


def expected_preview_seconds(people: int, years: int) -> float:
    """Return about how long a preview on pay levers takes, before one is measured."""
    return PREVIEW_START_SECONDS + PREVIEW_SECONDS * people * years


def question_seconds(request: OptimizeRequest, problem: Problem, people: int, years: int) -> float:
    """Return about how long a study takes whose previews are not measured yet."""
    each = expected_preview_seconds(people, years)
    chosen = problem.spec.chosen_strategy
    strategy = choose(problem).strategy if chosen == AUTO.name else chosen
    trials = request.trials or evaluation_budget(problem, each).recommended
    return expected_seconds(request, strategy, trials, each)


NAMED: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (SOLVE, CONSERVATIVE, BALANCED, AGGRESSIVE, *SCIPY_METHODS, *SAMPLERS)
}
AUTO = Auto(NAMED)
STRATEGIES: dict[str, Strategy] = {**NAMED, AUTO.name: AUTO}


def strategy_named(name: str) -> Strategy:
    """Return a strategy; raises InputError with the nearest names for an unknown one."""
    if name not in STRATEGIES:
        near = difflib.get_close_matches(name, STRATEGIES, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise InputError(f"Unknown strategy {name!r}.", remedy=f"{hint}There are: {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]


def strategy_info(name: str) -> StrategyInfo:
    """Return what a strategy does; raises InputError for an unknown one."""
    strategy_named(name)
    return next(one for one in STRATEGY_INFO if one.name == name)


def check_spec(spec: StudySpec) -> None:
    """Raise InputError, before anything runs, for a question that its strategy cannot answer."""
    strategy, limits = strategy_info(spec.chosen_strategy), tuple(map(str, spec.limits))
    names = ", ".join(name for name, _ in spec.weights)
    if spec.multi_objective and strategy.answers != "front":
        raise InputError(
            f"{strategy.name} finds one best answer, and {names} without weights need a front.",
            remedy=f"Give each a weight, or use one of: {_answering('front')}.",
        )
    if spec.weights and strategy.answers == "target":
        raise InputError(
            f"{strategy.name} seeks a target alone, and the objectives are {names}.",
            remedy=f"Leave the objectives out, or use one of: {_answering('objective', 'front')}.",
        )
    if strategy.name == CMAES.name and limits:
        raise InputError(
            f"cmaes does not support constraints, and there are {len(limits)}: {', '.join(limits)}.",
            remedy="Use tpe or nsga2, or leave the constraints out (payroll_budget is one).",
        )
    if strategy.name == CMAES.name and len(spec.tune or (1, 2)) == 1 and not spec.by_year:
        raise InputError("cmaes needs two levers or more.", remedy="Tune another one, or use tpe.")
    if strategy.name == GP.name:
        require_torch()


def _answering(*answers: str) -> str:
    return ", ".join(one.name for one in STRATEGY_INFO if one.answers in answers)
