"""One trial of a study: what was proposed, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from planwise.study.trials.evaluation import Evaluation, Kind

State = Literal["complete", "infeasible", "failed"]


@dataclass(frozen=True)
class Proposal:
    """Levers that a strategy wants evaluated; without levers the study's sampler draws them.

    No levers at all (`{}`) is the scenario itself. `purpose` says what the answer is for, `iteration` counts
    a strategy's own steps from 1 (0 before the first). `seed` is another seed of the simulation than the
    scenario's own: a replicate, which says how sure an answer is and is never itself the answer.
    """

    levers: Mapping[str, float] | None
    kind: Kind
    purpose: str
    iteration: int = 0
    seed: int | None = None


@dataclass(frozen=True)
class Trial:
    """A finished trial; `evaluation` is None, and `error` says why, when it failed.

    `answered_by` is the trial of equal parameters that this one was answered from, without any evaluation.
    `seed` is the replicate's own seed, None under the scenario's.
    """

    number: int
    kind: Kind
    purpose: str
    iteration: int
    levers: Mapping[str, float]
    digest: str
    evaluation: Evaluation | None
    error: str | None = None
    answered_by: int | None = None
    seed: int | None = None

    @property
    def state(self) -> State:
        """Complete, complete but infeasible, or failed."""
        if self.evaluation is None:
            return "failed"
        return "complete" if self.evaluation.feasible else "infeasible"
