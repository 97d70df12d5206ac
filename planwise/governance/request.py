"""Requests: the input of a use-case, shared by commands, flows, jobs and pages.

The command line takes its options from the fields: the name of the option, its help and its default.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Self

from cyclopts import Parameter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from planwise.errors import InputError
from planwise.parameters import BASELINE, Value, canonical_overrides, parse_assignments

Assignments = dict[str, bool | int | float | str | None]
NO_OPTION = Parameter(parse=False)  # the command line has no option of this name for the field
SWITCH = Parameter(negative="")


@dataclass(frozen=True)
class Bounds:
    """The allowed values of a field; `above` excludes the lowest. `remedy` names a valid value."""

    low: float = -math.inf
    high: float = math.inf
    above: bool = False
    remedy: str | None = None

    def __contains__(self, value: float) -> bool:
        return (self.low < value if self.above else self.low <= value) and value <= self.high

    def __str__(self) -> str:
        low = f"above {self.low:,.15g}" if self.above else f"at least {self.low:g}"
        return low if self.high == math.inf else f"{low} and at most {self.high:,.15g}"


class Request(BaseModel):
    """Frozen. Unknown fields are rejected; InputError is raised for a value outside a field's bounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def _check_bounds(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, float) and not math.isfinite(value):
            option = option_of(str(info.field_name), field)
            raise InputError(f"{option} must be a finite number (got {value:g}).")
        bounds = bounds_of(field)
        if bounds is not None and value is not None and value not in bounds:
            option = option_of(str(info.field_name), field)
            given = f"{value:g}" if isinstance(value, float) else str(value)[:40]
            raise InputError(f"{option} must be {bounds} (got {given}).", remedy=bounds.remedy)
        return value

    def command_options(self) -> Iterator[str]:
        """Yield the options that give this request to its command: every field that is not at its default."""
        for name, field in type(self).model_fields.items():
            value, option = getattr(self, name), option_of(name, field)
            if option is None or value == field.default:
                continue
            if isinstance(value, bool):
                yield option
                continue
            for one in value if isinstance(value, tuple) else (value,):
                yield from (option, assigned_text(one))


class ScenarioRequest(Request):
    """A scenario, and unsaved changes for this run."""

    scenario: str = Field(default=BASELINE, description="Name of a scenario.")
    levers: Annotated[Assignments, NO_OPTION] = Field(
        default={}, description="Lever changes, such as cola_rate or cola_rate@2028."
    )
    assumptions: Annotated[Assignments, NO_OPTION] = Field(
        default={}, description="Assumption changes, likewise."
    )
    seed: Annotated[int | None, Bounds(low=0)] = Field(default=None, description="Seed of the random draws.")
    years: str | None = Field(default=None, description="A count (5) or a range (2026-2030).")
    census: str | None = Field(default=None, description="Simulate this census instead of the scenario's.")

    def with_assignments(self, levers: Iterable[str], assumptions: Iterable[str]) -> Self:
        """Return the request with changes written as `name=value`; raises InputError for invalid ones."""
        return self.model_copy(
            update={
                "levers": dict(parse_assignments(levers, "lever")),
                "assumptions": dict(parse_assignments(assumptions, "assumption")),
            }
        )

    def changes(self) -> dict[str, Value]:
        """Return the overrides on top of the scenario's own, canonical; raises InputError."""
        named = {"seed": self.seed, "years": self.years}
        given = {name: value for name, value in named.items() if value is not None}
        return {
            **canonical_overrides(self.levers, "lever"),
            **canonical_overrides({**self.assumptions, **given}, "assumption"),
        }

    def command_options(self) -> Iterator[str]:
        """Yield the options that give this request to its command, its assignments first."""
        for option, assignments in (("--set", self.levers), ("--assume", self.assumptions)):
            for name, value in assignments.items():
                yield from (option, f"{name}={assigned_text(value)}")
        yield from super().command_options()


LOCAL_CLUSTER = "local"  # a Dask cluster of this machine, for as long as the work takes
SCHEDULER = re.compile(r"(tcp|tls)://[^\s/]+:\d+")


def _scheduler(address: str | None) -> str | None:
    """Return the address of a Dask scheduler; raises InputError for another text."""
    if address is None or address == LOCAL_CLUSTER or SCHEDULER.fullmatch(address):
        return address
    raise InputError(
        f"--dask: {address[:100]!r} is not the address of a Dask scheduler.",
        remedy="Write tcp://HOST:PORT or tls://HOST:PORT, as the scheduler prints it; or local.",
    )


DaskAddress = Annotated[str | None, AfterValidator(_scheduler)]


def form_choices(names: Callable[[], Iterable[str]]) -> Callable[[dict[str, Any]], None]:
    """Return what makes a form of the request offer these values, besides none."""

    def offer(schema: dict[str, Any]) -> None:
        schema["anyOf"] = [{"type": "string", "enum": list(names())}, {"type": "null"}]

    return offer


def bounds_of(field: FieldInfo) -> Bounds | None:
    """Return the bounds that a field is declared with; None without any."""
    return next((one for one in field.metadata if isinstance(one, Bounds)), None)


def option_of(name: str, field: FieldInfo) -> str | None:
    """Return a field's option on the command line; None where the command has none for it."""
    declared = [one for one in field.metadata if isinstance(one, Parameter)]
    if NO_OPTION in declared:
        return None
    names = [str(name) for one in declared for name in one.name or ()]
    return names[0] if names else f"--{name.replace('_', '-')}"


def assigned_text(value: object) -> str:
    """Return a value in command-line form."""
    return f"{value:.10g}" if isinstance(value, float) else str(value)
