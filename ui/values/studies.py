"""A study as the views see it: its question, its levers, one row per trial, its result."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from planwise.study.spec import StudyHeader, StudySpec

Tone = Literal["ok", "warn", "bad"]

RUNNING, INTERRUPTED, CANCELLED = "running", "interrupted", "cancelled"
FACTS = (
    "trial",
    "kind",
    "purpose",
    "iteration",
    "seed",
    "state",
    "role",
    "growth",
    "gap_pp",
    "payroll",
    "cost",
    "within_level_cv",
    "adjusted_gap",
    "below_minimum",
    "raise_max",
    "score",
    "best_growth",
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
    """One lever that a study tunes: `name` is `lever` or `lever@year`, bounds are those of the search.

    `start` is the value in force, None until the scenario as it is has been evaluated.
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

    `trials` has one row a finished trial: the columns of FACTS, then `part_` each objective asked (scaled by
    the scenario as it is; 1 is as it was), `limit_` each constraint's value (up to 0 it holds), `lever_` each
    tuned lever. `state` of a row: feasible, infeasible, failed. `role`: search (may be the answer), frame
    (scenario as it is), about (replicates and slopes of the answer). Money is a year in the census's
    currency: payroll is the highest at the end of any year, cost what the years add to it. `front`, `knee`
    and `picks` are trial numbers; `given` are the levers that a trial set, by its number (none: the scenario
    as it is). `unfinished` trials are under way. `outcome` is the study's result, None
    while there is none.
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
    def target(self) -> float | None:
        """The growth to meet, a rate; None where no target is sought."""
        return self.header.spec.sought_growth

    @property
    def is_running(self) -> bool:
        """Whether a living process runs it."""
        return self.state == RUNNING

    @property
    def searched(self) -> pd.DataFrame:
        """The trials that may be the answer: of the kind asked for, not about another."""
        trials = self.trials
        return trials.loc[(trials["role"] == "search") & (trials["kind"] == self.header.kind)]

    @property
    def best(self) -> int | None:
        """The trial that is the answer, or the best so far; None without a feasible one."""
        if self.outcome is not None:
            found = self.outcome.get("trial")
            return None if found is None else int(found)
        if self.knee is not None:
            return self.knee
        feasible = self.searched.loc[self.searched["state"] == "feasible"]
        if not len(feasible):
            return None
        if self.target is not None and not self.spec.weights:
            return int(feasible["trial"].iloc[int(feasible["gap_pp"].abs().argmin())])
        return int(feasible["trial"].iloc[int(feasible["score"].argmin())])

    def named(self, prefix: str) -> tuple[str, ...]:
        """Return the trials' columns that begin so, without the prefix."""
        columns = map(str, self.trials.columns)
        return tuple(column.removeprefix(prefix) for column in columns if column.startswith(prefix))

    def trial(self, number: int) -> Mapping[str, Any] | None:
        """Return a trial's row; None when it is not there (yet)."""
        row = self.trials.loc[self.trials["trial"] == number]
        return None if row.empty else {str(name): value for name, value in row.iloc[0].items()}


@dataclass(frozen=True)
class StudySummary:
    """One line of the history: how a study stands, without its trials; `gap_pp` is target minus growth."""

    name: str
    scenario: str
    strategy: str
    kind: str
    state: str
    objectives: tuple[tuple[str, float | None], ...]
    constraints: tuple[str, ...]
    target: float | None
    trials: int
    failed: int
    converged: bool | None
    reachable: bool | None
    growth: float | None
    gap_pp: float | None
    seconds: float | None
    created_at: str


@dataclass(frozen=True)
class PreflightCheck:
    """One thing looked at before a study starts; a bad one keeps it from starting."""

    name: str
    tone: Tone
    says: str
    remedy: str = ""


@dataclass(frozen=True)
class BoundsCheck:
    """What a question needs measured: lever values of the least and the most growth by declared direction."""

    scenario: str
    lowest: Mapping[str, float]
    highest: Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """Growth (a yearly rate) of the scenario as it is and at both ends, by previews; seconds of one."""

    baseline: float
    lowest: float
    highest: float
    seconds: float


@dataclass(frozen=True)
class Checked:
    """A question looked at: its checks, what `auto` would pick, how many evaluations it is worth.

    `budget` is (minimum, recommended, maximum), None where the question cannot be posed; `frame` likewise.
    `takes_trials` says whether the strategy asks for a number of trials at all.
    """

    checks: tuple[PreflightCheck, ...]
    strategy: str
    reason: str
    constraints: tuple[str, ...] = ()
    levers: tuple[str, ...] = ()
    budget: tuple[int, int, int] | None = None
    problem_class: str = ""
    takes_trials: bool = False
    frame: BoundsCheck | None = None

    @property
    def ready(self) -> bool:
        """Whether nothing keeps the study from starting."""
        return all(check.tone != "bad" for check in self.checks)
