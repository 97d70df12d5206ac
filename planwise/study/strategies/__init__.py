"""The strategies by name."""

import difflib

from planwise.errors import InputError
from planwise.study.strategies.heuristic import AGGRESSIVE, BALANCED, CONSERVATIVE
from planwise.study.strategies.protocol import Batch, Search, Strategy
from planwise.study.strategies.solve import SOLVE
from planwise.study.strategies.tpe import TPE

STRATEGIES: dict[str, Strategy] = {
    strategy.name: strategy for strategy in (CONSERVATIVE, BALANCED, AGGRESSIVE, SOLVE, TPE)
}

__all__ = ["STRATEGIES", "Batch", "Search", "Strategy", "strategy_named"]


def strategy_named(name: str) -> Strategy:
    """Return a strategy; raises InputError with the nearest names for an unknown one."""
    if name not in STRATEGIES:
        near = difflib.get_close_matches(name, STRATEGIES, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise InputError(f"Unknown strategy {name!r}.", remedy=f"{hint}There are: {', '.join(STRATEGIES)}.")
    return STRATEGIES[name]
