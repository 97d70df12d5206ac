"""What goes between the server and its preview workers."""

from dataclasses import dataclass
from typing import Any

from planwise.census import Census
from planwise.errors import PlanWiseError
from planwise.parameters import Chain, EffectiveParameters, Value, resolve

Overrides = tuple[tuple[str, Value], ...]


@dataclass(frozen=True)
class Parameters:
    """Effective parameters as what they resolve from: small, and the catalogue stays where it is."""

    years: tuple[int, ...]
    scenario: Overrides
    dynamic: Overrides

    @classmethod
    def of(cls, effective: EffectiveParameters) -> "Parameters":
        """Return what effective parameters resolve from."""
        return cls(effective.years, tuple(effective.scenario.items()), tuple(effective.dynamic.items()))

    def resolved(self) -> EffectiveParameters:
        """Return the effective parameters again."""
        return resolve(self.years, scenario=dict(self.scenario), dynamic=dict(self.dynamic))


@dataclass(frozen=True)
class Place:
    """Where a question is answered soonest: by a worker that holds this census and these dynamics."""

    census: str
    dynamics: str


@dataclass(frozen=True)
class Warm:
    """Be ready for questions about these parameters."""

    census: Census
    parameters: Parameters


@dataclass(frozen=True)
class AskKpis:
    """Simulate every employee; answered by Kpis."""

    census: Census
    parameters: Parameters


@dataclass(frozen=True)
class AskImpact:
    """Compare two simulations person by person; answered by an Impact."""

    census: Census
    before: Parameters
    after: Parameters
    key: str


@dataclass(frozen=True)
class Kpis:
    """One dictionary per simulated year; `seconds` of evaluation."""

    kpis: list[dict[str, Any]]
    seconds: float


@dataclass(frozen=True)
class Broke:
    """An error in a worker: one of PlanWise's own as it is, else as text."""

    error: PlanWiseError | str


@dataclass(frozen=True)
class Answered:
    """A worker's answer, and where it is ready for more."""

    answer: Any
    holds: tuple[Place, ...]


Ask = Warm | AskKpis | AskImpact


def place_of(census: Census, effective: EffectiveParameters) -> Place:
    """Return where parameters are simulated soonest."""
    return Place(census.content_hash, effective.digest_of(Chain.DYNAMICS))


def key_of(census: Census, effective: EffectiveParameters) -> str:
    """Return what a simulation's figures depend on: census and parameters, not what a study aims at."""
    return f"{census.content_hash}:{effective.digest_of(Chain.DYNAMICS, Chain.PAY)}"
