"""One trial of a study: what was proposed, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from planwise.study.trials.evaluation import Evaluation, Kind

State = Literal["complete", "infeasible", "failed"]


class TrialPurpose(StrEnum):
    """What a trial is evaluated for; the values are those of the journal and of JSON."""

    BASELINE = "baseline"  # the scenario without changes
    LOWEST = "lowest"  # least growth within the bounds
    HIGHEST = "highest"  # most growth within the bounds
    REACH = "reach"  # steps of the reachability analysis
    NEAREST = "nearest"  # closest to a target out of reach
    REPLICATE = "seed"  # another seed, by which payroll_risk is judged
    START = "start"  # the first points of a sampler
    SAMPLE = "sample"  # a sampler's own points
    POINT = "point"  # a value that an optimizer of SciPy requests
    SLOPE = "slope"  # a neighbour for finite differences
    STEP = "step"  # a step of the solver
    ITERATION = "iteration"  # a step of a heuristic
    VERIFY = "verify"  # a plan of a candidate found by previews
    ROBUSTNESS = "robustness"  # the answer under another seed
    SENSITIVITY = "sensitivity"  # a neighbour of the answer
    ALONE = "alone"  # one lever's change without the others


POST_ANALYSIS = frozenset({TrialPurpose.ROBUSTNESS, TrialPurpose.SENSITIVITY, TrialPurpose.ALONE})
NO_CANDIDATES = POST_ANALYSIS | {TrialPurpose.BASELINE}


@dataclass(frozen=True)
class Proposal:
    """Levers that a strategy wants evaluated; without levers the study's sampler draws them.

    No levers at all (`{}`) is the scenario itself. `purpose` says what the answer is for, `iteration` counts
    a strategy's own steps from 1 (0 before the first). `seed` is another seed of the simulation than the
    scenario's own: a replicate, which says how sure an answer is and is never itself the answer.
    """

    levers: Mapping[str, float] | None
    kind: Kind
    purpose: TrialPurpose
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
    purpose: TrialPurpose
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
