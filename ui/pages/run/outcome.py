"""Results of a finished job: figures, quality gate, sweep."""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd
import panel as pn

from planwise.errors import InputError
from planwise.formatting import count, moment, money, percent, points, ratio, shortened
from planwise.jobs import Job, JobKind, State, Table
from ui.components import html
from ui.components.card import Card, Content
from ui.components.html import Linked, TableColumn, link
from ui.components.page import STACK, show
from ui.session import Session
from ui.values.results import Result

ROWS = (
    TableColumn("scenario", "Scenario", is_text=True),
    TableColumn("variant", "Variant", is_text=True),
    TableColumn("verdict", "Verdict", shortened, is_text=True),
    TableColumn("growth", "Annual growth (CAGR)", lambda v: percent(v, 2)),
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
        f"{count(len(rows))} scenarios and variants, {count(infeasible)} infeasible · {since}{whole}",
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


BASELINE = "baseline"
ZERO_WIDTH_SPACE = "\u200b"
LONG_NUMBER = re.compile(r"\d+\.\d{5,}")
GATE = (
    TableColumn("expectation", "Expectation", lambda v: _breakable(v), is_text=True),
    TableColumn("outcome", "Outcome", is_text=True),
    TableColumn("where", "Table and column", lambda v: _breakable(v), is_text=True),
    TableColumn("observed", "Observed", shortened, is_text=True),
    TableColumn("threshold", "Allowed", shortened, is_text=True),
    TableColumn("offending rows", "Rows outside", count),
    TableColumn("sample", "Such as", lambda v: shortened(_rounded(v)), is_text=True),
)
FIGURES = (
    TableColumn("figure", "At the end of the horizon", is_text=True),
    TableColumn("value", "This run"),
    TableColumn("baseline", "Baseline"),
    TableColumn("difference", "Difference"),
)


class Outcome:
    """Gate and figures of an ended job; nothing while there is none."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ways = Linked(session.go)
        self._gate = Card(name="quality gate", with_chart=False, height=320)
        self._sweep = Card(name="sweep", with_chart=False, height=420)
        self._figures = Card(name="key figures", with_chart=False)
        self.layout = pn.Column(**STACK)

    def show(self, job: Job | None) -> None:
        """Show what came of a job; plans and studies have pages of their own."""
        if job is None or not job.ended:
            show(self.layout)
            return
        self._ways.html = ways(job)
        parts: list[Any] = [self._ways] if self._ways.html else []
        if (figures := self._figures_of(job)) is not None:
            self._figures.show(figures)
            parts.append(self._figures.layout)
        for key, table in job.tables.items():
            if key.startswith("gate-") and job.kind is JobKind.SIMULATE:
                self._gate.show(gate(job, table))
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


def ways(job: Job) -> str:
    """Return links to what one looks at next, as HTML."""
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


def gate(job: Job, table: Table) -> Content:
    """Return what the gate found, failures first, with rows that are outside."""
    frame = pd.DataFrame([dict(row) for row in table.rows])
    frame["outcome"] = [outcome(row) for row in table.rows]
    frame["where"] = [_where(row) for row in table.rows]
    held = int(frame["success"].sum())
    blocked = job.error is not None and job.error.type == "SimulationBlocked"
    consequence = "nothing is published, the result before stays in force" if blocked else "published"
    return Content(
        "Quality gate",
        f"{held} of {len(frame)} expectations hold; {consequence} · {job.scenario}",
        frame,
        GATE,
        f"gate_{job.scenario}.csv",
        lead=html.chip(*_gate_verdict(table.rows)),
    )


def outcome(row: Mapping[str, Any]) -> str:
    """Return how an expectation ended: passed, or failed and what of it."""
    if row["success"]:
        return "✓ passed"
    return {"critical": "✕ failed, blocks", "warning": "! warning"}.get(str(row["severity"]), "noted")


def figures(result: Result, baseline: Result | None) -> Content:
    """Return key figures of the last year beside the baseline's, where that simulates the year too."""
    year = result.last_year
    own = result.kpi(year)
    other = baseline.kpi(year) if baseline is not None and year in baseline.years else None
    rows = [
        _figure(
            "Annual growth (CAGR), mean base pay",
            "growth_compound",
            own,
            other,
            _rate,
            points,
        ),
        _figure(f"Growth in {year}", "growth_all", own, other, _rate, points),
        _figure("Mean base pay", "mean_base_pay", own, other, money, _more_money),
        _figure("Annual payroll", "payroll", own, other, money, _more_money),
        _figure("Headcount", "headcount", own, other, count, _more),
        _figure("Compa-ratio", "mean_compa_ratio", own, other, ratio, _more_ratio),
        _figure("Turnover in the year", "termination_rate", own, other, _rate, points),
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
    name: str, column: str, own: Mapping[str, Any], other: Mapping[str, Any] | None, write: Any, more: Any
) -> dict[str, str]:
    row = {"figure": name, "value": write(own[column]), "baseline": "", "difference": ""}
    if other is not None:
        row |= {"baseline": write(other[column]), "difference": more(own[column] - other[column])}
    return row


def _where(row: Mapping[str, Any]) -> str:
    return f"{row['table']}.{row['column']}" if row["column"] else str(row["table"])


def _breakable(name: str) -> str:
    """Let a long name go on in the next line after a dot or an underscore."""
    return re.sub(r"([._])", f"\\1{ZERO_WIDTH_SPACE}", name)


def _rounded(text: str) -> str:
    return LONG_NUMBER.sub(lambda found: f"{float(found[0]):.4g}", text)


def _gate_verdict(rows: Sequence[Mapping[str, Any]]) -> tuple[str, html.Tone]:
    failed = [row for row in rows if not row["success"]]
    if any(row["severity"] == "critical" for row in failed):
        return "Failed", "bad"
    if any(row["severity"] == "warning" for row in failed):
        return "Passed with warnings", "warn"
    return "Passed", "good"


def _rate(value: Any) -> str:
    return percent(value, 2)


def _more_money(value: Any) -> str:
    return money(value, sign=True)


def _more(value: float) -> str:
    return f"+{count(value)}" if value > 0 else count(value)


def _more_ratio(value: float) -> str:
    return f"+{ratio(value, 3)}" if round(value, 3) > 0 else ratio(value, 3)
