"""`planwise scenario`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

import cyclopts
from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from planwise.cli.options import PARAMETERS, Assumes, Home, Json, KnownScenario, NewScenario, Sets
from planwise.console import emit_json, progress, results, settings_for
from planwise.errors import InputError
from planwise.governance import Action
from planwise.governance.ledger import Ledger, effective_parameters, open_ledger, years_of
from planwise.governance.scenarios import Scenario
from planwise.parameters import (
    BASELINE,
    EffectiveParameters,
    Finding,
    ParameterRow,
    Risk,
    Value,
    merged_overrides,
    parse_assignments,
    validate,
)
from planwise.settings import Settings

TIER_MARKS = {"scenario": "*", "dynamic": "+", "default": "", "fallback": "!"}
LEGEND = "* scenario   + dynamic lever   ! fallback   no mark: default"
OVERRIDES_SHOWN = 3  # in the list; `scenario show` has all
RISK_STYLES = {
    Risk.OK: "",
    Risk.LOW: "dim",
    Risk.MEDIUM: "yellow",
    Risk.HIGH: "red",
    Risk.CRITICAL: "bold red",
}


def render_list(scenarios: Iterable[Scenario]) -> RenderableType:
    """Return a line per scenario, and under it its description and the first of its overrides."""
    return Group(*(line for scenario in scenarios for line in _listed(scenario)))


def _listed(scenario: Scenario) -> Iterator[RenderableType]:
    facts = [
        f"census {scenario.census}" if scenario.census else "census in use",
        *([f"from {scenario.parent}"] if scenario.parent else []),
        *([f"{scenario.created_at:%Y-%m-%d}"] if scenario.created_at else []),
        *([f"by {scenario.created_by}"] if scenario.created_by else []),
        *([f"archived {scenario.archived_at:%Y-%m-%d}"] if scenario.archived_at else []),
    ]
    title = f"  {scenario.title}" if scenario.title else ""
    yield Text.assemble((scenario.name, "bold"), title, ("  " + ", ".join(facts), "dim"))
    for text in filter(None, (scenario.description, _overrides_in_short(scenario.overrides))):
        yield Padding(Text(text), (0, 0, 0, 4))


def _overrides_in_short(overrides: Mapping[str, Value]) -> str:
    shown = [f"{key}={value}" for key, value in islice(overrides.items(), OVERRIDES_SHOWN)]
    more = len(overrides) - len(shown)
    return ", ".join([*shown, *([f"{more} more"] if more else [])])


def render_scenario(scenario: Scenario, effective: EffectiveParameters) -> RenderableType:
    """Return the levers by year, and the assumptions that differ from their defaults."""
    levers = Table("lever", *map(str, effective.years))
    for name in effective.declared.levers:
        levers.add_row(name, *(_cell(effective.row(name, year)) for year in effective.years))
    assumptions = Table("assumption", "year", "value")
    for row in effective.rows():
        if row.tier != "default" and row.parameter in effective.declared.assumptions:
            assumptions.add_row(row.parameter, str(row.year or "all"), _cell(row))
    named = f"{scenario.name}, {scenario.title}," if scenario.title else scenario.name
    head = Text(f"{named} on {scenario.census or 'the census in use'}", style="bold")
    others = [assumptions] if assumptions.row_count else [Text("All assumptions have their defaults.")]
    return Group(head, levers, *others, Text(LEGEND, style="dim"))


def render_findings(findings: Sequence[Finding]) -> RenderableType:
    """Return one line per finding, the worst first."""
    if not findings:
        return Text("No warnings.")
    return Group(
        *(
            Text(
                " ".join(map(str, filter(None, (finding.word, finding.year, finding.message)))),
                style=RISK_STYLES[finding.risk],
            )
            for finding in findings
        )
    )


def _cell(row: ParameterRow) -> Text:
    value = f"{row.value:g}" if isinstance(row.value, float) else str(row.value)
    return Text(f"{value}{TIER_MARKS[row.tier]}")


app = cyclopts.App(
    name="scenario",
    group_parameters=PARAMETERS,
    help="Named sets of lever and assumption overrides on a census.",
)

Description = Annotated[str | None, Parameter(name="--description", help="What the scenario is for.")]
Title = Annotated[str | None, Parameter(name="--title", help="A title: any text on one line.")]
CensusName = Annotated[
    str | None, Parameter(name="--census", help="Bind to this census; by default the census in use.")
]


@app.command
def create(
    name: NewScenario,
    /,
    *,
    source: Annotated[
        str | None, Parameter(name="--from", help="Start from this scenario's overrides.")
    ] = None,
    from_trial: Annotated[
        str | None,
        Parameter(name="--from-trial", help="Save this trial, STUDY:NUMBER, without further changes."),
    ] = None,
    set_: Sets = (),
    assume: Assumes = (),
    title: Title = None,
    description: Description = None,
    census: CensusName = None,
    allow_risk: Annotated[
        bool,
        Parameter(negative="", help="Save a trial even if outside policy, or adding HIGH or CRITICAL risk."),
    ] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Create a scenario."""
    if from_trial is None:
        _copy(source or BASELINE, name, (set_, assume), (title, description), census, home, json)
        return
    if source or set_ or assume or census or title:
        raise InputError(
            "--from-trial determines the scenario, the census and every value.",
            remedy="Omit --from, --set, --assume, --census and --title; copy the scenario to change it.",
        )
    from planwise.study.scenario_from_trial import parse_trial, promote_trial  # Optuna is slow to import

    settings = settings_for(home)
    study, number = parse_trial(from_trial)
    made = promote_trial(settings, study, number, name, description=description, allow_risk=allow_risk)
    with open_ledger(settings) as ledger:
        _present(settings, ledger, made, as_json=json)
    progress().print(f"Next: planwise simulate --scenario {name}", markup=False)


@app.command(name=["copy", "clone"])
def copy(
    source: KnownScenario,
    name: NewScenario,
    /,
    *,
    set_: Sets = (),
    assume: Assumes = (),
    title: Title = None,
    description: Description = None,
    census: CensusName = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Copy a scenario under a new name, with further overrides."""
    _copy(source, name, (set_, assume), (title, description), census, home, json)


@app.command(name="set")
def change(
    name: KnownScenario,
    /,
    *,
    set_: Sets = (),
    assume: Assumes = (),
    unset: Annotated[tuple[str, ...], Parameter(negative="", help="Drop this override.")] = (),
    title: Title = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Change a scenario's overrides or title."""
    settings = settings_for(home)
    with open_ledger(settings) as ledger:
        ledger.require(Action.EDIT)
        old = ledger.scenarios.get(name)
        changes = _assignments(set_, assume)
        kept = {key: value for key, value in old.overrides.items() if key not in unset}
        years = years_of(merged_overrides(kept, changes), _first_year(settings, old.census))
        new = ledger.scenarios.set(name, changes, unset=unset, title=title, years=years)
        _present(settings, ledger, new, as_json=json)


@app.command(name="list")
def list_(
    *,
    archived: Annotated[bool, Parameter(negative="", help="List archived scenarios, too.")] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """List the scenarios."""
    with open_ledger(settings_for(home)) as ledger:
        scenarios = ledger.scenarios.list(archived=archived)
    if json:
        emit_json({"scenarios": [_summary(scenario) for scenario in scenarios]})
    else:
        results().print(render_list(scenarios))


@app.command
def show(name: KnownScenario, /, *, home: Home = None, json: Json = False) -> None:
    """Show a scenario and every effective parameter with its tier."""
    settings = settings_for(home)
    with open_ledger(settings) as ledger:
        _present(settings, ledger, ledger.scenarios.get(name), as_json=json)


@app.command
def diff(
    first: KnownScenario,
    second: KnownScenario,
    /,
    *others: KnownScenario,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show which levers and assumptions differ between scenarios, simulated or not."""
    from planwise.cli.compare import render_parameters
    from planwise.comparison.differences import (  # pandas is slow to import
        ComparedParameters,
        parameter_differences,
    )

    settings = settings_for(home)
    names = tuple(dict.fromkeys((first, second, *others)))
    with open_ledger(settings) as ledger:
        resolved = [
            ComparedParameters(
                name, effective_parameters(ledger, scenario, _first_year(settings, scenario.census))
            )
            for name in names
            for scenario in [ledger.scenarios.get(name)]
        ]
    spans = {one.name: one.effective.years for one in resolved}
    years = sorted(set.intersection(*map(set, spans.values())))
    found = parameter_differences(resolved, years)
    if json:
        emit_json({"scenarios": names, "years": spans, "differences": [row.as_json() for row in found]})
        return
    results().print(render_parameters(found, names))
    if len(set(spans.values())) > 1:
        horizons = ", ".join(f"{name} {span[0]}-{span[-1]}" for name, span in spans.items())
        progress().print(f"The horizons differ: {horizons}; only common years are compared.", markup=False)


@app.command
def delete(name: KnownScenario, /, *, home: Home = None, json: Json = False) -> None:
    """Delete a scenario; its published result is kept."""
    with open_ledger(settings_for(home)) as ledger:
        ledger.scenarios.delete(name)
    if json:
        emit_json({"scenario": name, "deleted": True})
    else:
        progress().print(f"Deleted scenario {name}.")


@app.command
def archive(
    name: KnownScenario,
    /,
    *,
    restore: Annotated[bool, Parameter(negative="", help="Put it back on the lists.")] = False,
    home: Home = None,
    json: Json = False,
) -> None:
    """Take a scenario off the lists; it keeps everything, and --restore brings it back."""
    with open_ledger(settings_for(home)) as ledger:
        scenario = ledger.scenarios.archive(name, restore=restore)
    if json:
        emit_json(_summary(scenario))
    else:
        progress().print(f"{'Restored' if restore else 'Archived'} scenario {name}.")


def _copy(
    source: str,
    name: str,
    assignments: tuple[Iterable[str], Iterable[str]],
    texts: tuple[str | None, str | None],
    census: str | None,
    home: Home,
    as_json: bool,
) -> None:
    settings = settings_for(home)
    with open_ledger(settings) as ledger:
        ledger.require(Action.EDIT)
        original = ledger.scenarios.get(source)
        changes = _assignments(*assignments)
        first_year = _first_year(settings, census or original.census)
        years = years_of(merged_overrides(original.overrides, changes), first_year)
        title, description = texts
        if description is None and source == BASELINE:
            description = ""  # the baseline's description does not apply to a copy
        made = ledger.scenarios.clone(
            source, name, changes, census=census, title=title, description=description, years=years
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
