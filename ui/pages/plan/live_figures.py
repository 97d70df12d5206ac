"""Live figures: an edit is simulated for every employee; key figures first, then charts and people."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any, Protocol

import panel as pn

from planwise.errors import InputError, PlanWiseError
from planwise.formatting import count, exact_percent, money, money_short, percent, points, ratio, seconds
from planwise.parameters import EffectiveParameters
from ui.components.page import on_page
from ui.live_preview.values import Impact, Previewed
from ui.session import Session

PURPOSE = "plan"
CHARTS_SECONDS = 0.25  # between two drawings of the charts while a slider is dragged
IDLE_SECONDS = 0.15  # without another edit, before people are compared for an edit that is not final
ON_TARGET_RATE = 0.001  # a study's default tolerance: a tenth of a percentage point
NO_CHANGE = "no change from the base"
Kpi = Mapping[str, Any]


@dataclass(frozen=True)
class Side:
    """One simulation: its KPIs by year."""

    kpis: Sequence[Kpi]

    @property
    def years(self) -> tuple[int, ...]:
        """The simulated years."""
        return tuple(int(kpi["simulation_year"]) for kpi in self.kpis)

    def of(self, year: int) -> Kpi:
        """Return the KPIs of a year."""
        return next(kpi for kpi in self.kpis if kpi["simulation_year"] == year)


@dataclass
class PreviewRequest:
    """What is simulated: the parameters of a draft on a base scenario, for the edit with this number.

    `live` marks an edit that is not final, such as a slider that is still moving. Figures are of `year`.
    """

    census: str
    scenario: str
    base: EffectiveParameters
    effective: EffectiveParameters
    year: int
    number: int
    live: bool
    answer: Previewed | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the answer depends on: people, scenario, and the parameters with and without the edits."""
        return self.census, self.scenario, self.base.digest, self.effective.digest

    def equals(self, other: "PreviewRequest") -> bool:
        """Return whether both have the same answer on the page."""
        return self.year == other.year and self.key == other.key


@dataclass(frozen=True)
class PlanFigures:
    """The answer to a request: both simulations."""

    request: PreviewRequest
    base: Side
    draft: Side


class Display(Protocol):
    """Where answers are shown."""

    def show_key_figures(self, html: str, number: int, key: str) -> None:
        """Show badge and tiles as the answer to the edit with this number."""

    def show_charts(self, figures: PlanFigures) -> None:
        """Show what both simulations have by year."""

    def show_people(self, request: PreviewRequest, impact: Impact) -> None:
        """Show levels and who is affected."""

    def show_error(self, error: PlanWiseError) -> None:
        """Show why there are no figures, and nothing of before."""


class LivePreview:
    """Simulates the draft of a session and shows the answers; only the newest request counts."""

    def __init__(self, session: Session, display: Display) -> None:
        self._session = session
        self._display = display
        self.census = ""
        self._number = 0  # of the newest edit
        self._settled = 0  # the newest edit that changed nothing
        self._last: PreviewRequest | None = None
        self._base: tuple[tuple[str, ...], Previewed] | None = None
        self._shown = (waiting(), "")
        self._drawn_at = 0.0
        self._is_on_page = False

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
            self._display.show_key_figures(self._shown[0], self._number, self._shown[1])

    def forget(self) -> None:
        """Forget what is shown: the next request is simulated, whatever it is."""
        self._last = None
        self._shown = (waiting(), "")

    def year_of(self, effective: EffectiveParameters) -> int:
        """Return the year whose figures are shown: the chosen one, else the last."""
        wanted = self._session.selection.year
        return wanted if wanted in effective.years else effective.years[-1]

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
            request.answer = answer
            figures = PlanFigures(request, Side(base.kpis), Side(answer.kpis))
            on_page(partial(self._show, figures, answer))
            if request is self._last or time.monotonic() - self._drawn_at > CHARTS_SECONDS:
                await asyncio.sleep(0)  # the key figures are on their way before the charts are made
                self._drawn_at = time.monotonic()
                on_page(partial(self._display.show_charts, figures))
            if request.live:
                await asyncio.sleep(IDLE_SECONDS)
            if request is not self._last:
                return
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

    def _show(self, figures: PlanFigures, answer: Previewed) -> None:
        self._shown = (key_figures(figures, answer), answer.key)
        number = max(figures.request.number, self._settled)
        self._display.show_key_figures(self._shown[0], number, answer.key)

    def _fail(self, error: PlanWiseError) -> None:
        self.forget()  # so that the same can be requested again
        self._shown = (unavailable(), "")
        self._display.show_error(error)
        self._display.show_key_figures(unavailable(), self._number, "")


@dataclass(frozen=True)
class Tile:
    """A key figure, how it differs from the base scenario, and what it is measured against."""

    label: str
    figure: str
    change: str
    note: str = ""
    verdict: str = ""
    tone: str = ""


def tiles(base: Side, now: Side, effective: EffectiveParameters, year: int) -> tuple[Tile, ...]:
    """Return the key figures at the end of a year."""
    old, new = base.of(year), now.of(year)
    first = now.years[0]
    span = f"{first}" if year == first else f"{first}–{year}"
    paid = sum(k["prorated_payroll"] for k in now.kpis if k["simulation_year"] <= year)
    paid_before = sum(k["prorated_payroll"] for k in base.kpis if k["simulation_year"] <= year)
    target = effective.number_or_none("target_growth")
    return (
        Tile(
            f"Annual growth (CAGR), {span}",
            percent(new["growth_compound"], 2),
            _points(old["growth_compound"], new["growth_compound"]),
            *_against(new["growth_compound"], target),
        ),
        Tile(
            f"Annual payroll, end of {year}",
            money_short(new["payroll"]),
            _money(old["payroll"], new["payroll"]),
            *_budget(now, effective.number_or_none("payroll_budget")),
        ),
        Tile(
            f"Base pay paid, {span}",
            money_short(paid),
            _money(paid_before, paid),
            _share(paid_before, paid),
        ),
        Tile(
            f"Mean base pay, end of {year}",
            money(new["mean_base_pay"]),
            _money(old["mean_base_pay"], new["mean_base_pay"]),
            f"median {money(new['median_base_pay'])}",
        ),
        Tile(
            f"Headcount, end of {year}",
            count(new["headcount"]),
            _count(old["headcount"], new["headcount"]),
            f"{count(new['hires'])} hires, {count(new['promotions'])} promoted",
        ),
        Tile(
            f"Turnover in {year}",
            percent(new["termination_rate"], 2),
            _points(old["termination_rate"], new["termination_rate"]),
            f"{count(new['experienced_terminations'])} of {count(new['opening_headcount'])} at opening",
        ),
        Tile(
            f"Compa-ratio, end of {year}",
            ratio(new["mean_compa_ratio"], 3),
            _ratio(old["mean_compa_ratio"], new["mean_compa_ratio"]),
            f"{count(new['below_minimum'])} below range, {count(new['above_maximum'])} above",
        ),
        Tile(
            f"Pay gap, end of {year}",
            percent(new["adjusted_gap_max"], 2),
            _points(old["adjusted_gap_max"], new["adjusted_gap_max"]),
            "adjusted; largest group" if new["adjusted_gap_max"] is not None else "too few to estimate",
        ),
    )


def key_figures(figures: PlanFigures, answer: Previewed) -> str:
    """Return badge and key figures as HTML; every text is escaped."""
    request = figures.request
    found = tiles(figures.base, figures.draft, request.effective, request.year)
    return f'{badge(answer, request.scenario)}<dl class="kpis">{"".join(map(_tile, found))}</dl>'


def badge(answer: Previewed, base_name: str) -> str:
    """Return how many employees were simulated, how long it took, and the scenario compared with."""
    people = count(answer.employees)
    took = f"{'from cache, simulated' if answer.from_cache else 'simulated'} in {seconds(answer.seconds)}"
    return (
        f'<p class="badge" role="status"><span class="exact">{people} of {people} employees</span>'
        f"<span>{escape(took)}</span><span class='against'>compared with {escape(base_name)}</span>"
        f'<span class="busy" aria-hidden="true">simulating {people} employees…</span></p>'
    )


def waiting() -> str:
    """Return what is shown before the first answer."""
    return (
        '<p class="badge preparing" role="status">'
        '<span class="exact">Preparing the first simulation…</span></p>'
        f'<div class="kpis" aria-hidden="true">{_EMPTY_TILE * 8}</div>'
    )


def unavailable() -> str:
    """Return what is shown where a simulation failed."""
    return '<p class="badge unavailable" role="status">No figures: the simulation failed.</p>'


_EMPTY_TILE = (
    '<div class="kpi"><dt>&nbsp;</dt><dd class="figure">&nbsp;</dd><dd class="change">&nbsp;</dd></div>'
)


def _tile(tile: Tile) -> str:
    change = NO_CHANGE if tile.change == NO_CHANGE else f"<b>{escape(tile.change)}</b> from the base"
    verdict = f'<b class="{tile.tone}">{escape(tile.verdict)}</b> ' if tile.verdict else ""
    return (
        f'<div class="kpi"><dt>{escape(tile.label)}</dt><dd class="figure">{escape(tile.figure)}</dd>'
        f'<dd class="change">{change}</dd><dd class="note">{verdict}{escape(tile.note)}</dd></div>'
    )


def _against(growth: float | None, target: float | None) -> tuple[str, str, str]:
    """Return note, verdict and tone of growth against the target."""
    if growth is None or target is None:
        return "no target is set", "", ""
    gap = growth - target
    if abs(gap) <= ON_TARGET_RATE:
        return f"of {exact_percent(target)} ({points(gap)})", "on target", "good"
    side = "above" if gap > 0 else "short of"
    return f"{side} target {exact_percent(target)}", points(abs(gap)).lstrip("+"), "warn"


def _budget(now: Side, budget: float | None) -> tuple[str, str, str]:
    """Return note, verdict and tone of the highest payroll of any year against the budget."""
    if budget is None:
        return "no budget is set", "", ""
    highest = max(now.kpis, key=lambda kpi: float(kpi["payroll"]))
    over = float(highest["payroll"]) - budget
    if over > 0:
        year = int(highest["simulation_year"])
        return f"the {money_short(budget)} budget in {year}", f"{money_short(over)} over", "bad"
    return f"the {money_short(budget)} budget in every year", f"{money_short(-over)} under", "good"


def _points(old: Any, new: Any) -> str:
    return _change(old, new, points)


def _money(old: Any, new: Any) -> str:
    return _change(old, new, lambda value: money_short(value, sign=True))


def _count(old: Any, new: Any) -> str:
    return _change(old, new, lambda value: ("+" if value > 0 else "") + count(value))


def _ratio(old: Any, new: Any) -> str:
    return _change(old, new, lambda value: ("+" if value > 0 else "") + ratio(value, 3))


def _change(old: Any, new: Any, write: Callable[[float], str]) -> str:
    """Return a difference as text; one that rounds to nothing is no change."""
    if old is None or new is None:
        return NO_CHANGE
    text = write(float(new) - float(old))
    return text if any(digit in text for digit in "123456789") else NO_CHANGE


def _share(old: float, new: float) -> str:
    """Return how much more or less is paid in all."""
    share = percent(new / old - 1, 2, sign=True) if old else ""
    return f"{share} in all; prorated" if any(digit in share for digit in "123456789") else "prorated"
