"""`planwise scenario …`: create, look at, change and delete scenarios."""

from collections.abc import Iterable
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter

from planwise.console import emit_json, progress, results, settings_for
from planwise.governance.effective import effective_parameters, years_of
from planwise.governance.ledger import Ledger, open_ledger
from planwise.governance.scenario import BASELINE, Scenario
from planwise.governance.show import render_findings, render_list, render_scenario
from planwise.options import As, Assumes, Home, Json, Sets
from planwise.parameters import Value, merged_overrides, parse_assignments, validate
from planwise.settings import Settings

app = cyclopts.App(name="scenario", help="Named sets of lever and assumption overrides on a census.")

Description = Annotated[str | None, Parameter(name="--description", help="What the scenario is for.")]
CensusName = Annotated[
    str | None, Parameter(name="--census", help="Bind to this census; otherwise it follows the one in use.")
]


@app.command
def create(
    name: str,
    /,
    *,
    source: Annotated[str, Parameter(name="--from", help="Start from this scenario's overrides.")] = BASELINE,
    set_: Sets = (),
    assume: Assumes = (),
    description: Description = None,
    census: CensusName = None,
    as_: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Create a scenario."""
    _copy(source, name, (set_, assume), description, census, as_, home, json)


@app.command
def clone(
    source: str,
    name: str,
    /,
    *,
    set_: Sets = (),
    assume: Assumes = (),
    description: Description = None,
    census: CensusName = None,
    as_: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Copy a scenario under a new name, with further overrides."""
    _copy(source, name, (set_, assume), description, census, as_, home, json)


@app.command(name="set")
def change(
    name: str,
    /,
    *,
    set_: Sets = (),
    assume: Assumes = (),
    unset: Annotated[tuple[str, ...], Parameter(negative="", help="Drop this override.")] = (),
    as_: As = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Change a scenario's overrides."""
    settings = settings_for(home)
    with open_ledger(settings, actor=as_) as ledger:
        old = ledger.scenarios.get(name)
        changes = _assignments(set_, assume)
        kept = {key: value for key, value in old.overrides.items() if key not in unset}
        years = years_of(merged_overrides(kept, changes), _first_year(settings, old.census))
        new = ledger.scenarios.set(name, changes, unset=unset, years=years)
        _present(settings, ledger, new, as_json=json)


@app.command(name="list")
def list_(*, home: Home = None, json: Json = False) -> None:
    """List the scenarios."""
    with open_ledger(settings_for(home)) as ledger:
        scenarios = ledger.scenarios.list()
    if json:
        emit_json({"scenarios": [_summary(scenario) for scenario in scenarios]})
    else:
        results().print(render_list(scenarios))


@app.command
def show(name: str, /, *, home: Home = None, json: Json = False) -> None:
    """Show a scenario and every effective parameter with the tier it came from."""
    settings = settings_for(home)
    with open_ledger(settings) as ledger:
        _present(settings, ledger, ledger.scenarios.get(name), as_json=json)


@app.command
def delete(name: str, /, *, as_: As = None, home: Home = None, json: Json = False) -> None:
    """Delete a scenario; what it published stays."""
    with open_ledger(settings_for(home), actor=as_) as ledger:
        ledger.scenarios.delete(name)
    if json:
        emit_json({"scenario": name, "deleted": True})
    else:
        progress().print(f"Deleted scenario {name}.")


def _copy(
    source: str,
    name: str,
    assignments: tuple[Iterable[str], Iterable[str]],
    description: str | None,
    census: str | None,
    actor: str | None,
    home: Home,
    as_json: bool,
) -> None:
    settings = settings_for(home)
    with open_ledger(settings, actor=actor) as ledger:
        original = ledger.scenarios.get(source)
        changes = _assignments(*assignments)
        first_year = _first_year(settings, census or original.census)
        years = years_of(merged_overrides(original.overrides, changes), first_year)
        made = ledger.scenarios.clone(
            source, name, changes, census=census, description=description, years=years
        )
        _present(settings, ledger, made, as_json=as_json)


def _assignments(levers: Iterable[str], assumptions: Iterable[str]) -> dict[str, Value]:
    return parse_assignments(levers, "lever") | parse_assignments(assumptions, "assumption")


def _first_year(settings: Settings, census: str | None) -> int:
    from planwise.census import load_census  # pandas is slow to import

    return load_census(settings, census).first_year


def _present(settings: Settings, ledger: Ledger, scenario: Scenario, *, as_json: bool) -> None:
    effective = effective_parameters(ledger, scenario, _first_year(settings, scenario.census))
    findings = validate(effective)
    if as_json:
        emit_json(
            {
                **_summary(scenario),
                "years": effective.years,
                "digest": effective.digest,
                "effective_parameters": effective.rows(),
                "findings": findings,
            }
        )
    else:
        results().print(render_scenario(scenario, effective))
        progress().print(render_findings(findings))


def _summary(scenario: Scenario) -> dict[str, Any]:
    fields = vars(scenario).copy()
    return {"scenario": fields.pop("name"), **fields}
