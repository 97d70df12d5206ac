"""`planwise compare`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from flows.launch import carry_out
from flows.options import AsFlow
from planwise.comparison import compare as compare_published
from planwise.comparison.people_csv import write_people_csv
from planwise.comparison.remarks import due
from planwise.comparison.show import render_comparison
from planwise.console import emit_json, progress, results, settings_for
from planwise.jobs import Kind
from planwise.options import Home, Json
from planwise.settings import Settings

EMPLOYEES = 1_000  # rows that people still read; the totals always count everyone


def compare(
    *scenarios: Annotated[str, Parameter(help="Two names or more; the first is the base.")],
    xlsx: Annotated[Path | None, Parameter(name="--xlsx", help="Write this workbook too.")] = None,
    csv: Annotated[
        Path | None, Parameter(name="--csv", help="Write every matched person's pay here, one row each.")
    ] = None,
    employees: Annotated[
        int,
        Parameter(help="People whom the workbook lists for each scenario, the most moved first; 0 for none."),
    ] = EMPLOYEES,
    simulate: Annotated[
        bool,
        Parameter(negative="", help="First simulate what is not published, or has changed since it was."),
    ] = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Compare scenarios by what they published; the first is the base of all differences."""
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
        progress().print(f"{people:,} people: {csv}", markup=False, soft_wrap=True)
    if file is None and people is None:
        progress().print("Next: the same with --xlsx FILE; planwise employee ID --scenario A --against B.")


def _simulate(settings: Settings, scenarios: Sequence[str], as_flow: bool | None) -> None:
    from flows.jobs.simulation import simulate as job  # SQLMesh is slow to import, seldom needed here
    from flows.parameters import SimulateRequest

    for name in due(settings, scenarios):
        request = SimulateRequest(scenario=name)
        carry_out(settings, job=job, flow=_flow, request=request, as_flow=as_flow, kind=Kind.SIMULATE)


def _flow() -> Callable[..., Any]:
    from flows.simulate import simulate as flow

    return flow
