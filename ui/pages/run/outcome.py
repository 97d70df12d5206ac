"""Results of a finished job: figures, quality gate, sweep."""

from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import panel as pn

from planwise.errors import InputError
from planwise.formatting import count, counted, is_missing, moment, money, percent, points, ratio, shortened
from planwise.jobs import Job, JobKind, State
from ui.components import html
from ui.components.card import Card, Content, quality_gate
from ui.components.html import Linked, TableColumn, link
from ui.components.page import STACK, show
from ui.draft import BASELINE
from ui.session import Session
from ui.values.results import AS_IT_IS, SAVED, Result

ROWS = (
    TableColumn("scenario", "Scenario", is_text=True),
    TableColumn("variant", "Variant", lambda v: SAVED if v == AS_IT_IS else v, is_text=True),
    TableColumn("verdict", "Verdict", shortened, is_text=True),
    TableColumn("growth", "Change in average pay a year", lambda v: percent(v, 2)),
    TableColumn("target_growth", "Target", percent),
    TableColumn("payroll", "Annual payroll, $", money),
    TableColumn("headcount", "Headcount", count),
    TableColumn("gate", "Gate", lambda v: v or "not reached", is_text=True),
    TableColumn("published", "Published", lambda v: "yes" if v else "no", is_text=True),
)
CHANGES = {
    "became_infeasible": "Became infeasible",
    "became_feasible": "Became feasible",
    "moved": "Moved",
    "gone": "No longer swept",
}
LINES_SHOWN = 8


def sweep(found: Mapping[str, Any]) -> Content:
    """Return the rows of a sweep, infeasible ones first, under what changed since the one before."""
    rows = sorted(found["rows"], key=lambda row: bool(row["feasible"]))
    frame = pd.DataFrame([{**row, "verdict": _verdict(row)} for row in rows], columns=[c.name for c in ROWS])
    infeasible = sum(not row["feasible"] for row in rows)
    since = "the first sweep"
    if found["previous_at"]:
        since = f"compared with the sweep of {moment(str(found['previous_at']))}"
    whole = "" if found["complete"] else " · stopped before its end"
    return Content(
        "Sweep",
        f"{counted(len(rows), 'scenario or variant', 'scenarios and variants')}, {count(infeasible)} "
        f"infeasible · {since}{whole}",
        frame,
        ROWS,
        "sweep.csv",
        lead=_changes(found),
    )


def _verdict(row: Mapping[str, Any]) -> str:
    return "feasible" if row["feasible"] else "; ".join(row["reasons"]) or "infeasible"


def _changes(found: Mapping[str, Any]) -> str:
    lines = [(title, str(line)) for name, title in CHANGES.items() for line in found[name] or ()]
    items = "".join(
        f'<li><span class="what">{escape(line)}</span>'
        f'<span class="act">{html.chip(title, _tone(title))}</span></li>'
        for title, line in lines[:LINES_SHOWN]
    )
    more = len(lines) - LINES_SHOWN
    rest = f'<p class="quiet">{count(more)} more changed.</p>' if more > 0 else ""
    return f'<ul class="items">{items}</ul>{rest}' if items else ""


def _tone(title: str) -> html.Tone:
    return "bad" if title == CHANGES["became_infeasible"] else ""


FIGURES = (
    TableColumn("figure", "At the end of the horizon", is_text=True),
    TableColumn("value", "This run"),
    TableColumn("baseline", "Baseline"),
    TableColumn("difference", "Difference"),
)


class Outcome:
    """Links, key figures, gate and sweep of an ended job."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._links = Linked(session.go)
        self._gate = Card(name="quality gate", with_chart=False, height=320)
        self._sweep = Card(name="sweep", with_chart=False, height=420)
        self._figures = Card(name="key figures", with_chart=False)
        self.layout = pn.Column(**STACK)

    def show(self, job: Job | None) -> None:
        """Show the result of a job that has ended; None shows nothing."""
        if job is None or not job.ended:
            show(self.layout)
            return
        self._links.html = links_of(job)
        parts: list[Any] = [self._links] if self._links.html else []
        if (figures := self._figures_of(job)) is not None:
            self._figures.show(figures)
            parts.append(self._figures.layout)
        for key, table in job.tables.items():
            if key.startswith("gate-") and job.kind is JobKind.SIMULATE:
                may = self._session.can_see_individual_pay
                gate = quality_gate(table.rows, job.scenario, consequence(job), individual_pay=may)
                self._gate.show(gate)
                parts.append(self._gate.layout)
        if job.kind is JobKind.SWEEP and job.result is not None:
            self._sweep.show(sweep(job.result))
            parts.append(self._sweep.layout)
        show(self.layout, *parts)

    def _figures_of(self, job: Job) -> Content | None:
        if job.kind is not JobKind.SIMULATE or job.state is not State.DONE:
            return None
        store = self._session.store
        try:
            result = store.result(job.scenario)
        except InputError as error:
            self._session.notify_error(error, "warning")
            return None
        baseline = None
        if job.scenario != BASELINE and BASELINE in store.scenarios():
            baseline = store.result(BASELINE)
        return figures(result, baseline)


def links_of(job: Job) -> str:
    """Return links to the pages that show the result, as HTML."""
    name, links = job.scenario, []
    if job.kind is JobKind.SIMULATE and job.state is State.DONE:
        links.append(link(f"Results of {name}", "results", scenario=name))
        if name != BASELINE:
            links.append(
                link("Compare with the baseline", "compare", compare=(BASELINE, name), scenario=name)
            )
    elif job.kind is JobKind.SIMULATE:
        links += [link("Edit the plan", "plan")]
    elif job.kind is JobKind.SWEEP:
        links.append(link("What changed, on the overview", "overview"))
    elif job.study:
        links.append(link("The study", "optimise", study=job.study))
    return f'<p class="quiet">{" · ".join(links)}</p>' if links else ""


def consequence(job: Job) -> str:
    """Return what the gate did to the result."""
    blocked = job.error is not None and job.error.type == "SimulationBlocked"
    return "nothing is published, the earlier result stays in force" if blocked else "published"


def figures(result: Result, baseline: Result | None) -> Content:
    """Return key figures of the first year beside the baseline's, where that simulates the year too."""
    year = result.years[0]
    own = result.kpi(year)
    other = baseline.kpi(year) if baseline is not None and year in baseline.years else None
    two, more_money, more = partial(percent, decimals=2), partial(money, sign=True), partial(count, sign=True)
    more_ratio = partial(ratio, decimals=3, sign=True)
    rows = [
        _figure(name, own.get(column), {} if other is None else {"at": other.get(column)}, write, difference)
        for name, column, write, difference in (
            ("Increase budget", "increase_rate", two, points),
            ("Cost of the increase budget", "increase_cost", money, more_money),
            ("Promotion budget", "promotion_rate_of_payroll", two, points),
            ("Annual payroll", "payroll", money, more_money),
            ("Growth of those who stay", "growth_continuing", two, points),
            ("Change in average pay", "growth_all", two, points),
            ("Headcount", "headcount", count, more),
            ("Turnover, all separations", "turnover_total", two, points),
            ("Compa-ratio", "mean_compa_ratio", ratio, more_ratio),
            ("Compa-ratio to market", "mean_market_ratio", ratio, more_ratio),
        )
    ]
    frame = pd.DataFrame(rows)
    beside = "beside the baseline" if other is not None else "no baseline to compare with"
    shown = FIGURES if other is not None else FIGURES[:2]
    return Content(
        "Key figures",
        f"End of {year} · {result.scenario}, {beside}",
        frame,
        shown,
        f"key_figures_{result.scenario}_{year}.csv",
    )


def _figure(
    name: str,
    own: Any,
    other: Mapping[str, Any],
    write: Callable[[Any], str],
    difference: Callable[[Any], str],
) -> dict[str, str]:
    row = {"figure": name, "value": write(own), "baseline": "", "difference": ""}
    if other:
        known = not (is_missing(own) or is_missing(other["at"]))
        row |= {"baseline": write(other["at"]), "difference": difference(own - other["at"]) if known else ""}
    return row
