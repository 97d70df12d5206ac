"""`planwise compare`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from flows.launch import carry_out
from flows.options import AsFlow
from planwise.comparison import compare as compare_published
from planwise.comparison.remarks import due
from planwise.comparison.show import render_comparison
from planwise.console import emit_json, progress, results, settings_for
from planwise.options import Home, Json
from planwise.settings import Settings

EMPLOYEES = 1_000  # rows that people still read; the totals always count everyone


def compare(
    *scenarios: str,
    xlsx: Annotated[Path | None, Parameter(name="--xlsx", help="Write this workbook too.")] = None,
    employees: int = EMPLOYEES,
    simulate: Annotated[bool, Parameter(negative="")] = False,
    flow: AsFlow = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Compare scenarios by what they published; the first is the base of all differences.

    Parameters
    ----------
    scenarios: Two names or more.
    employees: How many people, the most moved first, the workbook lists for each scenario.
    simulate: First simulate those that are not published, or changed since they were.

    """
    settings = settings_for(home)
    if simulate:
        _simulate(settings, scenarios, flow)
    comparison = compare_published(settings, scenarios, employees=employees if xlsx else 0)
    file = None
    if xlsx is not None:
        from planwise.comparison.workbook import write_workbook

        file = write_workbook(comparison, xlsx)
    if json:
        emit_json({**comparison.as_json(), "workbook": file})
        return
    results().print(render_comparison(comparison))
    if file is not None:
        progress().print(f"Workbook: {file}", markup=False, soft_wrap=True)
    else:
        progress().print("Next: the same with --xlsx FILE; planwise employee ID --scenario A --against B.")


def _simulate(settings: Settings, scenarios: Sequence[str], as_flow: bool | None) -> None:
    from flows.jobs.simulation import simulate as job  # SQLMesh is slow to import, seldom needed here
    from flows.parameters import SimulateRequest

    for name in due(settings, scenarios):
        request = SimulateRequest(scenario=name)
        carry_out(settings, job=job, flow=_flow, request=request, as_flow=as_flow)


def _flow() -> Callable[..., Any]:
    from flows.simulate import simulate as flow

    return flow
