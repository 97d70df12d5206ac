"""Options that several commands share."""

import re
from pathlib import Path
from typing import Annotated, get_args

from cyclopts import ArgumentCollection, Group, Parameter

Home = Annotated[Path | None, Parameter(name="--home", help="Home folder, instead of PLANWISE_HOME.")]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object on stdout.")]
Yes = Annotated[bool, Parameter(negative="", help="Delete without asking.")]
Sets = Annotated[
    tuple[str, ...],
    Parameter(
        name="--set", negative="", help="Set a lever: `name=value`, or `name@2028=value` for one year."
    ),
]
Assumes = Annotated[
    tuple[str, ...],
    Parameter(name="--assume", negative="", help="Set an assumption: `name=value` or `name@2028=value`."),
]
NewScenario = Annotated[str, Parameter(help="Name of 1 to 48 characters of a-z, 0-9 and _.")]
KnownScenario = Annotated[str, Parameter(help="Scenario name; see `planwise scenario list`.")]
KnownStudy = Annotated[str, Parameter(help="Study name; see `planwise study list`.")]

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

WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")


def check_whole_numbers(arguments: ArgumentCollection) -> None:
    """Raise ValueError for a value of a whole-number option that Cyclopts would round, such as 1.5."""
    for argument in arguments:
        if argument.hint is int or int in get_args(argument.hint):
            for token in argument.tokens:
                if not WHOLE_NUMBER.fullmatch(token.value):
                    raise ValueError(f"{token.keyword}: {token.value[:100]!r} is not a whole number.")


PARAMETERS = Group("Parameters", validator=check_whole_numbers)
"""The options of every command; each `App` is given it."""
