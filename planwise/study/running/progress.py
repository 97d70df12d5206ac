"""What a study tells while it runs, and what may be put around its evaluations."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from planwise.study.trials.evaluation import Evaluation, Kind
from planwise.study.trials.trial import TrialPurpose


@dataclass(frozen=True)
class Progress:
    """A study after its latest trial; gaps are in percentage points, None without an evaluation yet.

    `best_*` is the best so far of the kind that a decision needs; counts are of the whole study.
    """

    study: str
    strategy: str
    trial: int
    purpose: TrialPurpose
    iteration: int
    kind: Kind
    state: str
    growth: float | None
    gap_pp: float | None
    best_gap_pp: float | None
    best_levers: Mapping[str, float] | None
    evaluations: int
    real_plans: int
    cache_hits: int
    failed: int
    seconds: float


Call = Callable[[Callable[[], Evaluation], int], Evaluation]
"""Runs one real evaluation of the trial with this number: the place for a task around it."""


def _directly(evaluate: Callable[[], Evaluation], number: int) -> Evaluation:
    return evaluate()


def _ignore(progress: Progress) -> None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Hooks:
    """What a caller puts around a study: `should_stop` is asked before each trial; clocks are passed in."""

    call: Call = _directly
    on_progress: Callable[[Progress], None] = _ignore
    should_stop: Callable[[], bool] = _never
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
