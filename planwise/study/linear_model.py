"""Target and constraints as linear models near a point, and their optima; pure functions.

Points are (x − x₀) / scale, so that a move of 1 is the width of a lever's recommended range.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import LinearConstraint, linprog, minimize

from planwise.risk.finite_differences import inward, step_widths
from planwise.study.constraints import OF_LEVERS_ALONE, SMALLEST_CHANGE
from planwise.study.lever_rules import rows_of, settled
from planwise.study.problem import Problem
from planwise.study.space import Space, Vector, bounds_of, levers_at, scaled
from planwise.study.trial import Evaluation, Proposal, Trial, TrialPurpose

SLSQP_ITERATIONS = 200
SLSQP_PRECISION = 1e-12
# Aim this far within a constraint: levers have six decimals, and their cost is not quite linear.
MARGIN = 2e-6
CUT_SLACK = 1e-4  # in a constraint's own scale: what a straight line may be above a curved one
KINK_SHARE = 0.3  # of a step's change: what a constraint's curvature does not explain
MIXED_SHARE = 0.2  # of the slopes: what curvature does not explain
NEGLIGIBLE = 1e-6  # of a share: what a lever over all its room may add without being moved for it
IDLE = 1e-3  # of a constraint's steepest lever
HAIR = 1e-9  # what two equal slopes may differ by
REACHED = 0  # the first output of a model, of the target; the others are constraints

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Cut:
    """A constraint's line from where its slopes were taken: `origin` + `slopes` · z."""

    output: int
    slopes: Vector
    origin: float

    def holds(self, at: Vector, values: Vector) -> bool:
        """Return whether the line is not above what was found at a point."""
        return self.value(at) - float(values[self.output]) <= CUT_SLACK

    def value(self, at: Vector) -> float:
        """Return the line's value at a point."""
        return float(self.origin + self.slopes @ at)


@dataclass(frozen=True)
class Model:
    """Outputs near a point: `values` there (of the target, then constraints), one row of `slopes` an output.

    `cuts` are earlier lines of the constraints that nothing found since contradicts. The highest raise of
    any employee, or the payroll of the highest year, follows another line where another employee or year is
    the highest, so earlier lines are kept as well.
    """

    at: Vector
    values: Vector
    slopes: Matrix
    cuts: tuple[Cut, ...] = ()

    def lines(self) -> tuple[Cut, ...]:
        """Return the constraints' lines here, and the earlier ones that differ."""
        origin = self.origin()
        here = [Cut(place, self.slopes[place], float(origin[place])) for place in range(1, len(origin))]
        differ = [cut for cut in self.cuts if not np.allclose(cut.slopes, self.slopes[cut.output], atol=HAIR)]
        return (*here, *differ)

    def misses(self, at: Vector, values: Vector) -> bool:
        """Return whether a constraint is exceeded far more than its line said: another line has begun."""
        lines = self.lines()
        for place in range(1, len(values)):
            promised = max(line.value(at) for line in lines if line.output == place)
            change = abs(float(values[place] - self.values[place]))
            if values[place] > 0 and values[place] - promised > KINK_SHARE * change + CUT_SLACK:
                return True
        return False

    def after(self, past: "Model") -> "Model":
        """Return the model with the lines of one whose slopes were taken elsewhere, where they still hold.

        Where two lines meet, differences of one lever after the other mix their slopes: there the earlier
        line replaces the mixture.
        """
        held = [cut for cut in past.cuts if cut.holds(self.at, self.values)]
        slopes, own = self.slopes.copy(), list(self.cuts)
        for place in range(1, len(self.values)):
            met = [
                cut
                for cut in held
                if cut.output == place and cut.value(self.at) > self.values[place] - CUT_SLACK
            ]
            apart = {id(cut): float(np.linalg.norm(cut.slopes - slopes[place])) for cut in met}
            near = min(met, key=lambda cut: apart[id(cut)], default=None)
            if near is not None and apart[id(near)] > MIXED_SHARE * float(np.linalg.norm(near.slopes)):
                slopes[place] = near.slopes
                own = [cut for cut in own if cut.output != place]
        return replace(self, slopes=slopes, cuts=(*own, *held))

    def moved(self, at: Vector, values: Vector) -> "Model":
        """Return the model at another point, its slopes corrected along the way there (Broyden)."""
        step = at - self.at
        length = float(step @ step)
        if length == 0.0:
            return replace(self, values=values)
        missed = values - self.values - self.slopes @ step
        held = tuple(cut for cut in self.cuts if cut.holds(at, values))
        return Model(at, values, self.slopes + np.outer(missed / length, step), held)

    def scaled(self, output: int, factor: float) -> "Model":
        """Return the model with an output v read as (v + 1) · factor − 1: a ratio to a limit that moved."""
        values, slopes = self.values.copy(), self.slopes.copy()
        values[output] = (values[output] + 1) * factor - 1
        slopes[output] *= factor
        cuts = tuple(
            Cut(output, cut.slopes * factor, (cut.origin + 1) * factor - 1) if cut.output == output else cut
            for cut in self.cuts
        )
        return Model(self.at, values, slopes, cuts)

    def origin(self) -> Vector:
        """Return the outputs of the model at the point 0."""
        return self.values - self.slopes @ self.at

    def reached(self, at: Vector) -> float:
        """Return what the model reaches of the target at a point."""
        return float(self.values[REACHED] + self.slopes[REACHED] @ (at - self.at))


@dataclass(frozen=True)
class Region:
    """Where the levers may be: between `low` and `high`, and `matrix` · z ≤ `limits`."""

    low: Vector
    high: Vector
    matrix: Matrix
    limits: Vector

    @classmethod
    def of(cls, problem: Problem) -> "Region":
        """Return the region of a problem's bounds and of its constraints on levers."""
        return cls(*bounds_of(problem.space), *rows_of(problem.rules, problem.space))

    def held(self, levers: npt.NDArray[np.bool_], at: Vector) -> "Region":
        """Return the region in which some levers stay where they are."""
        return replace(self, low=np.where(levers, at, self.low), high=np.where(levers, at, self.high))

    def clip(self, at: Vector) -> Vector:
        """Return the nearest point between the bounds."""
        inside: Vector = np.clip(at, self.low, self.high)
        return inside

    def with_constraints(self, model: Model) -> "Region":
        """Return the region in which the model's constraints hold too, by a margin; rows scaled to 1."""
        sizes = [(line, float(np.abs(line.slopes).max(initial=0.0))) for line in model.lines()]
        rows = [line.slopes / size for line, size in sizes if size > 0]
        limits = [(-MARGIN - line.origin) / size for line, size in sizes if size > 0]
        return replace(
            self, matrix=np.vstack([self.matrix, *rows]), limits=np.concatenate([self.limits, limits])
        )


def least_change(region: Region, model: Model, aim: float) -> Vector:
    """Return the smallest move at which the model reaches `aim` and keeps its constraints.

    Where the model has no such point, the nearest value that keeps them is aimed at; where they cannot be
    kept at all, the point that exceeds them least is returned.
    """
    within = region.with_constraints(model)
    if not np.any(model.slopes[REACHED]):
        return least_excess(region, model)
    ends = ends_of(within, model)
    if ends is None:
        return least_excess(region, model)
    lowest, highest = ends
    needed = min(max(aim, model.reached(lowest)), model.reached(highest))
    slopes = model.slopes[REACHED]
    unit = float(np.abs(slopes).max())
    origin = float(model.origin()[REACHED])
    rows = [LinearConstraint(slopes / unit, (needed - origin) / unit, (needed - origin) / unit)]
    if len(within.limits):
        rows.append(LinearConstraint(within.matrix, -np.inf, within.limits))
    result = minimize(
        lambda z: float(z @ z),
        within.clip(model.at),
        jac=lambda z: 2 * z,
        method="SLSQP",
        bounds=list(zip(within.low, within.high, strict=True)),
        constraints=rows,
        options={"maxiter": SLSQP_ITERATIONS, "ftol": SLSQP_PRECISION},
    )
    if not result.success:  # the ends keep everything, and so does what lies between them
        span = model.reached(highest) - model.reached(lowest)
        share = 0.0 if span <= 0 else (needed - model.reached(lowest)) / span
        return within.clip(lowest + share * (highest - lowest))
    return within.clip(result.x)


def ends_of(region: Region, model: Model) -> tuple[Vector, Vector] | None:
    """Return the points of least and of most of the target; None when the region is empty."""
    lowest = furthest(region, model, highest=False)
    highest = furthest(region, model, highest=True)
    return None if lowest is None or highest is None else (lowest, highest)


def furthest(region: Region, model: Model, *, highest: bool) -> Vector | None:
    """Return the point of the region that reaches most, or least; None when the region is empty."""
    slopes = -model.slopes[REACHED] if highest else model.slopes[REACHED]
    slopes = np.where(np.abs(slopes) * (region.high - region.low) < NEGLIGIBLE, 0.0, slopes)
    if not len(region.limits):
        return np.where(slopes > 0, region.low, np.where(slopes < 0, region.high, region.clip(model.at)))
    unit = float(np.abs(slopes).max()) or 1.0
    program = linprog(
        slopes / unit,
        A_ub=region.matrix,
        b_ub=region.limits,
        bounds=list(zip(region.low, region.high, strict=True)),
        method="highs",
    )
    if program.status != 0:
        return None
    idle = (slopes == 0) & (np.abs(region.matrix).max(axis=0) < IDLE)
    return region.clip(np.where(idle, model.at, program.x))


def least_excess(region: Region, model: Model) -> Vector:
    """Return the point where the model exceeds its constraints least in sum; lever constraints are kept."""
    count = len(model.values) - 1
    if not count:
        return region.clip(model.at)
    levers, rules, lines = len(region.low), len(region.limits), model.lines()
    excess = -np.eye(count)[[line.output - 1 for line in lines]]
    matrix = np.block(
        [[region.matrix, np.zeros((rules, count))], [np.array([line.slopes for line in lines]), excess]]
    )
    program = linprog(
        np.concatenate([np.zeros(levers), np.ones(count)]),
        A_ub=matrix,
        b_ub=np.concatenate([region.limits, [-MARGIN - line.origin for line in lines]]),
        bounds=[*zip(region.low, region.high, strict=True), *((0.0, None) for _ in range(count))],
        method="highs",
    )
    return region.clip(program.x[:levers]) if program.status == 0 else region.clip(model.at)


ASK_AT_MOST = 0.5  # of a lever's room: where its bounds are narrow, the step is too

Asking = Generator[tuple[Proposal, ...], tuple[Trial, ...], "Point | None"]
Sloping = Generator[tuple[Proposal, ...], tuple[Trial, ...], "tuple[Point, Model] | None"]


@dataclass(frozen=True)
class Point:
    """A preview at a point: what it reaches of the target, then each constraint's value (up to 0: holds)."""

    levers: Mapping[str, float]
    at: Vector
    evaluation: Evaluation
    outputs: Vector

    @property
    def reached(self) -> float:
        """What it reaches of the target, as a share."""
        return float(self.outputs[REACHED])

    @property
    def excess(self) -> float:
        """The sum of what constraints are exceeded by."""
        return float(np.maximum(self.outputs[1:], 0.0).sum())


def point_of(problem: Problem, evaluation: Evaluation) -> Point:
    """Return the point of an evaluation, judged by the problem's constraints on its KPIs."""
    values = problem.constraints(evaluation)
    limits = [values[one.key] for one in problem.spec.limits if one.name not in OF_LEVERS_ALONE]
    return Point(
        evaluation.levers,
        scaled(problem.space, evaluation.levers),
        evaluation,
        np.array([problem.reached(evaluation), *limits]),
    )


def output_of(problem: Problem, name: str) -> int:
    """Return the place of a constraint among a point's outputs."""
    limits = [one.name for one in problem.spec.limits if one.name not in OF_LEVERS_ALONE]
    return 1 + limits.index(name)


def ask(problem: Problem, at: Vector, purpose: TrialPurpose, iteration: int) -> Asking:
    """Preview the canonical levers nearest to a point; None when the preview failed."""
    levers = settled(problem.rules, problem.space, levers_at(problem.space, at))
    (trial,) = yield (Proposal(levers, "preview", purpose, iteration),)
    return None if trial.evaluation is None else point_of(problem, trial.evaluation)


def slopes_at(problem: Problem, at: Vector, iteration: int) -> Sloping:
    """Return a point and the linear model there, from one batch of previews; None when one failed.

    Each lever moves towards the middle of its bounds, so that no step leaves them; one without room has
    slopes of 0.
    """
    space = problem.space
    steps = [_inward_step(space, index, value) for index, value in enumerate(at)]
    around = [at, *(at + step for step in steps if step.any())]
    trials = yield tuple(
        Proposal(levers_at(space, one), "preview", TrialPurpose.SLOPE, iteration) for one in around
    )
    points = [point_of(problem, trial.evaluation) for trial in trials if trial.evaluation is not None]
    if len(points) < len(around):
        return None
    start, slopes = points[0], np.zeros((len(points[0].outputs), len(space)))
    neighbours = iter(points[1:])
    for index, step in enumerate(steps):
        if step.any():
            moved = next(neighbours)
            slopes[:, index] = (moved.outputs - start.outputs) / (moved.at - start.at)[index]
    model = Model(start.at, start.outputs, slopes)
    return start, replace(model, cuts=model.lines())


def _inward_step(space: Space, index: int, at: float) -> Vector:
    lever = space[index]
    room = ASK_AT_MOST * (lever.high - lever.low) / lever.scale
    size = min(step_widths(dynamics=lever.dynamics), room)
    value = lever.start + lever.scale * at
    step = np.zeros(len(space))
    if size * lever.scale < SMALLEST_CHANGE:
        return step
    step[index] = inward(value, lever.low, lever.high, size)
    return step
