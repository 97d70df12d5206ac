"""Options that several commands share."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from planwise.console import progress
from planwise.errors import InputError
from planwise.parameters import BASELINE, parse_assignments
from planwise.settings import Settings

if TYPE_CHECKING:
    from planwise.calibration import YearlyCensus

Home = Annotated[Path | None, Parameter(name="--home", help="Home folder, instead of PLANWISE_HOME.")]
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
    str | None, Parameter(name="--as", help="Act as this user, instead of the operating system's user.")
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


@Parameter(name="*")  # its fields become options of the command
@dataclass(frozen=True)
class ScenarioOptions:
    """A scenario and the changes for this run, as command-line text."""

    scenario: Annotated[str, Parameter(name="--scenario", help="Name of a scenario.")] = BASELINE
    set_: Sets = ()
    assume: Assumes = ()
    seed: Annotated[int | None, Parameter(name="--seed", help="Seed of the random draws.")] = None
    years: Annotated[str | None, Parameter(name="--years", help="A count (5) or a range (2026-2030).")] = None
    census: CensusName = None

    def fields(self) -> dict[str, Any]:
        """Return the fields of a `ScenarioRequest`; raises InputError for invalid assignments."""
        return {
            "scenario": self.scenario,
            "levers": dict(parse_assignments(self.set_, "lever")),
            "assumptions": dict(parse_assignments(self.assume, "assumption")),
            "seed": self.seed,
            "years": self.years,
            "census": self.census,
        }


AS_DEFINED = ScenarioOptions()


Censuses = Annotated[str, Parameter(help="Yearly censuses, oldest first: payroll files or census names.")]
Mappings = Annotated[
    tuple[Path, ...],
    Parameter(name="--mapping", negative="", help="Mapping YAML: one for all files, or one per file."),
]
Dates = Annotated[
    str | None, Parameter(name="--as-of", help="Census dates, one per file, e.g. 2013-06-30,2014-06-30.")
]
LevelsOption = Annotated[
    str | None, Parameter(name="--levels", help="pay-quantiles or ranges; overrides the mapping.")
]
RowFilter = Annotated[
    str | None,
    Parameter(
        name="--filter", help="Boolean SQL over the files' columns, in addition to the mapping's filter."
    ),
]
Output = Annotated[
    Path | None,
    Parameter(name="--output", help="File for the report: .md or .json."),
]


def yearly_censuses(
    settings: Settings,
    sources: tuple[str, ...],
    mapping: tuple[Path, ...],
    as_of: str | None,
    levels: str | None,
    row_filter: str | None,
) -> tuple["YearlyCensus", ...]:
    """Read the censuses and show progress on stderr."""
    from planwise.calibration import read_years  # pandas and the engine are slow to import

    with progress().status(f"Reading {len(sources)} censuses"):
        return read_years(
            settings,
            sources,
            mappings=mapping,
            as_of=_dates(as_of),
            levels=levels,
            row_filter=row_filter,
        )


def _dates(text: str | None) -> tuple[date, ...]:
    if text is None:
        return ()
    try:
        return tuple(date.fromisoformat(part.strip()) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            f"--as-of {text!r} is not a list of dates.", remedy="Write it as 2013-06-30,2014-06-30."
        ) from error


def check_output(output: Path | None, known: frozenset[str]) -> None:
    """Raise InputError unless the file's ending is a known report format."""
    if output is not None and output.suffix not in known:
        raise InputError(
            f"--output {output}: {output.suffix!r} is not a report format.",
            remedy=f"Use one of {', '.join(sorted(known))}.",
        )


def write_report(output: Path, text: str) -> None:
    """Write the report and create its folder; raises InputError when that fails."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{output} cannot be written: {error}.", remedy="Choose another --output."
        ) from error
    progress().print(f"Report: {output}", soft_wrap=True)
