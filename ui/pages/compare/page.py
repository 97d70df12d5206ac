"""Two to six published scenarios side by side; the first is the base of every difference."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import Local, count, with_levels
from ui.components import html
from ui.components.card import Card
from ui.components.downloads import Download
from ui.components.html import Linked, link
from ui.components.page import GAP, PAIR, STACK, Page, UpdateGuard, empty_state, show
from ui.pages.compare import charts
from ui.pages.compare.noise import ChanceSection
from ui.pages.compare.people import PeopleSection
from ui.pages.compare.tables import figures, file_name, levers
from ui.selection import Selection
from ui.session import Session
from ui.values.comparison import FEWEST, MOST, ComparedScenarios
from ui.values.results import common_local

SUGGESTED = 3  # compared when nothing was chosen yet
TOO_FEW = "A comparison needs two published scenarios"
MAKE_ANOTHER = "Edit levers, save them as another scenario, and run it. It shows here once two are published."


@dataclass(frozen=True)
class ScenarioChoice:
    """The scenarios to compare, the base first, and the requested names that could not be used."""

    names: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def chosen(
    wanted: Sequence[str], selected: str, published: Sequence[str], called: Callable[[str], str] = str
) -> ScenarioChoice:
    """Return published scenarios, each once, no more than can be compared; `called` gives their titles.

    `wanted` is the address's list, the base first; where it is empty, the first published one (the baseline)
    is the base, beside the selected scenario or else a few others.
    """
    if not wanted:
        others = [name for name in published[1:] if name == selected] or list(published[1:SUGGESTED])
        return ScenarioChoice(tuple([*published[:1], *others]))
    remarks = []
    if twice := sorted({name for name in wanted if wanted.count(name) > 1}):
        remarks.append(f"{', '.join(map(called, twice))} was named more than once, and is compared once.")
    once = list(dict.fromkeys(wanted))
    if unknown := [name for name in once if name not in published]:
        remarks.append(f"{', '.join(map(repr, unknown))} is not published, and is left out.")
    found = [name for name in once if name in published]
    if len(found) > MOST:
        remarks.append(
            f"{MOST} scenarios are compared at once; {', '.join(map(called, found[MOST:]))} is left out."
        )
    found = found[:MOST]
    if len(found) < FEWEST:
        found += [name for name in published if name not in found][: FEWEST - len(found)]
        if len(found) >= FEWEST:
            remarks.append(f"{called(found[-1])} is added, as a comparison needs two.")
    return ScenarioChoice(tuple(found), tuple(remarks))


class CompareControls:
    """Widgets that follow the selection and write to it; `on_choice` is called when the user chose."""

    def __init__(self, selection: Selection, on_choice: Callable[[], None]) -> None:
        self._selection, self._on_choice = selection, on_choice
        self._filling = UpdateGuard()
        self.base = pmui.Select(label="Base", options=[], size="small", width=260, margin=(6, 0, 4, 0))
        self.others = pmui.MultiChoice(
            label="Compared with",
            options=[],
            value=[],
            max_items=MOST - 1,
            visual_size="small",
            min_width=260,
            sizing_mode="stretch_width",
            margin=(6, 0, 4, 0),
        )
        self.year = pmui.Select(label="Year", options=[], size="small", width=104, margin=(6, 0, 4, 0))
        for widget, chosen in ((self.base, self._rebase), (self.others, self._choose), (self.year, self._at)):
            widget.param.watch(chosen, "value")
        self.layout = pn.Row(
            self.base,
            pn.Column(self.others, min_width=0, styles={"flex": "1 1 320px"}),
            self.year,
            sizing_mode="stretch_width",
            styles={"gap": "12px", "flex-wrap": "wrap", "align-items": "flex-start"},
        )

    def fill(self, names: Sequence[str], published: Mapping[str, str]) -> None:
        """Show what is compared; `published` are the scenarios by label."""
        with self._filling:
            base, *others = names
            self.base.param.update(options=dict(published), value=base)
            options = {label: name for label, name in published.items() if name != base}
            self.others.param.update(options=options, value=others)

    def fill_years(self, years: Sequence[int], year: int) -> None:
        """Show the years that can be compared."""
        with self._filling:
            self.year.param.update(options=list(years), value=year)

    def _rebase(self, event: Any) -> None:
        """Make another scenario the base; the old one takes its place among the others."""
        if self._filling or not event.new:
            return
        before = list(self.others.value or ())
        others = [event.old if name == event.new else name for name in before]
        if event.new not in before and len(others) < MOST - 1:
            others = [event.old, *others]
        self._chose((event.new, *others))

    def _choose(self, event: Any) -> None:
        if not self._filling:
            self._chose((self.base.value, *event.new))

    def _at(self, event: Any) -> None:
        if not self._filling:
            self._selection.year = event.new

    def _chose(self, names: Sequence[str]) -> None:
        self._selection.compare = tuple(names)
        self._on_choice()


CURRENCIES = "They are in different currencies: differences of amounts mean nothing."
MENDED = {  # what mends a limit: the page, and what its link says
    "stale": ("run", "Run it again"),
    "horizon": ("plan", "Change the simulated years"),
    "seed": ("plan", "Change the seed"),
}
BUSY = '<p class="quiet" role="status">Comparing…</p>'


class ComparePage(Page):
    """The page's parts, made once; the comparison is read off the event loop."""

    key = "compare"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._names: tuple[str, ...] = ()
        self._requested: Any = None
        self._everything = False
        self._found: ComparedScenarios | None = None
        self._empty = empty_state(session, TOO_FEW, MAKE_ANOTHER, plan="Go to Plan", run="Go to Run")
        self._remarks = Linked(session.go, styles={"display": "grid", "gap": "8px"})
        self._busy = html.pane(BUSY, visible=False)
        self._controls = CompareControls(session.selection, self.refresh)
        self._all = pmui.Switch(label="All metrics", value=False, margin=(0, 0, 6, 0))
        self._all.param.watch(self._show_all, "value")
        self._levers = Card(name="levers and assumptions", with_chart=False, height=560)
        self._figures = Card(name="figures", with_chart=False, height=760, control=self._all)
        self._growth = Card(name="growth by year")
        self._payroll = Card(name="payroll by year")
        self._cost = Card(name="cost difference")
        self._bridge = Card(name="growth bridge side by side")
        self._by_level = Card(name="mean base pay by level")
        self._people = PeopleSection()
        self._chance = ChanceSection(session)
        self._charts = pn.Column(
            self._growth.layout, self._payroll.layout, self._cost.layout, self._bridge.layout, **PAIR
        )
        self._figured = pn.Column(
            self._charts,
            self._by_level.layout,
            self._people.layout,
            self._chance.layout,
            **STACK,
        )
        self._files = self._downloads()
        self._body = pn.Column(self._figures.layout, self._levers.layout, **STACK, visible=False)
        self._compared = pn.Column(
            pn.FlexBox(
                pn.Column(self._heading, min_width=280, styles={"flex": "1 1 320px"}),
                self._files,
                justify_content="space-between",
                align_items="center",
                gap=f"{GAP}px",
            ),
            self._controls.layout,
            self._notices,
            self._remarks,
            self._busy,
            self._body,
            **STACK,
        )
        self._follow_selection("compare", "year")
        self.refresh()

    def refresh(self) -> None:
        """Compare what the address says, unless it is compared already."""
        everything = self._store.scenarios(archived=True)
        listed = self._store.scenarios()
        published = (
            *listed,
            *(name for name in everything if name not in listed and name in self._selection.compare),
        )
        if len(published) < FEWEST:
            self._show(self._empty)
            return
        selection = self._session.selection
        labels = self._store.labels()
        choice = chosen(selection.compare, selection.scenario, published, labels.of)
        self._names = choice.names
        self._controls.fill(choice.names, labels.options(published))
        self._show(self._compared)
        called = {name: labels.of(name) for name in choice.names}
        requested = (
            choice,
            selection.year,
            self._store.comparisons.version(choice.names),
            tuple(called.values()),
        )
        if requested != self._requested:
            self._requested = requested
            pn.state.onload(
                partial(self._compare, requested, called)
            )  # before, a change may miss the browser

    async def _compare(self, requested: Any, called: Mapping[str, str]) -> None:
        """Read and show; a newer choice takes over."""
        choice, wanted, *_ = requested
        self._busy.visible = True
        notices = [html.notice(text, tone="warn") for text in choice.remarks]
        offload, comparisons = self._session.offload, self._store.comparisons
        try:
            compared = await offload(comparisons.compare, choice.names)
            locals_ = {one.name: self._local_of(one) for one in compared.sources}
            found = replace(compared, labels=called, locals=locals_)
            if requested != self._requested:
                return
            year = self._fill(found, wanted, notices)
            self._set_notices(notices)
            self._remarks.html = "".join(_remark(one, found) for one in found.caveats)
            if year is not None:
                await asyncio.sleep(0)  # the figures go to the browser before the charts
                if requested != self._requested:
                    return
                self._draw(found, year)
                pairs = await offload(comparisons.people, choice.names, year)
                if requested == self._requested:
                    self._people.show(
                        [replace(one, names=(called[one.pair.scenario], found.base_label)) for one in pairs]
                    )
        except PlanWiseError as error:
            if requested == self._requested:
                self._body.visible = False
                self._files.visible = False
                self._heading.object = html.heading("Compare", ", ".join(called.values()))
                self._set_notices([*notices, html.error_notice(error)])
        finally:
            if requested == self._requested:
                self._busy.visible = False

    def _fill(self, found: ComparedScenarios, wanted: int | None, notices: list[str]) -> int | None:
        """Show a comparison; return the year that is shown, None when the scenarios share none."""
        self._found = found
        self._session.terms = common_local(found.locals.values())
        if not found.one_currency:
            notices.append(html.notice(CURRENCIES, "Compare scenarios of one currency.", "warn"))
        year = wanted if wanted in found.years else found.years[0] if found.years else None
        if found.years and wanted is not None and wanted not in found.years:
            notices.append(html.notice(f"Not all of them simulate {wanted}; {year} is shown.", tone="warn"))
        self._heading.object = html.heading(_title(found), _subtitle(found, year))
        self._controls.fill_years(found.years, year or 0)
        self._levers.show(levers(found))
        self._body.visible = self._files.visible = True
        self._figured.visible = self._figures.layout.visible = year is not None
        if year is None:
            return None
        self._figures.show(figures(found, year, everything=self._everything))
        return year

    def _draw(self, found: ComparedScenarios, year: int) -> None:
        self._growth.show(charts.growth(found))
        for card in (self._payroll, self._cost, self._by_level):
            card.layout.visible = found.one_currency
        self._payroll.show(charts.payroll(found))
        self._cost.show(charts.cost(found))
        self._bridge.show(charts.bridge(found, year))
        self._by_level.show(charts.levels(found, year))
        self._chance.about(found.names, year, found.label)
        base, *others = found.sources
        if not any(other.has_census_of(base) and year in other.years for other in others):
            self._people.show(())  # with the charts: no pay is to be read for it
        # Only now, so that the page with its first figures is smaller, and there sooner.
        show(self._body, self._figures.layout, self._levers.layout, self._figured)

    def _local_of(self, source: Any) -> Local:
        census = source.census
        return self._store.local(census["name"], census["content_hash"], census.get("currency"))

    def _show_all(self, event: Any) -> None:
        self._everything = bool(event.new)
        if self._found is not None and self._controls.year.value:
            self._figures.show(figures(self._found, self._controls.year.value, everything=self._everything))

    def _downloads(self) -> pn.Row:
        def failed(error: PlanWiseError) -> None:
            self._session.notify_error(error)

        session = self._session

        async def workbook() -> bytes:
            book.filename = file_name("comparison", self._names, "xlsx")
            full = session.can_see_individual_pay
            reader = session.individual_pay if full else self._store.comparisons
            return await session.offload(reader.workbook, self._names)

        async def people() -> bytes:
            persons.filename = file_name("employees", self._names, "csv")
            return await session.offload(session.individual_pay.people_file, self._names)

        small: dict[str, Any] = {"variant": "outlined", "size": "small", "margin": 0}
        book = Download(
            workbook,
            failed,
            label="Excel workbook",
            busy="Writing the workbook…",
            description="Excel workbook: levers, figures, budget"
            + (", levels, people" if session.can_see_individual_pay else "")
            + ", notes; live formulas",
            **small,
        )
        persons = Download(
            people,
            failed,
            label="Employees (CSV)",
            busy="Writing the file…",
            description="Employees (CSV): every matched person's pay in both; personal data",
            **small,
        )

        async def one_page() -> bytes:
            pair = self._names[:2]
            summary.filename = file_name("summary", pair, "pdf")
            return await session.offload(self._store.comparisons.summary, pair, "pdf")

        summary = Download(
            one_page,
            failed,
            label="Summary (PDF)",
            busy="Writing the summary…",
            description="Summary (PDF): the second scenario on one page, the base beside it",
            **small,
        )
        files = [book, summary, *([persons] if session.can_see_individual_pay else [])]
        return pn.Row(*files, styles={"gap": "8px"}, visible=False)


def _title(found: ComparedScenarios) -> str:
    first, *more = found.others
    what = f"{len(found.others)} scenarios" if more else found.label(first)
    return f"{what} against {found.base_label}"


def _subtitle(found: ComparedScenarios, year: int | None) -> str:
    first = found.sources[0].census
    censuses = {(source.census["name"], source.census["rows"]) for source in found.sources}
    census = (
        f"{first['name']}, {count(first['rows'])} employees"
        if len(censuses) == 1
        else " and ".join(dict.fromkeys(str(source.census["name"]) for source in found.sources))
    )
    when = f"End of {year}" if year is not None else "No common year"
    return f"{when} · {census} · differences are minus {found.base_label}"


def _remark(caveat: Any, found: ComparedScenarios) -> str:
    """Return a limit of the comparison, the scenarios by their titles, with the link to what mends it."""
    text = with_levels(caveat.what)
    names = "|".join(map(re.escape, sorted(found.names, key=len, reverse=True)))
    text = re.sub(rf"(?<!\w)({names})(?!\w)", lambda name: found.label(name[1]), text)
    page, act = MENDED.get(caveat.about, ("", ""))
    scenario = caveat.scenarios[-1] if caveat.scenarios else ""
    mend = link(act, page, about=f"{act}: {found.label(scenario)}", scenario=scenario) if act else ""
    tone = "" if caveat.about == "same" else "warn"
    remedy = f'<p class="remedy">{mend}</p>' if mend else ""
    return f'<div class="notice {tone}" role="status"><p>{html.with_code(text)}</p>{remedy}</div>'
