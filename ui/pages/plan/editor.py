"""Editing a parameter: what is chosen, edits from editor and grid, details with tools, ramp and lock."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from planwise.errors import InputError, PlanWiseError
from planwise.parameters import Lever, Risk, Value, catalogue
from planwise.parameters.catalogue import Direction, Unit
from ui.components import html
from ui.components.html import Tone
from ui.components.lever_editor import LeverEditor, LeverGrid
from ui.components.page import show
from ui.draft import Draft, Years, changes_of, keys_of
from ui.pages.plan.live_figures import LivePreview
from ui.pages.plan.sheet import (
    board_values,
    copied_to_levels,
    lock_text,
    order_of,
    pasted_changes,
    ramp,
    single_board,
    typed_changes,
)
from ui.session import Session
from ui.values.parameter_text import (
    PERCENT,
    Declared,
    allowed,
    entered,
    full_label,
    recommended,
    risk_in,
    typed,
    written,
)
from ui.values.user import READ_ONLY

SMALL: dict[str, Any] = {"variant": "outlined", "size": "small", "margin": 0}
FIELD: dict[str, Any] = {"size": "small", "margin": 0, "width": 92}
ROW: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "margin": 0,
    "styles": {"gap": "8px", "flex-wrap": "wrap"},
}
STACK: dict[str, Any] = {"sizing_mode": "stretch_width", "styles": {"gap": "12px"}}
TONES: dict[str, Tone] = {"OK": "good", "LOW": "good", "MEDIUM": "warn", "HIGH": "warn", "CRITICAL": "bad"}
MARKS = {Direction.INCREASING: "growth rises with it", Direction.DECREASING: "growth falls as it rises"}
CHIPS = "display:flex;flex-wrap:wrap;gap:6px;margin:8px 0 4px"
ROWS_MAX = 200  # of a pasted block
TEXT_MAX = 60  # characters of a value; the five shares of hires are typed together


class EditorChoice(param.Parameterized):
    """The parameter and years that are edited; `refused` is why the last edit was refused, and where."""

    parameter = param.String(default="")
    years = param.Parameter(default=None, doc="A tuple of years; None is all of them.")
    refused = param.Dict(default={})

    def __init__(self, session: Session, parameter: str) -> None:
        super().__init__(parameter=parameter)
        self._session = session

    def attempt(self, edit: Callable[[], Any], *, name: str = "", year: int | None = None) -> bool:
        """Make an edit and return True; where it is refused, keep why for its place and return False."""
        try:
            if not self._session.can_edit:
                raise InputError(READ_ONLY, remedy="Ask an analyst, or sign in as one.")
            edit()
        except PlanWiseError as error:
            self.refused = {
                "lever": name or self.parameter,
                "year": year,
                "what": error.what,
                "remedy": error.remedy or "",
            }
            return False
        self.refused = {}
        return True

    def change(self, make: Callable[[], Mapping[str, object]], **where: Any) -> bool:
        """Put the changes that `make` returns on the draft; like `attempt`."""
        return self.attempt(lambda: self._session.draft.update(make()), **where)

    def choose(self, name: str, years: Years) -> None:
        """Choose another parameter or other years."""
        self.param.update(parameter=name, years=None if years is None else tuple(years))

    def drop_years_outside(self, years: Sequence[int]) -> None:
        """Go back to all years when a chosen one is not simulated any more."""
        if self.years is not None and not set(self.years) <= set(years):
            self.years = None


class EditorMessages:
    """Applies what a lever editor sends; messages come from a browser, so their content is checked."""

    def __init__(self, session: Session, choice: EditorChoice, preview: LivePreview) -> None:
        self._session = session
        self._choice = choice
        self._preview = preview

    def receive(self, message: Mapping[str, Any], names: Sequence[str]) -> None:
        """Apply a message about one of these parameters."""
        kind, name, draft = message.get("kind"), message.get("name"), self._session.draft
        self._preview.note(message.get("number"))
        if kind == "years":
            self._choose_years(message.get("years"))
            return
        if not isinstance(name, str) or name not in names:
            return
        if kind == "forget":
            self._choice.refused = {}
            self._preview.follow_draft()
        elif kind == "reset":
            keys = keys_of(draft.effective, name, self._choice.years)
            self._settle(self._choice.attempt(lambda: draft.unset(*keys), name=name))
        elif kind == "edit" and message.get("live"):
            self._settle(
                self._choice.attempt(lambda: self._preview.try_out(self._changes(name, message)), name=name),
                live=True,
            )
        elif kind == "edit":
            self._settle(self._choice.change(lambda: self._changes(name, message), name=name))

    def _choose_years(self, years: object) -> None:
        known = self._session.draft.effective.years
        if years is None or (isinstance(years, list) and years and all(year in known for year in years)):
            self._choice.years = None if years is None else tuple(sorted(set(years)))

    def _changes(self, name: str, message: Mapping[str, Any]) -> dict[str, object]:
        effective, years = self._session.draft.effective, self._choice.years
        if isinstance(text := message.get("text"), str):
            return typed_changes(effective, name, years, text[:TEXT_MAX])
        value = message.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError("That is not a number.", remedy="Type a number.")
        return changes_of(effective, name, years, slider_value(effective.declared.parameters[name], value))

    def _settle(self, done: bool, *, live: bool = False) -> None:
        """Let the figures answer an edit that was refused or changed nothing."""
        if not done:
            self._preview.answered()
        elif not live:
            self._preview.follow_draft()


class Details:
    """Everything about the chosen parameter: description, tools, ramp, lock, facts.

    With `messages` it also has the years, slider and number, for the tabs that show a grid.
    """

    def __init__(
        self, session: Session, choice: EditorChoice, messages: EditorMessages | None = None
    ) -> None:
        self._session = session
        self._choice = choice
        self._effects: dict[str, str] = {}
        self._head = html.pane("")
        self._facts = html.pane("")
        self._editor: LeverEditor | None = None
        if messages is not None:
            self._editor = LeverEditor(
                lambda message: messages.receive(message, [choice.parameter]),
                editable=session.can_edit,
                sizing_mode="stretch_width",
                margin=0,
            )
        self._reset = pmui.Button(label="Reset to base", **SMALL)
        self._reset.on_click(lambda _: self.reset())
        self._default = pmui.Button(label="Use default", **SMALL)
        self._default.on_click(lambda _: self.set_to(self._parameter.default))
        self._middle = pmui.Button(label="Use recommended midpoint", **SMALL)
        self._middle.on_click(lambda _: self.set_to(self.midpoint()))
        self._copy = pmui.Button(label="Copy to all levels", **SMALL)
        self._copy.on_click(lambda _: self.copy_to_levels())
        self._why = pmui.TextInput(label="Why (optional)", size="small", max_length=120, margin=0, width=170)
        self._lock = pmui.Button(label="Lock", icon="lock", **SMALL)
        self._lock.on_click(lambda _: self.toggle_lock())
        self._ramp = Ramp(session, choice)
        self._tools = pn.Row(**ROW)
        self._lock_row = pn.Row(self._why, self._lock, **ROW | {"align": "center"})
        self._more = pn.Column(**STACK)
        editor = [] if self._editor is None else [self._editor]
        self._parts = (self._head, *editor, self._tools, self._more, self._facts)
        self.layout = pn.Column(**STACK)  # filled when it is on the page: what is drawn off it has no styles
        choice.param.watch(lambda *_: self.refresh() if self.layout.objects else None, ["parameter", "years"])
        choice.param.watch(lambda *_: self._show_values(), "refused")

    @property
    def _parameter(self) -> Declared:
        return self._session.draft.effective.declared.parameters[self._choice.parameter]

    def show_effects(self, effects: dict[str, str]) -> None:
        """Show what each lever does to growth."""
        self._effects = effects
        if self.layout.objects:
            self.refresh()

    def refresh(self) -> None:
        """Show the parameter with its values in the draft."""
        if not self._choice.parameter:
            return
        draft, parameter, years = self._session.draft, self._parameter, self._years()
        closed = bool(lock_text(draft, parameter)) or not self._session.can_edit
        lock, is_lever = draft.lock_of(parameter.name), isinstance(parameter, Lever)
        effect = self._effects.get(parameter.name, "")
        self._head.object = heading(draft, parameter, years, can_edit=self._session.can_edit)
        self._facts.object = html.facts(facts(draft, parameter, years, effect))
        self._show_values()
        for button in (self._reset, self._default, self._middle, self._copy):
            button.disabled = closed
        self._lock.param.update(
            label="Lock" if lock is None else "Unlock",
            icon="lock" if lock is None else "lock_open",
            disabled=not self._session.can_edit,
        )
        self._why.visible = lock is None
        self._ramp.refresh(closed=closed)
        has_family = isinstance(parameter, Lever) and parameter.level_id is not None
        show(
            self._tools,
            self._reset,
            self._default,
            *([self._middle] if is_lever else []),
            *([self._copy] if has_family else []),
        )
        show(self.layout, *self._parts)
        show(
            self._more,
            *([self._ramp.layout] if parameter.yearly and len(draft.effective.years) > 1 else []),
            *([self._lock_row] if is_lever else []),
        )

    def set_to(self, value: Any) -> None:
        """Give the parameter a value in the chosen years."""
        effective, name, years = self._session.draft.effective, self._choice.parameter, self._choice.years
        self._choice.change(lambda: changes_of(effective, name, years, value))

    def reset(self) -> None:
        """Give the parameter the base's values in the chosen years."""
        draft, name, years = self._session.draft, self._choice.parameter, self._choice.years
        self._choice.attempt(lambda: draft.unset(*keys_of(draft.effective, name, years)))

    def midpoint(self) -> float:
        """Return the middle of a lever's recommended range."""
        assert isinstance(self._parameter, Lever)
        return sum(self._parameter.recommended) / 2

    def copy_to_levels(self) -> None:
        """Give every level the values of this level's lever in the chosen years."""
        effective, name, years = self._session.draft.effective, self._choice.parameter, self._choice.years
        self._choice.change(lambda: copied_to_levels(effective, name, years))

    def toggle_lock(self) -> None:
        """Lock the lever with the reason that was typed, or unlock it."""
        draft, name = self._session.draft, self._choice.parameter
        if draft.lock_of(name) is not None:
            self._choice.attempt(lambda: draft.unlock(name))
        else:
            by, why = self._session.user.name, self._why.value_input or self._why.value
            self._choice.attempt(lambda: draft.lock([name], by=by, why=why.strip()))
            self._why.param.update(value="", value_input="")

    def _years(self) -> tuple[int, ...]:
        every = self._session.draft.effective.years
        return tuple(year for year in self._choice.years or every if year in every) or every

    def _show_values(self) -> None:
        if self._editor is None or not self._choice.parameter:
            return
        draft, years = self._session.draft, self._choice.years
        board = single_board(draft, self._parameter, years)
        values = board_values(draft, [self._choice.parameter], years, self._choice.refused)
        self._editor.param.update(values=values, **({} if board == self._editor.board else {"board": board}))


class Ramp:
    """Spread a lever over the years: a straight line from one year's value to another's; folded at first."""

    def __init__(self, session: Session, choice: EditorChoice) -> None:
        self._session = session
        self._choice = choice
        self._shown: Any = None
        self._from, self._to = (pmui.Select(label=text, **FIELD) for text in ("From year", "To year"))
        self._low, self._high = (pmui.TextInput(label=text, **FIELD) for text in ("Start value", "End value"))
        self._apply = pmui.Button(label="Spread", variant="outlined", size="small", margin=0)
        self._apply.on_click(lambda _: self.spread())
        gap = {"gap": "8px"}
        rows = (pn.Row(self._from, self._low, styles=gap), pn.Row(self._to, self._high, styles=gap))
        box = pn.Column(styles={"gap": "10px"})
        unfold = pmui.Button(
            label="Spread over years…", icon="trending_up", variant="text", size="small", margin=0
        )
        unfold.on_click(lambda _: show(box, *([] if box.objects else [*rows, self._apply])))
        self.layout = pn.Column(unfold, box, sizing_mode="stretch_width", styles={"gap": "8px"})

    def refresh(self, *, closed: bool) -> None:
        """Offer the first and last year with their values, unless the user has begun to type."""
        effective, name = self._session.draft.effective, self._choice.parameter
        years, parameter = effective.years, effective.declared.parameters[name]
        self._apply.disabled = closed
        if not parameter.yearly:
            return
        values = tuple(effective.value(name, year) for year in (years[0], years[-1]))
        if (name, years, values) == self._shown:
            return
        self._shown = (name, years, values)
        self._from.param.update(options=list(years), value=years[0])
        self._to.param.update(options=list(years), value=years[-1])
        self._low.value, self._high.value = (typed(parameter, value) for value in values)

    def spread(self) -> None:
        """Put the ramp on the draft."""
        effective, name = self._session.draft.effective, self._choice.parameter
        parameter = effective.declared.parameters[name]

        def make() -> dict[str, object]:
            ends = [entered(parameter, field.value_input or field.value) for field in (self._low, self._high)]
            low, high = (float(end or 0) for end in ends)
            return ramp(effective, name, (self._from.value, low), (self._to.value, high))

        self._choice.change(make)


class GridPane:
    """The grid of a sheet that `make` returns, and what is typed, pasted and pressed in it."""

    def __init__(
        self, session: Session, choice: EditorChoice, make: Callable[[], dict[str, Any]], *, heading: str
    ) -> None:
        self._session = session
        self._choice = choice
        self._make = make
        self.layout = LeverGrid(
            self._act,
            heading=heading,
            label=f"{heading}s by year",
            editable=session.can_edit,
            sizing_mode="stretch_width",
            margin=0,
        )
        choice.param.watch(self._follow, ["parameter", "years", "refused"])
        self.layout.param.watch(self._chosen, "chosen")
        self._follow()

    def refresh(self) -> None:
        """Show the draft."""
        self.layout.sheet = self._make()

    def _follow(self, *_: Any) -> None:
        years = self._choice.years
        chosen = {"lever": self._choice.parameter, "years": None if years is None else list(years)}
        self.layout.param.update(chosen=chosen, refused=self._choice.refused)

    def _chosen(self, event: Any) -> None:
        name, years = event.new.get("lever"), event.new.get("years")
        known = self.layout.sheet["years"]
        if name not in catalogue().parameters or (years is not None and not set(years) <= set(known)):
            return
        wanted = None if years is None else tuple(years)
        if (name, wanted) != (self._choice.parameter, self._choice.years):
            self._choice.choose(name, wanted)

    def _act(self, message: Mapping[str, Any]) -> None:
        draft, action = self._session.draft, message.get("action")
        if action in ("undo", "redo"):
            self._choice.attempt(draft.undo if action == "undo" else draft.redo)
            return
        if action == "forget":
            self._choice.refused = {}
            return
        name, year = message.get("lever"), message.get("year")
        order = order_of(self.layout.sheet)
        if name not in order or not (year is None or year in self.layout.sheet["years"]):
            return
        if action == "unset":
            key = name if year is None else f"{name}@{year}"
            self._choice.attempt(lambda: draft.unset(key), name=name, year=year)
        elif action == "enter":
            texts = [[str(text)[:TEXT_MAX] for text in line] for line in message["texts"][:ROWS_MAX]]
            self._choice.change(
                lambda: pasted_changes(draft.effective, order, name, year, texts), name=name, year=year
            )


def slider_value(parameter: Declared, number: float) -> float:
    """Return the value of a parameter at a slider's position."""
    return number / PERCENT if parameter.unit is Unit.RATE else number


def heading(draft: Draft, parameter: Declared, years: Sequence[int], *, can_edit: bool) -> str:
    """Return name, description and state (edited, tier, risk, lock) as HTML."""
    closed = lock_text(draft, parameter) if can_edit else READ_ONLY
    return (
        f'<h2 class="card-title">{escape(full_label(parameter))}</h2>'
        f'<p class="card-subtitle">{escape(parameter.description)}</p>'
        f'<p style="{CHIPS}">{"".join(_chips(draft, parameter, years))}</p>'
        + (f'<p class="card-subtitle">{escape(closed)}</p>' if closed else "")
    )


def facts(draft: Draft, parameter: Declared, years: Sequence[int], effect: str) -> dict[str, str]:
    """Return a parameter's values in these years, default, bounds and effect, as names and texts."""
    known = {
        "Base": _by_year(parameter, [draft.current.value(parameter.name, year) for year in years]),
        "Draft": _by_year(parameter, [draft.effective.value(parameter.name, year) for year in years]),
        "Default": f"{written(parameter, parameter.default)} · {parameter.source}",
    }
    if parameter.bounds is not None:
        known["Hard bounds"] = allowed(parameter)
    if isinstance(parameter, Lever):
        known["Recommended"] = recommended(parameter)
        known["Effect"] = f"{effect or '…'} ({MARKS[parameter.direction]})"
    return known | {"Name": parameter.name}


def _chips(draft: Draft, parameter: Declared, years: Sequence[int]) -> list[str]:
    changed = any(
        draft.effective.value(parameter.name, year) != draft.current.value(parameter.name, year)
        for year in years
    )
    tiers = dict.fromkeys(draft.current.tier(parameter.name, year) for year in years)
    risks = [risk_in(parameter, draft.effective.value(parameter.name, year)) for year in years]
    worst = max(risks, key=lambda risk: Risk(risk).rank if risk else -1)
    return [
        *([html.chip("edited, not saved", "warn")] if changed else []),
        html.chip(f"tier: {' and '.join(tiers)}", ""),
        *([html.chip(f"risk: {worst}", TONES[worst])] if worst else []),
    ]


def _by_year(parameter: Declared, values: list[Value]) -> str:
    """Return values by year as one text; one value when they are all the same."""
    texts = [written(parameter, value) for value in values]
    return texts[0] if len(set(texts)) == 1 else " · ".join(texts)
