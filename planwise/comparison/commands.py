"""`planwise employee`: one person's events, pay and their replay."""

from typing import Annotated, Any

from cyclopts import Parameter

from planwise.comparison.employee import Timeline, find_people, timeline
from planwise.comparison.show_employee import paired_years, render_against, render_people, render_timeline
from planwise.console import emit_json, progress, results, settings_for
from planwise.errors import CheckFailed, InputError
from planwise.governance import BASELINE
from planwise.options import Home, Json
from planwise.settings import Settings

FOUND_SHOWN = 20


def employee(
    employee_id: Annotated[str | None, Parameter(help="As in the census; hires are NEW-YEAR-SLOT.")] = None,
    /,
    *,
    scenario: Annotated[str, Parameter(name="--scenario", help="A published scenario.")] = BASELINE,
    against: Annotated[str | None, Parameter(name="--against", help="Compare with this scenario.")] = None,
    find: Annotated[
        str | None, Parameter(name="--find", help="List ids instead: text in an id, job title or department.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> int:
    """Show one person's events and pay as published; exit with 1 when the events do not give the pay."""
    settings = settings_for(home)
    if (find is None) == (employee_id is None):
        raise InputError(
            "Name one person, or look for one.",
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
    progress().print(f"{found:,} found in {scenario}, {len(people)} shown.", markup=False)


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
