"""The strategies by name, and whether one can answer a question at all."""

import difflib

from planwise.errors import InputError
from planwise.study.spec import StudySpec
from planwise.study.strategies.auto import Auto
from planwise.study.strategies.heuristic import AGGRESSIVE, BALANCED, CONSERVATIVE
from planwise.study.strategies.protocol import Batch, Search, Strategy
from planwise.study.strategies.sampling import CMAES, GP, SAMPLERS, require_torch
from planwise.study.strategies.scipy_methods import SCIPY_METHODS
from planwise.study.strategies.solve import SOLVE
from planwise.study.strategies.table import ABOUT, About

NAMED: dict[str, Strategy] = {
    strategy.name: strategy
    for strategy in (SOLVE, CONSERVATIVE, BALANCED, AGGRESSIVE, *SCIPY_METHODS, *SAMPLERS)
}
AUTO = Auto(NAMED)
STRATEGIES: dict[str, Strategy] = {**NAMED, AUTO.name: AUTO}

__all__ = ["ABOUT", "STRATEGIES", "Batch", "Search", "Strategy", "about", "check", "strategy_named"]


def strategy_named(name: str) -> Strategy:
    """Return a strategy; raises InputError with the nearest names for an unknown one."""
    if name not in STRATEGIES:
        near = difflib.get_close_matches(name, STRATEGIES, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise InputError(f"Unknown strategy {name!r}.", remedy=f"{hint}There are: {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]


def about(name: str) -> About:
    """Return what a strategy does; raises InputError for an unknown one."""
    strategy_named(name)
    return next(one for one in ABOUT if one.name == name)


def check(spec: StudySpec) -> None:
    """Raise InputError, before anything runs, for a question that its strategy cannot answer."""
    strategy, limits = about(spec.chosen_strategy), tuple(map(str, spec.limits))
    names = ", ".join(name for name, _ in spec.weights)
    if spec.multi_objective and strategy.answers != "front":
        raise InputError(
            f"{strategy.name} looks for one best, and {names} without weights ask for a front.",
            remedy=f"Give each a weight, or use one of: {_answering('front')}.",
        )
    if spec.weights and strategy.answers == "target":
        raise InputError(
            f"{strategy.name} seeks a target alone, and the objectives are {names}.",
            remedy=f"Leave the objectives out, or use one of: {_answering('objective', 'front')}.",
        )
    if strategy.name == CMAES.name and limits:
        raise InputError(
            f"cmaes cannot see constraints, and there are {len(limits)}: {', '.join(limits)}.",
            remedy="Use tpe or nsga2, or leave the constraints out (payroll_budget is one).",
        )
    if strategy.name == CMAES.name and len(spec.tune or (1, 2)) == 1 and not spec.by_year:
        raise InputError("cmaes needs two levers or more.", remedy="Tune another one, or use tpe.")
    if strategy.name == GP.name:
        require_torch()


def _answering(*answers: str) -> str:
    return ", ".join(one.name for one in ABOUT if one.answers in answers)
