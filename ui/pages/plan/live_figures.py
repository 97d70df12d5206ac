"""Live figures: an edit is simulated for every employee; key figures first, then charts and people."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any, Protocol

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError, PlanWiseError
from planwise.formatting import count, counted, seconds
from planwise.parameters import EffectiveParameters
from ui.components import html
from ui.components.card import Card
from ui.components.lever_editor import LiveFigures
from ui.components.page import on_page
from ui.live_preview.values import Impact, PlanDetail, Previewed
from ui.pages.plan import charts
from ui.pages.plan.tiles import Side, budget_in_force, tiles
from ui.session import Session

PURPOSE = "plan"
PAINT_SECONDS = 0.1  # for the browser to paint the key figures, before it has to draw the charts
CHARTS_SECONDS = 0.25  # between two drawings of the charts while a slider is dragged
IDLE_SECONDS = 0.15  # without another edit, before people are compared for an edit that is not final


@dataclass
class PreviewRequest:
    """What is simulated: the parameters of a draft on a base scenario, for the edit with this number.

    `live` marks an edit that is not final, such as a slider that is still moving. Figures are of `year`;
    `budget` is the increase budget that a person typed.
    """

    census: str
    scenario: str
    base: EffectiveParameters
    effective: EffectiveParameters
    year: int
    number: int
    live: bool
    budget: str = ""
    answer: Previewed | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the answer depends on: people, scenario, and the parameters with and without the edits."""
        return self.census, self.scenario, self.base.digest, self.effective.digest

    def equals(self, other: "PreviewRequest") -> bool:
        """Return whether both have the same answer on the page."""
        return (self.year, self.budget, self.key) == (other.year, other.budget, other.key)


@dataclass(frozen=True)
class PlanFigures:
    """The answer to a request: both simulations."""

    request: PreviewRequest
    base: Side
    draft: Side


EMPTY_TILE = (
    '<div class="kpi"><dt>&nbsp;</dt><dd class="figure">&nbsp;</dd><dd class="change">&nbsp;</dd></div>'
)
WAITING = (
    '<p class="badge preparing" role="status"><span class="exact">Preparing the simulation…</span></p>'
    f'<div class="kpis" aria-hidden="true">{EMPTY_TILE * 10}</div>'
)
UNAVAILABLE = '<p class="badge unavailable" role="status">No figures: the simulation failed.</p>'


class Display(Protocol):
    """Shows answers below the key figures."""

    def show_charts(self, figures: PlanFigures) -> None:
        """Show what both simulations have by year."""

    def show_detail(self, request: PreviewRequest, detail: PlanDetail) -> None:
        """Show what the raises are made of."""

    def show_people(self, request: PreviewRequest, impact: Impact) -> None:
        """Show levels and who is affected."""

    def show_error(self, error: PlanWiseError) -> None:
        """Show why there are no figures, and remove earlier ones."""

    def show_other_census(self) -> None:
        """Read the census anew: the figures that arrived are of another one than the page shows."""


class LivePreview:
    """Simulates the draft of a session and shows the newest answer in `figures` and `display`."""

    def __init__(self, session: Session, display: Display) -> None:
        self._session = session
        self._display = display
        self.figures = LiveFigures(sizing_mode="stretch_width", margin=0)
        self.census = ""
        self._number = 0  # of the newest edit
        self._settled = 0  # the newest edit that changed nothing
        self._last: PreviewRequest | None = None
        self._base: tuple[tuple[str, ...], Previewed] | None = None
        self._shown = (WAITING, "")
        self._drawn_at = 0.0
        self._is_on_page = False
        self._show(*self._shown)

    def note(self, number: object) -> None:
        """Note the number of an edit: what is shown next answers it."""
        if isinstance(number, int) and not isinstance(number, bool):
            self._number = max(self._number, number)

    def follow_draft(self) -> None:
        """Simulate the draft; the same parameters again are answered by the answer to the first."""
        self._request(self._session.draft.effective, live=False)

    def try_out(self, changes: Mapping[str, object]) -> None:
        """Simulate the draft with changes that are not final; raises InputError for what cannot be."""
        self._request(self._session.draft.tried(changes), live=True)

    def answered(self) -> None:
        """Mark the newest edit as answered though the figures stay: it was refused, or known already."""
        self._settled = self._number
        if self._last is None or self._last.answer is not None:  # else the figures to come answer it
            self._show(*self._shown)

    def forget(self) -> None:
        """Take the figures off the page: the next request is simulated, whatever it is."""
        self._last = None
        self._shown = (WAITING, "")
        self._show(*self._shown)

    def year_of(self, effective: EffectiveParameters) -> int:
        """Return the year whose figures are shown: the chosen one, else the first planned."""
        wanted = self._session.selection.year
        return wanted if wanted in effective.years else effective.years[0]

    def _request(self, effective: EffectiveParameters, *, live: bool) -> None:
        draft = self._session.draft
        request = PreviewRequest(
            census=self.census,
            scenario=draft.scenario,
            base=draft.current,
            effective=effective,
            year=self.year_of(effective),
            number=self._number,
            live=live,
            budget=self._session.selection.budget,
        )
        last = self._last
        if last is not None and last.equals(request):
            last.number, last.live = request.number, request.live
            if last.answer is not None:
                self.answered()
            return
        self._last = request
        pn.state.execute(partial(self._answer, request))

    async def _answer(self, request: PreviewRequest) -> None:
        previews = self._session.previews
        try:
            if previews is None:
                raise InputError(
                    "This server was started without live simulation.",
                    remedy="Start it with `planwise serve`.",
                )
            base = await self._base_of(request)
            answer = await previews.kpis(request.scenario, request.effective, purpose=PURPOSE)
            if answer is None or base is None:
                return
            await self._wait_for_page()
            if answer.census != request.census:
                if request is self._last:
                    self.forget()
                    on_page(self._display.show_other_census)
                return
            request.answer = answer
            figures = PlanFigures(request, Side(base.kpis), Side(answer.kpis))
            on_page(partial(self._show_answer, figures, answer))
            if request is self._last or time.monotonic() - self._drawn_at > CHARTS_SECONDS:
                await asyncio.sleep(PAINT_SECONDS)
                self._drawn_at = time.monotonic()
                on_page(partial(self._display.show_charts, figures))
            if request.live:
                await asyncio.sleep(IDLE_SECONDS)
            if request is not self._last:
                return
            detail = await previews.detail(request.scenario, request.effective, purpose=PURPOSE)
            if detail is None or request is not self._last:
                return
            on_page(partial(self._display.show_detail, request, detail))
            impact = await previews.impact(
                request.scenario, request.effective, base=request.base, purpose=PURPOSE
            )
            if impact is not None and request is self._last:
                on_page(partial(self._display.show_people, request, impact))
        except PlanWiseError as error:
            if request is self._last:
                on_page(partial(self._fail, error))

    async def _wait_for_page(self) -> None:
        """Wait until the browser has the page: an answer from the cache would be lost before that."""
        if not self._is_on_page:
            await self._session.offload(lambda: None)
            self._is_on_page = True

    async def _base_of(self, request: PreviewRequest) -> Previewed | None:
        """Return the KPIs of the base scenario over the years that are simulated."""
        key = request.key[:3]
        if self._base is None or self._base[0] != key:
            assert self._session.previews is not None
            found = await self._session.previews.kpis(
                request.scenario, request.base, purpose=f"{PURPOSE} base"
            )
            if found is None:
                return None
            self._base = (key, found)
        return self._base[1]

    def _show_answer(self, figures: PlanFigures, answer: Previewed) -> None:
        self._shown = (key_figures(figures, answer), answer.key)
        self._show(*self._shown, max(figures.request.number, self._settled))

    def _show(self, figures: str, key: str, answered: int | None = None) -> None:
        """Show badge and tiles as the answer to the edit with this number, by default the newest."""
        number = self._number if answered is None else answered
        self.figures.shown = {"html": figures, "number": number, "key": key}

    def _fail(self, error: PlanWiseError) -> None:
        self._display.show_error(error)  # which forgets the figures, so that the same can be requested again
        self._shown = (UNAVAILABLE, "")
        self._show(*self._shown)


class Effects:
    """The card with each lever's effect on growth: simulated once for a base, for edits on request."""

    def __init__(self, session: Session, on_found: Callable[[dict[str, str]], None]) -> None:
        self._session = session
        self._on_found = on_found
        self._base: Any = None
        self._digest = ""
        self._again = pmui.Button(label="Compute with the edits", variant="text", size="small", margin=0)
        self._again.on_click(lambda _: self._compute())
        self._status = html.pane("")
        self._card = Card(name="effect of each lever on growth", control=pn.Row(self._again, self._status))
        self.layout = self._card.layout

    def follow(self, request: PreviewRequest) -> None:
        """Compute the effects of a base that is new; for edits, offer to compute them again."""
        base = (request.census, request.scenario, request.base.digest)
        if base != self._base:
            self._base = base
            self._compute()
        self._again.visible = self._digest != self._session.draft.effective.digest

    def _compute(self) -> None:
        self._digest = self._session.draft.effective.digest
        self._status.object = '<p class="card-subtitle" role="status">Simulating every lever once …</p>'
        self._again.visible = False
        pn.state.execute(partial(self._find, self._base, self._digest))

    async def _find(self, base: Any, digest: str) -> None:
        draft, previews = self._session.draft, self._session.previews
        assert previews is not None, "figures were shown, so there are previews"
        effective, scenario, changes = draft.effective, draft.scenario, dict(draft.changes)
        try:
            slopes = await previews.slopes(scenario, effective)
        except PlanWiseError as error:
            self._base = None
            self._status.object = html.notice(error.what, error.remedy or "", "bad")
            return
        if slopes is None or (base, digest) != (self._base, self._digest):
            return
        edits = f" with {counted(len(changes), 'edit')}" if changes else ""
        self._card.show(charts.effects(slopes, effective, scenario + edits))
        self._on_found(charts.effect_texts(slopes, effective))
        self._status.object = ""


def key_figures(figures: PlanFigures, answer: Previewed) -> str:
    """Return badge and key figures as HTML; every text is escaped."""
    request = figures.request
    budget = budget_in_force(request.budget, request.effective)
    found = tiles(figures.base, figures.draft, request.effective, request.year, budget)
    return badge(answer, request.scenario) + html.kpi_strip(found)


def badge(answer: Previewed, base_name: str) -> str:
    """Return how many employees were simulated, how long it took, and the scenario compared with."""
    people = count(answer.employees)
    took = f"{'from cache, simulated' if answer.from_cache else 'simulated'} in {seconds(answer.seconds)}"
    return (
        f'<p class="badge" role="status"><span class="exact">{people} of {people} employees</span>'
        f"<span>{escape(took)}</span><span class='against'>compared with {escape(base_name)}</span>"
        f'<span class="busy" aria-hidden="true">simulating {people} employees…</span></p>'
    )
