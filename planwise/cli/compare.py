"""`planwise compare` and `planwise employee`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from flows.launch import run_use_case
from planwise.cli.options import AsFlow, Home, Json
from planwise.comparison import compare as compare_published
from planwise.comparison.employee import Timeline, find_people, timeline
from planwise.comparison.people_csv import write_people_csv
from planwise.comparison.remarks import due
from planwise.comparison.show import render_comparison
from planwise.comparison.show_employee import paired_years, render_against, render_people, render_timeline
from planwise.console import emit_json, progress, results, settings_for
from planwise.errors import CheckFailed, InputError
from planwise.governance import BASELINE
from planwise.jobs import JobKind
from planwise.settings import Settings

EMPLOYEES = 1_000  # rows in the workbook; totals always include everyone


def compare(
    *scenarios: Annotated[str, Parameter(help="Two or more names; the first is the base.")],
    xlsx: Annotated[Path | None, Parameter(name="--xlsx", help="Also write an Excel workbook.")] = None,
    csv: Annotated[
        Path | None,
        Parameter(name="--csv", help="Also write a CSV file with the pay of every matched employee."),
    ] = None,
    employees: Annotated[
        int,
        Parameter(help="Employees listed in the workbook per scenario, largest change first; 0 for none."),
    ] = EMPLOYEES,
    simulate: Annotated[
        bool,
        Parameter(negative="", help="First simulate scenarios that are unpublished or changed."),
    ] = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Compare the published results of scenarios; the first is the base of all differences."""
    settings = settings_for(home)
    if simulate:
        _simulate(settings, scenarios, flow)
    comparison = compare_published(settings, scenarios, employees=employees if xlsx else 0)
    file = None
    if xlsx is not None:
        from planwise.comparison.workbook import write_workbook

        file = write_workbook(comparison, xlsx)
    people = None if csv is None else write_people_csv(comparison, csv)
    if json:
        emit_json({**comparison.as_json(), "workbook": file, "csv": csv, "csv_rows": people})
        return
    results().print(render_comparison(comparison))
    if file is not None:
        progress().print(f"Workbook: {file}", markup=False, soft_wrap=True)
    if people is not None:
        progress().print(f"{people:,} employees: {csv}", markup=False, soft_wrap=True)
    if file is None and people is None:
        progress().print(
            "Next: add --xlsx FILE for a workbook; planwise employee ID --scenario A --against B."
        )


def _simulate(settings: Settings, scenarios: Sequence[str], as_flow: bool | None) -> None:
    from planwise.app.requests import SimulateRequest
    from planwise.app.simulate import simulate as job  # SQLMesh is slow to import and rarely needed here

    for name in due(settings, scenarios):
        request = SimulateRequest(scenario=name)
        run_use_case(settings, job=job, flow=_flow, request=request, as_flow=as_flow, kind=JobKind.SIMULATE)


def _flow() -> Callable[..., Any]:
    from flows.flows import simulate as flow

    return flow


FOUND_SHOWN = 20


def employee(
    employee_id: Annotated[
        str | None, Parameter(help="Employee ID from the census; hires are NEW-YEAR-SLOT.")
    ] = None,
    /,
    *,
    scenario: Annotated[str, Parameter(name="--scenario", help="A published scenario.")] = BASELINE,
    against: Annotated[str | None, Parameter(name="--against", help="Compare with this scenario.")] = None,
    find: Annotated[
        str | None,
        Parameter(name="--find", help="List employees whose ID, job title or department contains this text."),
    ] = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Show one employee's published events and pay; exit with code 1 when the events do not give the pay."""
    settings = settings_for(home)
    if (find is None) == (employee_id is None):
        raise InputError(
            "Give either an employee ID or --find.",
            remedy="`planwise employee ID`, or `planwise employee --find TEXT`.",
        )
    if find is not None:
        _find(settings, scenario, find, as_json=json)
        return 0
    own = timeline(settings, scenario, str(employee_id))
    other = None if against is None else timeline(settings, against, str(employee_id))
    if json:
        emit_json(own.as_json() | ({} if other is None else _against(own, other)))
    else:
        results().print(render_timeline(own))
        if other is not None:
            results().print(render_against(own, other))
    broken = own.problems or (other is not None and other.problems)
    return CheckFailed.exit_code if broken else 0


def _find(settings: Settings, scenario: str, text: str, *, as_json: bool) -> None:
    people, found = find_people(settings, scenario, text, limit=FOUND_SHOWN)
    if as_json:
        emit_json({"scenario": scenario, "find": text, "found": found, "people": people})
        return
    if people:
        results().print(render_people(people))
    progress().print(f"{found:,} found in {scenario}; {len(people)} shown.", markup=False)


def _against(own: Timeline, other: Timeline) -> dict[str, Any]:
    return {
        "against": other.as_json(),
        "differences": [
            {
                "simulation_year": year,
                "base_pay": here and here.base_pay,
                "against": there and there.base_pay,
                "difference": here and there and here.base_pay - there.base_pay,
            }
            for year, here, there in paired_years(own, other)
        ],
    }
