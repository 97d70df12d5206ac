"""Measure the pay equity of a published result, and list whom closing the gap would raise."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
from cyclopts import Parameter
from pydantic import Field

from planwise.app.exports import record_export, require_pay
from planwise.errors import InputError
from planwise.formatting import escape_formula
from planwise.governance.publications import Publication, load_publication
from planwise.governance.request import Request
from planwise.parameters import BASELINE
from planwise.settings import Settings
from planwise.storage import replace_file

if TYPE_CHECKING:
    import duckdb

    from planwise.equity.report import EquityReport

SNAPSHOT = "fct_workforce_snapshot"
CENSUS_YEAR = 0
JOB_FAMILY, DEPARTMENT = "job_family", "department"
NO_FAMILY = "no job family"
PEOPLE = """
    SELECT employee_id, gender AS "group", level_id,
        coalesce(department, 'no department') AS department, job_family, tenure_years, base_pay, fte
    FROM read_parquet(?) WHERE simulation_year = ? AND employment_status IN {active}
    ORDER BY employee_id
"""
LISTED = (
    "employee_id", "group", "level_id", "department", "tenure_years", "fte",
    "base_pay", "expected_pay", "new_pay", "increase", "cost",
)  # fmt: skip


class EquityRequest(Request):
    """A published scenario, a year, and the file of raises to write."""

    scenario: str = Field(default=BASELINE, description="A published scenario.")
    year: int | None = Field(
        default=None, description="The end of this year; 0 is the census. Default: the first planned year."
    )
    output: Annotated[Path | None, Parameter(name="--output")] = Field(
        default=None,
        description="Also write whom closing the adjusted gap would raise: a .csv or .xlsx of single people.",
    )


@dataclass(frozen=True)
class MeasuredEquity:
    """The report of a scenario, and the file that was written with its number of rows."""

    scenario: str
    fingerprint: str
    currency: str
    report: "EquityReport"
    output: Path | None = None
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the object that `planwise equity --json` prints."""
        head = {"scenario": self.scenario, "fingerprint": self.fingerprint}
        return head | self.report.as_json() | {"output": self.output, "rows": self.rows}


def measure_equity(settings: Settings, request: EquityRequest) -> MeasuredEquity:
    """Measure pay equity, and write the requested file.

    Raises InputError for a scenario that is not published, a year outside its own, and a file that cannot be
    written; also when a list is requested and there is no gap to close.
    """
    from planwise.comparison.sources import damage_named, reader  # DuckDB is slow to import

    publication = load_publication(settings, request.scenario)
    with reader() as connection, damage_named(publication):
        report = read_equity(connection, publication, request.year)
    head = MeasuredEquity(request.scenario, publication.fingerprint, publication.currency, report)
    if request.output is None:
        return head
    require_pay(settings)
    raises = raises_of(report)
    file = _write(raises, request.output)
    about = {"rows": len(raises), "total": round(float(raises["cost"].sum()), 2)}
    record_export(settings, file, "raises of pay equity", scenario=head.scenario, **about)
    return replace(head, output=file, rows=len(raises))


def read_equity(
    connection: "duckdb.DuckDBPyConnection", publication: Publication, year: int | None
) -> "EquityReport":
    """Measure pay equity at the end of a year of a published result; by default of the first planned one."""
    from planwise.comparison.sources import ACTIVE, path, require_columns
    from planwise.equity.report import equity_report

    years = (CENSUS_YEAR, *publication.manifest["years"])
    chosen = years[1] if year is None else year
    if chosen not in years:
        raise InputError(
            f"{publication.scenario} has no year {chosen}.",
            remedy=f"Years: {', '.join(map(str, years[1:]))}; 0 is the census.",
        )
    require_columns(connection, publication, SNAPSHOT, "gender", "tenure_years", "fte", JOB_FAMILY)
    file = path(publication, SNAPSHOT)
    people = connection.execute(PEOPLE.format(active=ACTIVE), [file, chosen]).df()
    people["group"] = people["group"].astype(object).where(people["group"].notna(), None)
    if people[JOB_FAMILY].isna().all():
        return equity_report(people, chosen, DEPARTMENT)
    return equity_report(people.fillna({JOB_FAMILY: NO_FAMILY}), chosen, JOB_FAMILY)


def raises_of(report: "EquityReport") -> pd.DataFrame:
    """Return the people that closing the adjusted gaps would raise, largest increase first, formulas escaped.

    Raises InputError, with the reason, where no gap can be measured.
    """
    if all(one.closing is None for one in report.groups):
        why = report.why or next((one.regression.why for one in report.groups), None)
        raise InputError(
            f"There is no list of raises: the adjusted gap cannot be measured: {why}.",
            remedy="Choose another year or scenario, or leave out --output.",
        )
    listed = report.raises[list(LISTED)].copy()
    for name in ("employee_id", "group", "department"):
        listed[name] = listed[name].map(escape_formula)
    return listed.rename(columns={"group": "gender"})


def _write(raises: pd.DataFrame, file: Path) -> Path:
    kind = file.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise InputError(
            f"{file} is neither CSV nor Excel.", remedy="Choose a name that ends with .csv or .xlsx."
        )
    try:
        with replace_file(file) as partial, partial.open("wb") as opened:
            (raises.to_csv if kind == ".csv" else raises.to_excel)(opened, index=False)
    except OSError as error:
        raise InputError(
            f"The file {file} cannot be written: {error.strerror or error}.",
            remedy="Choose a folder that can be written, with space.",
        ) from error
    return file.resolve()
