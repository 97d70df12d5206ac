"""What is new as the views see it: sweeps, scenarios to be simulated, studies that ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ui.values.results import Unreadable

AS_IT_IS = "as it is"  # the variant of a scenario that is its own definition, and is published
State = Literal["never", "stale", "deleted"]


@dataclass(frozen=True)
class SweptState:
    """What one scenario (or variant) came to: compound growth and payroll of the last year, as published.

    `growth`, `payroll`, `headcount` and `gate` are None where it could not be simulated; `reasons` say why it
    is not feasible.
    """

    scenario: str
    variant: str
    feasible: bool
    reasons: tuple[str, ...]
    growth: float | None
    payroll: float | None
    headcount: int | None
    fingerprint: str | None
    gate: str | None

    @property
    def label(self) -> str:
        """The scenario, with the variant where there is one."""
        return self.scenario if self.variant == AS_IT_IS else f"{self.scenario} ({self.variant})"


@dataclass(frozen=True)
class Sweep:
    """One sweep: `at` is ISO, UTC; `complete` is false when it was stopped before its end."""

    at: str
    asked: str
    complete: bool
    rows: tuple[SweptState, ...]

    @property
    def by_label(self) -> Mapping[str, SweptState]:
        """The rows by what they are called."""
        return {row.label: row for row in self.rows}

    @property
    def published(self) -> Mapping[str, SweptState]:
        """The rows of scenarios as they are, by scenario: those that the sweep published."""
        return {row.scenario: row for row in self.rows if row.variant == AS_IT_IS}


@dataclass(frozen=True)
class Sweeps:
    """The newest sweep, the complete one before it that was asked the same, and files that cannot be read."""

    last: Sweep | None
    before: Sweep | None
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True)
class Standing:
    """A scenario whose published result is not what it would give now; `why` and `remedy` say more."""

    scenario: str
    state: State
    why: str
    remedy: str


@dataclass(frozen=True)
class StudyInBrief:
    """A study by its summary: `target` is None where none is sought, `growth` the best trial's so far.

    `kept_as` is the scenario made of its answer, None while there is none; `has_answer` says that it ended
    with levers to make one of.
    """

    name: str
    scenario: str
    strategy: str
    kind: str
    state: str
    target: float | None
    growth: float | None
    converged: bool | None
    reachable: bool | None
    trials: int
    seconds: float | None
    at: str
    has_answer: bool
    kept_as: str | None
