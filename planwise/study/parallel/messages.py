"""What goes between a study and its workers."""

from collections.abc import Mapping
from dataclasses import dataclass

from planwise.errors import PlanWiseError
from planwise.study.trials.evaluation import Evaluation, Kind


@dataclass(frozen=True)
class Job:
    """One evaluation to make; `number` is the trial's, `seed` a replicate's."""

    kind: Kind
    levers: Mapping[str, float]
    number: int
    seed: int | None = None


@dataclass(frozen=True)
class Broke:
    """What is left of an exception in another process: what a journal says about it."""

    error: str


Answer = Evaluation | Broke


class TrialBroke(PlanWiseError):
    """A trial broke in its worker; `what` names the error there."""


class WorkerDied(PlanWiseError):
    """A worker process ended under a trial: killed, or out of memory."""


class PoolStopped(PlanWiseError):
    """The study ended before this trial did."""


def error_text(error: BaseException) -> str:
    """Return what a journal says about an error."""
    if isinstance(error, TrialBroke | WorkerDied):
        return error.what
    return f"{type(error).__name__}: {error}"
