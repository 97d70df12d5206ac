"""Studies as pages show them: one study with its trials, the history, and the checks before a start."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from planwise.study.spec import RUNNING, StudyHeader, StudySpec
from planwise.study.target import Target

if TYPE_CHECKING:
    from planwise.study.problem import Budget

Tone = Literal["ok", "warn", "bad"]

PP = 100.0  # a rate in percentage points
CANDIDATE, BASELINE, ANALYSIS = "candidate", "baseline", "analysis"  # roles of a trial
FEASIBLE, INFEASIBLE, FAILED = "feasible", "infeasible", "failed"  # states of a trial
FACTS = (
    "trial",
    "kind",
    "purpose",
    "iteration",
    "seed",
    "state",
    "role",
    "reached",
    "growth",
    "gap_pp",
    "payroll",
    "cost",
    "within_level_cv",
    "adjusted_gap",
    "below_minimum",
    "raise_max",
    "score",
    "best_reached",
    "best_score",
    "violated",
    "gate",
    "seconds",
    "cache_hit",
    "answered_by",
    "fingerprint",
    "error",
)
PART, LIMIT, LEVER = "part_", "limit_", "lever_"  # prefixes of the columns that differ by study


@dataclass(frozen=True)
class StudyLever:
    """One lever that a study tunes: `name` is `lever` or `lever@year`, bounds are the study's.

    `start` is the value in force, None until the baseline has been evaluated.
    """

    name: str
    label: str
    unit: str
    low: float
    high: float
    start: float | None
    recommended: tuple[float, float]

    @property
    def column(self) -> str:
        """Its column in the trials."""
        return LEVER + self.name


@dataclass(frozen=True)
class StudyTrials:
    """One study, running or ended.

    `trials` has one row per finished trial: the columns of FACTS, then `part_` per objective (scaled by the
    baseline, which is 1), `limit_` per constraint (up to 0: met), `lever_` per tuned lever. The `role` of a
    row is candidate (may be the answer), baseline, or analysis (replicates and slopes of the answer). Money
    is per year in the census's currency: payroll is the highest of any year's end, cost the sum of the
    years' increases. `front`, `knee` and `picks` are trial numbers; `given` has the levers that each trial
    set. `unfinished` trials are running. `outcome` is the study's result, None before its end.
    """

    name: str
    header: StudyHeader
    state: str
    trials: pd.DataFrame
    levers: tuple[StudyLever, ...]
    unfinished: int
    outcome: Mapping[str, Any] | None
    front: tuple[int, ...] = ()
    knee: int | None = None
    picks: tuple[int, ...] = ()
    given: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    stamp: Hashable = None

    @property
    def spec(self) -> StudySpec:
        """The study's question."""
        return self.header.spec

    @property
    def target(self) -> Target | None:
        """The target to meet; None where none is sought."""
        return self.header.spec.sought

    @property
    def is_running(self) -> bool:
        """Whether a living process runs it."""
        return self.state == RUNNING

    @property
    def candidates(self) -> pd.DataFrame:
        """The trials that may be the answer, of the kind that decides (plan or preview)."""
        trials = self.trials
        return trials.loc[(trials["role"] == CANDIDATE) & (trials["kind"] == self.header.kind)]

    @property
    def best(self) -> int | None:
        """The trial that is the answer, or the best so far; None without a feasible one.

        On target first, then by score: as the study itself judges.
        """
        if self.outcome is not None:
            found = self.outcome.get("trial")
            return None if found is None else int(found)
        if self.knee is not None:
            return self.knee
        feasible = self.candidates.loc[self.candidates["state"] == FEASIBLE]
        if not len(feasible):
            return None
        met = feasible["gap_pp"].abs() <= PP * self.spec.tolerance
        feasible = feasible.loc[met] if met.any() else feasible
        return int(feasible["trial"].iloc[int(feasible["score"].argmin())])

    def named(self, prefix: str) -> tuple[str, ...]:
        """Return the names of the trials' columns with a prefix, without it."""
        columns = map(str, self.trials.columns)
        return tuple(column.removeprefix(prefix) for column in columns if column.startswith(prefix))

    def trial(self, number: int | None) -> Mapping[str, Any] | None:
        """Return a trial's row; None for an unknown number."""
        row = self.trials.loc[self.trials["trial"] == number]
        return None if row.empty else {str(name): value for name, value in row.iloc[0].items()}


@dataclass(frozen=True)
class StudySummary:
    """A study without its trials; `reached` is in the unit of the target, `gap_pp` the distance to it.

    `levers` are those of the answer; empty before there is one. `updated_at` is when the summary was written.
    """

    name: str
    header: StudyHeader
    state: str
    trials: int
    converged: bool | None
    reachable: bool | None
    reached: float | None
    gap_pp: float | None
    seconds: float | None
    levers: Mapping[str, float]
    updated_at: str
    within_policy: bool | None = None
    risk_level: str | None = None

    @property
    def target(self) -> Target | None:
        """The target to meet; None where none is sought."""
        return self.header.spec.sought

    @property
    def has_answer(self) -> bool:
        """Whether it has ended with levers that can be saved as a scenario."""
        return self.state != RUNNING and bool(self.levers)

    @property
    def publishes(self) -> bool:
        """Whether it was started to make a scenario of its answer."""
        return self.header.request is None or self.header.request.publish


@dataclass(frozen=True)
class PreflightCheck:
    """One check before a study starts; a bad one blocks the start."""

    name: str
    tone: Tone
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class GrowthRange:
    """What the baseline and both ends of the levers reach, in the target's unit; seconds of one preview."""

    baseline: float
    lowest: float
    highest: float
    seconds: float


@dataclass(frozen=True)
class Preflight:
    """The checks of a question, and what its study would do.

    `reason` says why `auto` picks its strategy. `spec`, `budget` and `ends` (lever values of the lowest and
    the highest growth) are None for a question that no study can answer; `seconds`, that the study takes in
    all, is None until a preview has been timed. `takes_trials` is whether the
    strategy has a number of trials.
    """

    checks: tuple[PreflightCheck, ...]
    reason: str = ""
    strategy: str = ""
    spec: StudySpec | None = None
    budget: "Budget | None" = None
    takes_trials: bool = False
    ends: tuple[Mapping[str, float], Mapping[str, float]] | None = None
    seconds: float | None = None

    @property
    def ready(self) -> bool:
        """Whether no check blocks the start."""
        return all(check.tone != "bad" for check in self.checks)
