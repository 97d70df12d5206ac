"""`planwise ensemble`."""

from contextlib import closing
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Column, Table

from flows.cli.layout import PLAIN, money
from flows.cli.stopping import stoppable
from flows.jobs.simulation import Resolved, resolve_scenario
from flows.options import AS_DEFINED, ScenarioOptions
from planwise.console import emit_json, progress, results, settings_for
from planwise.engine.preview import Preview
from planwise.governance.request import ScenarioRequest
from planwise.options import Home, Json
from planwise.risk.ensemble import Ensemble, Step, Watch, run_paired, spreads_json
from planwise.risk.noise import Difference, differences

DEFAULT_SEEDS = 20
RATES = ("growth_all", "growth_compound", "within_level_cv", "adjusted_gap_max")
SHOWN = ("headcount", "payroll", *RATES)  # of some forty: the others are in the JSON

Against = Annotated[
    str | None, Parameter(name="--against", help="Another scenario: how much of the difference is policy.")
]


def ensemble(
    *,
    scenario: ScenarioOptions = AS_DEFINED,
    seeds: Annotated[int, Parameter(help="How many seeds, the scenario's own first.")] = DEFAULT_SEEDS,
    against: Against = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Simulate a scenario under many seeds on the preview: P10, P50 and P90 of each KPI and year.

    With --against, both run under the same seeds, and the answer says how much of their difference is policy
    and how much is noise. Ctrl-C ends it after the seed in hand and shows what there is by then.
    """
    settings = settings_for(home)
    request = ScenarioRequest(**scenario.fields())
    resolved = [resolve_scenario(settings, request)]
    if against is not None:
        other = ScenarioRequest(scenario=against, years=scenario.years, census=resolved[0].census.name)
        resolved.append(resolve_scenario(settings, other))
    with (
        closing(Preview(settings, resolved[0].census)) as preview,
        stoppable() as should_stop,
        progress().status(f"0 of {seeds} seeds") as status,
    ):

        def on_step(step: Step) -> None:
            status.update(f"{step.done} of {step.total} seeds")

        found = run_paired(
            lambda effective: preview.evaluate(effective).kpis,
            [each.effective for each in resolved],
            seeds,
            Watch(on_step, should_stop),
        )
    difference = differences(*found) if against is not None else None
    if json:
        emit_json(_answer(resolved, found, difference))
    else:
        _show(resolved, found, difference)


def _answer(
    resolved: list[Resolved],
    found: tuple[Ensemble, ...],
    difference: dict[str, dict[int, Difference | None]] | None,
) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "scenario": resolved[0].name,
        "census": resolved[0].census.name,
        "unsaved_changes": dict(resolved[0].changes),
        "seeds": list(found[0].seeds),
        "seeds_asked": found[0].asked,
        "stopped": found[0].stopped,
        "kpis": spreads_json(found[0].spreads()),
    }
    if difference is None:
        return answer
    against = {
        "scenario": resolved[1].name,
        "kpis": spreads_json(found[1].spreads()),
        "difference": {
            name: {str(year): d and d.as_json() for year, d in by_year.items()}
            for name, by_year in difference.items()
        },
    }
    return {**answer, "against": against}


def _show(
    resolved: list[Resolved],
    found: tuple[Ensemble, ...],
    difference: dict[str, dict[int, Difference | None]] | None,
) -> None:
    first, console = found[0], results()
    if first.stopped:
        progress().print(f"Stopped: {len(first.seeds)} of {first.asked} seeds.", style="yellow")
    right = [Column(name, justify="right") for name in ("P10", "P50", "P90", "mean", "sd")]
    table = Table("year", "KPI", *right, title=f"{resolved[0].name} under {len(first.seeds)} seeds", **PLAIN)
    spreads = first.spreads()
    for year in first.years:
        for name in SHOWN:
            if (spread := spreads[name][year]) is not None:
                values = (spread.p10, spread.p50, spread.p90, spread.mean, spread.sd)
                table.add_row(str(year), name, *(_text(name, value) for value in values))
        table.add_section()
    console.print(table)
    if difference is None:
        return
    columns = ("mean", "95 % from", "to", "noise sd", "policy", "± se", "w/o CRN")
    title = f"{resolved[0].name} minus {resolved[1].name}, {first.years[-1]}"
    table = Table(
        Column("KPI", no_wrap=True),
        *(Column(name, justify="right") for name in columns),
        title=title,
        **PLAIN,
    )
    for name in SHOWN:
        d = difference[name][first.years[-1]]
        if d is not None:
            amounts = (_text(name, value) for value in (d.mean, d.low, d.high, d.sd))
            shares = (d.policy_share, d.policy_share_standard_error, d.policy_share_without_crn)
            table.add_row(name, *amounts, *("-" if share is None else f"{share:.1%}" for share in shares))
    console.print(table)


def _text(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3%}" if name in RATES else money(value)
