"""Release: what is in force, approved proposals to release, checkpoints, actuals, all changes."""

from collections.abc import Sequence
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import moment, shortened, written_for
from ui.components import html
from ui.components.card import FRAME, Card, Content
from ui.components.downloads import Download
from ui.components.html import Linked, TableColumn, link
from ui.components.page import PAIR, PARTS, Page, heading_row
from ui.components.table import PagedTable
from ui.pages.overview.page import headline
from ui.pages.release.actuals import ActualsCards
from ui.pages.release.switch import SwitchDialog
from ui.session import Session
from ui.values.proposals import figure_text, state_of
from ui.values.releases import ReleaseOverview, checkpoint_frame, history_frame, why_not_release
from ui.values.results import Result

IN_FORCE = "prod"
SMALL: dict[str, Any] = {"size": "small", "margin": 0}
TEXT: dict[str, Any] = {**SMALL, "variant": "text"}
CHECKPOINTS = (
    TableColumn("name", "Checkpoint", is_text=True, whole=True),
    TableColumn("scenario", "Scenario", is_text=True),
    TableColumn("released_at", "Released", lambda v: _at(v, "never"), is_text=True, whole=True),
    TableColumn("levers", "Levers in force", shortened, is_text=True),
)
HISTORY = (
    TableColumn("what", "Change", is_text=True),
    TableColumn("scenario", "Scenario", is_text=True),
    TableColumn("state", "State", is_text=True, whole=True),
    TableColumn("at", "At", lambda v: _at(v, ""), is_text=True, whole=True),
    TableColumn("by", "By", is_text=True, whole=True),
    TableColumn("checkpoint", "Checkpoint", is_text=True, whole=True),
    TableColumn("reason", "Remark", shortened, is_text=True),
)
NOT_YET = "Nothing is released yet: the baseline's levers are in force."


def _at(value: Any, missing: str) -> str:
    return missing if value is None or value != value else moment(value)


class ReleasePage(Page):
    """The page's parts, made once; releases are read, and made, off the event loop."""

    key = "release"
    title = "Release"
    subtitle = "What is in force, what can be released or rolled back, and how actuals compare with it"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._read_of: Any = None
        self._found: ReleaseOverview | None = None
        self._switch = SwitchDialog(session, self._again)
        self._state = Linked(session.go)
        self._figures = html.pane("", margin=(10, 0, 0, 0))
        self._back = pmui.Button(
            label="Roll back…", variant="outlined", color="error", on_click=self._roll_back, **SMALL
        )
        files = pn.Row(*self._downloads(), styles={"gap": "8px"}, margin=0)
        in_force = pmui.Paper(
            heading_row(html.pane(html.card_heading("In force", "The released plan")), files, self._back),
            self._state,
            self._figures,
            **FRAME,
        )
        self._about = Linked(session.go)
        self._choice = pmui.Select(label="Approved proposal", options=[], width=320, size="small")
        self._ask = pmui.Button(
            label="Show what would change…", variant="contained", size="small", on_click=self._release
        )
        self._release_row = pn.Row(self._choice, self._ask, styles={"gap": "12px", "align-items": "center"})
        self._reason = html.pane("")
        approved = pmui.Paper(
            pn.Column(
                html.pane(html.card_heading("To be released", "Approved, and still what was approved")),
                self._about,
                self._release_row,
                self._reason,
                **PARTS,
            ),
            **FRAME,
        )
        self._checkpoints = PagedTable(
            CHECKPOINTS,
            key="name",
            caption="Checkpoints",
            noun="checkpoint",
            rows=6,
            opens="Roll back to",
            on_open=self._back_to,
        )
        self._kept = pmui.Paper(
            html.pane(
                html.card_heading("Checkpoints", "In force before each change; choose one to roll back to it")
            ),
            self._checkpoints.layout,
            **FRAME,
        )
        self._actuals = ActualsCards(session, self._again)
        self._history = Card(name="releases and rollbacks", with_chart=False, height=420)
        self._parts = (
            self._heading,
            self._notices,
            in_force,
            pn.Column(approved, self._kept, **PAIR),
            self._actuals.layout,
            self._history.layout,
            self._switch.layout,
        )
        self._show(self._heading, self._notices)
        self.refresh()

    def refresh(self) -> None:
        """Read the releases unless they were read."""
        wanted = self._store.version()
        if wanted != self._read_of:
            self._read_of = wanted
            pn.state.onload(self._read)  # before, a change may miss the browser

    async def _read(self) -> None:
        wanted = self._read_of
        try:
            found, result = await self._session.offload(self._read_all)
        except PlanWiseError as error:
            if wanted == self._read_of:
                self._show_error(error)
            return
        if wanted == self._read_of:
            self._fill(found, result)

    def _read_all(self) -> tuple[ReleaseOverview, Result | None]:
        session, store = self._session, self._store
        _, recovered = session.actions.releases.checkpoints()
        found = store.releases.overview(recovered)
        return found, store.result(IN_FORCE) if found.in_force is not None else None

    def _fill(self, found: ReleaseOverview, result: Result | None) -> None:
        self._found = found
        why_not = why_not_release(self._session.user)
        self._set_notices([html.notice(found.recovered, tone="warn")] if found.recovered else [])
        self._state.html = state_html(found)
        self._figures.object = ""
        for download in self._files:
            download.visible = result is not None
            download.disabled = not self._session.can_see_individual_pay
        if result is not None:
            self._session.terms = result.local
            with written_for(result.local):
                self._figures.object = html.kpi_strip(headline(result, result.first_year))
        self._back.param.update(visible=bool(found.checkpoints), disabled=bool(why_not))
        self._about.html = approved_html(found.approved)
        options = {f"{one.id}: {self._store.labels().of(one.scenario)}": one.id for one in found.approved}
        self._choice.param.update(options=options, value=next(iter(options.values()), None))
        self._ask.disabled = bool(why_not) or not options
        self._release_row.visible = bool(options)
        self._reason.object = f'<p class="quiet">{escape(why_not)}</p>' if why_not else ""
        self._kept.visible = bool(found.checkpoints)
        self._history.layout.visible = bool(found.history)
        self._checkpoints.show(checkpoint_frame(found.checkpoints))
        self._actuals.show(found.monitoring)
        self._history.show(
            Content(
                "Releases and rollbacks",
                "Newest first; each keeps what was in force before it",
                history_frame(found.history),
                HISTORY,
                "releases.csv",
            )
        )
        self._show(*self._parts)

    def _release(self, *_: Any) -> None:
        found = [one for one in self._found.approved if one.id == self._choice.value] if self._found else []
        for one in found:
            self._switch.release(one.id, one.scenario)

    def _roll_back(self, *_: Any) -> None:
        if self._found is not None and self._found.checkpoints:
            self._switch.rollback(self._found.checkpoints[0].name)

    def _back_to(self, name: Any) -> None:
        self._checkpoints.open(None)
        if name is not None and not (why_not := why_not_release(self._session.user)):
            self._switch.rollback(str(name))
        elif name is not None:
            self._session.notify(why_not, tone="warning")

    def _downloads(self) -> Sequence[Download]:
        session = self._session

        def button(suffix: str) -> Download:
            async def write() -> bytes:
                made.filename = f"increases_{IN_FORCE}.{suffix}"
                return await session.offload(session.actions.releases.increases, suffix)

            label = f"Increase list ({'Excel' if suffix == 'xlsx' else 'CSV'})"
            made = Download(
                write, session.notify_error, label=label, busy="Writing…", variant="text", **SMALL
            )
            return made

        self._files = [button(suffix) for suffix in ("xlsx", "csv")]
        return self._files

    def _again(self) -> None:
        self._read_of = None
        self.refresh()


def state_html(found: ReleaseOverview) -> str:
    """Return what is in force, since when, by whom."""
    one = found.in_force
    if one is None:
        return f'<p class="quiet">{NOT_YET}</p>'
    how = f"rollback to {one.target}" if one.target else f"proposal {one.proposal}"
    facts = {
        "Scenario": one.scenario,
        "Since": "" if one.ended_at is None else moment(one.ended_at),
        "By": f"{one.by}, {how}",
        "Fingerprint": one.fingerprint,
    }
    links = [link("Results of the plan in force", "results", scenario=IN_FORCE)]
    if one.proposal is not None:
        links.append(link(f"Proposal {one.proposal}", "approvals", proposal=one.proposal))
    return f'{html.facts(facts)}<p class="quiet">{" · ".join(links)}</p>'


def approved_html(approved: Sequence[Any]) -> str:
    """Return the approved proposals as a list with links."""
    if not approved:
        see = link("Approvals", "approvals")
        return f'<p class="quiet">No approved proposal waits for its release. {see}</p>'
    items = "".join(
        f'<li><span class="what">'
        f"{link(f'Proposal {one.id}: {one.scenario}', 'approvals', proposal=one.id)}</span>"
        f'<span class="act quiet">{escape(state_of(one))}</span>'
        f'<span class="why">{escape(figure_text(one, "cost"))} a year, '
        f"{escape(figure_text(one, 'employees'))} people; approved by "
        f"{escape(', '.join(review.by for review in one.approvals))}</span></li>"
        for one in approved
    )
    return f'<ul class="items">{items}</ul>'
