"""The strategy that chooses another one by the question, and explains its choice."""

from collections.abc import Mapping
from dataclasses import dataclass

from optuna.samplers import BaseSampler

from planwise.formatting import counted
from planwise.study.constraints import PAYROLL_RISK
from planwise.study.problem import Problem, Search, Strategy, evaluation_budget
from planwise.study.strategies.sampling import trials_of
from planwise.study.trial import Evaluation

FEW_LEVERS = 10  # up to as many, gradients by differences cost less than a population
MANY_CONSTRAINTS = 3
# From which a genetic search comes near the front that TPE finds (on fronts of known shape, measured), and
# draws twenty times as fast; below, TPE comes nearer.
AUTO_FRONT_TRIALS = 1000


@dataclass(frozen=True)
class StrategyChoice:
    """The strategy picked, and one sentence with the figures that decided."""

    strategy: str
    reason: str


@dataclass(frozen=True)
class Auto:
    """Picks among other strategies."""

    strategies: Mapping[str, Strategy]
    name: str = "auto"

    def sampler(self, problem: Problem, past_trials: int) -> BaseSampler | None:
        """Return the sampler of the strategy picked."""
        return self._picked(problem).sampler(problem, past_trials)

    def reason(self, problem: Problem) -> str | None:
        """Return which strategy was picked, and why."""
        return choose(problem).reason

    def propose(self, problem: Problem, baseline: Evaluation) -> Search:
        """Search with the chosen strategy."""
        return self._picked(problem).propose(problem, baseline)

    def _picked(self, problem: Problem) -> Strategy:
        return self.strategies[choose(problem).strategy]


def choose(problem: Problem) -> StrategyChoice:
    """Choose by the question, the size of the problem, its constraints, its noise and the time limit.

    Time decides only between strategies without a sampler, because only then is the baseline measured.
    """
    spec, levers = problem.spec, len(problem.space)
    if spec.multi_objective:
        return _front(problem)
    if not spec.weights:
        return StrategyChoice("solve", "solve: a plain target, met with the least change in at most 2 plans.")
    constraints = len(spec.limits)
    why = _why_populations(problem)
    if why is not None:
        seconds = _seconds_short(problem)
        if seconds is None:
            return StrategyChoice("differential-evolution", f"differential-evolution: {why}.")
        return StrategyChoice("slsqp", f"slsqp: {why}, but {seconds}.")
    if constraints >= MANY_CONSTRAINTS:
        return StrategyChoice(
            "cobyqa", f"cobyqa: {constraints} constraints on {levers} levers, none of them noisy."
        )
    few = f"{levers} levers (up to {FEW_LEVERS} are few)"
    return StrategyChoice("slsqp", f"slsqp: {few}, {_counted(constraints)}, smooth.")


def _front(problem: Problem) -> StrategyChoice:
    trials, objectives = trials_of(problem), len(problem.spec.weights)
    front = f"a front of {objectives} objectives in {trials} trials"
    if trials >= AUTO_FRONT_TRIALS:
        return StrategyChoice(
            "nsga2", f"nsga2: {front} (from {AUTO_FRONT_TRIALS} on it is as near, and quicker)."
        )
    return StrategyChoice("tpe", f"tpe: {front} (under {AUTO_FRONT_TRIALS} it comes nearest).")


def _why_populations(problem: Problem) -> str | None:
    moving = [lever.name for lever in problem.space if lever.dynamics]
    if problem.spec.limit(PAYROLL_RISK) is not None:
        return f"{PAYROLL_RISK} is judged over {problem.spec.seeds} seeds, which is noisy"
    if moving:
        return f"{len(moving)} levers act by whole people ({moving[0]}), which is not smooth"
    if len(problem.space) > FEW_LEVERS:
        return f"{len(problem.space)} levers (more than {FEW_LEVERS})"
    return None


def _seconds_short(problem: Problem) -> str | None:
    timeout, baseline = problem.spec.timeout_seconds, problem.baseline
    if timeout is None or baseline is None or problem.spec.trials is not None:
        return None
    least = evaluation_budget(problem, baseline.seconds).minimum
    needed = least * baseline.seconds
    if needed <= timeout:
        return None
    return f"{timeout:g} s do not last for {least} previews of {baseline.seconds:.2g} s"


def _counted(constraints: int) -> str:
    return "no constraint" if not constraints else counted(constraints, "constraint")
