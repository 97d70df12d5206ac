"""Compare published scenarios, and write the workbook and the list of employees."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from pydantic import Field

from planwise.app.exports import record_export, require_pay
from planwise.app.requests import SimulateRequest
from planwise.app.runner import Runner
from planwise.comparison import Comparison, compare
from planwise.comparison.compare import due
from planwise.comparison.people import write_people_csv
from planwise.governance.request import NO_OPTION, SWITCH, Request
from planwise.settings import Settings


class CompareRequest(Request):
    """Two or more scenarios, the base first, and the files to write."""

    scenarios: Annotated[tuple[str, ...], NO_OPTION] = Field(
        default=(), description="Two or more names; the first is the base."
    )
    xlsx: Annotated[Path | None, Parameter(name="--xlsx")] = Field(
        default=None, description="Also write an Excel workbook."
    )
    csv: Annotated[Path | None, Parameter(name="--csv")] = Field(
        default=None, description="Also write a CSV file with the pay of every matched employee."
    )
    employees: int = Field(
        default=1_000,  # totals always include everyone
        description="Employees listed in the workbook per scenario, largest change first; 0 for none.",
    )
    simulate: Annotated[bool, SWITCH] = Field(
        default=False, description="First simulate scenarios that are unpublished or changed."
    )


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison and the files that were written; `csv_rows` counts the rows of the CSV file."""

    comparison: Comparison
    workbook: Path | None
    csv: Path | None
    csv_rows: int | None

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise compare --json` prints."""
        files = {"workbook": self.workbook, "csv": self.csv, "csv_rows": self.csv_rows}
        return self.comparison.as_json() | files


def compare_job(settings: Settings, request: CompareRequest, run: Runner) -> ComparisonReport:
    """Compare scenarios as a job that publishes the figures of the last year as a table."""
    from planwise.app.simulate import simulate  # the engine takes a second, which a comparison can do without

    for name in due(settings, request.scenarios) if request.simulate else ():
        simulate(settings, SimulateRequest(scenario=name), run)
    report = run(compare_scenarios, settings, request)
    run.table("comparison", report.comparison.as_table(), f"Against {report.comparison.base.name}")
    return report


def compare_scenarios(
    settings: Settings, request: CompareRequest, simulate: Callable[[str], object] | None = None
) -> ComparisonReport:
    """Compare scenarios and write the requested files; `simulate` runs one scenario, if requested.

    Raises InputError for a scenario without a result and for a file that cannot be written.
    """
    if request.xlsx is not None or request.csv is not None:
        require_pay(settings)
    if request.simulate and simulate is not None:
        for name in due(settings, request.scenarios):
            simulate(name)
    comparison = compare(settings, request.scenarios, employees=request.employees if request.xlsx else 0)
    workbook = rows = None
    if request.xlsx is not None:
        from planwise.comparison.workbook import write_workbook  # XlsxWriter is needed only here

        workbook = write_workbook(comparison, request.xlsx)
        record_export(settings, workbook, "comparison", scenarios=request.scenarios)
    if request.csv is not None:
        rows = write_people_csv(comparison.sources, comparison.people, request.csv)
        record_export(settings, request.csv, "people of a comparison", scenarios=request.scenarios, rows=rows)
    return ComparisonReport(comparison, workbook, request.csv, rows)
