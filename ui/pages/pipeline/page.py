"""The Pipeline page: what runs took, what their gates found, and what moved from one sweep to the next."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.formatting import count, counted, moment, seconds
from planwise.monitoring.history import MeasuredRun
from planwise.monitoring.thresholds import Severity
from ui.components import html
from ui.components.card import Card
from ui.components.html import Kpi
from ui.components.match_review import MatchReview
from ui.components.page import PAIR, STACK, ReadPage, show
from ui.pages.pipeline import gates, runs, trends
from ui.session import Session
from ui.values.matches import COMPANIES, CheckedMatches, MatchQuality
from ui.values.pipeline import DAYS, FINISHED, PipelineOverview, infeasible, name_of

EMPTY = html.notice(
    "Nothing has run in this home yet.",
    "Each import, simulation, study and sweep is measured, and what its gate found is kept and shown here.",
)
MENU: dict[str, Any] = {
    "options": {},
    "size": "small",
    "margin": (6, 0, 4, 0),
    "sizing_mode": "stretch_width",
}
RUNS_OFFERED = 60
WEEK = f"last {DAYS} days"


class PipelinePage(ReadPage):
    """One session's page; reads the history when it is shown and whenever a job has ended."""

    key = "pipeline"
    title = "Pipeline"
    subtitle = "What runs took, what their gates found, and what moved from one sweep to the next"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._found: PipelineOverview | None = None
        self._kpis = html.pane("")
        self._empty = html.pane("", visible=False)
        self._quality: dict[str, MatchQuality] = {}
        self._kind, self._run, self._gate, self._matching = (
            pmui.Select(label=label, **MENU) for label in ("Kind of run", "Run", "Gate", "Matching")
        )
        for menu, changed in (
            (self._kind, self._show_kind),
            (self._run, self._show_run),
            (self._gate, self._show_gate),
            (self._matching, self._show_matching),
        ):
            menu.param.watch(changed, "value")
        self._sweep = Card(name="what the last sweep changed")
        self._durations = Card(name="duration of runs", control=self._kind)
        self._alerts = Card(name="performance alerts", with_chart=False)
        self._steps = Card(name="steps of a run", control=self._run)
        self._memory = Card(name="memory of a run")
        self._gates = Card(name="gate history")
        self._expectations = Card(name="expectations", with_chart=False, control=self._gate)
        self._benchmark = Card(name="benchmark trend")
        self._rates = Card(name="match rates of enrichment")
        self._matches = Card(name="match quality", control=self._matching)
        self._review = MatchReview(session, COMPANIES, trends.CALLED[COMPANIES], _match_again, self._again)
        self._companies = pn.Column(**STACK)
        self._body = pn.Column(
            self._kpis,
            self._empty,
            self._sweep.layout,
            self._alerts.layout,
            pn.Column(self._durations.layout, self._gates.layout, **PAIR),
            pn.Column(self._steps.layout, self._memory.layout, **PAIR),
            self._expectations.layout,
            pn.Column(self._rates.layout, self._matches.layout, **PAIR),
            self._companies,
            self._benchmark.layout,
            **STACK,
        )
        self.refresh()

    def _read_all(self) -> tuple[PipelineOverview, tuple[MatchQuality, ...], CheckedMatches | None]:
        store = self._store
        quality = store.matches.quality()
        of_companies = any(one.matching == COMPANIES for one in quality)
        return store.pipeline.overview(), quality, store.matches.checked(COMPANIES) if of_companies else None

    def _fill(self, read: tuple[PipelineOverview, tuple[MatchQuality, ...], CheckedMatches | None]) -> None:
        found, quality, companies = read
        self._found, self._quality = found, {one.matching: one for one in quality}
        self._kpis.object = html.kpi_strip(headline(found))
        self._empty.param.update(object=EMPTY, visible=not (found.runs or found.gates))
        offered = found.runs[:RUNS_OFFERED]
        with self._filling:
            _offer(self._kind, {kind.capitalize(): kind for kind in found.kinds})
            _offer(self._run, {f"{name_of(run)}, {moment(run.started_at)}": run.id for run in offered})
            _offer(self._gate, {gates.label_of(gate): gate.id for gate in found.gates})
            _offer(self._matching, {trends.CALLED[one]: one for one in self._quality})
        self._sweep.show(trends.sweep_changes(found.sweep, found.sweep_before, self._store.labels().of))
        self._alerts.show(runs.alerts(found.alerts()))
        self._gates.show(gates.history(found.gates))
        self._benchmark.show(trends.benchmark(found.benchmark))
        self._rates.show(trends.match_rates(found.match_rates(), *found.match_limits))
        if companies is not None:
            self._review.show(companies)
        show(self._companies, *([] if companies is None else [self._review.layout]))
        self._show_kind()
        self._show_run()
        self._show_gate()
        self._show_matching()
        self._set_notices([])
        self._show(self._heading, self._notices, self._body)

    def _show_kind(self, *_: Any) -> None:
        if self._found is not None and not self._filling:
            self._durations.show(runs.durations(self._kind.value or "", self._found.runs))

    def _show_run(self, *_: Any) -> None:
        if self._found is None or self._filling:
            return
        chosen = next((run for run in self._found.runs if run.id == self._run.value), None)
        page = "" if chosen is None or chosen.id is None else self._found.flow_pages.get(chosen.id, "")
        self._steps.show(runs.steps(chosen, page))
        self._memory.show(runs.memory(chosen))

    def _show_gate(self, *_: Any) -> None:
        if self._found is not None and not self._filling:
            chosen = next((gate for gate in self._found.gates if gate.id == self._gate.value), None)
            self._expectations.show(gates.expectations(chosen))

    def _show_matching(self, *_: Any) -> None:
        if not self._filling:
            self._matches.show(trends.match_quality(self._quality.get(self._matching.value or "")))


def _match_again(found: CheckedMatches) -> Mapping[str, Any] | None:
    """Return the request of the last run of companies, which matches the same files again."""
    return None if found.quality is None else found.quality.report.get("request")


def _offer(menu: Any, options: dict[str, Any]) -> None:
    """Offer these options; what was chosen stays, else the first is."""
    values = list(options.values())
    kept = menu.value if menu.value in values else next(iter(values), None)
    menu.param.update(options=options, value=kept, disabled=not options)


def headline(found: PipelineOverview) -> tuple[Kpi, ...]:
    """Return what an operator looks at first: runs, gates and alerts of the week, the last sweep."""
    recent, alerts = found.recent_runs, [one for run in found.recent_runs for one in run.alerts]
    states = Counter(gate.status for gate in found.recent_gates)
    failed = [run for run in recent if run.state not in FINISHED]
    critical = sum(one.severity is Severity.CRITICAL for one in alerts)
    return (
        Kpi(
            f"Runs, {WEEK}",
            count(len(recent)),
            _last_run(found.runs[0] if found.runs else None),
            f"{len(failed)} failed or blocked" if failed else "",
            "bad" if failed else "",
        ),
        Kpi(
            f"Gates, {WEEK}",
            count(sum(states.values())),
            f"{states['passed']} passed, {states['passed with warnings']} with warnings",
            f"{states['failed']} blocked" if states["failed"] else "",
            "bad" if states["failed"] else "",
        ),
        Kpi(
            f"Performance alerts, {WEEK}",
            count(len(alerts)),
            counted(len(alerts) - critical, "warning") if alerts else "none",
            f"{critical} critical" if critical else "",
            "bad" if critical else "",
        ),
        _last_sweep(found),
    )


def _last_run(run: MeasuredRun | None) -> str:
    if run is None:
        return "nothing has run in this home yet"
    about = f"{run.kind} {run.subject}".rstrip()
    return f"the last: {about}, {run.state} after {seconds(run.figures.seconds)}, {moment(run.started_at)}"


def _last_sweep(found: PipelineOverview) -> Kpi:
    sweep = found.sweep
    if sweep is None:
        return Kpi("Last sweep", "none", "no sweep has run in this home yet")
    bad = len(infeasible(sweep.rows))
    return Kpi(
        "Last sweep",
        f"{len(sweep.moved)} moved",
        f"{counted(len(sweep.rows), 'scenario or variant', 'scenarios and variants')}, {moment(sweep.at)}",
        f"{bad} infeasible" if bad else "",
        "warn" if bad else "",
    )
