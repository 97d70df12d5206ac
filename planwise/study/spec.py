"""A study's question: target, objectives, constraints, levers, strategy and budgets, each declared once."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from cyclopts import Parameter
from pydantic import BeforeValidator, Field, model_validator

from planwise.errors import InputError
from planwise.governance.request import (
    NO_OPTION,
    SWITCH,
    Bounds,
    DaskAddress,
    Request,
    ScenarioRequest,
    form_choices,
)
from planwise.parameters import EffectiveParameters, Value
from planwise.study.constraints import (
    GROWTH,
    INCREASE,
    LOCKED,
    PAYROLL_RISK,
    Constraint,
    parse_constraints,
    require_payroll,
    within_budget,
)
from planwise.study.objectives import TARGETS, Objectives, objectives_text, parse_objectives
from planwise.study.target import DEFAULT_TARGET, Target, parse_target

TIE_MERIT = "merit"
FLOORS = (INCREASE, GROWTH)  # what trade-offs may be kept above
DEFAULT_STRATEGY = "solve"  # of the default objective
STRATEGY_OF_OBJECTIVES = "auto"
RISKY = frozenset({"HIGH", "CRITICAL"})  # levels of risk that are not saved unasked
NAME_PATTERN = re.compile(r"[a-z0-9_]{1,100}")
# Budgets; every other field is part of the question.
DRAW_RATES = "draw_rates"  # the assumption
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
STORED_AS = {"tune": "levers", "lock": "locked", "sampler_seed": "seed"}  # keys of the journal that differ
AT_LEAST_ONE = Bounds(1, 1_000_000, remedy="Give 1 or more.")
WORKERS = Bounds(1, 256, remedy="Give the number of processors, or fewer.")


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return names that may be written with commas between them."""
    texts = (given,) if isinstance(given, str) else given
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def names_or_none(given: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """Return names that may be written with commas between them; None for none."""
    return None if given is None else _names(given) or None


def _strategies() -> Iterable[str]:
    from planwise.study.strategies import STRATEGY_INFO  # which needs this module

    return (one.name for one in STRATEGY_INFO)


def _as_text(objectives: str | Iterable[tuple[str, float | None]] | None) -> str | None:
    """Return objectives as one text; a journal stores them as pairs of name and weight."""
    return objectives if isinstance(objectives, str | None) else objectives_text(objectives)


class StudySpec(Request):
    """The question of a study and how to search for its answer.

    Without `objectives` a study searches for the least change that meets the target. `target_growth` is only
    a short way to write a target: it becomes `target`. Raises InputError for values that no study can use.
    """

    target: str | None = Field(
        default=None,
        description="MEASURE=VALUE: increase=0.035 (increase budget of the first year), payroll=250e6 (at "
        "its end), continuing=0.04 (those who stay), growth=0.03 (average pay, a year until the last); "
        f"default {DEFAULT_TARGET}.",
    )
    target_growth: float | None = Field(default=None, description="Short for --target growth=R.")
    strategy: str | None = Field(
        default=None,
        description="How to search (docs/studies.md lists the strategies); default solve for a target, auto "
        "for objectives.",
        json_schema_extra=form_choices(_strategies),
    )
    objectives: Annotated[str | None, BeforeValidator(_as_text)] = Field(
        default=None,
        description="cost=.4,equity=.3,targets=.3 (one weighted objective), cost,equity (a front of "
        "trade-offs), or conservative, balanced, growth (presets); default the least change that meets the "
        "target.",
    )
    constraints: Annotated[tuple[str, ...], Parameter(name="--constraint", negative="")] = Field(
        default=(),
        description="payroll<=N, payroll_risk<=SHARE, increase<=X, increase>=X, growth<=X, growth>=X, "
        "merit_monotone, merit_step<=X, change<=X, change.LEVER<=X, raise<=X, raise>=X, "
        "adjusted_gap<=X, below_minimum<=N, market_position[department=NAME]>=P50; may be given many times.",
    )
    tolerance: Annotated[
        float, Bounds(0, 0.05, above=True, remedy="Give a rate: 0.001 is 0.1 percentage points.")
    ] = Field(
        default=0.001,
        description="Largest distance from the target that counts as met: 0.001 is 0.1 percentage points, "
        "of a payroll 0.1 %.",
    )
    max_iterations: Annotated[
        int, Bounds(1, 20, remedy="The corrections shrink by a fifth each; more than 20 change nothing.")
    ] = Field(default=10, description="Iterations at most, for the tuning loops.")
    trials: Annotated[int | None, AT_LEAST_ONE] = Field(
        default=None, description="Trials at most, for strategies that sample."
    )
    timeout_seconds: Annotated[
        float | None,
        Parameter(name="--timeout"),
        Bounds(0, above=True, remedy="Give a number of seconds above 0."),
    ] = Field(default=None, description="Seconds after which no further trial begins.")
    stagnation: Annotated[int | None, AT_LEAST_ONE] = Field(
        default=None, description="Stop after this many trials without improvement."
    )
    seeds: Annotated[int, Bounds(0, 1000, remedy="Give 20 or more for robustness, 0 for none.")] = Field(
        default=20,
        description="Other draws of rates and luck in which the answer is simulated, for robustness and "
        "payroll_risk; 0 for none.",
    )
    tune: Annotated[
        tuple[str, ...] | None, BeforeValidator(names_or_none), Parameter(name="--levers", negative="")
    ] = Field(
        default=None,
        description="Tune only these levers: names (merit is that of all levels), or name@year, with commas; "
        "default merit and COLA.",
    )
    tie: Literal["merit", "none"] = Field(
        default="merit",
        description="One merit budget for all levels, or none: each level its own, neighbours within 0.5 "
        "points (merit_step<=X for another difference).",
    )
    grid: Literal["on", "off"] = Field(
        default="on",
        description="Round values: rates in steps of 0.05 points, factors of 0.01; off for any value.",
    )
    by_year: Annotated[bool, SWITCH] = Field(
        default=False, description="Tune each lever once a year, not once for all years."
    )
    lock: Annotated[tuple[str, ...], BeforeValidator(_names), Parameter(negative="")] = Field(
        default=(), description="Keep this lever fixed: name, or name@year."
    )
    policy: Annotated[bool, NO_OPTION] = Field(
        default=False,
        description="Keep every trial within policy; a study sets it where that can meet the target.",
    )
    single_iteration: Annotated[bool, SWITCH] = Field(
        default=False, description="Take only the strategy's first step, to look at it."
    )
    stop_when_converged: Annotated[bool, NO_OPTION] = Field(
        default=False, description="Stop at the first trial that meets the target."
    )
    draws: Annotated[int, AT_LEAST_ONE] = Field(
        default=1,
        description="Draw this many trials before the first of them is evaluated, for strategies that "
        "sample: the same seed then finds the same with any number of workers.",
    )
    sampler_seed: Annotated[int, NO_OPTION, Bounds(low=0)] = Field(
        default=0, description="Seed of the strategy's own draws."
    )

    @model_validator(mode="before")
    @classmethod
    def _one_target(cls, fields: Any) -> Any:
        """Write the target in its canonical form."""
        if not isinstance(fields, Mapping):
            return fields
        growth, text = fields.get("target_growth"), fields.get("target")
        if growth is not None and text is not None:
            raise InputError("--target and --target-growth both give a target.", remedy="Keep one of them.")
        text = text if growth is None else f"growth={growth}"
        return {**fields, "target_growth": None, "target": None if text is None else str(parse_target(text))}

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        _ = self.weights, self.limits  # raise for unreadable text
        if self.seeds == 0 and self.limit(PAYROLL_RISK) is not None:
            raise InputError(
                "payroll_risk is measured over other draws, and --seeds is 0.",
                remedy="Give --seeds 20 or more, or leave payroll_risk out.",
            )
        if self.stop_when_converged and not self.seeks_target:
            raise InputError(
                "stop_when_converged needs a target: targets is not among the objectives.",
                remedy="Add targets, or leave stop_when_converged out.",
            )
        return self

    @property
    def chosen_strategy(self) -> str:
        """The strategy named, or the one that suits the objectives."""
        return self.strategy or (STRATEGY_OF_OBJECTIVES if self.weights else DEFAULT_STRATEGY)

    @property
    def on_grid(self) -> bool:
        """Whether the answer has round values."""
        return self.grid == "on"

    @property
    def iterations(self) -> int:
        """The maximum number of iterations of a strategy."""
        return 1 if self.single_iteration else self.max_iterations

    @cached_property
    def weights(self) -> Objectives:
        """The objectives with their weights; without weights a front of trade-offs is sought."""
        return parse_objectives(self.objectives) if self.objectives else ()

    @property
    def multi_objective(self) -> bool:
        """Whether a front of trade-offs is sought, not one best."""
        return len(self.weights) > 1 and all(weight is None for _, weight in self.weights)

    @property
    def seeks_target(self) -> bool:
        """Whether the target is to be met; otherwise it is ignored."""
        return not self.weights or any(name == TARGETS for name, _ in self.weights)

    @cached_property
    def limits(self) -> tuple[Constraint, ...]:
        """The constraints but for `locked.LEVER`, sorted by text."""
        return tuple(one for one in parse_constraints(self.constraints) if one.name != LOCKED)

    @cached_property
    def locked(self) -> tuple[str, ...]:
        """The levers that keep their value: those of `lock` and of `locked.LEVER` among the constraints."""
        constrained = (one.lever for one in parse_constraints(self.constraints) if one.name == LOCKED)
        return tuple(sorted({*self.lock, *(lever for lever in constrained if lever)}))

    @cached_property
    def market_groups(self) -> tuple[str, ...]:
        """The groups whose market position is limited, such as `department=Police`."""
        return tuple(sorted({one.group for one in self.limits if one.group is not None}))

    @cached_property
    def goal(self) -> Target:
        """The target, sought or not."""
        return parse_target(self.target or DEFAULT_TARGET)

    @property
    def sought(self) -> Target | None:
        """The target to meet; None where none is sought."""
        return self.goal if self.seeks_target else None

    def limit(self, name: str) -> Constraint | None:
        """Return the constraint of a name; None when there is none."""
        return next((one for one in self.limits if one.name == name), None)

    def for_scenario(self, effective: EffectiveParameters) -> "StudySpec":
        """Return the spec with its target, the default one unless another is given, and the payroll budget.

        Raises InputError for payroll_risk without a payroll limit.
        """
        budget = effective.number_or_none("payroll_budget")
        spec = self._with(target=str(self.goal), constraints=within_budget(self.constraints, budget))
        require_payroll(spec.limits)
        return spec

    def with_limits(self, limits: Iterable[Constraint]) -> "StudySpec":
        """Return the spec with these constraints instead."""
        return self._with(constraints=tuple(map(str, limits)), lock=self.locked)

    def kept_within_policy(self) -> "StudySpec":
        """Return the spec with every trial within policy."""
        return self._with(policy=True)

    @property
    def starts_within_policy(self) -> bool:
        """Whether its strategy looks within policy first, and outside only where that has no answer."""
        return not self.weights and self.chosen_strategy in (DEFAULT_STRATEGY, STRATEGY_OF_OBJECTIVES)

    def with_levers(self, names: Iterable[str]) -> "StudySpec":
        """Return the spec with these levers to tune."""
        return self._with(tune=tuple(names), by_year=False)

    def _with(self, **fields: Any) -> "StudySpec":
        return StudySpec(**{name: getattr(self, name) for name in StudySpec.model_fields} | fields)

    def as_json(self) -> dict[str, Any]:
        """Return the spec as a journal stores it."""
        fields = {
            **{name: getattr(self, name) for name in StudySpec.model_fields if name != "target_growth"},
            "strategy": self.chosen_strategy,
            "objectives": self.weights,
            "constraints": tuple(map(str, self.limits)),
            "lock": self.locked,
        }
        return {STORED_AS.get(name, name): value for name, value in fields.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "StudySpec":
        """Read the JSON of `as_json`; settings that an older version did not store have their defaults."""
        names = {stored: name for name, stored in STORED_AS.items()}
        return StudySpec(**{names.get(key, key): value for key, value in data.items()})

    @property
    def identity(self) -> Mapping[str, Any]:
        """The settings that cannot change when a study is resumed (budgets can), in a fixed order."""
        fixed = {key: value for key, value in self.as_json().items() if key not in BUDGETS}
        return fixed | {"levers": None if self.tune is None else tuple(sorted(self.tune))}


class RiskNotAllowed(InputError):
    """Levers of high risk, or outside policy, were to be saved unasked."""


class OptimizeRequest(ScenarioRequest, StudySpec):
    """Search for the levers that meet a target, on top of a scenario; publish the result."""

    workers: Annotated[int, WORKERS] = Field(
        default=1, description="Processes that evaluate trials in parallel."
    )
    dask: DaskAddress = Field(
        default=None,
        description="Evaluate trials on a Dask cluster: tcp://HOST:PORT of its scheduler (all its "
        "workers, or as many as --workers says), or local.",
    )
    save_as: str | None = Field(
        default=None, description="Scenario that keeps the result; default SCENARIO_optimized."
    )
    resume: str | None = Field(
        default=None,
        description="Resume this study, with new --trials, --timeout, --stagnation, --workers or --dask "
        "if given.",
    )
    preview: Annotated[bool, SWITCH] = Field(
        default=False, description="Decide on previews: nothing is verified, stored or published."
    )
    allow_risk: Annotated[bool, SWITCH] = Field(
        default=False,
        description="Save and publish the result even if outside policy, or adding HIGH or CRITICAL risk.",
    )
    luck_only: Annotated[bool, SWITCH] = Field(
        default=False,
        description="Keep turnover and headcount growth as stated in all draws; the result is saved with "
        "draw_rates=false.",
    )
    publish: Annotated[bool, NO_OPTION] = Field(default=True, description="Simulate and publish the result.")

    def changes(self) -> dict[str, Value]:
        """Return the overrides on top of the scenario's own, canonical; raises InputError."""
        return {**super().changes(), **({DRAW_RATES: False} if self.luck_only else {})}

    def for_scenario(self, effective: EffectiveParameters) -> StudySpec:
        """Return the spec as in StudySpec; trade-offs are sought above a floor.

        Raises InputError for trade-offs without a floor: the cheapest of all is to pay nothing.
        """
        spec = super().for_scenario(effective)
        if not spec.multi_objective:
            return spec
        limits = list(spec.limits)
        if not any(one.name in FLOORS and one.relation == ">=" for one in limits):
            if self.target is None or self.goal.measure.name not in FLOORS:
                raise InputError(
                    "Trade-offs need a floor, a budget to spend or a growth to keep; nothing is cheapest.",
                    remedy="Add --constraint increase>=0.03 or growth>=0.03, or --target increase=0.035.",
                )
            limits.append(
                Constraint(self.goal.measure.name, ">=", round(self.goal.value - self.tolerance, 12))
            )
        return spec.with_limits(limits)

    @property
    def target_scenario(self) -> str:
        """The scenario that keeps the result."""
        return self.save_as or f"{self.scenario}_optimized"


@dataclass(frozen=True)
class StudyHeader:
    """The values that a study stores when it starts, apart from its trials.

    `kind` is the kind of evaluation that decides, real or preview. `request` is None for a study that no job
    or command started; `levers` are the tuned ones, `lever` or `lever@year`.
    """

    spec: StudySpec
    scenario: str
    census: str
    currency: str
    kind: str
    levers: tuple[str, ...]
    workers: int
    created_at: str
    request: OptimizeRequest | None

    @classmethod
    def from_json(cls, about: Mapping[str, Any]) -> "StudyHeader":
        """Read the stored values; raises KeyError, ValueError, TypeError, InputError for damage."""
        request = about.get("request")
        return cls(
            spec=StudySpec.from_json(about["question"]),
            scenario=str(about.get("scenario", "")),
            census=str(about.get("census", "")),
            currency=str(about.get("currency", "")),
            kind=str(about.get("kind", "real")),
            levers=tuple(about.get("levers", ())),
            workers=int(about.get("workers", 1)),
            created_at=str(about.get("created_at", "")),
            request=OptimizeRequest.model_validate_json(request) if isinstance(request, str) else None,
        )

    def repeated(self) -> OptimizeRequest:
        """Return the request that puts the same question to the same scenario and census again."""
        stored = self.request or OptimizeRequest()
        fields = {name: getattr(stored, name) for name in OptimizeRequest.model_fields}
        fields |= {name: getattr(self.spec, name) for name in StudySpec.model_fields}
        fields |= {
            "scenario": self.scenario,
            "census": self.census or None,
            "target": None if self.spec.sought is None else str(self.spec.sought),
            "workers": self.workers,
            "preview": self.kind == "preview",
            "resume": None,
        }
        return OptimizeRequest(**fields)


def study_name(scenario: str, strategy: str, now: datetime) -> str:
    """Return the default name of a study: scenario, strategy and the time (UTC, milliseconds)."""
    stamp = f"{now:%Y%m%d_%H%M%S}_{now.microsecond // 1000:03d}"
    return check_study_name(f"{scenario}_{strategy.replace('-', '_')}_{stamp}")


def check_study_name(name: str) -> str:
    """Return the name if a study may have it; raises InputError otherwise."""
    if NAME_PATTERN.fullmatch(name) is None:
        raise InputError(
            f"{name!r} is not a study name.",
            remedy="Use 1 to 100 lower-case letters, digits and underscores.",
        )
    return name


RUNNING, INTERRUPTED, CANCELLED = "running", "interrupted", "cancelled"
STOPPED: Mapping[str, str] = {
    "converged": "the target was met",
    "trials": "all trials are done",
    "iterations": "all iterations are done",
    "real plans": "the plans of this strategy are used up",
    "timeout": "the time limit was reached",
    "stagnation": "no further improvement",
    CANCELLED: "it was cancelled",
    INTERRUPTED: "its process ended",
    "unreachable": "the target is out of reach",
}


def stop_reason(reason: str) -> str:
    """Return the reason a study ended for, as the end of a sentence."""
    return STOPPED.get(reason, reason)


def added_risk(assessed: Mapping[str, Any]) -> str:
    """Return the risk that levers add, of an assessment as JSON; earlier versions stored one level."""
    return str(assessed.get("added", assessed["level"]))


def state_text(
    state: str,
    *,
    converged: bool | None,
    reachable: bool | None,
    has_target: bool,
    within_policy: bool | None = None,
) -> str:
    """Return a study's stored state and outcome in at most four words."""
    if state in (RUNNING, INTERRUPTED, CANCELLED):
        return state.capitalize()
    if state.startswith("failed"):
        return "Failed"
    if converged is None:
        return "Ended without a result"
    if converged:
        if not has_target:
            return "Best found"
        return "Met outside policy" if within_policy is False else "Target met"
    return "Target not met" if reachable else "Out of reach"
