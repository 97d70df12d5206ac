"""Approvals: the proposals that wait for this user, all proposals, one of them in detail."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import panel_material_ui as pmui

from planwise.formatting import count, is_missing, moment, money_short, shortened
from ui.components import html
from ui.components.card import FRAME
from ui.components.html import Linked, TableColumn, link
from ui.components.page import ReadPage, heading_row
from ui.components.scenario_dialogs import ProposeDialog
from ui.components.table import PagedTable
from ui.pages.approvals.proposal import DecisionDialog, ProposalView
from ui.session import Session
from ui.values.proposals import (
    DecisionButton,
    OpenedProposal,
    figure_text,
    frame_of,
    waits_for,
    why_not_propose,
)

QUEUE_SHOWN = 8
NONE_WAITS = '<p class="quiet">No proposal waits for your decision.</p>'


def _measured(write: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: "not measured" if is_missing(value) else write(value)


COLUMNS = (
    TableColumn("id", "Proposal", lambda v: str(v)),
    TableColumn("scenario", "Scenario", is_text=True),
    TableColumn("status", "Status", lambda v: str(v).capitalize(), is_text=True),
    TableColumn("approvals", "Approvals", is_text=True, whole=True),
    TableColumn("cost", "Cost a year", _measured(lambda v: money_short(v, sign=True))),
    TableColumn("employees", "People", _measured(count)),
    TableColumn("risk", "Risk", is_text=True, whole=True),
    TableColumn("by", "By", is_text=True),
    TableColumn("on", "On", moment, is_text=True, whole=True),
    TableColumn("remark", "Remark", shortened, is_text=True),
)


def queue_html(proposals: Sequence[Any], called: Callable[[str], str]) -> str:
    """Return the proposals that wait for a user as a list with links."""
    if not proposals:
        return NONE_WAITS
    items = "".join(
        f'<li><span class="what">{link(called(one.scenario), "approvals", proposal=one.id)}</span>'
        f'<span class="act">{html.chip(_risk(one), "bad" if _risk(one) == "HIGH risk" else "")}</span>'
        f'<span class="why">{escape(_why(one))}</span></li>'
        for one in proposals[:QUEUE_SHOWN]
    )
    more = len(proposals) - QUEUE_SHOWN
    rest = f'<p class="quiet">and {more} more, in the table below.</p>' if more > 0 else ""
    return f'<ul class="items">{items}</ul>{rest}'


def _risk(proposal: Any) -> str:
    return f"{proposal.assessment['risk']['level'] or 'unknown'} risk"


def _why(proposal: Any) -> str:
    return (
        f"Proposal {proposal.id} by {proposal.submitted_by}, {moment(proposal.submitted_at)}: cost "
        f"{figure_text(proposal, 'cost')} a year, {figure_text(proposal, 'employees')} people, "
        f"{len(proposal.approvals)} of {proposal.approvals_needed} approvals"
    )


class ApprovalsPage(ReadPage):
    """The page's parts, made once; proposals are read off the event loop."""

    key = "approvals"
    title = "Approvals"
    subtitle = "Scenarios put up for release: who decides, what would change, what it costs"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._opened: OpenedProposal | None = None
        self._proposable: Sequence[str] = ()
        self._deciding = DecisionDialog(session, self._decided)
        self._proposing = ProposeDialog(session, self._again)
        self._propose = pmui.Button(
            label="Propose a scenario…", variant="contained", size="small", margin=0, on_click=self._ask
        )
        self._queue = Linked(session.go)
        waiting = pmui.Paper(
            html.pane(html.card_heading("Waiting for you", "Proposals that you may approve, newest first")),
            self._queue,
            **FRAME,
        )
        self._table = PagedTable(
            COLUMNS,
            key="id",
            caption="All proposals",
            noun="proposal",
            rows=8,
            opens="Show",
            on_open=self._open,
        )
        self._all = pmui.Paper(
            html.pane(html.card_heading("All proposals", "Newest first")), self._table.layout, **FRAME
        )
        self._view = ProposalView(session, self._decide)
        self._head = heading_row(self._heading, self._propose)
        self._body = (self._head, self._notices, waiting, self._all)
        self._dialogs = (self._deciding.layout, self._proposing.layout)
        self._follow_selection("proposal")
        self.refresh()

    def _wanted(self) -> Any:
        return self._store.version(), self._selection.proposal

    def _read_all(self) -> tuple[Sequence[Any], Sequence[str], OpenedProposal | None]:
        store, number = self._store, self._selection.proposal
        proposals = store.approvals.list()
        found = next((one for one in proposals if one.id == number), None)
        opened = None if found is None else store.approvals.open(found)
        return proposals, store.proposable(proposals), opened

    def _fill(self, found: tuple[Sequence[Any], Sequence[str], OpenedProposal | None]) -> None:
        proposals, self._proposable, self._opened = found
        user, number = self._session.user, self._selection.proposal
        called = self._store.labels().full
        why_not = why_not_propose(user)
        spoken = f"Propose a scenario: {why_not}" if why_not else None  # it is also the button's name
        self._propose.param.update(disabled=bool(why_not), description=spoken)
        self._queue.html = queue_html([one for one in proposals if waits_for(one, user)], called)
        self._table.show(frame_of(proposals, called))
        self._table.open(number)
        unknown = number is not None and self._opened is None
        self._set_notices(
            [html.notice(f"There is no proposal {number}.", "Choose one below.", "warn")] if unknown else []
        )
        if self._opened is not None:
            self._view.show(self._opened, called(self._opened.proposal.scenario))
        view = () if self._opened is None else (self._view.layout,)
        self._show(*self._body, *view, *self._dialogs)

    def _open(self, number: Any) -> None:
        self._selection.proposal = None if number is None else int(number)

    async def _ask(self, *_: Any) -> None:
        await self._proposing.ask(self._proposable, self._selection.scenario)

    def _decide(self, button: DecisionButton) -> None:
        if self._opened is not None:
            proposal = self._opened.proposal
            called = self._store.labels().full(proposal.scenario)
            self._deciding.ask(proposal.id, called, button)

    def _decided(self, proposal: Any) -> None:
        self._session.notify(f"Proposal {proposal.id} is {proposal.status}.", tone="success")
        self._again()
