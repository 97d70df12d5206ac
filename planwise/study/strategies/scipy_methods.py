"""SciPy's methods on the (weighted) objective: they look on previews, plans verify what they found.

All work in unit coordinates (`landscape.py`). SLSQP, COBYLA, COBYQA and differential evolution take the
constraints as they are; L-BFGS-B and TNC know bounds only, so there an augmented Lagrangian holds them: a
penalty that is exact at a finite weight (Nocedal and Wright 2006, Numerical Optimization, 17.3). COBYLA and
COBYQA, which have no gradient to tell them that the objective is steep across the target and flat along it,
work in coordinates in which it is neither: across the target, one unit is one tolerance of growth.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from optuna.samplers import BaseSampler
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint, differential_evolution, minimize
from scipy.stats import qmc

from planwise.study.answer.advice import evaluation_budget
from planwise.study.problem import Problem
from planwise.study.strategies.held import Held
from planwise.study.strategies.inversion import Ask, inverted
from planwise.study.strategies.landscape import Landscape, PreviewBroke, Spent, Vector
from planwise.study.strategies.protocol import Search
from planwise.study.strategies.verification import verified
from planwise.study.trials.evaluation import Evaluation

ENDED = "optimum"  # the method ended by its own test
SPENT = "trials"
FLATNESS = 1e-6  # relative change of the objective at which a gradient method ends
RADIUS_START, RADIUS_END = 0.5, 1e-2  # trust regions, in unit coordinates
# Augmented Lagrangian: short descents, because multipliers say more than precision under wrong ones. A weight
# that grew further would be steeper than the target itself, and as hard to descend.
PENALTY_START, PENALTY_GROWTH, PENALTY_MAX = 100.0, 10.0, 1e3
CALLS_PER_ROUND, ROUNDS_MAX = 12, 30
SETTLED = 1e-3  # recommended widths: a descent that moves less, within the limits, is the last
MEMBERS_PER_LEVER = 2  # of a population: previews are few beside what textbooks give it (10 or more)
MEMBERS_MIN = 10
DESCENTS = 2  # an augmented Lagrangian descends several times; its later descents are short
# Of a population by default, over the most that a problem is worth: that is counted in plans, which take ten
# times as long as the previews here.
PREVIEWS_PER_PLAN = 5
POLISH_SHARE = 0.4  # of the evaluations, kept for SLSQP from the best member of the last population


@dataclass(frozen=True)
class ScipyMethod:
    """One of SciPy's methods by its name there; `scale` multiplies its default number of previews."""

    name: str
    search: Callable[[Landscape, "Limits"], None]
    scale: int = 1

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return None: SciPy finds every point."""
        return None

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Search on previews, then verify the best by a plan."""
        seen: list[Evaluation] = []
        stopped = yield from inverted(lambda ask: self._searched(problem, ask, seen))
        return (yield from verified(problem, seen, stopped))

    def _searched(self, problem: Problem, ask: Ask, seen: list[Evaluation]) -> str:
        limits = Limits.of(problem, self.scale)
        try:
            self.search(Landscape(problem, ask, limits.evaluations, seen), limits)
        except Spent:
            return SPENT
        except PreviewBroke:
            return "failed: a preview broke, so there is nothing to go on from"
        return ENDED


@dataclass(frozen=True)
class Limits:
    """How far a search may go: previews, and the method's own iterations (None is its own limit)."""

    evaluations: int
    iterations: int | None
    seed: int

    @classmethod
    def of(cls, problem: Problem, scale: int) -> "Limits":
        """Return the limits of a question: its trials, else `scale` times the most its class is worth."""
        spec = problem.spec
        evaluations = spec.trials or scale * evaluation_budget(problem).maximum
        return cls(evaluations, 1 if spec.single_iteration else None, spec.sampler_seed)


def slsqp(landscape: Landscape, limits: Limits) -> None:
    """Descend by sequential least squares, constraints as they are."""
    _descend(landscape, limits, _start(landscape))


def bounded(method: str) -> Callable[[Landscape, Limits], None]:
    """Return a method that knows bounds only, its constraints held by an augmented Lagrangian."""

    def search(landscape: Landscape, limits: Limits) -> None:
        point = _start(landscape)
        held = Held(landscape, point)
        multipliers, weight = np.zeros(held.count), PENALTY_START
        calls = {"maxfun": CALLS_PER_ROUND} if held.count else {}
        if limits.iterations:
            calls = {"maxfun": limits.iterations}
        for _round in range(limits.iterations or (ROUNDS_MAX if held.count else 1)):
            ended = minimize(
                held.lagrangian(multipliers, weight),
                point,
                jac=held.gradient(multipliers, weight),
                method=method,
                bounds=Bounds(landscape.low, landscape.high),
                options={"ftol": FLATNESS, **calls},
            )
            moved, point = float(np.abs(ended.x - point).max()), ended.x
            exceeded = held.values(point)
            if not held.count or (exceeded.max() <= 0 and moved < SETTLED):
                return
            landscape.value(held.restored(point))  # a candidate that keeps to all, should time run out
            multipliers = np.maximum(multipliers + weight * exceeded, 0.0)
            weight = min(weight * PENALTY_GROWTH, PENALTY_MAX)

    return search


def trust_region(method: str) -> Callable[[Landscape, Limits], None]:
    """Return a method without derivatives, in coordinates that even out the target."""

    def search(landscape: Landscape, limits: Limits) -> None:
        start = _start(landscape)
        held = Held(landscape, start)
        to_point, from_point = _evened(landscape)
        options = (
            {"rhobeg": RADIUS_START, "tol": RADIUS_END}
            if method == "COBYLA"
            else {"initial_tr_radius": RADIUS_START, "final_tr_radius": RADIUS_END}
        )
        if limits.iterations:  # the first model, and a step on it
            first = len(start) + 2 if method == "COBYLA" else limits.iterations
            options["maxiter"] = first
        linear = np.vstack([np.eye(len(start)), landscape.rows]) @ to_point
        constraints: list[LinearConstraint | NonlinearConstraint] = [
            LinearConstraint(
                linear,
                np.concatenate([landscape.low, np.full(len(landscape.limits), -np.inf)]),
                np.concatenate([landscape.high, landscape.limits]),
            )
        ]
        if landscape.constraint_names:
            constraints.append(NonlinearConstraint(lambda u: held.evaluated(to_point @ u), -np.inf, 0.0))
        found = minimize(
            lambda u: landscape.value(to_point @ u),
            from_point @ start,
            method=method,
            constraints=constraints,
            options=options,
        )
        landscape.value(held.restored(landscape.clip(to_point @ found.x)))  # where it ended a little beyond

    return search


def evolution(landscape: Landscape, limits: Limits) -> None:
    """Evolve a population, a generation being one batch; then descend from its best member."""
    start = _start(landscape)
    levers = len(start)
    members = max(MEMBERS_MIN, MEMBERS_PER_LEVER * levers)
    spread = qmc.LatinHypercube(levers, rng=limits.seed).random(members)
    population = landscape.low + spread * (landscape.high - landscape.low)
    population[:2] = landscape.clip(landscape.origin), start
    constraints: list[LinearConstraint | NonlinearConstraint] = []
    if len(landscape.limits):
        constraints.append(LinearConstraint(landscape.rows, -np.inf, landscape.limits))
    if landscape.constraint_names:
        constraints.append(NonlinearConstraint(lambda x: _columns(landscape.many_constraints, x), -np.inf, 0))
    generations = int(limits.evaluations * (1 - POLISH_SHARE)) // members - 1
    found = differential_evolution(
        lambda x: _columns(landscape.values, x),
        Bounds(landscape.low, landscape.high),
        init=population,
        maxiter=max(limits.iterations or generations, 1),
        constraints=tuple(constraints),
        rng=limits.seed,
        vectorized=True,
        updating="deferred",
        polish=False,
    )
    _descend(landscape, limits, landscape.clip(found.x))


def _start(landscape: Landscape) -> Vector:
    """Return the point nearest to the target at which, taken as linear, all constraints hold."""
    start = landscape.on_target()
    return Held(landscape, start).restored(start)


def _descend(landscape: Landscape, limits: Limits, start: Vector) -> None:
    held = Held(landscape, start)
    constraints = {
        "type": "ineq",
        "fun": lambda point: -held.values(point),
        "jac": lambda point: -held.slopes(point),
    }
    minimize(
        landscape.value,
        start,
        jac=lambda point: landscape.slopes(point).value,
        method="SLSQP",
        bounds=Bounds(landscape.low, landscape.high),
        constraints=constraints if held.count else (),
        options={"ftol": FLATNESS} | ({"maxiter": limits.iterations} if limits.iterations else {}),
    )


def _evened(landscape: Landscape) -> tuple[Vector, Vector]:
    """Return the matrix from evened coordinates to points, and back."""
    identity = np.eye(len(landscape.low))
    if not landscape.target_weight:
        return identity, identity
    growth = landscape.slopes(landscape.origin).growth
    steepness = float(np.linalg.norm(growth)) * landscape.target_weight**0.5
    unit = landscape.problem.spec.tolerance / steepness if steepness else 1.0
    if unit >= 1.0:
        return identity, identity
    across = np.outer(growth, growth) / float(growth @ growth)
    return identity + (unit - 1) * across, identity + (1 / unit - 1) * across


def _columns(of: Callable[[list[Vector]], Vector], points: Vector) -> Vector:
    """Return the values of points that are columns, or of one point."""
    if points.ndim == 1:
        found: Vector = of([points])[..., 0]
        return found
    return of(list(points.T))


SCIPY_METHODS = (
    ScipyMethod("slsqp", slsqp),
    ScipyMethod("l-bfgs-b", bounded("L-BFGS-B"), DESCENTS),
    ScipyMethod("tnc", bounded("TNC"), DESCENTS),
    ScipyMethod("cobyla", trust_region("COBYLA")),
    ScipyMethod("cobyqa", trust_region("COBYQA")),
    ScipyMethod("differential-evolution", evolution, PREVIEWS_PER_PLAN),
)
