"""What a study is asked: target, tolerance, strategy, levers and budgets."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from planwise.errors import InputError

DEFAULT_STRATEGY = "solve"
DEFAULT_TOLERANCE_RATE = 0.001  # 0.1 pp
DEFAULT_ITERATIONS = 10
ITERATIONS_MAX = 20
TARGET_BOUND_RATE = 0.5  # a larger number is a percentage by mistake
TOLERANCE_MAX_RATE = 0.05
NAME_PATTERN = re.compile(r"[a-z0-9_]{1,100}")


@dataclass(frozen=True)
class Question:
    """One target for the growth of mean base pay, and how to look for it.

    `target_growth` and `tolerance` are rates: compound annual growth of mean base pay from the census to the
    last simulated year. `levers` are the names to tune, None is the default choice. `trials` and
    `timeout_seconds` bound a sampling strategy and any study, None is the default and no limit.
    `single_iteration` lets a strategy take its first step only, to look at it.
    """

    target_growth: float
    strategy: str = DEFAULT_STRATEGY
    tolerance: float = DEFAULT_TOLERANCE_RATE
    levers: tuple[str, ...] | None = None
    max_iterations: int = DEFAULT_ITERATIONS
    trials: int | None = None
    timeout_seconds: float | None = None
    seed: int = 0
    stop_when_converged: bool = False
    single_iteration: bool = False

    def __post_init__(self) -> None:
        _check(
            abs(self.target_growth) <= TARGET_BOUND_RATE,
            f"A target growth of {self.target_growth:g} is outside ±{TARGET_BOUND_RATE:g}.",
            "Give a rate: 0.03 is 3 % a year.",
        )
        _check(
            0 < self.tolerance <= TOLERANCE_MAX_RATE,
            f"A tolerance of {self.tolerance:g} is outside 0 to {TOLERANCE_MAX_RATE:g} (0 excluded).",
            "Give a rate: 0.001 is 0.1 percentage points.",
        )
        _check(
            1 <= self.max_iterations <= ITERATIONS_MAX,
            f"{self.max_iterations} iterations are outside 1 to {ITERATIONS_MAX}.",
            "The corrections shrink by a fifth each; more than 20 change nothing.",
        )
        _check(
            self.trials is None or self.trials >= 1, f"{self.trials} trials are no study.", "Give 1 or more."
        )
        _check(
            self.timeout_seconds is None or self.timeout_seconds > 0,
            f"A timeout of {self.timeout_seconds} s leaves no time.",
            "Give a number of seconds above 0.",
        )
        _check(self.seed >= 0, f"A seed of {self.seed} is below 0.", "Give a whole number from 0.")

    @property
    def iterations(self) -> int:
        """How many iterations a strategy may take."""
        return 1 if self.single_iteration else self.max_iterations

    def as_json(self) -> dict[str, Any]:
        """Return the question as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Question":
        """Read back what `as_json` wrote."""
        levers = data["levers"]
        return cls(**{**data, "levers": None if levers is None else tuple(levers)})

    @property
    def identity(self) -> tuple[object, ...]:
        """What cannot change when a study is resumed; budgets can."""
        return (self.target_growth, self.strategy, self.tolerance, self.levers, self.seed)


def study_name(scenario: str, strategy: str, now: datetime) -> str:
    """Return the default name of a study: scenario, strategy and the time (UTC, milliseconds)."""
    stamp = f"{now:%Y%m%d_%H%M%S}_{now.microsecond // 1000:03d}"
    return check_study_name(f"{scenario}_{strategy.replace('-', '_')}_{stamp}")


def check_study_name(name: str) -> str:
    """Return the name if a study may have it; raises InputError otherwise."""
    _check(
        NAME_PATTERN.fullmatch(name) is not None,
        f"{name!r} is not a study name.",
        "Use 1 to 100 lower-case letters, digits and underscores.",
    )
    return name


def _check(holds: bool, what: str, remedy: str) -> None:
    if not holds:
        raise InputError(what, remedy=remedy)
