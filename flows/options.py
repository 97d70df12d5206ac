"""Options of the commands that run jobs."""

from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Parameter

from flows.parameters import assigned
from planwise.governance import BASELINE
from planwise.options import Assumes, Sets
from planwise.parameters import parse_assignments

CensusName = Annotated[
    str | None, Parameter(name="--census", help="Simulate this census instead of the scenario's.")
]
AsFlow = Annotated[
    bool | None,
    Parameter(
        name="--flow",
        negative="--no-flow",
        help="Run as a Prefect flow; default when a Prefect API is configured.",
    ),
]


@Parameter(name="*")  # its fields are options of the command itself
@dataclass(frozen=True)
class ScenarioOptions:
    """A scenario and the changes for this run, as they are typed."""

    scenario: Annotated[str, Parameter(name="--scenario", help="Name of a scenario.")] = BASELINE
    set_: Sets = ()
    assume: Assumes = ()
    seed: Annotated[int | None, Parameter(name="--seed", help="Seed of the random draws.")] = None
    years: Annotated[str | None, Parameter(name="--years", help="A count (5) or a range (2026-2030).")] = None
    census: CensusName = None

    def fields(self) -> dict[str, Any]:
        """Return the fields of a `ScenarioRequest`; raises InputError for what cannot be assigned."""
        return {
            "scenario": self.scenario,
            "levers": assigned(parse_assignments(self.set_, "lever")),
            "assumptions": assigned(parse_assignments(self.assume, "assumption")),
            "seed": self.seed,
            "years": self.years,
            "census": self.census,
        }


AS_DEFINED = ScenarioOptions()
