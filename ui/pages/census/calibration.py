"""Calibrate and backtest: the form, its jobs, and what they found as figures, charts and tables."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.jobs import Job, JobKind, State
from ui.components import html
from ui.components.card import FRAME, Card
from ui.components.html import Linked, link
from ui.components.job_panel import JobPanel
from ui.components.page import PAIR, PARTS, STACK, UpdateGuard, show
from ui.pages.census import backtest_contents, calibration_contents
from ui.session import Session

SMALL: dict[str, Any] = {"size": "small", "margin": 0}
ROW: dict[str, Any] = {"styles": {"gap": "10px", "flex-wrap": "wrap", "align-items": "center"}, "margin": 0}
DEFAULTS = (
    "These rates are survey defaults; calibrate: bring in the censuses of earlier years, tick two or more of "
    "them in the list, and their exits, hires, promotions and raises are estimated."
)
UNSAVED = "Rates were estimated, and no scenario has them yet: save them as a scenario to plan with them."
NEEDED = {JobKind.CALIBRATE: 2, JobKind.BACKTEST: 3}
BASES = {"all years": "mean", "the last year": "last"}
SEEDS = {"20 seeds": 20, "50 seeds": 50, "200 seeds": 200}
ACTUAL = ("award=actual", "headcount=actual")  # what happened in the held-out year
SHOWN_BEFORE = "rekeyed"  # a key that calibrations have which this page can show


class CalibrationCard:
    """Starts calibrations and backtests of the ticked censuses, and shows the last of each."""

    def __init__(self, session: Session, on_done: Callable[[], None]) -> None:
        self._session = session
        self._on_done = on_done
        self._chosen: tuple[str, ...] = ()
        self._calibrated: Job | None = None
        self._read = False
        self._state = Linked(session.go)
        self._chosen_text = html.pane("")
        self._basis = pmui.Select(label="Rates of", options=BASES, value="mean", width=140, **SMALL)
        self._seeds = pmui.Select(label="Backtest with", options=SEEDS, value=20, width=130, **SMALL)
        self._actual = pmui.Checkbox(label="Also with awards and headcount given", value=False, **SMALL)
        self._join = pmui.Checkbox(label="Join people under another id", value=False, **SMALL)
        self._buttons = {
            JobKind.CALIBRATE: pmui.Button(label="Calibrate", variant="contained", **SMALL),
            JobKind.BACKTEST: pmui.Button(label="Backtest", variant="outlined", **SMALL),
        }
        self._buttons[JobKind.CALIBRATE].on_click(self._calibrate)
        self._buttons[JobKind.BACKTEST].on_click(self._backtest)
        self._name = pmui.TextInput(label="Scenario name", value="calibrated", width=220, **SMALL)
        self._save = pmui.Button(label="Save as scenario", variant="outlined", **SMALL)
        self._save.on_click(self._save_as_scenario)
        self._saved_text = html.pane("", sizing_mode=None)
        self._problem = html.pane("")
        self._panel = JobPanel(session, self._ended)
        heading = html.card_heading(
            "Calibrate and backtest", "Estimate the rates from your own years, and check them"
        )
        controls = pn.Row(self._basis, self._join, self._seeds, self._actual, *self._buttons.values(), **ROW)
        self._save_row = pn.Row(self._name, self._save, self._saved_text, **ROW)
        self._parts = (html.pane(heading), self._state, self._chosen_text, controls, self._problem)
        self._body = pn.Column(*self._parts, **PARTS)
        self._rates = Rates(session)
        self._forecasts = Forecasts()
        self.layout = pn.Column(pmui.Paper(self._body, **FRAME), **STACK)

    def choose(self, names: tuple[str, ...]) -> None:
        """Take the censuses that were ticked, oldest first."""
        self._chosen = names
        self._draw()

    def refresh(self, calibrated: tuple[str, ...]) -> None:
        """Show whether a scenario has rates of its own, and the last calibration and backtest."""
        if not self._read:
            self._read = True
            self._show_last()
        links = ", ".join(link(name, "plan", scenario=name) for name in calibrated)
        unsaved = DEFAULTS if self._calibrated is None else UNSAVED
        self._state.html = (
            f'<p class="quiet">Calibrated scenarios: {links}.</p>' if calibrated else html.notice(unsaved)
        )
        self._draw()

    def _show_last(self) -> None:
        """Show the newest calibration and backtest among the jobs that are stored."""
        jobs = [job for job in self._session.store.jobs.list() if job.state is State.DONE and job.result]
        for kind in (JobKind.CALIBRATE, JobKind.BACKTEST):
            last = next((job for job in jobs if job.kind is kind), None)
            if last is not None:
                self._take(last)

    def _take(self, job: Job) -> None:
        """Show what a job found, unless an earlier version of this program wrote it."""
        found = job.result or {}
        if job.kind is JobKind.CALIBRATE and SHOWN_BEFORE in found:
            self._calibrated = job
            self._rates.show(found)
        elif job.kind is JobKind.BACKTEST and "halves" in found:
            self._forecasts.show(found, job)

    def _draw(self) -> None:
        n = len(self._chosen)
        names = f"On {', '.join(self._chosen)}." if n else "No census is ticked."
        self._chosen_text.object = f'<p class="quiet">{names} Calibrating needs 2 years, a backtest 3.</p>'
        running = self._panel.job is not None and not self._panel.job.ended
        may = not running and self._session.can_edit
        for kind, button in self._buttons.items():
            button.disabled = n < NEEDED[kind] or not may
        self._save.disabled = self._calibrated is None or not may
        parts = [*self._parts, *([self._panel.layout] if self._panel.job is not None else [])]
        if self._calibrated is not None:
            sources = ", ".join(self._calibrated.request.get("sources", ()))
            self._saved_text.object = f'<p class="quiet">Keeps the rates estimated on {escape(sources)}.</p>'
            parts.append(self._save_row)
        show(self._body, *parts)
        results = [part.layout for part in (self._rates, self._forecasts) if part.is_filled]
        show(self.layout, self.layout[0], *results)

    async def _calibrate(self, *_: Any) -> None:
        await self._start(JobKind.CALIBRATE, self._stated(), "Calibrate on")

    async def _backtest(self, *_: Any) -> None:
        given = {"given": list(ACTUAL)} if self._actual.value else {}
        request = self._stated() | {"seeds": self._seeds.value} | given
        await self._start(JobKind.BACKTEST, request, "Backtest on")

    async def _save_as_scenario(self, *_: Any) -> None:
        """Calibrate again as the calibration that is shown was, and save it."""
        assert self._calibrated is not None  # its button is disabled without one
        name = str(self._name.value or "").strip()
        request = dict(self._calibrated.request) | {"scenario": name}
        await self._run(JobKind.CALIBRATE, request, f"Save {name}, calibrated on")

    def _stated(self) -> dict[str, Any]:
        return {"basis": self._basis.value} | ({"join_rekeyed": True} if self._join.value else {})

    async def _start(self, kind: JobKind, request: dict[str, Any], title: str) -> None:
        await self._run(kind, request | {"sources": list(self._chosen)}, title)

    async def _run(self, kind: JobKind, request: dict[str, Any], title: str) -> None:
        session = self._session
        self._problem.object = ""
        text = f"{title} {', '.join(request['sources'])}"
        try:
            job = await session.offload(lambda: session.actions.jobs.start(kind.value, request, title=text))
        except PlanWiseError as error:
            self._problem.object = html.error_notice(error)
            return
        self._panel.watch(job.id)
        self._draw()

    def _ended(self, job: Job) -> None:
        if job.state is State.DONE and job.result is not None:
            self._take(job)
        self._draw()
        self._on_done()


class Rates:
    """The last calibration: rates by band, raises, what was clipped, people under another id."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: Mapping[str, Any] = {}
        self._filling = UpdateGuard()
        self._headline = html.pane("")
        self._heading = html.pane("")
        select: dict[str, Any] = {**SMALL, "options": [], "width": 180, "margin": (6, 0, 4, 0)}
        self._exits_by = pmui.Select(label="Exits by", **select)
        self._promotions_by = pmui.Select(label="Promotions by", **select)
        for menu in (self._exits_by, self._promotions_by):
            menu.param.watch(lambda _: self._bands(), "value")
        self._exits = Card(name="exits by band", control=self._exits_by, height=460)
        self._promotions = Card(name="promotions by band", control=self._promotions_by, height=460)
        self._raises = Card(name="raises", with_chart=False)
        self._awards = Card(name="awards by group", with_chart=False)
        self._parameters = Card(name="clipped and not estimated", with_chart=False)
        self._rekeyed = Card(name="people under another id", with_chart=False)
        self._people = Card(name="pairs of ids", with_chart=False)
        self._hidden = html.pane(
            '<p class="quiet">The pairs of ids are shown to those who may see single people.</p>'
        )
        self.layout = pn.Column(**STACK)

    @property
    def is_filled(self) -> bool:
        """Whether there is a calibration to show."""
        return bool(self._found)

    def show(self, found: Mapping[str, Any]) -> None:
        """Show a calibration."""
        self._found = found
        contents = calibration_contents
        self._heading.object = html.card_heading("Estimated rates", contents.period(found))
        self._headline.object = contents.headline(found)
        with self._filling:
            for menu, event in (
                (self._exits_by, contents.EXITS),
                (self._promotions_by, contents.PROMOTIONS),
            ):
                options = contents.dimensions(found, event)
                kept = menu.value if menu.value in options.values() else next(iter(options.values()), None)
                menu.param.update(options=options, value=kept)
        self._bands()
        self._raises.show(contents.raises(found))
        awards = contents.awards(found)
        if awards is not None:
            self._awards.show(awards)
        self._parameters.show(contents.parameters(found))
        self._rekeyed.show(contents.rekeyed(found))
        people: list[Any] = []
        if found["rekeyed"]["people"]:
            if self._session.can_see_individual_pay:
                self._people.show(contents.rekeyed_people(found))
                people = [self._people.layout]
            else:
                people = [self._hidden]
        show(
            self.layout,
            pmui.Paper(pn.Column(self._heading, self._headline, **PARTS), **FRAME),
            pn.Column(self._exits.layout, self._promotions.layout, **PAIR),
            self._raises.layout,
            *([self._awards.layout] if awards is not None else []),
            pn.Column(self._parameters.layout, self._rekeyed.layout, **PAIR),
            *people,
        )

    def _bands(self) -> None:
        if self._filling:
            return
        contents = calibration_contents
        for card, menu, event in (
            (self._exits, self._exits_by, contents.EXITS),
            (self._promotions, self._promotions_by, contents.PROMOTIONS),
        ):
            if menu.value:
                card.show(contents.bands(self._found, event, str(menu.value)))


class Forecasts:
    """The last backtest: reliability, errors beside those of naive forecasts, errors over groups."""

    def __init__(self) -> None:
        self._found: Mapping[str, Any] = {}
        self._filling = UpdateGuard()
        self._heading = html.pane("")
        self._held = pmui.Select(label="Held out", options=[], width=460, **SMALL)
        self._held.param.watch(lambda _: self._draw(), "value")
        self._headline = html.pane("")
        self._notes = html.pane("")
        self._reliability = Card(name="reliability", height=900)
        self._naive = Card(name="errors against naive forecasts", with_chart=False, height=900)
        self._families = Card(name="errors over groups")
        top = pn.Column(self._heading, self._held, self._headline, self._notes, **PARTS)
        self.layout = pn.Column(
            pmui.Paper(top, **FRAME),
            self._naive.layout,
            self._reliability.layout,
            self._families.layout,
            **STACK,
        )

    @property
    def is_filled(self) -> bool:
        """Whether there is a backtest to show."""
        return bool(self._found)

    def show(self, found: Mapping[str, Any], job: Job) -> None:
        """Show a backtest."""
        self._found = found
        names = list(backtest_contents.hold_outs(found))
        sources = ", ".join(job.request.get("sources", ()))
        self._heading.object = html.card_heading("Forecasts against what happened", f"Backtest on {sources}")
        with self._filling:
            self._held.param.update(options=names, value=names[0])
        self._draw()

    def _draw(self) -> None:
        if self._filling:
            return
        held = backtest_contents.hold_outs(self._found)[str(self._held.value)]
        currency = str(self._found.get("currency") or "")
        self._headline.object = backtest_contents.headline(held, self._found["coverage_expected"])
        self._notes.object = backtest_contents.notes(held)
        self._reliability.show(backtest_contents.reliability(held, currency))
        self._naive.show(backtest_contents.against_naive(held, currency))
        self._families.show(backtest_contents.families(held))
