"""`planwise sensitivity`."""

import math
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.table import Column, Table

from flows.cli.layout import PLAIN, money
from flows.cli.stopping import stoppable
from flows.jobs.simulation import Resolved, resolve_scenario
from flows.options import AS_DEFINED, ScenarioOptions
from planwise.console import emit_json, progress, results, settings_for
from planwise.engine.preview import Preview
from planwise.errors import CheckFailed, InputError
from planwise.governance.request import ScenarioRequest
from planwise.options import Home, Json
from planwise.parameters.values import DECIMALS
from planwise.risk.ensemble import Step, Watch
from planwise.risk.sensitivity import Ranges, morris, slopes, sobol, stepped
from planwise.study.space import Space, census_levels, tuned_levers

DEFAULT_SAMPLES = {"morris": 10, "sobol": 64}  # 64 · (levers + 2): two minutes for ten thousand people
GROWTH = "growth_compound"
LARGE = 100.0  # a figure from here on is an amount, not a rate

Method = Literal["derivative", "morris", "sobol"]
Levers = Annotated[
    str | None, Parameter(name="--levers", help="Only these, with commas; default all pay levers.")
]


def sensitivity(
    *,
    scenario: ScenarioOptions = AS_DEFINED,
    method: Method = "derivative",
    kpi: str = GROWTH,
    samples: int | None = None,
    levers: Levers = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show how a KPI of the last year answers to each lever, on the preview. Ctrl-C ends it early.

    Parameters
    ----------
    method
        derivative (slopes where the scenario stands), morris (effects) or sobol (shares of variance),
        the last two over the recommended ranges.
    kpi
        Column of the scenario's KPIs; of the last simulated year.
    samples
        Trajectories (morris, default 10) or base samples (sobol, a power of 2, default 64).

    """
    settings = settings_for(home)
    request = ScenarioRequest(**scenario.fields())
    if method == "derivative" and samples is not None:
        raise InputError("Slopes take one step a lever: no --samples.", remedy="Leave --samples out.")
    resolved = resolve_scenario(settings, request)
    wanted = None if levers is None else tuple(name.strip() for name in levers.split(","))
    space = tuned_levers(resolved.effective, census_levels(resolved.census), wanted)
    with (
        closing(Preview(settings, resolved.census)) as preview,
        stoppable() as should_stop,
        progress().status(method) as status,
    ):

        def on_step(step: Step) -> None:
            status.update(f"{method}: {step.done} of {step.total} evaluations")

        value_of = _kpi_of(preview, resolved, kpi)
        watch = Watch(on_step, should_stop)
        if method == "derivative":
            found = _slopes(space, value_of, watch)
        else:
            found = _indices(method, resolved, space, value_of, samples, watch)
    answer: dict[str, Any] = {
        "scenario": resolved.name,
        "census": resolved.census.name,
        "unsaved_changes": dict(resolved.changes),
        "method": method,
        "kpi": kpi,
        "year": resolved.effective.years[-1],
        **found,
    }
    if json:
        emit_json(answer)
    else:
        _show(answer)


def _kpi_of(preview: Preview, resolved: Resolved, kpi: str) -> Callable[[Mapping[str, float]], float]:
    def value_of(levers: Mapping[str, float]) -> float:
        rounded = {name: round(value, DECIMALS) for name, value in levers.items()}
        last = preview.evaluate(resolved.effective.with_levers(rounded)).kpis[-1]
        if kpi not in last:
            raise InputError(f"There is no KPI {kpi!r}.", remedy=f"There are: {', '.join(last)}.")
        value = last[kpi]
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise CheckFailed(
                f"{kpi} of {last['simulation_year']} is not available.", remedy="Choose another --kpi."
            )
        return float(value)

    return value_of


def _slopes(space: Space, value_of: Callable[[Mapping[str, float]], float], watch: Watch) -> dict[str, Any]:
    points = stepped(space, {})
    here = value_of({lever.name: lever.start for lever in space})
    values: dict[str, float] = {}
    for name, point in points.items():
        if watch.should_stop():
            break
        values[name] = value_of(point)
        watch.on_step(Step(len(values) + 1, len(points) + 1))
    found = slopes(space, {}, here, values)
    return {
        "value": here,
        "evaluations": len(values) + 1,
        "stopped": len(values) < len(points),
        "levers": {name: slope.as_json() for name, slope in found.items()},
    }


def _indices(
    method: Method,
    resolved: Resolved,
    space: Space,
    value_of: Callable[[Mapping[str, float]], float],
    samples: int | None,
    watch: Watch,
) -> dict[str, Any]:
    declared = resolved.effective.declared.levers
    ranges: Ranges = {lever.name: declared[lever.name.partition("@")[0]].recommended for lever in space}
    analyse = {"morris": morris, "sobol": sobol}[method]
    wanted = DEFAULT_SAMPLES[method] if samples is None else samples
    found = analyse(value_of, ranges, wanted, seed=resolved.effective.seed, watch=watch)
    return {
        "ranges": {name: list(each) for name, each in ranges.items()},
        "samples": found.samples,
        "samples_asked": found.asked,
        "evaluations": found.evaluations,
        "stopped": found.samples < found.asked,
        "levers": {name: dict(row) for name, row in found.by_lever.items()},
    }


# What is shown, and by which figure it is ordered.
COLUMNS = {
    "derivative": (("slope", "per_pp", "per_width", "share"), "share"),
    "morris": (("mu", "mu_star", "mu_star_interval", "sigma"), "mu_star"),
    "sobol": (("first", "first_interval", "total", "total_interval"), "total"),
}


def _show(answer: Mapping[str, Any]) -> None:
    console = results()
    if answer["stopped"]:
        progress().print(f"Stopped after {answer['evaluations']} evaluations.", style="yellow")
    columns, key = COLUMNS[answer["method"]]
    title = f"{answer['kpi']} of {answer['year']}, {answer['scenario']}: {answer['method']}"
    table = Table("lever", *(Column(name, justify="right") for name in columns), title=title, **PLAIN)
    for name, row in sorted(answer["levers"].items(), key=lambda item: -(item[1][key] or 0.0)):
        table.add_row(name, *(_text(row[column]) for column in columns))
    console.print(table)
    if "value" in answer:
        console.print(f"{answer['kpi']} is {_text(answer['value'])}; per_pp: for one percentage point more.")


def _text(value: float | None) -> str:
    if value is None:
        return "-"
    return money(value) if abs(value) >= LARGE else f"{value:.5f}"
