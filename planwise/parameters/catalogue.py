"""All declared levers and assumptions, read from YAML."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import yaml

from planwise.errors import InputError
from planwise.parameters.declaration import Assumption, Band, Lever, Parameter

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
        "cola_rate": 0.025,
        "new_hire_salary_adjustment": 1.15,
        **{f"merit_rate_level_{level}": 0.033 for level in LEVELS},
        **{f"promotion_probability_level_{level}": 0.08 for level in PROMOTABLE_LEVELS},
        **{f"promotion_raise_level_{level}": 0.085 for level in PROMOTABLE_LEVELS},
    }
)
