"""Release: what is in force, approved proposals to release, checkpoints, actuals, all changes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import moment, shortened, written_for
from planwise.jobs import JobKind
from planwise.parameters import catalogue
from planwise.parameters.values import parse_key
from ui.components import html
from ui.components.card import FRAME, Card, Content
from ui.components.downloads import Download
from ui.components.html import Linked, TableColumn, link
from ui.components.page import PAIR, PARTS, ReadPage, heading_row
from ui.components.scenario_dialogs import ActionDialog
from ui.components.table import PagedTable
from ui.pages.overview.page import headline
from ui.pages.release.actuals import ActualsCards
from ui.pages.release.rollout import RolloutCards, in_force_last
from ui.session import Session
from ui.values.parameter_text import full_label, written
from ui.values.proposals import figure_text, state_of
from ui.values.releases import Called, ReleaseOverview, checkpoint_frame, history_frame, why_not_release
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


class ReleasePage(ReadPage):
    """The page's parts, made once; releases are read, and made, off the event loop."""

    key = "release"
    title = "Release"
    subtitle = "What is in force, what can be released or rolled back, and how actuals compare with it"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
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
        self._choice = pmui.Select(
            label="Approved proposal", options=[], width=280, size="small", margin=(6, 0)
        )
        self._ask = pmui.Button(
            label="Show what would change…",
            variant="contained",
            size="small",
            margin=0,
            on_click=self._release,
        )
        self._release_row = pn.FlexBox(self._choice, self._ask, gap="12px", align_items="center", margin=0)
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
        self._rollout = RolloutCards(session)
        self._history = Card(name="releases and rollbacks", with_chart=False, height=420)
        self._parts = (
            self._heading,
            self._notices,
            in_force,
            pn.Column(approved, self._kept, **PAIR),
            self._rollout.layout,
            self._actuals.layout,
            self._history.layout,
            self._switch.layout,
        )
        self.refresh()

    def _read_all(self) -> tuple[ReleaseOverview, Result | None]:
        session, store = self._session, self._store
        _, recovered = session.actions.releases.checkpoints()
        found = store.releases.overview(recovered)
        rehearsals = (job for job in store.jobs.list() if job.kind is JobKind.ROLLOUT)
        found = replace(found, scenarios=store.rehearsable(), rehearsal=next(rehearsals, None))
        return found, store.result(IN_FORCE) if found.in_force is not None else None

    def _fill(self, read: tuple[ReleaseOverview, Result | None]) -> None:
        found, result = read
        self._found, called = found, self._called
        why_not = why_not_release(self._session.user)
        self._set_notices([html.notice(found.recovered, tone="warn")] if found.recovered else [])
        self._state.html = state_html(found, called)
        self._figures.object = ""
        for download in self._files:
            download.visible = result is not None
            download.disabled = not self._session.can_see_individual_pay
        if result is not None:
            self._session.terms = result.local
            with written_for(result.local):
                self._figures.object = html.kpi_strip(headline(result, result.first_year))
        self._back.param.update(visible=bool(found.checkpoints), disabled=bool(why_not))
        self._about.html = approved_html(found.approved, called)
        options = {f"{one.id}: {called(one.scenario)}": one.id for one in found.approved}
        self._choice.param.update(options=options, value=next(iter(options.values()), None))
        self._ask.disabled = bool(why_not) or not options
        self._release_row.visible = bool(options)
        self._reason.object = f'<p class="quiet">{escape(why_not)}</p>' if why_not else ""
        self._kept.visible = bool(found.checkpoints)
        self._history.layout.visible = bool(found.history)
        self._checkpoints.show(checkpoint_frame(found.checkpoints, called))
        self._actuals.show(found.monitoring)
        in_force = "" if found.in_force is None else found.in_force.scenario
        self._rollout.show(in_force_last(found.scenarios, in_force), found.rehearsal)
        self._history.show(
            Content(
                "Releases and rollbacks",
                "Newest first; each keeps what was in force before it",
                history_frame(found.history, called),
                HISTORY,
                "releases.csv",
            )
        )
        self._show(*self._parts)

    def _called(self, scenario: str) -> str:
        return self._store.labels().full(scenario)

    def _release(self, *_: Any) -> None:
        found = [one for one in self._found.approved if one.id == self._choice.value] if self._found else []
        for one in found:
            self._switch.release(one.id, self._called(one.scenario))

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


def state_html(found: ReleaseOverview, called: Called) -> str:
    """Return what is in force, since when, by whom."""
    one = found.in_force
    if one is None:
        return f'<p class="quiet">{NOT_YET}</p>'
    how = f"rollback to {one.target}" if one.target else f"proposal {one.proposal}"
    facts = {
        "Scenario": called(one.scenario),
        "Since": "" if one.ended_at is None else moment(one.ended_at),
        "By": f"{one.by}, {how}",
        "Fingerprint": one.fingerprint,
    }
    links = [link("Results of the plan in force", "results", scenario=IN_FORCE)]
    if one.proposal is not None:
        links.append(link(f"Proposal {one.proposal}", "approvals", proposal=one.proposal))
    return f'{html.facts(facts)}<p class="quiet">{" · ".join(links)}</p>'


def approved_html(approved: Sequence[Any], called: Called) -> str:
    """Return the approved proposals as a list with links."""
    if not approved:
        see = link("Approvals", "approvals")
        return f'<p class="quiet">No approved proposal waits for its release. {see}</p>'
    items = "".join(
        f'<li><span class="what">'
        f"{link(f'Proposal {one.id}: {called(one.scenario)}', 'approvals', proposal=one.id)}</span>"
        f'<span class="act quiet">{escape(state_of(one))}</span>'
        f'<span class="why">{escape(figure_text(one, "cost"))} a year, '
        f"{escape(figure_text(one, 'employees'))} people; approved by "
        f"{escape(', '.join(review.by for review in one.approvals))}</span></li>"
        for one in approved
    )
    return f'<ul class="items">{items}</ul>'


LEVERS = (
    TableColumn("lever", "Lever in force", is_text=True),
    TableColumn("before", "Before"),
    TableColumn("after", "After"),
)


class SwitchDialog(ActionDialog):
    """Shows the dry run of a release or rollback, and makes the change once it is confirmed."""

    def __init__(self, session: Session, done: Callable[[], None]) -> None:
        super().__init__(session, self._made)
        self._make: Callable[..., Any] | None = None
        self._again = done

    def release(self, proposal: int, called: str) -> None:
        """Show what the release of a proposal, whose scenario is called so, would change, and ask."""
        make = partial(self._session.actions.releases.release, proposal)
        self._ask(f"Release proposal {proposal}: {called}", "Release", "primary", make)

    def rollback(self, checkpoint: str) -> None:
        """Show what a rollback would change, and ask."""
        make = partial(self._session.actions.releases.rollback, checkpoint)
        self._ask(f"Roll back to {checkpoint}", "Roll back", "error", make)

    def _ask(self, title: str, act: str, color: str, make: Callable[..., Any]) -> None:
        self._make = make
        self._session.notify(f"{title}: finding out what would change …")
        pn.state.execute(partial(self._dry_run, title, act, color, make))

    async def _dry_run(self, title: str, act: str, color: str, make: Callable[..., Any]) -> None:
        """Open the dialog when it is filled: a button that is still drawn would miss that it is enabled."""
        try:
            report = await self._session.offload(make, apply=False)
            found, refused = report_html(report, self._session.store.labels().full), False
        except PlanWiseError as error:
            found, refused = html.error_notice(error), True
        if make is self._make:
            self._open(title, act, found, disabled=refused, color=color)

    def _work(self) -> Any:
        assert self._make is not None
        return self._make(apply=True)

    def _made(self, report: Any) -> None:
        called = self._session.store.labels().full(report.change.scenario)
        text = f"{called} is in force ({report.status}). Kept before it: {report.checkpoint}."
        self._session.notify(text, tone="success")
        self._again()


def report_html(report: Any, called: Called) -> str:
    """Return what a change would do: levers, results, the checkpoint that is made."""
    change = report.change
    rows = [
        {
            "lever": lever_label(row["lever"]),
            **{side: lever_value(row["lever"], row[side]) for side in ("before", "after")},
        }
        for row in change.lever_changes()
    ]
    levers = html.table(pd.DataFrame(rows), LEVERS, "Levers in force") if rows else ""
    nothing = "" if rows else '<p class="quiet">No lever in force changes.</p>'
    facts = {
        "Now in force": f"{called(change.scenario_before)} · {change.fingerprint_before[:12]}",
        "Then in force": f"{called(change.scenario)} · {change.fingerprint[:12]}",
        "Checkpoint": f"{report.checkpoint} keeps what is in force now",
        "Models": f"0 run, {report.models_reused} reused",
    }
    recovered = f'<p class="quiet">{escape(report.recovered)}</p>' if report.recovered else ""
    return f"{recovered}{html.facts(facts)}{levers}{nothing}"


def lever_label(key: str) -> str:
    """Return a lever's label, with the year where it is set for one."""
    found = parse_key(key)
    label = full_label(catalogue().levers[found.name])
    return label if found.year is None else f"{label}, {found.year}"


def lever_value(key: str, value: Any) -> str:
    """Return a lever's value with its unit; None is the default."""
    return "default" if value is None else written(catalogue().levers[parse_key(key).name], value)
