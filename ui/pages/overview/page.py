"""The overview: key figures of a scenario, what changed, what to do, all scenarios side by side."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count, exact_percent, moment, money, money_short, percent, points, ratio
from planwise.gate import GateResult
from ui.components import html
from ui.components.card import FRAME, Card
from ui.components.html import Kpi, Linked, Tone
from ui.components.page import GAP, PAIR, SIDE_BY_SIDE, STACK, Page, empty_state
from ui.components.result_cards import growth_bridge, quality_gate
from ui.pages.overview import charts, to_do
from ui.pages.overview.changes import news
from ui.pages.overview.to_do import list_items, waiting
from ui.session import Session
from ui.store import BASELINE
from ui.values.results import Result, Unreadable

AGAIN = "Run it again on the page Run; until then these figures are of what was published."
NOTHING = "Nothing is published yet"
NOTHING_RUN = (
    "Results appear here as soon as a simulation has passed its quality gate. Run the baseline next."
)
NOTHING_IN = (
    "A plan begins with its people: bring in a payroll file, or generate a sample; then run the baseline."
)


ON_TARGET_RATE = 0.001  # a study's default tolerance: a tenth of a percentage point


def headline(result: Result, year: int) -> tuple[Kpi, ...]:
    """Return growth, pay, headcount, payroll, ranges and turnover, each compared with something."""
    kpi, before = result.kpi(year), result.opening(year)
    since = "the census" if year == result.years[0] else f"{year - 1}"
    compound_verdict, compound_tone = against(kpi["growth_compound"], result.target)
    growth_verdict, growth_tone = against(kpi["growth_all"], result.target)
    target = "no target is set" if result.target is None else f"vs target {exact_percent(result.target)}"
    payroll_growth = kpi["payroll"] / before["payroll"] - 1 if before["payroll"] else None
    return (
        Kpi(
            f"Annual growth (CAGR), {result.years[0]}–{year}",
            percent(kpi["growth_compound"], 2),
            f"{target}; mean base pay",
            compound_verdict,
            compound_tone,
        ),
        Kpi(
            f"Growth in {year}",
            percent(kpi["growth_all"], 2),
            f"{target}; mean base pay",
            growth_verdict,
            growth_tone,
        ),
        Kpi(
            f"Mean base pay, end of {year}",
            money(kpi["mean_base_pay"]),
            f"median {money(kpi['median_base_pay'])}; full-time annual rate",
        ),
        Kpi(
            f"Headcount, end of {year}",
            count(kpi["headcount"]),
            f"{count(kpi['hires'])} hires, {count(kpi['terminations'])} exits in {year}",
        ),
        Kpi(
            f"Annual payroll, end of {year}",
            money_short(kpi["payroll"]),
            *_budget(kpi["payroll"], result.payroll_budget),
        ),
        Kpi(
            f"Payroll change in {year}",
            money_short(kpi["payroll_change"], sign=True),
            f"{percent(payroll_growth, sign=True)} on {since}",
        ),
        Kpi(
            f"Compa-ratio, end of {year}",
            ratio(kpi["mean_compa_ratio"]),
            f"{count(kpi['below_minimum'])} below range, {count(kpi['above_maximum'])} above",
        ),
        Kpi(
            f"Turnover in {year}",
            percent(kpi["termination_rate"]),
            f"{count(kpi['experienced_terminations'])} of {count(kpi['opening_headcount'])} staff at opening",
        ),
    )


def against(growth: float | None, target: float | None) -> tuple[str, Tone]:
    """Return how far growth is from the target, and whether that is within a tenth of a point."""
    if target is None or growth is None or growth != growth:
        return "", ""
    gap = growth - target
    return points(gap), "good" if abs(gap) <= ON_TARGET_RATE else "warn"


def _budget(payroll: float, budget: float | None) -> tuple[str, str, Tone]:
    if budget is None:
        return "base pay × FTE; no budget is set", "", ""
    within = payroll <= budget
    verdict = "within budget" if within else "over budget"
    return f"{percent(payroll / budget)} of {money_short(budget)}", verdict, "good" if within else "bad"


NO_RELEASE = "No release yet: the baseline is shown."
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
        self._scenario = self._select("Scenario", "scenario", 300)
        self._year = self._select("Year", "year", 104)
        self._growth = Card(name="growth against target")
        self._payroll = Card(name="annual payroll")
        self._bridge = Card(name="growth bridge")
        self._comparison = Card(name="scenarios", with_chart=False)
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
        results, unreadable = self._store.results()
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
        with self._filling:
            self._scenario.param.update(options=[r.scenario for r in results], value=result.scenario)
            self._year.param.update(options=list(result.years), value=year)
        seen = (
            tuple((r.scenario, r.fingerprint, r.manifest["published_at"]) for r in results),
            result.scenario,
        )
        if self._seen == (seen, year):
            return
        self._seen = (seen, year)
        census = result.manifest["census"]
        self._heading.object = html.heading(
            result.scenario,
            (f"{NO_RELEASE} " if result.scenario == BASELINE else "")
            + f"{census['name']}, {census['rows']:,} employees as of {census['as_of']} · "
            f"published {moment(str(result.manifest['published_at']))}",
        )
        self._mark(result, year)
        self._growth.show(charts.growth(results, result))
        self._payroll.show(charts.payroll(results, result))
        self._bridge.show(growth_bridge(result, year))
        self._comparison.show(charts.comparison(results, result, year))
        self._levels.show(charts.levels(result, year))
        rows = GateResult.from_json(result.manifest["gate"]).as_table()
        self._gate.show(
            quality_gate(
                rows,
                result.scenario,
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
        if stale or not is_known:
            kpis = tuple(replace(kpi, tone="" if kpi.tone == "good" else kpi.tone) for kpi in kpis)
        self._kpis.object = html.kpi_strip(kpis)
        text = html.notice(f"Out of date: {stale[0].why}", AGAIN, "warn") if stale else ""
        self._out_of_date.param.update(object=text, visible=bool(text))

    async def _read_news(self) -> None:
        """Fill what is read from the ledger, sweeps, studies and jobs, off the event loop."""
        results, _ = self._store.results()
        offload = self._session.offload
        self._news.html = await offload(self._html_of, lambda: news(self._store.sweeps.latest(), results))
        self._study.html = await offload(self._html_of, self._latest_study)
        censuses = self._store.censuses.version()
        self._open = await offload(self._read_open), censuses
        self._show_waiting()
        if self._figures is not None:
            self._mark(*self._figures)

    def _latest_study(self) -> str:
        studies = self._store.studies.list()
        return to_do.latest(max(studies, key=lambda one: one.updated_at)) if studies else to_do.no_study()

    def _read_open(self) -> Any:
        try:
            return (
                tuple(job for job in self._store.jobs.list() if not job.kind.is_brief),
                self._store.statuses.scenarios(),
                self._store.statuses.unsaved_studies(self._store.studies.list()),
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
        draft = self._session.draft
        self._waiting.html = list_items(waiting(draft.scenario, len(draft.changes), *found))

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
                    f"Scenario {selected!r} {why}; {chosen.scenario} is shown.",
                    f"Published: {', '.join(by_name)}.",
                    "warn",
                )
            )
        return chosen

    def _pick_year(self, result: Result, notices: list[str]) -> int:
        year = self._selection.year
        if year is not None and year not in result.years:
            notices.append(
                html.notice(
                    f"{result.scenario} does not simulate {year}; {result.last_year} is shown.", tone="warn"
                )
            )
        return year if year in result.years else result.last_year

    def _lay_out(self) -> pn.Column:
        heading = pn.Column(self._heading, min_width=280, styles={"flex": "1 1 320px"})
        return pn.Column(
            pn.FlexBox(
                heading,
                pn.Row(self._scenario, self._year, styles={"gap": "12px"}),
                justify_content="space-between",
                align_items="center",
                gap=f"{GAP}px",
            ),
            self._out_of_date,
            self._kpis,
            pn.Column(self._growth.layout, self._side(), **SIDE_BY_SIDE),
            self._comparison.layout,
            pn.Column(self._payroll.layout, self._bridge.layout, **PAIR),
            _boxed("Latest study", "The study that was started last", self._study),
            self._details,
            **STACK,
        )

    def _side(self) -> pn.Column:
        return pn.Column(
            _boxed("To do", "Edits, runs, studies, results out of date", self._waiting),
            _boxed("What changed", "Annual growth (CAGR) and payroll at the end of the horizon", self._news),
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
