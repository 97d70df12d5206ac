"""Levers and assumptions: the models of their declarations, and all that are declared, read from YAML."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from planwise.errors import InputError

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
    GROUPS = "groups"  # groups of one attribute, each with a factor or points
    AWARDS = "awards"  # groups of one attribute, each with a raise
    HORIZON = "horizon"  # a count of years, or a range such as 2026-2030
    RATES = "rates"  # the key of stored calibrated rates


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
    judged_in_total: bool = False
    sensitive: bool = False
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


HERE = Path(__file__).parent
NEAREST_SHOWN = 3
Kind = Literal["lever", "assumption"]


@dataclass(frozen=True)
class Catalogue:
    """Every lever and assumption by name, and the bands that families run over."""

    levers: Mapping[str, Lever]
    assumptions: Mapping[str, Assumption]
    bands: Mapping[str, Mapping[str, Band]]

    @cached_property
    def parameters(self) -> Mapping[str, Lever | Assumption]:
        """Levers and assumptions in one mapping."""
        return {**self.levers, **self.assumptions}

    def kind(self, name: str) -> Kind:
        """Return whether a parameter is a lever or an assumption."""
        return "lever" if name in self.levers else "assumption"

    def parameter(self, name: str, kind: Kind | None = None) -> Lever | Assumption:
        """Return the declaration of a name; raise InputError with the nearest names otherwise."""
        found = self.parameters.get(name)
        if found is None:
            raise unknown_name(name, self.names(kind), kind)
        if kind is not None and self.kind(name) != kind:
            option = {"lever": "--set", "assumption": "--assume"}[self.kind(name)]
            raise InputError(
                f"{name} is not {_article(kind)} but {_article(self.kind(name))}.",
                remedy=f"Give it with `{option} {name}=…`.",
            )
        return found

    def names(self, kind: Kind | None = None) -> list[str]:
        """Names of one kind, or all."""
        chosen: Mapping[str, Parameter] = (
            self.parameters if kind is None else self.levers if kind == "lever" else self.assumptions
        )
        return sorted(chosen)


def unknown_name(name: str, known: list[str], kind: Kind | None = None) -> InputError:
    """Return the error for an unknown name."""
    nearest = difflib.get_close_matches(name, known, n=NEAREST_SHOWN, cutoff=0.5)
    hint = f"Did you mean {', '.join(nearest)}? " if nearest else ""
    return InputError(
        f"Unknown {kind or 'parameter'} {name!r}.",
        remedy=f"{hint}See `planwise parameters list`.",
    )


@cache
def catalogue() -> Catalogue:
    """Return PlanWise's parameters, loaded once."""
    return load_catalogue(HERE)


def load_catalogue(folder: Path) -> Catalogue:
    """Read levers.yaml, assumptions.yaml and bands.yaml of a folder; a bad declaration is a ValueError."""
    bands = {
        family: {str(member): Band(**band) for member, band in members.items()}
        for family, members in _read(folder / "bands.yaml").items()
    }
    levers = [Lever(**entry) for entry in _expanded(_read(folder / "levers.yaml"), bands)]
    assumptions = [Assumption(**entry) for entry in _expanded(_read(folder / "assumptions.yaml"), bands)]
    _check_duplicates([*levers, *assumptions])
    return Catalogue(
        levers={lever.name: lever for lever in levers},
        assumptions={assumption.name: assumption for assumption in assumptions},
        bands=bands,
    )


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _expanded(
    entries: list[dict[str, Any]], bands: Mapping[str, Mapping[str, Band]]
) -> Iterator[dict[str, Any]]:
    """One declaration per member for a family, the entry itself otherwise."""
    for entry in entries:
        if "over" not in entry:
            yield entry
            continue
        family = entry["over"]
        shared = {key: value for key, value in entry.items() if key != "over"}
        for member in entry["default"]:
            chosen = {
                key: value[member] if isinstance(value, dict) else value for key, value in shared.items()
            }
            label = bands[family][member].label
            yield {
                **chosen,
                "name": entry["name"].format(member=member),
                "label": entry["label"].format(label=label),
                "level_id": int(member) if family == "levels" else None,
            }


def _check_duplicates(declared: list[Lever | Assumption]) -> None:
    names = [parameter.name for parameter in declared]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"declared more than once: {', '.join(twice)}")


def _article(kind: Kind) -> str:
    return "an assumption" if kind == "assumption" else "a lever"


LEVELS = (1, 2, 3, 4, 5)
PROMOTABLE_LEVELS = (1, 2, 3, 4)

FALLBACK: Mapping[str, float] = MappingProxyType(
    {
        "cola_rate": 0.0,
        "new_hire_salary_adjustment": 1.15,
        **{f"merit_rate_level_{level}": 0.033 for level in LEVELS},
        **{f"promotion_probability_level_{level}": 0.08 for level in PROMOTABLE_LEVELS},
        **{f"promotion_raise_level_{level}": 0.087 for level in PROMOTABLE_LEVELS},
    }
)
