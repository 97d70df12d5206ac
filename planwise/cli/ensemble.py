"""`planwise ensemble` and `planwise sensitivity`."""

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Column, Table

from planwise.app.ensemble import EnsembleReport, EnsembleRequest, run_ensemble
from planwise.app.sensitivity import SensitivityRequest, measure_sensitivity
from planwise.cli.options import Assumes, Home, Json, Sets
from planwise.cli.tables import percent
from planwise.comparison.differences import METRICS, Kind
from planwise.console import PLAIN, emit_json, progress, results, settings_for
from planwise.formatting import TERMINAL, counted, in_currency
from planwise.processes import handle_signal
from planwise.risk.ensemble import Step, Watch
from planwise.risk.worlds import LUCK


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Let the first Ctrl-C stop after the current step; the second stops at once.

    Yields a function that returns whether to stop.
    """
    interrupted: list[bool] = []

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        if interrupted:
            handle_signal(number, frame)
        interrupted.append(True)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: bool(interrupted)
    finally:
        signal.signal(signal.SIGINT, before)


RATES = ("growth_all", "growth_compound", "within_level_cv", "adjusted_gap_max")
AMOUNTS = frozenset(metric.name for metric in METRICS if metric.kind is Kind.MONEY)
SHOWN = ("headcount", "payroll", *RATES)  # some of about forty; --json has all

ENSEMBLE, SENSITIVITY = EnsembleRequest(), SensitivityRequest()  # the options' defaults


def ensemble(
    *,
    request: Annotated[EnsembleRequest, Parameter(name="*")] = ENSEMBLE,
    set_: Sets = (),
    assume: Assumes = (),
    home: Home = None,
    json: Json = False,
) -> None:
    """Preview a scenario many times, with rates and luck drawn: P10, P50 and P90 of each KPI and year.

    With --against, both scenarios get the same draws, and their difference is split into policy effect and
    random variation. Ctrl-C stops after the current draw and shows the results so far.
    """
    request = request.with_assignments(set_, assume)
    with stoppable() as should_stop, progress().status(f"{request.seeds} draws") as status:

        def on_step(step: Step) -> None:
            status.update(f"{step.done} of {step.total} simulations")

        report = run_ensemble(settings_for(home), request, Watch(on_step, should_stop))
    if json:
        emit_json(report.as_json())
    else:
        with in_currency(report.resolved[0].census.currency):
            _print_ensemble(report)


def _print_ensemble(report: EnsembleReport) -> None:
    resolved, difference = report.resolved, report.differences
    first, console = report.ensembles[0], results()
    if first.stopped:
        progress().print(f"Stopped: {len(first.seeds)} of {first.requested} draws.", style="yellow")
    names = ("P10", "P50", "P90", "mean", "sd", *(() if report.drawn == LUCK else ("luck P10", "luck P90")))
    right = [Column(name, justify="right") for name in names]
    title = f"{resolved[0].name}, {counted(len(first.seeds), 'draw')} of {report.drawn}"
    table = Table("year", "KPI", *right, title=title, **PLAIN)
    spreads, luck = first.spreads(), report.luck[0].spreads()
    for year in first.years:
        for name in SHOWN:
            if (spread := spreads[name][year]) is not None:
                chance = luck[name][year]
                alone = (None, None) if chance is None else (chance.p10, chance.p90)
                values = (spread.p10, spread.p50, spread.p90, spread.mean, spread.sd, *alone)
                table.add_row(str(year), name, *(_text(name, value) for value in values[: len(names)]))
        table.add_section()
    console.print(table)
    for sentence in (*report.means, *rates_in_words(report.rates.as_json())):
        console.print(sentence, markup=False)
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
            table.add_row(name, *amounts, *map(percent, shares))
    console.print(table)


def rates_in_words(rates: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each rate; levels of a rate with one reason share a sentence."""
    families: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for rate in rates:
        family, _, level = rate["rate"].partition("_level_")
        families.setdefault((family, rate["why"]), []).append((level, _figures_of(rate)))
    return [f"{_family_text(family, members)}; {why}." for (family, why), members in families.items()]


def _family_text(family: str, members: Sequence[tuple[str, str]]) -> str:
    if len({figures for _, figures in members}) > 1:
        return f"{family} by level: " + "; ".join(f"L{level} {figures}" for level, figures in members)
    (level, figures), *others = members
    named = f"{family}_level_{level}" if level else family
    return f"{f'{family} of {len(members)} levels' if others else named}: {figures}"


def _figures_of(rate: Mapping[str, Any]) -> str:
    stated = percent(rate["stated"], 1)
    if not rate["drawn"]:
        return f"{stated}, not drawn"
    return f"{stated} is stated, drawn {percent(rate['p10'], 1)} to {percent(rate['p90'], 1)} (P10 to P90)"


def _text(name: str, value: float | None) -> str:
    if name in RATES:
        return percent(value, 2)
    return TERMINAL.money_short(value) if name in AMOUNTS else TERMINAL.count(value)


def sensitivity(
    *,
    request: Annotated[SensitivityRequest, Parameter(name="*")] = SENSITIVITY,
    set_: Sets = (),
    assume: Assumes = (),
    home: Home = None,
    json: Json = False,
) -> None:
    """Show how a KPI of the last year responds to each lever, by previews. Ctrl-C stops early."""
    request = request.with_assignments(set_, assume)
    with stoppable() as should_stop, progress().status(request.method) as status:

        def on_step(step: Step) -> None:
            status.update(f"{request.method}: {step.done} of {step.total} evaluations")

        report = measure_sensitivity(settings_for(home), request, Watch(on_step, should_stop))
    if json:
        emit_json(report.as_json())
    else:
        with in_currency(report.resolved.census.currency):
            _print_sensitivity(report.as_json())


# The columns shown, with their headings, and the one they are ordered by.
INTERVAL = "± 95 %"
COLUMNS: dict[str, tuple[dict[str, str], str]] = {
    "derivative": (
        {"slope": "slope", "per_pp": "for 1 point", "per_width": "for its range", "share": "share"},
        "share",
    ),
    "morris": (
        {"mu": "mean effect", "mu_star": "mean size", "mu_star_interval": INTERVAL, "sigma": "varies by"},
        "mu_star",
    ),
    "sobol": (
        {
            **{"first": "alone", "first_interval": INTERVAL},
            **{"total": "with interactions", "total_interval": INTERVAL},
        },
        "total",
    ),
}
NOTES = {
    "derivative": "for 1 point: what one percentage point of the lever changes; for its range: what its "
    "recommended range does; share: of the effects of all levers, squared.",
    "morris": "What a lever changes over its recommended range; varies by: how much that depends on the "
    "other levers.",
    "sobol": "Shares of the variance, each lever over its recommended range.",
}
SHARES = ("share", "first", "first_interval", "total", "total_interval")
KPIS = {metric.name: metric for metric in METRICS}
LARGE = 100.0  # from here on without decimals


def _print_sensitivity(answer: Mapping[str, Any]) -> None:
    console = results()
    if answer["stopped"]:
        progress().print(f"Stopped after {answer['evaluations']} evaluations.", style="yellow")
    columns, key = COLUMNS[answer["method"]]
    kpi, year = answer["kpi"], answer["year"]
    label = KPIS[kpi].label if kpi in KPIS else kpi
    title = f"{label} ({kpi}), {year}: {answer['scenario']}, {answer['method']}"
    headings = (Column(heading, justify="right") for heading in columns.values())
    table = Table(Column("lever", no_wrap=True), *headings, title=title, **PLAIN)
    for name, row in sorted(answer["levers"].items(), key=lambda item: -(item[1][key] or 0.0)):
        table.add_row(name, *(_change_text(kpi, column, row[column]) for column in columns))
    console.print(table)
    if "value" in answer:
        console.print(f"{label} is {_value_text(kpi, answer['value'])} in {year}.", markup=False)
    console.print(NOTES[answer["method"]], markup=False)


def _change_text(kpi: str, column: str, value: float | None) -> str:
    """Return a change of a KPI in its unit: rates in points, but for the slope, which is points per point."""
    if column in SHARES:
        return percent(value, 1)
    is_rate = kpi in KPIS and KPIS[kpi].kind is Kind.RATE
    return TERMINAL.points(value, 3) if is_rate and column != "slope" else _plain_text(kpi, value)


def _value_text(kpi: str, value: float | None) -> str:
    is_rate = kpi in KPIS and KPIS[kpi].kind is Kind.RATE
    return percent(value, 2) if is_rate else _plain_text(kpi, value)


def _plain_text(kpi: str, value: float | None) -> str:
    if kpi in AMOUNTS:
        return TERMINAL.money_short(value)
    return TERMINAL.count(value) if value is not None and abs(value) >= LARGE else TERMINAL.ratio(value, 3)
