"""What the form says, as the request that starts a study; plain values, so that it can be tested alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from planwise.errors import InputError
from planwise.parameters import catalogue
from planwise.study.spec import OptimizeRequest, StudyHeader

PP = 100.0
MILLION = 1e6
Aim = Literal["change", "weights", "front"]
AIMS: Mapping[str, Aim] = {
    "Least change": "change",
    "Weighted objectives": "weights",
    "Front of trade-offs": "front",
}


@dataclass(frozen=True)
class Limit:
    """One row of the constraints: what may be limited, its unit, and how it is written in the grammar.

    `scale` is what a figure of the form is multiplied with; None where there is no figure.
    """

    name: str
    label: str
    help: str
    unit: str = ""
    scale: float | None = None
    relation: str = "<="
    start: float | None = None

    def text(self, figure: float | None) -> str:
        """Return the constraint; raises InputError without its figure."""
        if self.scale is None:
            return self.name
        if figure is None:
            raise InputError(
                f"{self.label}: there is no figure.", remedy="Give one, or untick the constraint."
            )
        return f"{self.name}{self.relation}{figure * self.scale:.12g}"


LIMITS: tuple[Limit, ...] = (
    Limit("payroll", "Payroll at most", "highest year-end payroll of any year", "$ million", MILLION),
    Limit(
        "payroll_risk",
        "Risk of more payroll at most",
        "share of other seeds in which payroll is over that",
        "% of seeds",
        1 / PP,
        start=5.0,
    ),
    Limit("merit_monotone", "Merit never falls with level", "in every year, over the levels of the census"),
    Limit("change", "Each lever moves at most", "from its value in force", "pp", 1 / PP, start=2.0),
    Limit("raise", "Nobody's raise above", "over any one year", "%", 1 / PP, start=40.0),
    Limit(
        "adjusted_gap",
        "Adjusted gap at most",
        "in the last year; needs gender or ethnicity",
        "log points × 100",
        1 / PP,
        start=2.0,
    ),
    Limit("below_minimum", "Under their range at most", "people in the last year", "people", 1.0, start=0.0),
)


@dataclass(frozen=True)
class StudyForm:
    """The form's values: figures in the units that people type (% a year, pp, $ million)."""

    scenario: str = "baseline"
    changes: Mapping[str, Any] = field(default_factory=dict)
    target_pct: float | None = None
    aim: Aim = "change"
    weights: Mapping[str, float] = field(default_factory=dict)
    front: tuple[str, ...] = ()
    strategy: str = ""
    limits: Mapping[str, float | None] = field(default_factory=dict)
    further: str = ""
    levers: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    by_year: bool = False
    tolerance_pp: float | None = None
    iterations: int | None = None
    trials: int | None = None
    seconds: float | None = None
    stagnation: int | None = None
    seeds: int | None = None
    workers: int | None = None
    preview: bool = False
    save_as: str = ""

    @property
    def seeks_target(self) -> bool:
        """Whether the target counts at all."""
        return self.aim == "change" or "targets" in (self.front if self.aim == "front" else self._weights)

    @property
    def _weights(self) -> dict[str, float]:
        return {name: weight for name, weight in self.weights.items() if weight > 0}

    def objectives(self) -> str | None:
        """Return the objectives as a study reads them, None for the least change; raises InputError."""
        if self.aim == "change":
            return None
        if self.aim == "front":
            if len(self.front) < 2:
                raise InputError("A front needs two objectives or more.", remedy="Tick another one.")
            return ",".join(self.front)
        if not self._weights:
            raise InputError("Every weight is 0.", remedy="Give one objective a weight, or choose a preset.")
        return ",".join(f"{name}={weight:.12g}" for name, weight in self._weights.items())

    def constraints(self) -> tuple[str, ...]:
        """Return the constraints in the study's grammar; raises InputError for one without its figure."""
        ticked = [limit.text(self.limits[limit.name]) for limit in LIMITS if limit.name in self.limits]
        return (*ticked, *(text.strip() for text in self.further.split(",") if text.strip()))

    def request(self) -> OptimizeRequest:
        """Return the request of the study; a field left blank has its default. Raises InputError."""
        levers = catalogue().levers
        of_levers = {key for key in self.changes if key.partition("@")[0] in levers}
        fields: dict[str, Any] = {
            "scenario": self.scenario,
            "levers": {key: value for key, value in self.changes.items() if key in of_levers},
            "assumptions": {key: value for key, value in self.changes.items() if key not in of_levers},
            "target_growth": None if self.target_pct is None else round(self.target_pct / PP, 12),
            "strategy": self.strategy or None,
            "objectives": self.objectives(),
            "constraints": list(self.constraints()),
            "tolerance": None if self.tolerance_pp is None else round(self.tolerance_pp / PP, 12),
            "max_iterations": self.iterations,
            "trials": self.trials,
            "timeout_seconds": self.seconds,
            "stagnation": self.stagnation,
            "seeds": self.seeds,
            "workers": self.workers,
            "tune": list(self.levers) or None,
            "by_year": self.by_year or None,
            "lock": list(self.locks),
            "preview": self.preview or None,
            "save_as": None if self.preview else self.save_as.strip() or None,
        }
        return OptimizeRequest(**{name: value for name, value in fields.items() if value is not None})


def study_form_of(header: StudyHeader) -> StudyForm:
    """Return the form's values for a study's question, to repeat or change it."""
    request = header.repeated()
    known = {limit.name: limit for limit in LIMITS}
    limits: dict[str, float | None] = {}
    further = []
    for text in map(str, request.limits):
        name, _, figure = text.partition("<=")
        limit = known.get(name)
        if limit is not None and limit.scale is None and not figure:
            limits[name] = None
        elif limit is not None and limit.scale is not None and figure:
            limits[name] = round(float(figure) / limit.scale, 9)
        else:
            further.append(text)
    weighted = bool(request.weights) and request.weights[0][1] is not None
    aim: Aim = "front" if request.weights and not weighted else "weights" if weighted else "change"
    target = request.target_growth
    return StudyForm(
        scenario=request.scenario,
        changes={**request.levers, **request.assumptions},
        target_pct=None if target is None else round(target * PP, 9),
        aim=aim,
        weights={name: float(weight) for name, weight in request.weights if weight is not None},
        front=tuple(name for name, _ in request.weights) if aim == "front" else (),
        strategy="" if header.request is None else header.request.strategy or "",
        limits=limits,
        further=", ".join(further),
        levers=request.tune or (),
        locks=request.locked,
        by_year=request.by_year,
        tolerance_pp=round(request.tolerance * PP, 9),
        iterations=request.max_iterations,
        trials=request.trials,
        seconds=request.timeout_seconds,
        stagnation=request.stagnation,
        seeds=request.seeds,
        workers=request.workers,
        preview=request.preview,
        save_as=request.save_as or "",
    )
