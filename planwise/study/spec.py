"""What a study is asked: target, objectives, constraints, levers, strategy and budgets."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from planwise.errors import InputError
from planwise.study.constraints import LOCKED, PAYROLL_RISK, Constraint, parse_constraints
from planwise.study.objectives import TARGETS, Objectives, check_objectives

DEFAULT_STRATEGY = "solve"  # of the default objective
STRATEGY_OF_OBJECTIVES = "auto"
CHOSEN = ""  # a strategy not named is chosen by what is asked
DEFAULT_TOLERANCE_RATE = 0.001  # 0.1 pp
DEFAULT_ITERATIONS = 10
DEFAULT_SEEDS = 20
SEEDS_MAX = 1000
ITERATIONS_MAX = 20
TARGET_BOUND_RATE = 0.5  # a larger number is a percentage by mistake
TOLERANCE_MAX_RATE = 0.05
NAME_PATTERN = re.compile(r"[a-z0-9_]{1,100}")
# How long and how far a study looks; everything else asked is what it looks for.
BUDGETS = frozenset(
    {
        "max_iterations",
        "trials",
        "timeout_seconds",
        "stagnation",
        "stop_when_converged",
        "single_iteration",
    }
)


@dataclass(frozen=True)
class StudySpec:
    """A target for the growth of mean base pay, what else counts, and how to look for it.

    `target_growth` and `tolerance` are rates: compound annual growth of mean base pay from the census to the
    last simulated year. `levers` are the names to tune (`name`, or `name@year`), None is the default choice;
    `by_year` tunes each once a year, `locked` leaves levers alone. Without `objectives` the least change that
    meets the target is sought; with weights their weighted sum, with several and no weight the front of their
    trade-offs (`objectives.py`). `constraints` are texts (`constraints.py`), kept canonical; `locked.NAME`
    among them joins `locked`. `seeds` is the number of replicates for robustness and for payroll_risk.
    `trials`, `timeout_seconds` and `stagnation` (trials without a better one) bound a study, None is the
    default and no limit. `single_iteration` lets a strategy take its first step only, to look at it. Raises
    InputError for what no study can be asked.
    """

    target_growth: float
    strategy: str = CHOSEN
    tolerance: float = DEFAULT_TOLERANCE_RATE
    levers: tuple[str, ...] | None = None
    by_year: bool = False
    locked: tuple[str, ...] = ()
    objectives: Objectives = ()
    constraints: tuple[str, ...] = ()
    max_iterations: int = DEFAULT_ITERATIONS
    trials: int | None = None
    timeout_seconds: float | None = None
    stagnation: int | None = None
    seeds: int = DEFAULT_SEEDS
    seed: int = 0
    stop_when_converged: bool = False
    single_iteration: bool = False

    def __post_init__(self) -> None:
        self._check_numbers()
        check_objectives(self.objectives)
        parsed = parse_constraints(self.constraints)
        locked = {*self.locked, *(one.lever for one in parsed if one.name == LOCKED and one.lever)}
        self._set("locked", tuple(sorted(locked)))
        self._set("constraints", tuple(str(one) for one in parsed if one.name != LOCKED))
        if self.strategy == CHOSEN:
            self._set("strategy", default_strategy(self.objectives))
        _check(
            self.seeds > 0 or not any(one.name == PAYROLL_RISK for one in parsed),
            "payroll_risk is judged over seeds, and there is none.",
            "Give --seeds 20 or more, or leave payroll_risk out.",
        )
        _check(
            self.seeks_target or not self.stop_when_converged,
            "There is no target to stop at: targets is not among the objectives.",
            "Add targets, or leave stop_when_converged out.",
        )

    @property
    def iterations(self) -> int:
        """How many iterations a strategy may take."""
        return 1 if self.single_iteration else self.max_iterations

    @property
    def multi_objective(self) -> bool:
        """Whether a front of trade-offs is sought, not one best."""
        return len(self.objectives) > 1 and all(weight is None for _, weight in self.objectives)

    @property
    def seeks_target(self) -> bool:
        """Whether growth is to meet the target; else the target is not looked at."""
        return not self.objectives or any(name == TARGETS for name, _ in self.objectives)

    @cached_property
    def limits(self) -> tuple[Constraint, ...]:
        """The constraints, read."""
        return parse_constraints(self.constraints)

    def limit(self, name: str) -> Constraint | None:
        """Return the constraint of a name; None when there is none."""
        return next((one for one in self.limits if one.name == name), None)

    def as_json(self) -> dict[str, Any]:
        """Return the question as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "StudySpec":
        """Read back what `as_json` wrote; what an older version did not know is as by default."""
        levers = data["levers"]
        return cls(
            **{
                **data,
                "levers": None if levers is None else tuple(levers),
                "locked": tuple(data.get("locked", ())),
                "objectives": tuple((name, weight) for name, weight in data.get("objectives", ())),
                "constraints": tuple(data.get("constraints", ())),
            }
        )

    @property
    def identity(self) -> tuple[object, ...]:
        """What cannot change when a study is resumed; budgets can. Orders that mean nothing are left out."""
        told = {key: value for key, value in asdict(self).items() if key not in BUDGETS}
        told["levers"] = None if self.levers is None else tuple(sorted(self.levers))
        return tuple(told[key] for key in sorted(told))

    def _check_numbers(self) -> None:
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
            self.stagnation is None or self.stagnation >= 1,
            f"{self.stagnation} trials without a better one are no patience.",
            "Give 1 or more.",
        )
        _check(
            self.timeout_seconds is None or self.timeout_seconds > 0,
            f"A timeout of {self.timeout_seconds} s leaves no time.",
            "Give a number of seconds above 0.",
        )
        _check(
            0 <= self.seeds <= SEEDS_MAX,
            f"{self.seeds} seeds are outside 0 to {SEEDS_MAX}.",
            "Give 20 or more for robustness, 0 for none.",
        )
        _check(self.seed >= 0, f"A seed of {self.seed} is below 0.", "Give a whole number from 0.")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # frozen: only while it is made


def default_strategy(objectives: Objectives) -> str:
    """Return the strategy that is taken when none is named."""
    return STRATEGY_OF_OBJECTIVES if objectives else DEFAULT_STRATEGY


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
