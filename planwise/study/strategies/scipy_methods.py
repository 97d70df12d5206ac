"""SciPy's methods on the (weighted) objective: they search on previews, and plans verify the result.

All work in unit coordinates (`preview_objective`). SLSQP, COBYLA, COBYQA and differential evolution take the
constraints directly; L-BFGS-B and TNC support bounds only, so there an augmented Lagrangian holds them: a
penalty that is exact at a finite weight (Nocedal and Wright 2006, Numerical Optimization, 17.3). COBYLA and
COBYQA, which have no gradient to show that the objective is steep across the target and flat along it,
work in coordinates in which it is neither: across the target, one unit is one tolerance.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from optuna.samplers import BaseSampler
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint, differential_evolution, minimize

from planwise.study.problem import Problem, Search, evaluation_budget
from planwise.study.space import scaled, snapped
from planwise.study.strategies.preview_objective import (
    Ask,
    BudgetSpent,
    ObjectiveFailed,
    PreviewObjective,
    Vector,
    ask_tell,
)
from planwise.study.trial import Evaluation, Proposal, TrialPurpose

CORRECTIONS = 3  # a preview each; payroll bends by a thousandth of what a lever moves it


class ConstraintPenalty:
    """All constraints of an objective, those that need an evaluation last."""

    def __init__(self, objective: PreviewObjective, point: Vector) -> None:
        self._objective = objective
        self.count = len(objective.limits) + len(objective.constraint_names)
        self._rules = _norms(objective.rows)
        self._evaluated = _norms(objective.slopes(point).constraints) if objective.constraint_names else None

    def values(self, point: Vector) -> Vector:
        """Return each constraint's violation (up to 0: none)."""
        rules = (self._objective.rows @ point - self._objective.limits) / self._rules
        return np.concatenate([rules, self.evaluated(point)])

    def evaluated(self, point: Vector) -> Vector:
        """Return the violations of the constraints that need an evaluation."""
        if self._evaluated is None:
            return np.zeros(0)
        return self._objective.constraints(point) / self._evaluated

    def slopes(self, point: Vector) -> Vector:
        """Return the derivatives, a row a constraint."""
        rules = self._objective.rows / self._rules[:, None]
        if self._evaluated is None:
            return rules
        return np.vstack([rules, self._objective.slopes(point).constraints / self._evaluated[:, None]])

    def restored(self, point: Vector) -> Vector:
        """Return the nearest point within the bounds at which all constraints hold, or nearly.

        They are taken as linear; where they are not quite, what is left is corrected a few times.
        """
        if not self.count:
            return point
        slopes = self.slopes(point)
        for _correction in range(CORRECTIONS):
            exceeded = self.values(point)
            if exceeded.max() <= 0:
                break
            point = self._objective.clip(point + self._least_step(point, exceeded, slopes))
        return point

    def _least_step(self, point: Vector, exceeded: Vector, slopes: Vector) -> Vector:
        step: Vector = minimize(
            lambda step: float(step @ step),
            np.zeros(len(point)),
            jac=lambda step: 2 * step,
            method="SLSQP",
            bounds=Bounds(self._objective.low - point, self._objective.high - point),
            constraints=LinearConstraint(slopes, -np.inf, -exceeded),
        ).x
        return step

    def lagrangian(self, multipliers: Vector, weight: float) -> Callable[[Vector], float]:
        """Return the objective plus (max(0, λ + w g)² − λ²) / 2w over the constraints g."""

        def value(point: Vector) -> float:
            pressed = np.maximum(multipliers + weight * self.values(point), 0.0)
            penalty = float(pressed @ pressed - multipliers @ multipliers) / (2 * weight)
            return self._objective.value(point) + penalty

        return value

    def gradient(self, multipliers: Vector, weight: float) -> Callable[[Vector], Vector]:
        """Return the gradient of `lagrangian`."""

        def gradient(point: Vector) -> Vector:
            pressed = np.maximum(multipliers + weight * self.values(point), 0.0)
            found: Vector = self._objective.slopes(point).value + pressed @ self.slopes(point)
            return found

        return gradient


def _norms(rows: Vector) -> Vector:
    norms: Vector = np.linalg.norm(rows, axis=1)
    return np.where(norms > 0, norms, 1.0)


PLANS_MAX = 3
APART = 0.1  # recommended widths between two candidates: a gate that one fails, its neighbour fails too


def verify_by_plans(problem: Problem, seen: Iterable[Evaluation], stopped: str) -> Search:
    """Plan the best candidates until a plan is feasible, at most three; return `converged` or why it ended.

    Where previews decide, nothing is planned, but round values are previewed: no method proposes those.
    """
    best = candidates(problem, seen)
    if problem.kind == "preview" and not problem.spec.on_grid:
        return _ended(problem, best[0], stopped) if best else stopped
    for iteration, candidate in enumerate(best, start=1):
        levers = snapped(problem.space, candidate.levers)
        (trial,) = yield (Proposal(levers, problem.kind, TrialPurpose.VERIFY, iteration),)
        if trial.evaluation is not None and problem.feasible(trial.evaluation):
            return _ended(problem, trial.evaluation, stopped)
    return (
        f"failed: no {'plan' if problem.kind == 'real' else 'round value'} of the best previews is feasible"
        if best
        else stopped
    )


def candidates(problem: Problem, seen: Iterable[Evaluation]) -> list[Evaluation]:
    """Return up to three evaluations that lie apart: feasible ones first, then the least objective."""
    ranked = sorted(seen, key=lambda one: (problem.violation(one), problem.score(one)))
    best: list[Evaluation] = []
    for one in ranked:
        point = scaled(problem.space, one.levers)
        near = [scaled(problem.space, other.levers) for other in best]
        if len(best) < PLANS_MAX and all(np.linalg.norm(point - other) >= APART for other in near):
            best.append(one)
    return best


def _ended(problem: Problem, evaluation: Evaluation, stopped: str) -> str:
    met = problem.spec.seeks_target and problem.converged(evaluation)
    return "converged" if met else stopped


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
    search: Callable[[PreviewObjective, "SearchLimits"], None]
    scale: int = 1

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return None: SciPy finds every point."""
        return None

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Search on previews, then verify the best by a plan."""
        seen: list[Evaluation] = []
        stopped = yield from ask_tell(lambda ask: self._searched(problem, ask, seen))
        return (yield from verify_by_plans(problem, seen, stopped))

    def _searched(self, problem: Problem, ask: Ask, seen: list[Evaluation]) -> str:
        limits = SearchLimits.of(problem, self.scale)
        try:
            self.search(PreviewObjective(problem, ask, limits.evaluations, seen), limits)
        except BudgetSpent:
            return SPENT
        except ObjectiveFailed:
            return "failed: a preview failed, so the search cannot continue"
        return ENDED


@dataclass(frozen=True)
class SearchLimits:
    """How far a search may go: previews, and the method's own iterations (None is its own limit)."""

    evaluations: int
    iterations: int | None
    seed: int

    @classmethod
    def of(cls, problem: Problem, scale: int) -> "SearchLimits":
        """Return the limits of a question: its trials, else `scale` times the most its class is worth."""
        spec = problem.spec
        evaluations = spec.trials or scale * evaluation_budget(problem).maximum
        return cls(evaluations, 1 if spec.single_iteration else None, spec.sampler_seed)


def slsqp(objective: PreviewObjective, limits: SearchLimits) -> None:
    """Descend by sequential least squares, with the constraints as given."""
    _descend(objective, limits, _start(objective))


def bounded(method: str) -> Callable[[PreviewObjective, SearchLimits], None]:
    """Return a method that knows bounds only, its constraints held by an augmented Lagrangian."""

    def search(objective: PreviewObjective, limits: SearchLimits) -> None:
        point = _start(objective)
        penalty = ConstraintPenalty(objective, point)
        multipliers, weight = np.zeros(penalty.count), PENALTY_START
        calls = {"maxfun": CALLS_PER_ROUND} if penalty.count else {}
        if limits.iterations:
            calls = {"maxfun": limits.iterations}
        for _round in range(limits.iterations or (ROUNDS_MAX if penalty.count else 1)):
            ended = minimize(
                penalty.lagrangian(multipliers, weight),
                point,
                jac=penalty.gradient(multipliers, weight),
                method=method,
                bounds=Bounds(objective.low, objective.high),
                options={"ftol": FLATNESS, **calls},
            )
            moved, point = float(np.abs(ended.x - point).max()), ended.x
            exceeded = penalty.values(point)
            if not penalty.count or (exceeded.max() <= 0 and moved < SETTLED):
                return
            objective.value(penalty.restored(point))  # a candidate that keeps to all, should time run out
            multipliers = np.maximum(multipliers + weight * exceeded, 0.0)
            weight = min(weight * PENALTY_GROWTH, PENALTY_MAX)

    return search


def trust_region(method: str) -> Callable[[PreviewObjective, SearchLimits], None]:
    """Return a method without derivatives, in coordinates that even out the target."""

    def search(objective: PreviewObjective, limits: SearchLimits) -> None:
        start = _start(objective)
        penalty = ConstraintPenalty(objective, start)
        to_point, from_point = _evened(objective)
        options = (
            {"rhobeg": RADIUS_START, "tol": RADIUS_END}
            if method == "COBYLA"
            else {"initial_tr_radius": RADIUS_START, "final_tr_radius": RADIUS_END}
        )
        if limits.iterations:  # the first model, and a step on it
            first = len(start) + 2 if method == "COBYLA" else limits.iterations
            options["maxiter"] = first
        linear = np.vstack([np.eye(len(start)), objective.rows]) @ to_point
        constraints: list[LinearConstraint | NonlinearConstraint] = [
            LinearConstraint(
                linear,
                np.concatenate([objective.low, np.full(len(objective.limits), -np.inf)]),
                np.concatenate([objective.high, objective.limits]),
            )
        ]
        if objective.constraint_names:
            constraints.append(NonlinearConstraint(lambda u: penalty.evaluated(to_point @ u), -np.inf, 0.0))
        found = minimize(
            lambda u: objective.value(to_point @ u),
            from_point @ start,
            method=method,
            constraints=constraints,
            options=options,
        )
        objective.value(
            penalty.restored(objective.clip(to_point @ found.x))
        )  # where it ended a little beyond

    return search


def evolution(objective: PreviewObjective, limits: SearchLimits) -> None:
    """Evolve a population, a generation being one batch; then descend from its best member."""
    from scipy.stats import qmc  # takes as long to import as all the rest of SciPy

    start = _start(objective)
    levers = len(start)
    members = max(MEMBERS_MIN, MEMBERS_PER_LEVER * levers)
    spread = qmc.LatinHypercube(levers, rng=limits.seed).random(members)
    population = objective.low + spread * (objective.high - objective.low)
    population[:2] = objective.clip(objective.origin), start
    constraints: list[LinearConstraint | NonlinearConstraint] = []
    if len(objective.limits):
        constraints.append(LinearConstraint(objective.rows, -np.inf, objective.limits))
    if objective.constraint_names:
        constraints.append(NonlinearConstraint(lambda x: _columns(objective.many_constraints, x), -np.inf, 0))
    generations = int(limits.evaluations * (1 - POLISH_SHARE)) // members - 1
    found = differential_evolution(
        lambda x: _columns(objective.values, x),
        Bounds(objective.low, objective.high),
        init=population,
        maxiter=max(limits.iterations or generations, 1),
        constraints=tuple(constraints),
        rng=limits.seed,
        vectorized=True,
        updating="deferred",
        polish=False,
    )
    _descend(objective, limits, objective.clip(found.x))


def _start(objective: PreviewObjective) -> Vector:
    """Return the point nearest to the target at which, taken as linear, all constraints hold."""
    start = objective.on_target()
    return ConstraintPenalty(objective, start).restored(start)


def _descend(objective: PreviewObjective, limits: SearchLimits, start: Vector) -> None:
    penalty = ConstraintPenalty(objective, start)
    constraints = {
        "type": "ineq",
        "fun": lambda point: -penalty.values(point),
        "jac": lambda point: -penalty.slopes(point),
    }
    minimize(
        objective.value,
        start,
        jac=lambda point: objective.slopes(point).value,
        method="SLSQP",
        bounds=Bounds(objective.low, objective.high),
        constraints=constraints if penalty.count else (),
        options={"ftol": FLATNESS} | ({"maxiter": limits.iterations} if limits.iterations else {}),
    )


def _evened(objective: PreviewObjective) -> tuple[Vector, Vector]:
    """Return the matrix from evened coordinates to points, and back."""
    identity = np.eye(len(objective.low))
    if not objective.target_weight:
        return identity, identity
    reached = objective.slopes(objective.origin).reached
    steepness = float(np.linalg.norm(reached)) * objective.target_weight**0.5
    unit = objective.problem.spec.tolerance / steepness if steepness else 1.0
    if unit >= 1.0:
        return identity, identity
    across = np.outer(reached, reached) / float(reached @ reached)
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
