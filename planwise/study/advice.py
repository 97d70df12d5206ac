"""How many evaluations a study should get, how long they take, and which strategy would do better."""

from dataclasses import dataclass
from typing import Literal

from planwise.study.problem import Problem

ProblemClass = Literal["simple", "moderate", "complex"]

# A further objective needs a front instead of a point: by judgement as much more to find as with five more
# levers, so that two objectives on the default levers are a complex problem.
LEVERS_PER_FURTHER_OBJECTIVE = 5
SIMPLE_MAX = 5  # size up to which a problem is simple, or moderate; above it is complex
MODERATE_MAX = 12
EVALUATIONS: dict[ProblemClass, tuple[int, int, int]] = {
    "simple": (20, 50, 100),
    "moderate": (50, 100, 200),
    "complex": (100, 200, 500),
}  # minimum, recommended, maximum
SOLVE_PLANS = 3  # maximum of `solve`
PLAN_STRATEGIES = "conservative", "balanced", "aggressive"


@dataclass(frozen=True)
class Budget:
    """The recommended number of evaluations; seconds are wall time, None where not measured."""

    problem_class: ProblemClass
    size: int
    minimum: int
    recommended: int
    maximum: int
    seconds_per_evaluation: float | None = None

    @property
    def seconds(self) -> tuple[float, float, float] | None:
        """Return how long minimum, recommended and maximum take on one worker."""
        each = self.seconds_per_evaluation
        if each is None:
            return None
        return self.minimum * each, self.recommended * each, self.maximum * each

    def affordable(self, seconds: float) -> int | None:
        """Return how many evaluations fit into a time; None where not measured."""
        each = self.seconds_per_evaluation
        return int(seconds / each) if each else None


def problem_size(problem: Problem) -> int:
    """Return the size of a problem: its levers, its constraints, and five for each further objective."""
    objectives = len(problem.spec.weights) if problem.spec.multi_objective else 1
    further = max(objectives - 1, 0)
    constraints = len(problem.spec.limits)
    return len(problem.space) + constraints + LEVERS_PER_FURTHER_OBJECTIVE * further


def problem_class(size: int) -> ProblemClass:
    """Return the class of a size (of `problem_size`)."""
    if size <= SIMPLE_MAX:
        return "simple"
    return "moderate" if size <= MODERATE_MAX else "complex"


def evaluation_budget(problem: Problem, seconds_per_evaluation: float | None = None) -> Budget:
    """Return the recommended number of evaluations, and how long they take."""
    size = problem_size(problem)
    found = problem_class(size)
    return Budget(found, size, *EVALUATIONS[found], seconds_per_evaluation)


def better_strategy(
    problem: Problem, *, converged: bool, reachable: bool, real_plans: int, evaluations: int
) -> str | None:
    """Return a better strategy than the one used, and why; None when there is none.

    The facts are those of the study's result; `reachable` is whether the target is within the bounds.
    """
    spec = problem.spec
    if not reachable or spec.chosen_strategy == "solve" or spec.single_iteration:
        return None
    plain_target = spec.seeks_target and not spec.weights
    if plain_target and spec.chosen_strategy in PLAN_STRATEGIES:
        if not converged:
            return (
                f"{spec.chosen_strategy} did not meet the target in {real_plans} plans: "
                f"`solve` meets it in at most {SOLVE_PLANS}, with the least change."
            )
        if real_plans > SOLVE_PLANS:
            return (
                f"{spec.chosen_strategy} took {real_plans} plans: `solve` takes at most {SOLVE_PLANS}, "
                "and changes the levers least."
            )
        return None
    if plain_target and not converged:
        return (
            f"{spec.chosen_strategy} did not meet the target in {evaluations} evaluations: "
            f"`solve` meets it in at most {SOLVE_PLANS} plans, with the least change."
        )
    budget = evaluation_budget(problem)
    if spec.multi_objective and evaluations < budget.minimum:
        return (
            f"{evaluations} evaluations are few for a {budget.problem_class} problem with "
            f"{len(spec.weights)} objectives: give {budget.recommended} (`--trials`)."
        )
    return None
