"""`planwise ensemble` and `planwise sensitivity`."""

import math
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from types import FrameType
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.table import Column, Table

from planwise.app.simulate import Resolved, resolve_scenario
from planwise.cli.options import AS_DEFINED, Home, Json, ScenarioOptions
from planwise.cli.tables import PLAIN, money
from planwise.console import emit_json, progress, results, settings_for
from planwise.engine.preview import Preview
from planwise.errors import CheckFailed, InputError
from planwise.governance.request import ScenarioRequest
from planwise.parameters.values import DECIMALS
from planwise.processes import handle_signal
from planwise.risk.ensemble import Ensemble, Step, Watch, run_paired, spreads_json
from planwise.risk.noise import Difference, differences
from planwise.risk.sensitivity import Ranges, morris, slopes, sobol, stepped
from planwise.study.space import Space, census_levels, tuned_levers


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C end the work after the step in hand; the second one ends it at once.

    Yields what says whether it was asked to stop.
    """
    asked: list[bool] = []

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if asked:
            handle_signal(number, frame)
        asked.append(True)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)


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
        _print_ensemble(resolved, found, difference)


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


def _print_ensemble(
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
        _print_sensitivity(answer)


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


def _print_sensitivity(answer: Mapping[str, Any]) -> None:
    console = results()
    if answer["stopped"]:
        progress().print(f"Stopped after {answer['evaluations']} evaluations.", style="yellow")
    columns, key = COLUMNS[answer["method"]]
    title = f"{answer['kpi']} of {answer['year']}, {answer['scenario']}: {answer['method']}"
    table = Table("lever", *(Column(name, justify="right") for name in columns), title=title, **PLAIN)
    for name, row in sorted(answer["levers"].items(), key=lambda item: -(item[1][key] or 0.0)):
        table.add_row(name, *(_sensitivity_text(row[column]) for column in columns))
    console.print(table)
    if "value" in answer:
        console.print(
            f"{answer['kpi']} is {_sensitivity_text(answer['value'])}; per_pp: for one percentage point more."
        )


def _sensitivity_text(value: float | None) -> str:
    if value is None:
        return "-"
    return money(value) if abs(value) >= LARGE else f"{value:.5f}"
