"""One proposal opened: its figures, what the user may do, its decision record section by section."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import moment
from ui.components import html
from ui.components.card import FRAME, Card, Content
from ui.components.downloads import Download
from ui.components.html import Kpi, Linked, TableColumn, Tone, link
from ui.components.page import PAIR, PARTS, STACK, show
from ui.components.scenario_dialogs import FIELD, ActionDialog, clear, typed
from ui.session import Session
from ui.values.proposals import (
    BUTTONS,
    DecisionButton,
    OpenedProposal,
    figure_text,
    refused,
    state_of,
)

TONES: dict[str, Tone] = {
    "approved": "good",
    "released": "good",
    "submitted": "warn",
    "changes requested": "warn",
    "rejected": "bad",
    "voided": "bad",
    "expired": "bad",
}
RISK_TONES: dict[str, Tone] = {"HIGH": "bad", "CRITICAL": "bad", "MEDIUM": "warn", "LOW": "good"}
SHOWN = ("What", "Cost", "People", "Risk", "Alternatives", "Study", "Approvals", "Success", "Bound")
PAPERS = (("decision", "Decision record"), ("executive", "Executive report"))
SMALL: dict[str, Any] = {"size": "small", "margin": 0}


COMMENT_MAX = 1000  # characters


class DecisionDialog(ActionDialog):
    """Asks for the comment of a decision."""

    def __init__(self, session: Session, done: Callable[[Any], None]) -> None:
        self._text = pmui.TextAreaInput(label="Comment", max_length=COMMENT_MAX, rows=3, **FIELD)
        self._text.param.watch(lambda _: self._check(), "value_input")
        super().__init__(session, done, self._text)
        self._number, self._button = 0, BUTTONS[0]

    def ask(self, number: int, scenario: str, button: DecisionButton) -> None:
        """Ask for the comment, and decide."""
        self._number, self._button = number, button
        self._text.label = "Comment" if button.needs_comment else "Comment (optional)"
        clear(self._text)
        about = f"Proposal {number}, {scenario}. The comment stays with the proposal and the audit trail."
        title = f"{button.label}: proposal {number}"
        self._open(title, button.label, html.notice(about), disabled=button.needs_comment)

    def _check(self) -> None:
        self._act.disabled = self._button.needs_comment and not typed(self._text)

    def _work(self) -> Any:
        decide = self._session.actions.proposals.decide
        return decide(self._number, self._button.decision, typed(self._text))


class ProposalView:
    """The parts of the opened proposal, made once; `decide` is called with a button that was clicked."""

    def __init__(self, session: Session, decide: Callable[[DecisionButton], None]) -> None:
        self._session = session
        self._number = 0
        self._head = Linked(session.go)
        self._figures = html.pane("")
        self._buttons = [
            pmui.Button(
                label=button.label,
                variant="outlined" if place else "contained",
                on_click=lambda _, button=button: decide(button),
                **SMALL,
            )
            for place, button in enumerate(BUTTONS)
        ]
        self._reasons = html.pane("")
        self._cards: list[Card] = []
        self._sections = pn.Column(**PAIR)
        bar = {"styles": {"gap": "8px", "flex-wrap": "wrap"}, "margin": 0}
        about = pmui.Paper(
            pn.Column(
                self._head,
                self._figures,
                pn.Row(*self._buttons, **bar),
                self._reasons,
                pn.Row(*self._downloads(), **bar),
                **PARTS,
            ),
            **FRAME,
        )
        self.layout = pn.Column(about, self._sections, **STACK)

    def show(self, opened: OpenedProposal, called: str) -> None:
        """Show a proposal; its scenario is called so."""
        proposal, user = opened.proposal, self._session.user
        self._number = proposal.id
        self._head.html = _head(opened, called)
        self._figures.object = html.kpi_strip(_kpis(opened))
        reasons = []
        for button, widget in zip(BUTTONS, self._buttons, strict=True):
            why = refused(proposal, button.decision, user)
            spoken = f"{button.label}: {why}" if why else None  # it is also the button's name
            widget.param.update(disabled=bool(why), description=spoken)
            if why:
                reasons.append((button.label, why))
        self._reasons.object = _reasons(reasons)
        self._show_sections(opened)

    def _show_sections(self, opened: OpenedProposal) -> None:
        frames = opened.frames()
        found = {one.title.split(maxsplit=1)[0].rstrip(":"): one for one in opened.paper.sections}
        sections = [
            (key, found[key]) for key in SHOWN if key in found and (found[key].rows or key != "Study")
        ]
        while len(self._cards) < len(sections):
            self._cards.append(Card(name="proposal", with_chart=False, height=420))
        for card, (key, section) in zip(self._cards, sections, strict=False):
            card.show(section_content(section, frames.get(key), opened.proposal.id))
        show(self._sections, *(card.layout for card in self._cards[: len(sections)]))

    def _downloads(self) -> Sequence[Download]:
        session = self._session

        def button(kind: str, title: str, suffix: str) -> Download:
            async def write() -> bytes:
                made.filename = f"proposal_{self._number}_{kind}.{suffix}"
                return await session.offload(session.actions.proposals.paper, self._number, kind, suffix)

            def failed(error: PlanWiseError) -> None:
                session.notify_error(error)

            label = f"{title} ({suffix.upper()})"
            made = Download(write, failed, label=label, busy="Writing…", variant="text", **SMALL)
            return made

        return [button(kind, title, suffix) for kind, title in PAPERS for suffix in ("pdf", "html")]


def section_content(section: Any, frame: pd.DataFrame | None, number: int) -> Content:
    """Return a section of a paper as a card; the file has the exact figures where there are such."""
    columns = [
        TableColumn(name, name[:1].upper() + name[1:], is_text=place < section.words)
        for place, name in enumerate(section.columns)
    ]
    shown = pd.DataFrame([dict(zip(section.columns, row, strict=True)) for row in section.rows])
    paragraphs = "".join(f'<p class="quiet">{escape(text)}</p>' for text in section.paragraphs)
    remarks = "".join(f'<p class="quiet">{escape(text)}</p>' for text in section.remarks)
    table = html.table(shown, columns, section.title) if len(shown) else ""
    return Content(
        section.title,
        f"Proposal {number}",
        shown if frame is None else frame,
        columns,
        f"proposal_{number}_{section.title.split()[0].rstrip(':').lower()}.csv",
        table=(table + remarks) or " ",
        lead=paragraphs,
    )


def _head(opened: OpenedProposal, called: str) -> str:
    proposal = opened.proposal
    status = html.chip(str(proposal.status).capitalize(), TONES.get(proposal.status, ""))
    why = state_of(proposal)
    facts = {
        "Why": proposal.rationale or "No rationale was given.",
        "Submitted": f"by {proposal.submitted_by}, {moment(proposal.submitted_at)}",
        "Written by": ", ".join(proposal.authors) or proposal.submitted_by,
        "Fingerprint": proposal.fingerprint,
    }
    links = [
        link("Results", "results", scenario=proposal.scenario),
        link("Compare", "compare", compare=("baseline", proposal.scenario)),
        link("Release", "release"),
    ]
    return (
        f'<h2 class="card-title">Proposal {proposal.id}: {html.breakable(called)}</h2>'
        f'<p class="quiet status">{status} {escape(why)}</p>{html.facts(facts)}'
        f'<p class="quiet">{" · ".join(links)}</p>{_changed(opened)}'
    )


def _changed(opened: OpenedProposal) -> str:
    """Return that something else is in force than what the figures are against; empty where that holds."""
    change = opened.changed
    if change is None or change.ended_at is None:
        return ""
    against = opened.proposal.assessment.get("against") or "what was in force before"
    return html.notice(
        f"{change.scenario} is in force since {moment(change.ended_at)}, after this was proposed. Levers, "
        f"cost, people and risk below are against {against}.",
        "Withdraw it and propose it again: it is then measured against what is in force now.",
        "warn",
    )


def _kpis(opened: OpenedProposal) -> list[Kpi]:
    proposal = opened.proposal
    risk = proposal.assessment["risk"]["level"] or "not measured"
    cost = proposal.assessment["effects"]["cost"]
    given = ", ".join(review.by for review in proposal.approvals) or "none so far"
    return [
        Kpi(
            "Cost a year, at most", figure_text(proposal, "cost"), cost["why"] or "against what was in force"
        ),
        Kpi("People with other pay", figure_text(proposal, "employees"), "in any year, hires included"),
        Kpi(
            "Risk of the change",
            risk,
            f"impact {proposal.assessment['impact_class'] or 'not measured'}",
            tone=RISK_TONES.get(risk, ""),
        ),
        Kpi("Approvals", f"{len(proposal.approvals)} of {proposal.approvals_needed}", given),
    ]


def _reasons(reasons: Sequence[tuple[str, str]]) -> str:
    """Return why buttons are disabled, those of one reason together."""
    by_reason: dict[str, list[str]] = {}
    for label, why in reasons:
        by_reason.setdefault(why, []).append(label)
    return "".join(
        f'<p class="quiet"><b>{escape(", ".join(labels))}:</b> {escape(why)}</p>'
        for why, labels in by_reason.items()
    )
