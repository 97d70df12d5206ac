"""The Plan page: the editor on the left, live figures on the right, one draft behind both."""

from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError, PlanWiseError
from planwise.formatting import count, counted
from planwise.parameters import EffectiveParameters, catalogue, validate
from ui.components import html
from ui.components.card import FRAME, Card
from ui.components.differences import (
    difference_table,
    differences,
    finding_list,
    finding_title,
    warnings_of,
)
from ui.components.html import Linked, link
from ui.components.lever_editor import LeverEditor
from ui.components.page import GAP, PAIR, STACK, LazyPane, Page, show
from ui.components.scenario_dialogs import SaveDialog
from ui.draft import BASELINE, LOOK_AGAIN
from ui.live_preview.values import Impact, PlanDetail
from ui.pages.plan import charts
from ui.pages.plan.editor import Details, EditorChoice, EditorMessages
from ui.pages.plan.live_figures import Effects, LivePreview, PlanFigures, PreviewRequest
from ui.pages.plan.merit import Merit
from ui.pages.plan.ranges import MarketTab, RangesTab
from ui.pages.plan.sheet import board_values, lever_board, lever_notes, main_names
from ui.pages.plan.tabs import Assumptions, ByYear, Files, Presets
from ui.pages.plan.tiles import Side, own_target, typed_budget
from ui.session import Session

WARNED_OF = "Distance from the market and the recommended ranges, rules across levers, target and budget"
MARKET_SECTION = "market"  # in an address, as on Results
TABS = ("Levers", "By year", "Merit", "Pay ranges", "Market", "Assumptions", "Presets", "Files")
WIDE_TABS = ("By year", "Merit", "Pay ranges", "Market", "Assumptions")
EDITOR_WIDTH = 560  # pixels: a name, a slider on which .05 pp can be hit, a number, the base value, a reset
STACKED_WIDTH, WIDE_STACKED_WIDTH = (1180, 1300)  # pixels of the window; below, figures come first
TAB_SIZES = {"& .MuiTab-root": {"minWidth": 0, "padding": "6px 6px", "minHeight": "40px"}}
TURNOVER = "termination_rate"  # what every calibration estimates
DEFAULT_RATES = (
    "These rates are survey defaults, not this employer's: calibrate turnover, promotions and raises on "
    "the censuses of earlier years."
)
CHART_WIDTH_MIN = 350  # pixels, under which charts stand below each other
BUTTON: dict[str, Any] = {"size": "small", "margin": 0}
BAR: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"display": "flex", "flex-wrap": "wrap", "gap": "8px", "align-items": "center"},
}
STACKED = '{ grid-template-columns: minmax(0, 1fr); grid-template-areas: "figures" "editor" "charts"; }'
SPLIT = f"""
:host {{
  display: grid; gap: {GAP}px; align-items: start; max-height: none;
  grid-template-columns: {EDITOR_WIDTH}px minmax(0, 1fr); grid-template-rows: auto 1fr;
  grid-template-areas: "editor figures" "editor charts";
}}
:host(.wide) {{ grid-template-columns: minmax(0, 1.7fr) minmax(0, 1fr); }}
@media (max-width: {STACKED_WIDTH}px) {{ :host, :host(.wide) {STACKED} }}
@media (max-width: {WIDE_STACKED_WIDTH}px) {{ :host(.wide) {STACKED} }}
"""
COLUMNS = f"repeat(auto-fit, minmax(min({CHART_WIDTH_MIN}px, 100%), 1fr))"
CHARTS = PAIR | {"styles": PAIR["styles"] | {"grid-template-columns": COLUMNS}}
STICKY = (
    f"@media (min-width: {STACKED_WIDTH + 1}px) {{ :host {{ position: sticky; top: {GAP}px; "
    "max-height: calc(100vh - 100px) !important; overflow-y: auto; } }"
)
EDITOR = STACK | {"stylesheets": [*STACK["stylesheets"], STICKY]}


class PlanPage(Page):
    """One session's page; follows the draft while it is shown, and shows what live simulation answers."""

    key = "plan"
    title = "Plan"
    subtitle = "Edit levers and see what they do"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._preview = LivePreview(session, self)
        self._names = main_names(catalogue())  # of the parameters that the tab Levers edits
        self._choice = EditorChoice(session, "cola_rate")
        self._messages = EditorMessages(session, self._choice, self._preview)
        self._census: Any = None
        self._impact: tuple[str, Impact] | None = None
        self._detail: tuple[PlanDetail, int] | None = None
        self._effect_texts: dict[str, str] = {}
        self._has_figures = False
        self._saving = SaveDialog(session, self.refresh)
        self._bar = self._make_bar()
        self._details = Details(session, self._choice)
        self._editor = LeverEditor(
            partial(self._messages.receive, names=self._names),
            details=self._details.layout,
            editable=session.can_edit,
            sizing_mode="stretch_width",
            margin=0,
        )
        self._by_year = LazyPane(self._make_by_year)
        self._merit = LazyPane(self._make_merit)
        self._ranges = LazyPane(self._make_ranges)
        self._market = LazyPane(self._make_market)
        self._assumptions = LazyPane(lambda: Assumptions(session, self._preview))
        self._presets = LazyPane(lambda: Presets(session, self._choice))
        self._files = LazyPane(lambda: Files(session, self._choice))
        self._lazy = (
            *(self._by_year, self._merit, self._ranges, self._market),
            *(self._assumptions, self._presets, self._files),
        )
        self._tabs = pmui.Tabs(
            *zip(TABS, (self._editor, *(pane.layout for pane in self._lazy)), strict=True),
            sizing_mode="stretch_width",
            margin=0,
            sx=TAB_SIZES,
        )
        self._tabs.param.watch(lambda _: self._turn(), "active")
        self._charts = self._make_charts()
        self._split = pn.Column(
            _area("editor", pn.Column(pmui.Paper(self._tabs, **FRAME), self._changes, **EDITOR)),
            _area("figures", self._preview.figures),
            _area("charts", self._charts),
            sizing_mode="stretch_width",
            stylesheets=[SPLIT],
        )
        self._body = pn.Column(self._bar, self._split, **STACK)
        self._editor.param.watch(self._unfolded, "chosen")
        self._choice.param.watch(lambda *_: self._fill_editor(), ["years", "refused"])
        self._choice.param.watch(self._follow_choice, "parameter")
        session.draft.param.watch(lambda *_: self._changed(), ["scenario", "changes", "locks"])
        session.selection.param.watch(lambda *_: self._changed(), ["year", "budget"])
        session.selection.param.watch(lambda *_: self._begin_with_selection(), "scenario")
        session.selection.param.watch(lambda *_: self._open_section(), ["page", "section"])
        self._begin_with_selection()
        self._open_section()
        self.refresh()

    def refresh(self) -> None:
        """Read scenarios, census and base anew, and show the draft; parameters already simulated are kept."""
        store, draft = self._session.store, self._session.draft
        before = (draft.scenario, self._census)
        try:
            if lost := draft.refresh():
                self._session.notify(lost, tone="warning", remedy=LOOK_AGAIN)
            self._census = store.plans.census(store.plans.get(draft.scenario).census)
            names = [scenario.name for scenario in store.plans.list()]
            calibrated = draft.current.tier(TURNOVER) != "default"
        except PlanWiseError as error:
            self._census = None
            self._preview.forget()
            self._heading.object = html.heading(self.title, self.subtitle)
            self._show_error(error, self._saving.layout)
            return
        self._session.terms = store.local(self._census.name)
        self._announce_census(*before)
        self._calibrate.visible = not calibrated
        self._set_notices([])
        self._preview.census = self._census.content_hash
        with self._filling:
            self._base.param.update(options=names, value=draft.scenario)
            self._budget.value = self._session.selection.budget
        self._show_census()
        self._fill()
        self._show(self._heading, self._calibrate, self._notices, self._body, self._saving.layout)

    def _announce_census(self, scenario: str, before: Any) -> None:
        """Say so when the people under the page are others, or their levels have changed."""
        now = self._census
        if before is None or before.content_hash == now.content_hash:
            return
        self._forget_figures()
        if scenario != self._session.draft.scenario:
            return  # another base was chosen, perhaps on another census
        if before.name == now.name:
            what = f"The census {now.name} has changed: imported again, or other levels or ranges."
        else:
            what = f"{scenario} is now simulated on the census {now.name} (it was {before.name})."
        self._session.notify(
            what,
            tone="warning",
            remedy=f"All figures are of its {count(now.rows)} people, from {now.first_year} on. Check "
            "edits and budget, or put the earlier census in use again on the page Census.",
        )

    def show_charts(self, figures: PlanFigures) -> None:
        """Show growth, payroll, bridge and warnings of both simulations."""
        request, base, now = figures.request, figures.base, figures.draft
        name = request.scenario
        self._set_notices(())
        target = own_target(request.effective)
        budget = request.effective.number_or_none("payroll_budget")
        self._growth.show(charts.growth(name, base, now, target))
        self._payroll.show(charts.payroll(name, base, now, budget))
        self._bridge.show(charts.bridge(name, base, now, request.year, target))
        self._show_warnings(request.effective, now)
        self._has_figures = True
        show(self._charts, *self._chart_parts)
        self._effects.follow(request)

    def show_detail(self, request: PreviewRequest, detail: PlanDetail) -> None:
        """Show what the raises of the year are made of, on the tabs that were opened."""
        self._detail = detail, request.year
        for pane in (self._merit, self._ranges, self._market):
            if pane.is_made:
                pane.part.show_detail(*self._detail)
        self._fill_editor()

    def show_other_census(self) -> None:
        """Read everything anew: the figures that arrived are of another census."""
        self.refresh()

    def show_people(self, request: PreviewRequest, impact: Impact) -> None:
        """Show levels and who is affected."""
        self._impact = (request.scenario, impact)
        self._levels.show(charts.levels(request.scenario, impact, request.year))
        self._show_affected()

    def show_error(self, error: PlanWiseError) -> None:
        """Show why there are no figures; the charts of before are taken off."""
        self._forget_figures("No figures: the simulation failed.")
        self._set_notices((html.error_notice(error),))

    def _forget_figures(self, why: str = "Simulating every raise …") -> None:
        """Take every figure off the page: they are of other people, or of another draft."""
        self._preview.forget()
        self._detail = self._impact = None
        self._has_figures = False
        for pane in (self._merit, self._ranges, self._market):
            if pane.is_made:
                pane.part.forget(why)
        self._show_warnings(self._session.draft.effective, None)
        show(self._charts, self._warnings)

    def _changed(self) -> None:
        """Follow draft and year while the page is shown; `refresh` does when it is shown again."""
        if self.is_shown and self._census is not None:
            self._fill()

    def _fill(self) -> None:
        """Show the draft in the editors, and simulate it."""
        draft = self._session.draft
        self._preview.follow_draft()
        effective = draft.effective
        changes, can_edit = differences(draft.current, effective), self._session.can_edit
        self._choice.drop_years_outside(effective.years)
        with self._filling:
            options = self._base.options
            known = options if draft.scenario in options else [*options, draft.scenario]
            self._base.param.update(options=known, value=draft.scenario)
            self._year.param.update(options=list(effective.years), value=self._preview.year_of(effective))
        self._heading.object = html.heading(
            f"Plan on {draft.scenario}",
            f"Every edit simulates all {count(self._census.rows)} employees of {self._census.name} · "
            f"{effective.years[0]}–{effective.years[-1]} · "
            + (f"{counted(len(draft.changes), 'edit')} not saved" if changes else "no edits"),
        )
        self._fill_tab()
        if not self._has_figures:
            self._show_warnings(effective, None)
        self._undo.disabled, self._redo.disabled = not draft.can_undo, not draft.can_redo
        self._discard.disabled = not changes
        self._save.disabled = self._run.disabled = not can_edit
        self._delete.visible, self._delete.disabled = draft.scenario != BASELINE, not can_edit
        self._changes.objects[0].object = html.card_heading(
            f"Changes ({len(changes)})" if changes else "No changes yet", f"Draft against {draft.scenario}"
        ) + (difference_table(changes, "Changes") if changes else "")

    def _fill_tab(self) -> None:
        """Fill the tab that is shown; the others are filled when they are shown."""
        if self._tabs.active:
            pane = self._lazy[self._tabs.active - 1]
            pane.part.refresh()
            pane.show()
        else:
            self._fill_editor()
            if self._editor.chosen:
                self._details.refresh()

    def _fill_editor(self) -> None:
        draft, years = self._session.draft, self._choice.years
        if self._tabs.active or self._census is None:
            return
        values = board_values(draft, self._names, years, self._choice.refused)
        board = lever_board(draft, years)
        notes = {} if self._detail is None else lever_notes(*self._detail)
        for name, note in notes.items():
            values[name]["note"] = note
        self._editor.param.update(values=values, **({} if board == self._editor.board else {"board": board}))

    def _turn(self) -> None:
        """Make room for the tab: a grid of years is wide."""
        self._split.css_classes = ["wide"] if TABS[self._tabs.active] in WIDE_TABS else []
        if self._selection.section == MARKET_SECTION and TABS[self._tabs.active] != "Market":
            self._selection.section = ""  # the next link to the market opens its tab again
        self._fill_tab()

    def _open_section(self) -> None:
        """Open the tab that a link to this page names."""
        if self.is_shown and self._selection.section == MARKET_SECTION:
            self._tabs.active = TABS.index("Market")

    def _unfolded(self, event: Any) -> None:
        """Show the details of the row that was unfolded."""
        if event.new in self._names:
            self._choice.choose(event.new, self._choice.years)
            self._details.refresh()

    def _follow_choice(self, event: Any) -> None:
        """Unfold what was chosen on another tab, if a row is unfolded."""
        if self._editor.chosen:
            self._editor.chosen = event.new

    def _show_warnings(self, effective: EffectiveParameters, now: Side | None) -> None:
        payroll = None if now is None else max(float(kpi["payroll"]) for kpi in now.kpis)
        measured = None
        if now is not None:
            measured = {int(kpi["simulation_year"]): kpi["increase_rate"] for kpi in now.kpis}
        found = warnings_of(effective, validate(effective, measured), payroll)
        self._warnings.objects[0].object = html.card_heading(finding_title(found), WARNED_OF) + finding_list(
            found
        )

    def _show_affected(self) -> None:
        if self._impact is not None:
            self._affected.show(charts.affected(*self._impact, self._dimension.value))

    def _make_by_year(self) -> ByYear:
        by_year = ByYear(self._session, self._choice, self._preview)
        by_year.details.show_effects(self._effect_texts)
        return by_year

    def _make_merit(self) -> Merit:
        merit = Merit(self._session, self._preview)
        merit.show_census(has_ratings=self._census.has_ratings)
        if self._detail is not None:
            merit.show_detail(*self._detail)
        return merit

    def _make_ranges(self) -> RangesTab:
        ranges = RangesTab(self._session, self._preview, self.refresh)
        ranges.show_census(self._census)
        if self._detail is not None:
            ranges.show_detail(*self._detail)
        return ranges

    def _make_market(self) -> MarketTab:
        market = MarketTab()
        if self._detail is not None:
            market.show_detail(*self._detail)
        return market

    def _show_census(self) -> None:
        """Give levels and ranges to the tabs that were opened."""
        if self._merit.is_made:
            self._merit.part.show_census(has_ratings=self._census.has_ratings)
        if self._ranges.is_made:
            self._ranges.part.show_census(self._census)

    def _show_effects(self, effects: dict[str, str]) -> None:
        self._effect_texts = effects
        for details in (self._details, *(pane.part.details for pane in (self._by_year,) if pane.is_made)):
            details.show_effects(effects)

    def _make_bar(self) -> Any:
        draft, session = self._session.draft, self._session
        self._base = pmui.Select(
            label="Base scenario",
            options=[draft.scenario],
            value=draft.scenario,
            size="small",
            width=220,
            margin=0,
        )
        self._base.param.watch(self._base_chosen, "value")
        self._year = self._select("Figures of", "year", 104)
        self._year.margin = 0
        self._budget = pmui.TextInput(
            label="Budget: 3.5% or 24m",
            value=session.selection.budget,
            size="small",
            width=190,
            max_length=30,
            sx={"& .MuiInputBase-root": {"height": "36px"}},
            margin=0,
        )
        self._budget.param.watch(self._budget_typed, "value")
        self._calibrate = Linked(
            session.go,
            f'<p class="page-subtitle">{DEFAULT_RATES} {link("Calibrate", "census")}</p>',
            visible=False,
        )
        self._undo = pmui.Button(label="Undo", icon="undo", variant="text", **BUTTON)
        self._undo.on_click(partial(self._attempt, draft.undo))
        self._redo = pmui.Button(label="Redo", icon="redo", variant="text", **BUTTON)
        self._redo.on_click(partial(self._attempt, draft.redo))
        self._discard = pmui.Button(label="Discard changes", variant="text", **BUTTON)
        self._discard.on_click(partial(self._attempt, draft.clear))
        self._delete = pmui.Button(label="Delete scenario…", variant="text", color="error", **BUTTON)
        self._delete.on_click(lambda _: self._saving.open_delete())
        self._run = pmui.Button(label="Save and run…", icon="play_circle", variant="outlined", **BUTTON)
        self._run.on_click(lambda _: session.go("run"))
        self._save = pmui.Button(label="Save as scenario…", icon="save", variant="contained", **BUTTON)
        self._save.on_click(lambda _: self._saving.open_save())
        left = (self._base, self._year, self._budget, self._undo, self._redo, self._discard, self._delete)
        return pn.Row(*left, pn.layout.HSpacer(), self._run, self._save, **BAR)

    def _make_charts(self) -> Any:
        self._growth = Card(name="growth by year")
        self._payroll = Card(name="annual payroll")
        self._bridge = Card(name="growth bridge")
        self._levels = Card(name="levels")
        self._dimension = pmui.Select(
            label="Group by",
            options={text: name for name, text in charts.DIMENSIONS.items()},
            value=next(iter(charts.DIMENSIONS)),
            size="small",
            width=180,
            margin=(6, 0, 8, 0),
        )
        self._dimension.param.watch(lambda _: self._show_affected(), "value")
        self._affected = Card(name="who is affected", control=self._dimension)
        self._warnings = pmui.Paper(html.pane(""), **FRAME)
        self._changes = pmui.Paper(html.pane(""), **FRAME)
        self._effects = Effects(self._session, self._show_effects)
        self._chart_parts = (
            self._warnings,
            pn.Column(self._growth.layout, self._payroll.layout, **CHARTS),
            self._bridge.layout,
            pn.Column(self._levels.layout, self._affected.layout, **CHARTS),
            self._effects.layout,
        )
        return pn.Column(*self._chart_parts, **STACK)

    def _attempt(self, work: Callable[[], None], _: Any) -> None:
        self._choice.attempt(work)

    def _budget_typed(self, event: Any) -> None:
        """Compare the plan with a budget of one's own; nothing typed is the market's."""
        if self._filling:
            return
        try:
            typed_budget(event.new)
        except InputError as error:
            self._session.notify_error(error)
            return
        self._session.selection.budget = event.new.strip()

    def _base_chosen(self, event: Any) -> None:
        """Put the edits on another scenario; where they cannot be, start from it without them."""
        draft = self._session.draft
        if self._filling or event.new == draft.scenario:
            return
        edits, before = dict(draft.changes), draft.scenario
        if self._choice.attempt(lambda: draft.start_from(event.new, edits)):
            return
        refused = self._choice.refused
        self._choice.refused = {}
        self._session.notify(refused["what"], tone="error", remedy=refused["remedy"])
        with self._filling:
            self._base.value = before

    def _begin_with_selection(self) -> None:
        """Begin with the scenario chosen on other pages, as long as nothing is edited."""
        wanted, draft = self._session.selection.scenario, self._session.draft
        if not wanted or wanted == draft.scenario or not draft.is_empty:
            return
        try:
            draft.start_from(wanted)
        except InputError:
            return  # a published result may outlive its scenario; the base stays


def _area(name: str, part: Any) -> Any:
    """Give a part its place in the split."""
    part.styles = {**part.styles, "grid-area": name, "min-width": "0"}
    return part
