"""Options that many commands share, spelled once."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Home = Annotated[
    Path | None, Parameter(name="--home", help="Folder that holds everything, instead of PLANWISE_HOME.")
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print one JSON object on stdout.")]
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
As = Annotated[
    str | None, Parameter(name="--as", help="Act as this person, instead of the user of the system.")
]
NewScenario = Annotated[str, Parameter(help="Its name: 1 to 48 of a-z, 0-9 and _.")]
KnownScenario = Annotated[str, Parameter(help="A scenario that `planwise scenario list` shows.")]
KnownStudy = Annotated[str, Parameter(help="A study that `planwise study list` shows.")]
