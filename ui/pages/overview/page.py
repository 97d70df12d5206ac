"""The overview: key figures of a scenario, what changed, what to do, all scenarios side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.equity.reasons import gap_reason
from planwise.errors import InputError, PlanWiseError
from planwise.formatting import (
    NOT_AVAILABLE,
    count,
    counted,
    exact_percent,
    is_missing,
    moment,
    money_short,
    percent,
    points,
    with_levels,
)
from planwise.gate import GateResult
from planwise.jobs import JobKind
from planwise.parameters import Risk
from ui.components import html
from ui.components.card import FRAME, Card, growth_bridge, quality_gate
from ui.components.html import Kpi, Linked, Tone
from ui.components.page import GAP, PAIR, PARTS, SIDE_BY_SIDE, STACK, Page, empty_state
from ui.components.scenario_dialogs import ScenarioMenu
from ui.pages.overview import charts, to_do
from ui.pages.overview.changes import news
from ui.pages.overview.to_do import list_items, waiting
from ui.session import Session
from ui.store import BASELINE
from ui.values.results import Result, Unreadable

AGAIN = "Run it again; until then these figures are of what was published."
NOTHING = "Nothing is published yet"
NOTHING_RUN = (
    "Results appear here as soon as a simulation has passed its quality gate. Run the baseline next."
)
NOTHING_IN = (
    "A plan begins with its people: bring in a payroll file, or generate a sample; then run the baseline."
)
NOT_MEASURED = "not measured"
RISK_TONES: Mapping[Risk, Tone] = {Risk.HIGH: "warn", Risk.CRITICAL: "bad"}


def headline(result: Result, year: int) -> tuple[Kpi, ...]:
    """Return the year's cycle: budgets, payroll, people, risk and equity, each beside something like it."""
    kpi, before = result.kpi(year), result.opening(year)
    since = "the census" if year == result.first_year else f"{year - 1}"
    change = kpi["payroll"] / before["payroll"] - 1 if before["payroll"] else None
    return (
        _increase_tile(result, kpi, year),
        Kpi(
            f"Promotions in {year}",
            percent(kpi.get("promotion_rate_of_payroll"), 2),
            f"of opening payroll: {money_short(kpi.get('promotion_cost'))} for "
            f"{count(kpi.get('promotions'))} people",
        ),
        Kpi(
            f"Annual payroll, end of {year}",
            money_short(kpi["payroll"]),
            f"{money_short(kpi['payroll_change'], sign=True)} ({percent(change, sign=True)}) on {since}",
            *_budget(kpi["payroll"], result.payroll_budget),
        ),
        Kpi(
            f"Headcount, end of {year}",
            count(kpi["headcount"]),
            f"from {count(kpi['opening_headcount'])}: {counted(kpi['hires'], 'hire')}, "
            f"{counted(kpi['terminations'], 'exit')}",
        ),
        Kpi(
            f"Turnover in {year}",
            percent(kpi.get("turnover_total", kpi["termination_rate"])),
            f"voluntary {percent(kpi.get('turnover_voluntary'))} of experienced staff; "
            f"first-year exits {percent(kpi.get('turnover_first_year'))} of hires",
        ),
        Kpi(
            f"Growth of those who stay, {year}",
            percent(kpi.get("growth_continuing"), 2),
            f"change in average pay (mix included) {percent(kpi['growth_all'], 2)}",
        ),
        _risk_tile(result),
        _equity_tile(kpi, year),
    )


def _increase_tile(result: Result, kpi: Mapping[str, Any], year: int) -> Kpi:
    rate, market = kpi.get("increase_rate"), result.assumption("market_budget")
    parts = [
        f"{money_short(kpi.get('increase_cost'))} a year",
        f"{money_short(kpi.get('increase_cost_in_year'))} in {year}",
    ]
    if kpi.get("lump_sum_cost"):
        parts.append(f"lump sums {money_short(kpi['lump_sum_cost'])}")
    verdict = ""
    if market is not None and rate is not None and not is_missing(rate):
        verdict = f"{points(rate - market)} to the market's {exact_percent(market)}"
    return Kpi(f"Increase budget {year}", percent(rate, 2), "; ".join(parts), verdict)


def _risk_tile(result: Result) -> Kpi:
    """Return the worst finding about the levers of all years."""
    title = f"Risk of the plan, {result.span}"
    try:
        found = [one for one in result.findings if one.risk is not Risk.OK]
    except InputError as error:
        return Kpi(title, NOT_AVAILABLE, f"not judged: {error.what}")
    if not found:
        return Kpi(title, str(Risk.OK), "no rule finds fault with the levers")
    worst = found[0]
    more = f"; {len(found) - 1} more" if len(found) > 1 else ""
    when = "" if worst.year is None else f"{worst.year}: "
    note = f"{when}{with_levels(worst.message)}{more}"
    return Kpi(
        title,
        str(worst.risk),
        note,
        "see why" if worst.risk in RISK_TONES else "",
        RISK_TONES.get(worst.risk, ""),
    )


def _equity_tile(kpi: Mapping[str, Any], year: int) -> Kpi:
    title, gap, median = (
        f"Adjusted pay gap, end of {year}",
        kpi.get("adjusted_gap_max"),
        kpi.get("median_gap"),
    )
    if is_missing(gap):
        return Kpi(title, NOT_MEASURED, gap_reason({"adjusted_gap_reason": kpi.get("adjusted_gap_reason")}))
    of_all = "" if is_missing(median) else f"; median, women against men: {percent(median, 2)}"
    return Kpi(title, percent(gap, 2), f"the largest of any group, in comparable work{of_all}")


def _budget(payroll: float, budget: float | None) -> tuple[str, Tone]:
    if budget is None:
        return "", ""
    share = f"{percent(payroll / budget)} of the budget of {money_short(budget)}"
    return share, "good" if payroll <= budget else "bad"


PUBLISHED_ONLY = "Only its published result is left; these figures cannot be simulated again."
ARCHIVED = "Archived: it is on no list and in no menu."
BOX_HEIGHT = 236  # pixels; a longer list is scrolled
# As the headings of cards are, in their frame; the theme would make them titles of a page.
FOLDED = {
    "boxShadow": "none",
    "border": "1px solid",
    "borderColor": "divider",
    "backgroundImage": "none",
    "backgroundColor": "background.default",
    "& .MuiAccordionSummary-root": {"backgroundColor": "transparent"},
    "& .MuiAccordionSummary-content .MuiTypography-root": {"fontSize": "15px", "fontWeight": 500},
}


class OverviewPage(Page):
    """The page's parts, made once; `refresh` fills them from the store."""

    key = "overview"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._seen: Any = None
        self._begin = empty_state(session, NOTHING, NOTHING_IN, census="Go to Census", learn="Learn how")
        self._ready = empty_state(session, NOTHING, NOTHING_RUN, run="Go to Run", census="Census")
        self._kpis = html.pane("")
        self._out_of_date = html.pane("", visible=False)
        self._open: tuple[Any, Any] | None = None  # to do, and of which censuses; an error in its place
        self._figures: tuple[Result, int] | None = None
        self._provenance = html.pane("")
        self._scenario = self._select("Scenario", "scenario", 320)
        self._year = self._select("Year", "year", 104)
        self._menu = ScenarioMenu(session, self.refresh)
        self._run_again = pmui.Button(
            label="Run again", variant="outlined", size="small", margin=0, visible=False
        )
        self._run_again.on_click(lambda _: session.go("run", scenario=self._shown))
        self._sweep = pmui.Button(
            label="Sweep all scenarios", variant="outlined", size="small", margin=(8, 0, 0, 0)
        )
        self._sweep.param.update(visible=False, disabled=not session.can_run)
        self._sweep.on_click(self._start_sweep)
        self._archived = pmui.Switch(label="Archived ones too", value=False, margin=(0, 0, 6, 0))
        self._archived.param.watch(lambda _: self.refresh(), "value")
        self._shown = ""
        self._budgets = Card(name="increase budgets")
        self._growth = Card(name="growth against target")
        self._payroll = Card(name="annual payroll")
        self._bridge = Card(name="growth bridge")
        self._comparison = Card(name="scenarios", with_chart=False, height=440, control=self._archived)
        self._levels = Card(name="levels", with_chart=False)
        self._gate = Card(name="quality gate", with_chart=False, height=260)
        self._waiting = Linked(session.go)
        self._news = Linked(session.go)
        self._gates = Linked(session.go)
        self._study = Linked(session.go)
        self._details = self._folded()
        self._body = self._lay_out()
        self._follow_selection("scenario", "year")
        session.draft.param.watch(lambda *_: self._show_waiting(), ["scenario", "changes"])
        self.refresh()

    def refresh(self) -> None:
        """Show what is published; what takes longer to read follows."""
        every, unreadable = self._store.results(archived=True)
        labels = self._store.labels()
        results = tuple(
            one
            for one in every
            if self._archived.value
            or one.scenario == self._selection.scenario
            or not labels.is_archived(one.scenario)
        )
        notices = [html.unreadable(item) for item in unreadable]
        nothing = not results and not unreadable
        if results:
            result = self._pick(results, unreadable, notices)
            year = self._pick_year(result, notices)
            self._fill(results, result, year)
        self._set_notices(notices)
        self._show(
            *([self._notices] if notices else []),
            *([self._ready if self._store.has_census else self._begin] if nothing else []),
            *([self._body] if results else []),
        )
        if results:
            pn.state.onload(self._read_news)  # before, a change may miss the browser

    def _fill(self, results: Sequence[Result], result: Result, year: int) -> None:
        self._shown = result.scenario
        self._session.terms = result.local
        labels = self._store.labels()
        with self._filling:
            options = labels.options(r.scenario for r in results)
            self._scenario.param.update(options=options, value=result.scenario)
            self._year.param.update(options=list(result.years), value=year)
        seen = (
            tuple((r.label, r.scenario, r.fingerprint, r.manifest["published_at"]) for r in results),
            result.scenario,
        )
        self._menu.show(result.scenario)
        if self._seen == (seen, year):
            return
        self._seen = (seen, year)
        census = result.manifest["census"]
        self._heading.object = html.heading(
            result.label,
            f"{_named(result)}{census['name']}, {census['rows']:,} employees as of {census['as_of']} · "
            f"published {moment(str(result.manifest['published_at']))}",
        )
        self._mark(result, year)
        alike = [one for one in results if one.census == result.census]
        self._budgets.show(charts.budgets(alike, result, year))
        self._growth.show(charts.growth(alike, result))
        self._payroll.show(charts.payroll(alike, result))
        self._horizon.object = f'<h2 class="card-title">The horizon, {result.span}</h2>'
        self._bridge.show(growth_bridge(result, year))
        self._comparison.show(charts.comparison(results, result, year))
        self._levels.show(charts.levels(result, year))
        rows = GateResult.from_json(result.manifest["gate"]).as_table()
        self._gate.show(
            quality_gate(
                rows,
                result.label,
                "a critical one that fails blocks publishing",
                individual_pay=self._session.can_see_individual_pay,
            )
        )
        self._provenance.object = html.facts(charts.provenance(result))
        self._gates.html = to_do.list_gates(results)

    def _mark(self, result: Result, year: int) -> None:
        """Show the headline figures; what is out of date, or not known to be current, is not marked good."""
        self._figures = result, year
        found, censuses = self._open if self._open is not None else (None, None)
        statuses = found[1] if isinstance(found, tuple) else ()
        is_known = isinstance(found, tuple) and censuses == self._store.censuses.version()
        own = [one for one in statuses if one.scenario == result.scenario and one.state == "stale"]
        stale = own if is_known else []
        kpis = headline(result, year)
        if stale or not is_known or self._store.labels().is_deleted(result.scenario):
            kpis = tuple(replace(kpi, tone="" if kpi.tone == "good" else kpi.tone) for kpi in kpis)
        self._kpis.object = html.kpi_strip(kpis)
        text = html.notice(f"Out of date: {with_levels(stale[0].why)}", AGAIN, "warn") if stale else ""
        labels = self._store.labels()
        if labels.is_archived(result.scenario):
            text += html.notice(ARCHIVED, "Restore puts it back.", "warn")
        if labels.is_deleted(result.scenario):
            text += html.notice(f"{result.scenario} was deleted.", PUBLISHED_ONLY, "warn")
        self._out_of_date.param.update(object=text, visible=bool(text))
        self._run_again.param.update(visible=bool(stale), disabled=not self._session.can_run)

    async def _read_news(self) -> None:
        """Fill what is read from the ledger, sweeps, studies and jobs, off the event loop."""
        results, _ = self._store.results()
        offload = self._session.offload
        labels = self._store.labels()
        sweeps = await offload(self._store.sweeps.latest)
        self._news.html = await offload(self._html_of, lambda: news(sweeps, results, labels.of))
        self._sweep.visible = sweeps.last is None
        self._study.html = await offload(self._html_of, self._latest_study)
        censuses = self._store.censuses.version()
        self._open = await offload(self._read_open), censuses
        self._show_waiting()
        if self._figures is not None:
            self._mark(*self._figures)
        shown = self._shown
        propose = self._menu.propose
        propose.offer(shown, await offload(propose.why_not, shown))

    def _latest_study(self) -> str:
        studies = self._store.studies.list()
        if not studies:
            return to_do.no_study()
        return to_do.latest(max(studies, key=lambda one: one.updated_at), self._store.labels().of)

    def _read_open(self) -> Any:
        try:
            return (
                tuple(job for job in self._store.jobs.list() if not job.kind.is_brief),
                self._store.statuses.scenarios(),
                self._store.statuses.unsaved_studies(self._store.studies.list()),
                self._store.releases.fired(),
            )
        except PlanWiseError as error:
            return error

    def _show_waiting(self) -> None:
        if self._open is None:
            return
        found, _ = self._open
        if isinstance(found, PlanWiseError):
            self._waiting.html = html.notice(found.what, found.remedy or "", "bad")
            return
        draft, (jobs, statuses, studies, fired) = self._session.draft, found
        items = waiting(
            draft.scenario, len(draft.changes), jobs, statuses, studies, self._store.labels().of, fired
        )
        self._waiting.html = list_items(items)

    async def _start_sweep(self, *_: Any) -> None:
        session = self._session
        start = session.actions.jobs.start
        try:
            job = await session.offload(lambda: start(JobKind.SWEEP.value, {}, title="Sweep all scenarios"))
        except PlanWiseError as error:
            session.notify_error(error)
        else:
            session.go("run", job=job.id)

    @staticmethod
    def _html_of(read: Any) -> str:
        """Return the HTML that `read` gives, or its error."""
        try:
            return str(read())
        except PlanWiseError as error:
            return html.error_notice(error)

    def _pick(
        self, results: Sequence[Result], unreadable: Sequence[Unreadable], notices: list[str]
    ) -> Result:
        by_name = {result.scenario: result for result in results}
        selected = self._selection.scenario
        if selected in by_name:
            return by_name[selected]
        chosen = by_name.get(BASELINE, results[0])
        if selected:
            why = "cannot be read" if selected in {item.name for item in unreadable} else "is not published"
            notices.append(
                html.notice(
                    f"Scenario {selected!r} {why}; {chosen.label} is shown.",
                    "Choose another one.",
                    "warn",
                )
            )
        return chosen

    def _pick_year(self, result: Result, notices: list[str]) -> int:
        year = self._selection.year
        if year is not None and year not in result.years:
            notices.append(
                html.notice(
                    f"{result.label} does not simulate {year}; {result.first_year} is shown.", tone="warn"
                )
            )
        return year if year in result.years else result.first_year

    def _lay_out(self) -> pn.Column:
        heading = pn.Column(self._heading, min_width=280, styles={"flex": "1 1 320px"})
        self._horizon = html.pane("")
        return pn.Column(
            pn.FlexBox(
                heading,
                pn.Row(self._scenario, self._year, styles={"gap": "12px"}),
                justify_content="space-between",
                align_items="center",
                gap=f"{GAP}px",
            ),
            pn.Row(
                self._menu.layout, self._run_again, styles={"gap": "8px", "align-items": "center"}, margin=0
            ),
            self._out_of_date,
            self._kpis,
            pn.Column(self._budgets.layout, self._side(), **SIDE_BY_SIDE),
            self._comparison.layout,
            self._horizon,
            pn.Column(self._growth.layout, self._payroll.layout, **PAIR),
            pn.Column(self._bridge.layout, self._checks(), **PAIR),
            self._details,
            **STACK,
        )

    def _side(self) -> pn.Column:
        changed = pn.Column(self._news, self._sweep, **PARTS)
        return pn.Column(
            _boxed("To do", "Edits, actuals off the plan, runs, studies, results out of date", self._waiting),
            _boxed("What changed", "Average pay a year and payroll at the end of the horizon", changed),
            **STACK,
        )

    def _checks(self) -> pn.Column:
        return pn.Column(
            _boxed("Latest study", "The study that was started last", self._study),
            _boxed("Quality gates", "Every published scenario, worst first", self._gates),
            **STACK,
        )

    def _folded(self) -> pmui.Accordion:
        return pmui.Accordion(
            ("Levels", self._levels.layout),
            ("Quality gate in detail", self._gate.layout),
            ("Source of the figures", self._provenance),
            title_variant="h6",
            disable_gutters=True,
            sx=FOLDED,
            sizing_mode="stretch_width",
            margin=0,
        )


def _boxed(title: str, subtitle: str, content: Any) -> pmui.Paper:
    heading = html.pane(html.card_heading(title, subtitle), margin=(0, 0, 6, 0))
    scrolled = pn.Column(
        content, sizing_mode="stretch_width", styles={"overflow-y": "auto", "max-height": f"{BOX_HEIGHT}px"}
    )
    return pmui.Paper(heading, scrolled, **FRAME)


def _named(result: Result) -> str:
    """Return the scenario's name where its title is shown instead."""
    return "" if result.label == result.scenario else f"{result.scenario} · "
