"""Options of the commands that run jobs."""

from typing import Annotated

from cyclopts import Parameter

ScenarioName = Annotated[str, Parameter(name="--scenario", help="Name of a scenario.")]
Seed = Annotated[int | None, Parameter(name="--seed", help="Seed of the random draws.")]
Years = Annotated[str | None, Parameter(name="--years", help="A count (5) or a range (2026-2030).")]
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
