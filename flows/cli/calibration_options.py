"""What `calibrate` and `backtest` have in common: the censuses they read, and where the report goes."""

from datetime import date
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from planwise.calibration import YearlyCensus, read_years
from planwise.console import progress
from planwise.errors import InputError
from planwise.settings import Settings

Censuses = Annotated[
    str, Parameter(help="Yearly censuses, oldest first: payroll files, or names of censuses.")
]
Mappings = Annotated[
    tuple[Path, ...],
    Parameter(name="--mapping", negative="", help="Mapping YAML: one for all files, or one for each."),
]
Dates = Annotated[
    str | None, Parameter(name="--as-of", help="Census dates, one per file: 2013-06-30,2014-06-30.")
]
LevelsOption = Annotated[
    str | None, Parameter(name="--levels", help="pay-quantiles or ranges; wins over the mapping's.")
]
RowFilter = Annotated[
    str | None,
    Parameter(name="--filter", help="Boolean SQL over the files' columns, with the mapping's."),
]
Output = Annotated[
    Path | None,
    Parameter(name="--output", help="Write the report there: .md or .json."),
]


def yearly_censuses(
    settings: Settings,
    sources: tuple[str, ...],
    mapping: tuple[Path, ...],
    as_of: str | None,
    levels: str | None,
    row_filter: str | None,
) -> tuple[YearlyCensus, ...]:
    """Read the censuses, with a line on stderr."""
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
    """Raise InputError unless the report can be written in the form its ending asks for."""
    if output is not None and output.suffix not in known:
        raise InputError(
            f"--output {output}: the ending {output.suffix!r} names no form of report.",
            remedy=f"Use one of {', '.join(sorted(known))}.",
        )


def write_report(output: Path, text: str) -> None:
    """Write the report, its folder too; raises InputError when that cannot be."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"{output} cannot be written: {error}.", remedy="Choose another --output."
        ) from error
    progress().print(f"Report: {output}", soft_wrap=True)
