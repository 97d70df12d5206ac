"""An evaluator in closed form: growth, cost and equity as functions of the levers' unit coordinates.

For studies whose answers are known. One simulated year; a payroll of 100 M that the scenario as it is raises
by 4 M, so that a cost of c (1 as it is) is a payroll of 100 M + c · 4 M.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from planwise.parameters import EffectiveParameters, resolve
from planwise.study.evaluators import simulation_digest
from planwise.study.space import Space, scaled, tuned_levers
from planwise.study.trial import Evaluation, Kind

YEAR = 2026
MARKET_BUDGET = 0.035  # of every year, so that all is within policy
LEVELS = (1, 2, 3, 4, 5)
OPENING_PAYROLL, PAYROLL_CHANGE = 100e6, 4e6
CV = 0.2

Vector = npt.NDArray[np.float64]
Function = Callable[[Vector], float]


@dataclass(frozen=True)
class World:
    """What levers give: `growth` is a rate, `cost` and `equity` above 0 as it is; z is (x − x₀) / scale."""

    levers: tuple[str, ...]
    growth: Function = lambda z: 0.03
    cost: Function = lambda z: 1.0
    equity: Function = lambda z: 1.0

    @property
    def base(self) -> EffectiveParameters:
        """The parameters that levers start from."""
        return resolve((YEAR,), scenario={})

    @property
    def space(self) -> Space:
        """The levers, as a study tunes them."""
        return tuned_levers(self.base, LEVELS, self.levers)

    def evaluation(self, levers: Mapping[str, float], kind: Kind, seed: int | None = None) -> Evaluation:
        """Return what some levers give."""
        z = scaled(self.space, levers)
        change = PAYROLL_CHANGE * self.cost(z)
        year = {
            "simulation_year": YEAR,
            "increase_rate": MARKET_BUDGET,
            "growth_compound": self.growth(z),
            "payroll": OPENING_PAYROLL + change,
            "payroll_change": change,
            "within_level_cv": CV * self.equity(z),
            "adjusted_gap_max": None,
            "headcount": 1000,
            "below_minimum": 0,
            "raise_min": 0.0,
            "raise_max": 0.1,
        }
        return Evaluation(dict(levers), [year], year["growth_compound"], kind, seed=seed)


class AnalyticEvaluator:
    """Evaluates a world and remembers; plans and previews agree, as they do in the engine."""

    def __init__(self, world: World, kind: Kind) -> None:
        self.kind: Kind = kind
        self.found: list[Evaluation] = []
        self._world = world

    def digest(self, levers: Mapping[str, float], seed: int | None = None) -> str:
        """Return the digest of what a simulation depends on."""
        return f"{simulation_digest(self._world.base, levers)}:{seed}"

    def evaluate(self, levers: Mapping[str, float], *, number: int, seed: int | None = None) -> Evaluation:
        """Return the closed form's figures; no seed changes them."""
        evaluation = self._world.evaluation(levers, self.kind, seed)
        self.found.append(evaluation)
        return evaluation
