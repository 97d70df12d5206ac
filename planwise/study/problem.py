"""What a strategy works on: the question, the search space, and how an evaluation is judged."""

from collections.abc import Mapping
from dataclasses import dataclass

from planwise.study.evaluation import Evaluation, Kind
from planwise.study.question import Question
from planwise.study.space import Space, change_of

# Of the objective beside squared tolerances: enough to prefer the smaller of two changes that both hit the
# target, too little to give up a tenth of a tolerance for it.
CHANGE_WEIGHT = 0.01
PP = 100.0  # a rate in percentage points
GATE_CONSTRAINT = "gate"


@dataclass(frozen=True)
class Problem:
    """A question on a search space; `kind` is what a decision needs: real, or preview if asked."""

    question: Question
    space: Space
    kind: Kind

    def gap(self, evaluation: Evaluation) -> float:
        """Return target minus growth, a rate: positive when pay has to grow more."""
        return self.question.target_growth - evaluation.growth

    def on_target(self, evaluation: Evaluation) -> bool:
        """Say whether growth is within the tolerance of the target."""
        return abs(self.gap(evaluation)) <= self.question.tolerance

    def converged(self, evaluation: Evaluation) -> bool:
        """Say whether this settles the question: on target, feasible, and verified as asked."""
        return self.on_target(evaluation) and evaluation.feasible and evaluation.kind == self.kind

    def change(self, levers: Mapping[str, float]) -> float:
        """Return the size of a change, in squared widths of the recommended ranges."""
        return change_of(self.space, levers)

    def parts(self, evaluation: Evaluation) -> dict[str, float]:
        """Return the parts of the objective: squared gap in tolerances, and the weighted change."""
        return {
            "targets": (self.gap(evaluation) / self.question.tolerance) ** 2,
            "change": CHANGE_WEIGHT * self.change(evaluation.levers),
        }

    def values(self, evaluation: Evaluation) -> tuple[float, ...]:
        """Return the objective values to minimise."""
        return (sum(self.parts(evaluation).values()),)

    def constraints(self, evaluation: Evaluation) -> dict[str, float]:
        """Return each constraint's value; up to 0 is feasible."""
        return {GATE_CONSTRAINT: 0.0 if evaluation.feasible else 1.0}
