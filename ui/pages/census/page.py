"""The Census page: a payroll file or a sample, levels, the census in use, the stored ones, calibration."""

from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count
from planwise.jobs import Job, JobKind, State
from ui.components import html
from ui.components.card import FRAME
from ui.components.html import link
from ui.components.job_panel import JobPanel
from ui.components.match_review import MatchReview
from ui.components.page import PAIR, PARTS, Page
from ui.draft import BASELINE
from ui.pages.census.calibration import CalibrationCard
from ui.pages.census.censuses import Censuses, in_use_line
from ui.pages.census.file import FileImport
from ui.session import Session
from ui.store import Store
from ui.values.census import CensusItem
from ui.values.matches import TITLES, CheckedMatches

SMALL: dict[str, Any] = {"size": "small", "margin": 0}
ROW: dict[str, Any] = {"styles": {"gap": "10px", "flex-wrap": "wrap", "align-items": "center"}, "margin": 0}
FIRST_STEPS = (
    '<p class="quiet">1. Bring in a file, or generate a sample. 2. Check columns, units and level names. '
    "3. Use it. 4. Run the baseline.</p>"
)
NOTHING_MATCHED = CheckedMatches(None, ())
NOT_MATCHED = (
    "No market reference yet: match the titles, and each employee's pay is compared with the market's. "
    "What the rules cannot decide is listed here, with one click to decide."
)


class CensusPage(Page):
    """The page's parts, made once; what is being imported stays while other pages are shown."""

    key = "census"
    title = "Census"
    subtitle = "The people a plan begins with: bring them in, check them, name their levels"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._file = FileImport(session, self._imported)
        self._sample = SampleForm(session, self._imported)
        self._in_use = html.pane("")
        self._stale = html.pane("", visible=False)
        self._run = pmui.Button(label="Run the baseline", icon="play_arrow", variant="contained", **SMALL)
        self._run.on_click(self._run_baseline)
        self._plan = pmui.Button(label="Plan", variant="outlined", **SMALL)
        self._plan.on_click(lambda _: session.go("plan"))
        self._overview = pmui.Button(label="Overview", variant="outlined", **SMALL)
        self._overview.on_click(lambda _: session.go("overview"))
        self._next = pmui.Paper(
            pn.Column(
                self._in_use, self._stale, pn.Row(self._run, self._plan, self._overview, **ROW), **PARTS
            ),
            **FRAME,
        )
        self._calibration = CalibrationCard(session, self.refresh)
        self._censuses = Censuses(session, self.refresh, self._calibration.choose)
        self._item: CensusItem | None = None
        self._market = html.Linked(session.go, visible=False)
        self._titles = MatchReview(
            session,
            TITLES,
            "Job titles and the market",
            self._titles_request,
            self._read_titles_again,
            self._market,
        )
        self._start = pn.Column(self._file.start, self._sample.layout, **PAIR)
        self.refresh()

    def refresh(self) -> None:
        """Show what is stored now."""
        self._file.refresh()
        self._sample.refresh()
        try:
            items, damaged = self._store.censuses.list()
            calibrated = self._store.censuses.calibrated() if items else ()
        except PlanWiseError as error:
            self._show_error(error, self._start, self._file.layout)
            return
        self._item = in_use = next((item for item in items if item.in_use), None)
        self._set_notices(() if items else (FIRST_STEPS,))
        parts: list[Any] = [self._heading, self._notices]
        if in_use is not None:
            self._show_in_use(in_use)
            parts.append(self._next)
        parts += [self._start, self._file.layout]
        if items or damaged:
            self._censuses.show(items, damaged)
            parts.append(self._censuses.layout)
        if in_use is not None:
            self._read_titles_again()
            parts.append(self._titles.layout)
        if items:
            self._calibration.refresh(calibrated)
            parts.append(self._calibration.layout)
        self._show(*parts)

    def _read_titles_again(self) -> None:
        pn.state.onload(self._read_titles)  # before, a change may miss the browser

    async def _read_titles(self) -> None:
        """Show what the titles of the census in use were matched with."""
        try:
            found = await self._session.offload(self._store.matches.checked, TITLES)
            where = await self._session.offload(where_market_is_seen, self._store)
        except PlanWiseError as error:
            self._titles.show(NOTHING_MATCHED, html.error_notice(error))
            return
        self._market.param.update(html=where, visible=bool(where))
        self._titles.show(found, "" if self._item is None else titles_notice(found, self._item))

    def _titles_request(self, _: CheckedMatches) -> dict[str, Any] | None:
        return None if self._item is None else {"census": self._item.name}

    def _show_in_use(self, item: CensusItem) -> None:
        self._in_use.object = in_use_line(item)
        results, _ = self._store.results()
        follow = {result.scenario: result for result in results if result.scenario in item.following}
        old = [n for n, r in follow.items() if r.manifest["census"]["content_hash"] != item.content_hash]
        text = ""
        if old:
            was, names = follow[old[0]].manifest["census"]["name"], ", ".join(old[:3])
            text = html.notice(
                f"{count(len(old))} published {'result is' if len(old) == 1 else 'results are'} of another "
                f"census or of earlier level names ({was}): {names}{' …' if len(old) > 3 else ''}.",
                "Run the baseline, or all scenarios on the page Run.",
                "warn",
            )
        self._stale.param.update(object=text, visible=bool(text))
        current = BASELINE in follow and BASELINE not in old
        self._run.param.update(
            variant="outlined" if current else "contained",
            label="Run the baseline again" if BASELINE in follow else "Run the baseline",
            disabled=not self._session.can_run,
        )
        self._overview.visible = bool(results)

    async def _run_baseline(self, *_: Any) -> None:
        session = self._session
        request, title = {"scenario": BASELINE}, f"Simulate {BASELINE}"
        try:
            job = await session.offload(
                lambda: session.actions.jobs.start(JobKind.SIMULATE.value, request, title=title)
            )
        except PlanWiseError as error:
            session.notify_error(error)
            return
        session.go("run", job=job.id, scenario=BASELINE)

    def _imported(self, job: Job) -> None:
        """Show the census that a job put in use."""
        found = job.result or {}
        people = int(found.get("rows_accepted", found.get("rows", 0)))
        self._session.notify(
            f"{found['census']} is in use: {count(people)} people.",
            tone="success",
            remedy="Run the baseline on it.",
        )
        self.refresh()


def titles_notice(found: CheckedMatches, item: CensusItem) -> str:
    """Return why the market reference is not of the census that is in use; empty when it is."""
    quality = found.quality
    if quality is None:
        return html.notice(NOT_MATCHED)
    if quality.subject != item.name:
        text = f"The last matching was of {quality.subject}; {item.name} is in use."
    elif quality.report["content"] != item.content_hash:
        text = f"{item.name} has changed since its titles were matched."
    else:
        return ""
    return html.notice(text, "Match the titles again.", "warn")


def where_market_is_seen(store: Store) -> str:
    """Return where the census in use is compared with its market, with links; empty without a reference."""
    item = next((item for item in store.censuses.list()[0] if item.in_use), None)
    if item is None or not item.market:
        return ""
    results, _ = store.results()
    of_now = [
        result.scenario
        for result in results
        if (result.manifest["census"].get("market") or {}).get("key") == item.market["key"]
    ]
    shown = BASELINE if BASELINE in of_now else next(iter(of_now), None)
    plan = link("Market position on Plan", "plan", section="market")
    result = (
        "in Results once a scenario is run again"
        if shown is None
        else link("in Results", "results", section="market", scenario=shown)
    )
    survey = escape(str(item.market.get("survey") or "your survey"))
    return f'<p class="page-subtitle">{survey} is the market of {escape(item.name)}. {plan} · {result}.</p>'


class SampleForm:
    """Generates a synthetic census, to try the product without anybody's pay."""

    def __init__(self, session: Session, on_done: Any) -> None:
        self._session = session
        self._on_done = on_done
        self._employees = pmui.TextInput(label="Employees", value="1,000", width=130, **SMALL)
        self._seed = pmui.TextInput(label="Seed", value="42", width=90, **SMALL)
        self._button = pmui.Button(label="Generate a sample", variant="outlined", **SMALL)
        self._button.on_click(self._generate)
        self._problem = html.pane("", visible=False)
        self._panel = JobPanel(session, self._ended)
        heading = html.card_heading(
            "Or begin with a sample", "Invented people with realistic pay; a seed repeats it"
        )
        self.layout = pmui.Paper(
            pn.Column(
                html.pane(heading),
                pn.Row(self._employees, self._seed, self._button, **ROW),
                self._problem,
                self._panel.layout,
                **PARTS,
            ),
            **FRAME,
        )

    def refresh(self) -> None:
        """Let only those who may edit generate one."""
        running = self._panel.job is not None and not self._panel.job.ended
        self._button.disabled = running or not self._session.can_edit

    async def _generate(self, *_: Any) -> None:
        session = self._session
        self._button.disabled = True
        request = {
            name: str(field.value or "").replace(",", "").strip()
            for name, field in (("employees", self._employees), ("seed", self._seed))
        }
        title = f"Generate {self._employees.value} employees"
        try:
            job = await session.offload(
                lambda: session.actions.jobs.start(JobKind.GENERATE.value, request, title=title)
            )
        except PlanWiseError as error:
            self._problem.param.update(object=html.error_notice(error), visible=True)
        else:
            self._problem.visible = False
            self._panel.watch(job.id)
        self.refresh()

    def _ended(self, job: Job) -> None:
        self.refresh()
        if job.state is State.DONE:
            self._panel.show(None)
            self._on_done(job)
