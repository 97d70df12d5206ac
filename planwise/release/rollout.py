"""Rollout in phases: the levers of each, between those in force and a scenario's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from planwise.errors import InputError
from planwise.governance.scenarios import check_new_name
from planwise.parameters import EffectiveParameters, Value, catalogue
from planwise.parameters.values import Key, parse_key

Tolerance = Literal["low", "medium", "high"]
PHASES_MAX = 12
DIGITS = 8  # of an interpolated lever


@dataclass(frozen=True)
class Pace:
    """In how many phases, and which share of the whole change one of them may have at most."""

    phases: int
    change_max: float


PACES: Mapping[str, Pace] = {"low": Pace(4, 0.25), "medium": Pace(3, 0.35), "high": Pace(2, 0.50)}


@dataclass(frozen=True)
class Phase:
    """One phase: its scenario and the share of the change that is made once it is released."""

    number: int
    scenario: str
    share: float
    overrides: Mapping[str, Value]


def pace_of(phases: int | None, tolerance: Tolerance | None) -> Pace:
    """Return the pace of so many phases, or that of a risk tolerance; raises InputError for both or none."""
    if (phases is None) == (tolerance is None):
        raise InputError(
            "A rollout has a number of phases or a risk tolerance.",
            remedy="Give --phases N or --tolerance low|medium|high.",
        )
    return PACES[tolerance] if tolerance is not None else Pace(phases or 1, 1 / (phases or 1))


def plan_phases(
    name: str, in_force: EffectiveParameters, target: EffectiveParameters, pace: Pace
) -> list[Phase]:
    """Return the phases, each of the same change; the last one has the scenario's own levers.

    Assumptions are the scenario's in every phase. Raises InputError when no lever changes.
    """
    moved = _moved(in_force, target)
    if not moved:
        raise InputError(
            f"{name} changes no lever that is in force.", remedy="A rollout needs a scenario that does."
        )
    levers = catalogue().levers
    kept = {key: value for key, value in target.overrides().items() if parse_key(key).name not in levers}
    phases = []
    for number in range(1, pace.phases + 1):
        share = number / pace.phases
        values = {
            key: round(before + share * (after - before), DIGITS) for key, (before, after) in moved.items()
        }
        whole = target.overrides() if number == pace.phases else {**kept, **values}
        phases.append(Phase(number, phase_name(name, number), share, dict(sorted(whole.items()))))
    return phases


def phase_name(scenario: str, number: int) -> str:
    """Return the name of a phase's scenario; raises InputError when it would be too long."""
    name = f"{scenario}_phase_{number}"
    check_new_name(name)
    return name


def is_phase(name: str) -> bool:
    """Return whether a scenario is named as a phase."""
    return re.search(r"_phase_\d+$", name) is not None


def _moved(in_force: EffectiveParameters, target: EffectiveParameters) -> dict[str, tuple[float, float]]:
    """Return what each lever that changes is and becomes; one entry where all years agree."""
    moved: dict[str, tuple[float, float]] = {}
    for name in catalogue().levers:
        pairs = {year: (in_force.number(name, year), target.number(name, year)) for year in target.years}
        if all(before == after for before, after in pairs.values()):
            continue
        if len(set(pairs.values())) == 1:
            moved[name] = next(iter(pairs.values()))
        else:
            moved.update({str(Key(name, year)): pair for year, pair in pairs.items()})
    return moved
