"""One trial: its levers and what they gave; made into a scenario, or taken into the draft."""

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from ui.components import html
from ui.components.card import FRAME
from ui.components.layout import on_page, show
from ui.session import Session
from ui.values.formatting import percent, ratio
from ui.values.searches import Search
from ui.views.optimise.measures import OUTCOMES, gap, lever_change
from ui.views.optimise.words import purpose

ROW: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"gap": "12px", "align-items": "center", "flex-wrap": "wrap"},
}
DESCRIPTION_MAX = 300


class TrialPanel:
    """Shows one trial of the study that is open; `on_close` is told when it is put away."""

    def __init__(self, session: Session, on_close: Callable[[], None]) -> None:
        self._session, self._on_close = session, on_close
        self._search: Search | None = None
        self._number: int | None = None
        self._heading = html.pane("", min_width=0)
        self._facts = html.pane("")
        self._name = pmui.TextInput(
            label="Name of the scenario", size="small", width=300, margin=0, max_length=48
        )
        self._description = pmui.TextInput(
            label="Description",
            size="small",
            margin=0,
            max_length=DESCRIPTION_MAX,
            sizing_mode="stretch_width",
            min_width=240,
        )
        self._keep = pmui.Button(label="Make scenario", icon="save", color="primary", size="small", margin=0)
        self._keep.on_click(self._make)
        self._try = pmui.Button(label="Open in Plan", icon="tune", variant="outlined", size="small", margin=0)
        self._try.on_click(self._open)
        close = pmui.IconButton(
            icon="close", label="Close the trial", description="Close the trial", size="small", margin=0
        )
        close.on_click(lambda _: self.close())
        self._said = html.pane("", visible=False)
        self._next = pn.Row(**ROW)
        header = pn.Row(self._heading, close, sizing_mode="stretch_width")
        self.layout = pmui.Paper(
            header,
            self._facts,
            pn.Row(self._name, self._description, self._keep, self._try, **ROW),
            self._said,
            self._next,
            visible=False,
            **FRAME,
        )

    @property
    def number(self) -> int | None:
        """The trial that is shown."""
        return self._number

    def show(self, search: Search, number: int | None) -> None:
        """Show a trial of a study; None shows nothing."""
        row = None if number is None else search.trial(number)
        if row is None or number is None:
            self.layout.visible, self._number = False, None
            return
        fresh = (self._search is None or self._search.name != search.name) or number != self._number
        self._search, self._number = search, number
        kind = "plan" if row["kind"] == "real" else "preview"
        self._heading.object = html.card_heading(
            f"Trial {number}", f"{purpose(row['purpose'])} · {kind} · {row['state']} · study {search.name}"
        )
        self._facts.object = _facts(search, row)
        may = self._session.can_edit
        failed = row["state"] == "failed" or row["gate"] == "failed"
        self._keep.disabled = not may or failed
        self._try.disabled = row["state"] == "failed"
        if fresh:
            self._name.value = f"{search.header.scenario}_trial_{number}"[:48]
            self._description.value = ""
            self._said.visible = False
            show(self._next)
        if not may:
            self._say(
                html.notice(f"{self._session.user.role} may look, and not make scenarios.", tone="warn")
            )
        elif failed:
            why = row["error"] or "Its gate refused it: what it gives is not plausible."
            self._say(html.notice(f"No scenario can be made of it: {why}", "Choose another trial.", "warn"))
        self.layout.visible = True

    def close(self) -> None:
        """Put the trial away."""
        self.layout.visible, self._number = False, None
        self._on_close()

    async def _make(self, *_: Any) -> None:
        if self._search is None or self._number is None:
            return
        study, number = self._search.name, self._number
        name, description = (self._name.value or "").strip(), (self._description.value or "").strip()
        on_page(partial(self._keep.param.update, disabled=True, label="Making …"))
        try:
            made = await self._session.offload(
                lambda: self._session.actions.scenarios.keep_trial(study, number, name, description)
            )
        except PlanWiseError as error:
            on_page(partial(self._made, html.error_notice(error), ""))
        else:
            said = html.notice(f"Scenario {made.name} is trial {number} of {study}.", tone="good")
            on_page(partial(self._made, said, made.name))

    def _made(self, said: str, scenario: str) -> None:
        self._keep.param.update(disabled=False, label="Make scenario")
        self._say(said)
        if scenario:
            link = ("run", {"scenario": scenario})
            self._session.notify(f"Scenario {scenario} was made.", tone="success", link=link)
            self._lead_on(scenario)

    def _lead_on(self, scenario: str) -> None:
        def button(label: str, icon: str, work: Callable[[], None]) -> Any:
            made = pmui.Button(label=label, icon=icon, variant="outlined", size="small", margin=0)
            made.on_click(lambda _: work())
            return made

        session, base = self._session, self._search.header.scenario if self._search else "baseline"

        def into_draft() -> None:
            try:
                session.draft.start_from(scenario)
            except PlanWiseError as error:
                self._say(html.error_notice(error))
                return
            session.go("plan", scenario=scenario)

        show(
            self._next,
            button("Run it", "play_circle", lambda: session.go("run", scenario=scenario)),
            button(
                f"Compare with {base}",
                "compare_arrows",
                lambda: session.go("compare", compare=(base, scenario)),
            ),
            button("Edit it in Plan", "tune", into_draft),
        )

    def _open(self, *_: Any) -> None:
        """Begin the draft anew from the study's scenario with what the trial changed."""
        if self._search is None or self._number is None:
            return
        header = self._search.header
        own = {} if header.request is None else header.request.changes()
        given = self._search.given.get(self._number, {})
        plain = {name for name in given if "@" not in name}
        kept = {name: value for name, value in own.items() if name.partition("@")[0] not in plain}
        try:
            self._session.draft.start_from(header.scenario, {**kept, **given})
        except PlanWiseError as error:
            self._say(html.error_notice(error))
            return
        self._session.go("plan", scenario=header.scenario)

    def _say(self, text: str) -> None:
        self._said.param.update(object=text, visible=True)


def _facts(search: Search, row: Any) -> str:
    """Return levers and outcomes side by side."""
    levers = []
    for lever in search.levers:
        value = row[lever.column]
        if lever.start is None or value is None or value != lever.start:
            moved = "" if lever.start is None else f" ({lever_change(lever.start, value)})"
            levers.append((lever.label, f"{percent(value, 2)}{moved}"))
    same = len(search.levers) - len(levers)
    if same:
        levers.append(("As they are", f"{same} {'other ' if levers else ''}lever{'' if same == 1 else 's'}"))
    outcomes = [(one.name, one.write(row[one.column])) for one in OUTCOMES]
    if search.target is not None:
        outcomes.insert(1, ("Target minus growth", gap(row["gap_pp"])))
    if row["score"] == row["score"] and row["score"] is not None:
        outcomes.append(("Objective", ratio(row["score"], 4)))
    outcomes.append(("Exceeds", row["violated"] or "nothing"))
    lists = "".join(f'<dl class="facts">{_items(items)}</dl>' for items in (levers, outcomes))
    return f'<div class="two">{lists}</div>'


def _items(items: list[tuple[str, str]]) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in items)
