"""Studies whose answers are known in closed form, through the study runner itself, against bars.

python -m benchmarks.known_answers [--quick]

Least change to a target on linear growth, with and without bounds that bind; a quadratic under a budget, by
its Karush-Kuhn-Tucker conditions; two fronts of known shape; a target out of reach. Exit code 1 when a bar
is missed. Strategies without a bar are there to compare with.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.analytic import LEVELS, OPENING_PAYROLL, PAYROLL_CHANGE, AnalyticEvaluator, World
from benchmarks.fronts import distance, hypervolume
from benchmarks.known_worlds import LINEAR, SLOPES, START_GROWTH, filled, fonseca, quadratics
from planwise.settings import Settings
from planwise.study import StudyResult, StudySpec, run_study
from planwise.study.problem import problem_of
from planwise.study.space import bounds_of, scaled
from planwise.study.trial import Evaluation

TOLERANCE = 0.001
NEAR_TARGET, FAR_TARGET, BEYOND_TARGET = 0.04, 0.09, 0.40  # FAR: some levers at their upper bounds
CENTRE = np.array([0.6, 0.4, -0.2, 0.4])  # of the quadratic, outside the budget; within policy
BUDGET_COST = 1.1  # the scenario as it is costs 1
REFERENCE = 1.1  # of the worst of a known front: what a hypervolume is measured to
QUICK_TRIALS = 40
SOLVERS = ("solve", "slsqp", "l-bfgs-b", "tnc", "cobyla", "cobyqa", "differential-evolution")
# Relative errors that count as the known answer. Methods with gradients find it; those without, populations,
# and tnc where a penalty holds its constraints come near within the previews that a problem is worth.
EXACT, NEAR = 0.01, 0.05
SAMPLED_SHARE = 0.3  # of what there was to gain, that a sampler may leave within its trials
VOLUME_SHARE = 0.15  # of the known hypervolume, that a front may miss
TRIALS = {"tpe": 200, "nsga2": 1000, "random": 200}  # as many as `auto` would give them, or more


@dataclass(frozen=True)
class Answer:
    """One study: what it found, what is known, and how far apart they are (in `unit`), against a bar."""

    study: str
    strategy: str
    found: str
    known: str
    error: float
    unit: str
    bar: float | None
    evaluations: int

    @property
    def verdict(self) -> str:
        """Met, missed, or nothing where there is no bar."""
        if self.bar is None:
            return ""
        return "met" if self.error <= self.bar else "missed"


class Runner:
    """Runs studies in one home; remembers what was evaluated."""

    def __init__(self, home: Path) -> None:
        self._settings = Settings(home=home)
        self._studies = 0

    def study(self, world: World, spec: StudySpec) -> tuple[StudyResult, list[Evaluation]]:
        """Return the result of a study decided by plans, and its evaluations."""
        self._studies += 1
        preview, real = AnalyticEvaluator(world, "preview"), AnalyticEvaluator(world, "real")
        result = run_study(
            self._settings,
            spec.model_copy(update={"tune": world.levers}),
            name=f"known_{self._studies}",
            scenario="baseline",
            base=world.base,
            levels=LEVELS,
            preview=preview,
            real=real,
        )
        return result, [*preview.found, *real.found]


def least_change(runner: Runner, *, quick: bool) -> Iterator[Answer]:
    """Seek the least change to a target: z = slopes · gap / slopes² where no bound binds, else filled up."""
    low, high = bounds_of(LINEAR.space)
    for study, target in (("least change", NEAR_TARGET), ("levers at bounds", FAR_TARGET)):
        known = filled(SLOPES, target - START_GROWTH, low, high)
        for strategy in SOLVERS[:2] if quick else SOLVERS:
            result, _ = runner.study(LINEAR, _spec(target, strategy))
            found = scaled(LINEAR.space, result.levers)
            error = float(found @ found) / float(known @ known) - 1 if result.converged else math.inf
            yield Answer(
                study,
                strategy,
                f"{found @ found:.4f}",
                f"{known @ known:.4f}",
                abs(error),
                "of the change",
                NEAR if strategy in ("cobyla", "cobyqa", "differential-evolution") else EXACT,
                result.evaluations,
            )
    for strategy, bar in (
        () if quick else (("tpe", 1.0), ("cmaes", 1.0), ("random", None), ("balanced", None))
    ):
        result, _ = runner.study(LINEAR, _spec(NEAR_TARGET, strategy))
        error = abs(result.growth - NEAR_TARGET) / TOLERANCE
        growth = f"{result.growth:.3%}"
        known_growth = f"{NEAR_TARGET:.3%}"
        yield Answer(
            "on target", strategy, growth, known_growth, error, "tolerances", bar, result.evaluations
        )


def limited(runner: Runner, *, quick: bool) -> Iterator[Answer]:
    """Minimise (z − c)² under a budget linear in z: c moved along the budget's normal until it holds."""
    normal = np.array([0.3, 0.2, 0.1, 0.1])
    start = 1 + float(CENTRE @ CENTRE)
    world = World(
        LINEAR.levers,
        cost=lambda z: 1 + float(normal @ z),
        equity=lambda z: (1 + float((z - CENTRE) @ (z - CENTRE))) / start,
    )
    multiplier = max((1 + normal @ CENTRE - BUDGET_COST) / (normal @ normal), 0.0)
    answer = CENTRE - multiplier * normal
    known = (1 + float((answer - CENTRE) @ (answer - CENTRE))) / start
    payroll = OPENING_PAYROLL + BUDGET_COST * PAYROLL_CHANGE
    samplers = ("tpe", "random")
    for strategy in ("slsqp", "cobyqa") if quick else (*SOLVERS[1:], "auto", *samplers):
        spec = _spec(
            NEAR_TARGET,
            strategy,
            objectives=(("equity", 1.0),),
            constraints=(f"payroll<={payroll}",),
            trials=TRIALS.get(strategy),
        )
        result, _ = runner.study(world, spec)
        found = float(result.objective["value"])
        error = (found - known) / (1 - known) if result.feasible else math.inf
        bar = SAMPLED_SHARE if strategy in samplers else NEAR if strategy == "tnc" else EXACT
        yield Answer(
            "under a budget",
            strategy,
            f"{found:.4f}",
            f"{known:.4f}",
            abs(error),
            "of the gain",
            None if strategy == "random" else bar,
            result.evaluations,
        )


def fronts(runner: Runner, *, quick: bool) -> Iterator[Answer]:
    """Find the front of two quadratics (convex), and of Fonseca and Fleming's functions (not convex)."""
    for study, world, known in (("convex front", *quadratics()), ("front not convex", *fonseca())):
        reference = REFERENCE * float(known.max())
        whole = hypervolume(known.tolist(), (reference, reference))
        for strategy in ("tpe",) if quick else ("tpe", "nsga2", "random"):
            trials = QUICK_TRIALS if quick else TRIALS[strategy]
            spec = _spec(NEAR_TARGET, strategy, objectives=(("cost", None), ("equity", None)), trials=trials)
            result, evaluations = runner.study(world, spec)
            points = [_objectives(world, spec, one) for one in evaluations if one.kind == "real"]
            volume = hypervolume(points, (reference, reference))
            apart = distance(points, known)
            yield Answer(
                study,
                strategy,
                f"{volume:.4f} (distance {apart:.3f})",
                f"{whole:.4f}",
                1 - volume / whole,
                "of the hypervolume",
                None if quick or strategy == "random" else VOLUME_SHARE,
                result.evaluations,
            )


def unreachable(runner: Runner, *, quick: bool) -> Iterator[Answer]:
    """Ask for a target beyond the bounds: the answer is the growth there, and no plan."""
    _, high = bounds_of(LINEAR.space)
    known = START_GROWTH + float(SLOPES @ high)
    for strategy in ("solve", "balanced", "tpe", "slsqp"):
        result, _ = runner.study(LINEAR, _spec(BEYOND_TARGET, strategy))
        nearest = result.nearest_growth
        right = nearest is not None and not result.reachable and result.real_plans == 0
        yield Answer(
            "out of reach",
            strategy,
            "-" if nearest is None else f"{nearest:.3%}",
            f"{known:.3%}",
            abs(nearest - known) if nearest is not None and right else math.inf,
            "of growth",
            1e-6,
            result.evaluations,
        )


STUDIES = least_change, limited, fronts, unreachable


def answers(*, quick: bool) -> Iterator[Answer]:
    """Run every study in a temporary home; yield what each found."""
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        for study in STUDIES:
            yield from study(runner, quick=quick)


def report(found: list[Answer]) -> Table:
    """Return the table."""
    table = Table("study", "strategy", "found", "known", "error", "bar", "evaluations", "")
    for one in found:
        bar = "" if one.bar is None else f"{one.bar:g}"
        table.add_row(
            one.study,
            one.strategy,
            one.found,
            one.known,
            f"{one.error:.2g} {one.unit}",
            bar,
            str(one.evaluations),
            one.verdict,
        )
    return table


def _spec(target: float, strategy: str, constraints: tuple[str, ...] = (), **asked: object) -> StudySpec:
    """Return a question with a closed answer: no grid, no tie, levels as far apart as their bounds allow."""
    free: dict[str, object] = {"tie": "none", "grid": "off", "tolerance": TOLERANCE, "seeds": 0}
    free["constraints"] = ("merit_step<=0.1", *constraints)
    return StudySpec(target_growth=target, strategy=strategy, **free | asked)  # type: ignore[arg-type]


def _objectives(world: World, spec: StudySpec, evaluation: Evaluation) -> tuple[float, ...]:
    problem = problem_of(spec.model_copy(update={"tune": world.levers}), world.base, LEVELS, "real")
    return problem.with_baseline(world.evaluation({}, "preview")).values(evaluation)


def main() -> int:
    """Run the studies; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="A few strategies, as the test does.")
    console = Console(width=150)
    found = list(answers(quick=parser.parse_args().quick))
    console.print(report(found))
    missed = [one for one in found if one.verdict == "missed"]
    console.print(f"{len(found)} studies, {len(missed)} bars missed.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
