"""Declarations of parameters: the models of levers.yaml, assumptions.yaml and bands.yaml."""

from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Value = float | int | bool | str | None
"""A canonical parameter value; see `values.canonical`."""


class Unit(StrEnum):
    """What a value measures; decides how it is parsed, rounded and shown."""

    RATE = "rate"  # share, 0.033 = 3.3 %
    MULTIPLIER = "multiplier"  # factor
    YEARS = "years"  # duration
    MONEY = "money"  # currency of the census, a year
    COUNT = "count"  # whole number
    FLAG = "flag"  # true or false
    MONTH_DAY = "month_day"  # MM-DD
    HORIZON = "horizon"  # a count of years, or a range such as 2026-2030


class Chain(StrEnum):
    """What a change of the parameter recomputes."""

    DYNAMICS = "dynamics"
    PAY = "pay"
    STUDY = "study"


class Direction(StrEnum):
    """How growth responds when the lever rises."""

    INCREASING = "increasing"
    DECREASING = "decreasing"


NUMERIC = frozenset({Unit.RATE, Unit.MULTIPLIER, Unit.YEARS, Unit.MONEY, Unit.COUNT, Unit.HORIZON})


class Declaration(BaseModel):
    """One line of a YAML file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Band(Declaration):
    """A member of a family: `start` is in the band, `end` is not; None is unlimited or not a number band."""

    label: str
    start: float | None = None
    end: float | None = None


class Parameter(Declaration):
    """What levers and assumptions have in common; bounds are hard and inclusive."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    unit: Unit
    label: str
    description: str
    default: Value = None
    source: str = Field(min_length=1, description="Where the default comes from")
    bounds: tuple[float, float] | None = None
    chain: Chain
    level_id: int | None = None
    nullable: bool = False
    null_means: str | None = None

    @model_validator(mode="after")
    def _bounds_make_sense(self) -> Self:
        if (self.unit in NUMERIC) != (self.bounds is not None):
            raise ValueError(f"{self.name}: a numeric unit needs bounds, another unit has none")
        if self.bounds is not None:
            low, high = self.bounds
            if not low < high:
                raise ValueError(f"{self.name}: bounds {self.bounds} are not ascending")
            if isinstance(self.default, int | float) and not low <= self.default <= high:
                raise ValueError(f"{self.name}: default {self.default} is outside its bounds {self.bounds}")
        if self.nullable != (self.null_means is not None):
            raise ValueError(f"{self.name}: `nullable` and `null_means` belong together")
        return self


class Lever(Parameter):
    """A tunable pay parameter; without a default the hard-coded fallback applies."""

    bounds: tuple[float, float]
    recommended: tuple[float, float]
    direction: Direction
    tunable: bool = True
    locked: bool = False
    yearly: bool = True

    @model_validator(mode="after")
    def _recommended_within_bounds(self) -> Self:
        low, high = self.recommended
        if not self.bounds[0] <= low < high <= self.bounds[1]:
            raise ValueError(f"{self.name}: recommended {self.recommended} is not within {self.bounds}")
        return self


class Assumption(Parameter):
    """A parameter that is not a decision; null is a value only where declared."""

    yearly: bool = False

    @model_validator(mode="after")
    def _default_is_declared(self) -> Self:
        if self.default is None and not self.nullable:
            raise ValueError(f"{self.name}: needs a default, or `nullable: true`")
        return self
