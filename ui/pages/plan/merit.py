"""The merit matrix as a grid, and merit by group: factors beside what they do to people and budget."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError
from planwise.formatting import count, is_missing, level, money, money_short, percent
from planwise.parameters import Value
from planwise.parameters.values import (
    GROUP_ATTRIBUTES,
    GroupMerit,
    awards,
    awards_text,
    merit_groups,
)
from ui.components import html
from ui.components.lever_editor import EditTable
from ui.draft import Draft
from ui.live_preview.values import PlanDetail
from ui.pages.plan.editor import SMALL, EditorChoice, EditorMessages
from ui.pages.plan.live_figures import LivePreview
from ui.session import Session
from ui.values.parameter_text import TIMES, typed, written

RATINGS = ("5", "4", "3", "2", "1")  # the best first
POSITIONS: Mapping[str, str] = {
    "below_range": "Below range",
    "1": "1st quarter",
    "2": "2nd quarter",
    "3": "3rd quarter",
    "4": "4th quarter",
    "above_range": "At or over maximum",
}
RATING, POSITION = "merit_multiplier_rating_", "merit_multiplier_quartile_"
MATRIX = tuple(f"{RATING}{rating}" for rating in RATINGS) + tuple(f"{POSITION}{place}" for place in POSITIONS)
ALL = "all"
TINT_FULL_RATE = 0.08  # the raise with the full tint: one scale, whatever the plan
TINT_PERCENT = 40
NEUTRAL_WITHIN = 0.005  # of a pool: what rounding and part-time staff make of it
HIDDEN = "Pay of fewer than ten people is not shown, nor what it could be worked out from."
ATTRIBUTES = {
    "department": "Department",
    "job_family": "Job family",
    "location": "Location",
    "manager_id": "Manager",
}
GROUPS, AWARDS = "merit_groups", "awards"
NOT_STATED = "not stated"


def matrix_sheet(
    draft: Draft, cells: Sequence[Any], refused: Mapping[str, Any], *, closed: bool = False
) -> dict[str, Any]:
    """Return the grid: a factor for each rating and position, and in each cell its raises."""
    found = {(row.member, int(row.position)): row for row in cells}
    head: list[dict[str, Any]] = [{"lines": ["Rating"]}]
    head += [
        {"lines": [text], "fields": [_factor(draft, f"{POSITION}{place}", refused, closed)]}
        for place, text in POSITIONS.items()
    ]
    rows = [
        [
            {"lines": [f"Rating {rating}"], "fields": [_factor(draft, f"{RATING}{rating}", refused, closed)]},
            *(_cell(found.get((rating, place))) for place in range(len(POSITIONS))),
        ]
        for rating in RATINGS
    ]
    return {
        "label": "Merit matrix: raise by rating and position in range",
        "head": head,
        "rows": rows,
        "foot": None,
    }


def _factor(draft: Draft, name: str, refused: Mapping[str, Any], closed: bool) -> dict[str, Any]:
    parameter = draft.effective.declared.parameters[name]
    value, base = (side.value(name) for side in (draft.effective, draft.current))
    problem = f"{refused['what']} {refused['remedy']}".strip() if refused.get("lever") == name else ""
    return {
        "name": name,
        "text": typed(parameter, value),
        "aria": f"{parameter.label}, {TIMES}; {written(parameter, base)} in the base scenario",
        "unit": TIMES,
        "changed": value != base,
        "problem": problem,
        "disabled": closed,
    }


def _cell(row: Any) -> dict[str, Any]:
    if row is None:
        return {"lines": ["–"], "quiet": True, "title": "No one is eligible"}
    people = f"{count(row.people)} {'person' if row.people == 1 else 'people'}"
    if is_missing(row.raise_mean):
        return {"lines": ["not shown", people], "quiet": True, "title": HIDDEN}
    low, high = (percent(value, 2) for value in (row.raise_low, row.raise_high))
    return {
        "lines": [
            percent(row.raise_mean, 2),
            low if low == high else f"{low}–{high}",
            people,
            money_short(row.merit_spent),
        ],
        "tint": round(TINT_PERCENT * min(max(row.raise_mean / TINT_FULL_RATE, 0), 1)),
        "title": f"Mean raise {percent(row.raise_mean, 2)}; the middle four fifths of people get {low} to "
        f"{high}; cost {money(row.merit_spent)}",
    }


def neutrality(budget: Sequence[Any], wanted: str, *, limited: bool) -> str:
    """Return whether the matrix keeps a level's budget (or all levels'), naming those where it does not.

    `budget` has the level's pool and what is spent of it; `limited`: there is a limit on single raises.
    """
    rows = [row for row in budget if wanted in (ALL, row.member)]
    pool, spent = (sum(getattr(row, name) for row in rows) for name in ("merit_pool", "merit_spent"))
    off = [
        f"{level(int(row.member))} spends {percent(row.merit_spent / row.merit_pool, 1)} of its budget"
        for row in rows
        if row.merit_pool and abs(row.merit_spent / row.merit_pool - 1) > NEUTRAL_WITHIN
    ]
    text = f"{money(spent)} spent of the {money(pool)} that the merit rates give."
    if not off:
        return (
            "Budget-neutral: the factors are scaled within each level, so that they share out the level's "
            f"merit rate and do not change it. {text}"
        )
    why = "the limit on single raises" if limited else "all factors of its people are 0, or a group's factor"
    return f"{text} Not budget-neutral: {'; '.join(off)}, because of {why}."


def group_sheet(
    value: Value,
    groups: Sequence[Any],
    refused: Mapping[str, Any],
    *,
    awarded: Value = None,
    closed: bool = False,
) -> dict[str, Any]:
    """Return the groups of an attribute with factor, people, pool, what is spent of it, and award.

    `value` is `merit_groups`, `awarded` is `awards`; both of this attribute or None.
    """
    rates = (awards(awarded) or ("", {}))[1]
    merits = {one.group: one for one in (merit_groups(value) or ("", ()))[1]}
    ordered = sorted(groups, key=lambda row: (row.member == NOT_STATED, -row.people, str(row.member)))
    rows = [
        [*_group(row, merits.get(row.member), refused, closed), _award(row, rates, refused, closed)]
        for row in ordered
    ]
    shown = [row for row in groups if not is_missing(row.merit_pool)]
    pool, spent = sum(row.merit_pool for row in shown), sum(row.merit_spent for row in shown)
    foot = [
        ["Shown groups"],
        [count(sum(row.people for row in groups))],
        [""],
        [money(pool)],
        [money(spent)],
        [_left(pool, spent)],
    ]
    titles = (
        "Group",
        "People",
        "Factor or points",
        "Merit pool",
        "Spent",
        "Left",
        "Increase budget",
        "Award",
    )
    return {
        "label": "Merit by group",
        "head": [{"lines": [text]} for text in titles],
        "rows": rows,
        "foot": [{"lines": lines} for lines in [*foot, [""], [""]]],
    }


def _award(row: Any, rates: Mapping[str, float], refused: Mapping[str, Any], closed: bool) -> dict[str, Any]:
    name = str(row.member)
    problem = (
        f"{refused['what']} {refused['remedy']}".strip() if refused.get("lever") == f"award:{name}" else ""
    )
    field = {
        "name": f"award:{name}",
        "text": f"{rates[name] * 100:g}" if name in rates else "",
        "aria": f"Award of {name} in per cent, instead of the COLA; empty for the COLA",
        "unit": "%",
        "changed": name in rates,
        "problem": problem,
        "disabled": closed or name == NOT_STATED,
    }
    return {"fields": [field]}


def _group(
    row: Any, merit: GroupMerit | None, refused: Mapping[str, Any], closed: bool
) -> list[dict[str, Any]]:
    name = str(row.member)
    problem = (
        f"{refused['what']} {refused['remedy']}".strip() if refused.get("lever") == f"group:{name}" else ""
    )
    field = {
        "name": f"group:{name}",
        "text": group_text(merit),
        "aria": f"Merit of {name}: a factor such as 1.1, or points such as +0.5",
        "unit": "pp" if merit is not None and merit.points else TIMES,
        "changed": merit is not None,
        "problem": problem,
        "disabled": closed or name == NOT_STATED,
    }
    head: list[dict[str, Any]] = [{"lines": [name]}, {"lines": [count(row.people)]}, {"fields": [field]}]
    if is_missing(row.merit_pool):
        return [*head, *[{"lines": ["not shown"], "quiet": True, "title": HIDDEN}] * 4]
    left = _left(row.merit_pool, row.merit_spent)
    figures = (money(row.merit_pool), money(row.merit_spent), left, percent(row.increase_rate, 2))
    return [*head, *({"lines": [text]} for text in figures)]


def _left(pool: float, spent: float) -> str:
    """Return what is left of a pool, or how much it is over."""
    if round(pool - spent) == 0:
        return "0"
    return f"{money(abs(pool - spent))} {'over' if spent > pool else 'left'}"


def group_text(merit: GroupMerit | None) -> str:
    """Return what a group's field shows: 1 without a factor of its own, a factor, or points signed."""
    if merit is None:
        return "1"
    return f"{merit.points * 100:+g}" if merit.points else f"{merit.factor:g}"


def with_group(value: Value, attribute: str, group: str, text: str) -> str | None:
    """Return `merit_groups` with another factor (1.1, 110%) or points (+0.5, -0.5 pp) for one group.

    Groups of another attribute are given up. Raises InputError for a text that is neither.
    """
    before = merit_groups(value)
    others = (
        [] if before is None or before[0] != attribute else [one for one in before[1] if one.group != group]
    )
    plain = text.strip().replace("−", "-").replace(",", ".").removesuffix("pp").strip().lstrip("x×")
    try:
        number = float(plain.removesuffix("%")) / (
            100 if plain.endswith("%") and plain[:1] not in "+-" else 1
        )
    except ValueError:
        raise InputError(
            f"{text!r} is neither a factor nor points.", remedy="Type a factor (1.1) or points (+0.5)."
        ) from None
    is_points = plain[:1] in ("+", "-")
    if is_points and number:
        others.append(GroupMerit(group, points=number / 100))
    elif not is_points and number != 1:
        others.append(GroupMerit(group, factor=number))
    return f"{attribute}: {'; '.join(map(str, others))}" if others else None


def with_award(value: Value, attribute: str, group: str, text: str) -> str | None:
    """Return `awards` with another award (3, 3%) for one group; none for an empty text.

    Groups of another attribute are given up. Raises InputError for a text that is no number.
    """
    before = awards(value)
    rates = {} if before is None or before[0] != attribute else dict(before[1])
    rates.pop(group, None)
    if plain := text.strip().replace(",", ".").removesuffix("%").strip():
        try:
            rates[group] = float(plain) / 100
        except ValueError:
            raise InputError(
                f"{text!r} is not an award.", remedy="Type a rate in per cent (3), or nothing for the COLA."
            ) from None
    return awards_text(attribute, rates) if rates else None


class Merit:
    """The tab: the grid of the matrix by level, whether it is neutral, and the groups of one attribute."""

    def __init__(self, session: Session, preview: LivePreview) -> None:
        self._session = session
        self._preview = preview
        self._choice = EditorChoice(session, MATRIX[0])
        self._messages = EditorMessages(session, self._choice, preview)
        self._detail: tuple[PlanDetail, int] | None = None
        self._has_ratings = True
        self._level = pmui.Select(
            label="Level", options={"All levels": ALL}, value=ALL, size="small", width=220, margin=0
        )
        self._level.param.watch(lambda _: self.refresh(), "value")
        self._reset = pmui.Button(label="Reset the matrix", **SMALL)
        self._reset.on_click(lambda _: self._without(lambda: session.draft.unset(*MATRIX)))
        self._about = html.pane('<p class="card-subtitle" role="status">Simulating every raise …</p>')
        self._note = html.pane("")
        self._matrix = EditTable(
            lambda message: self._messages.receive(message, MATRIX), sizing_mode="stretch_width", margin=0
        )
        self._attribute = pmui.Select(label="Groups by", options=[], size="small", width=220, margin=0)
        self._attribute.param.watch(lambda _: self.refresh(), "value")
        self._none = pmui.Button(label="No groups", **SMALL)
        self._none.on_click(lambda _: self._without(self._drop_groups))
        self._of_groups = html.pane("")
        self._groups = EditTable(self._receive_group, sizing_mode="stretch_width", margin=0)
        row = {"styles": {"gap": "12px", "align-items": "center", "flex-wrap": "wrap"}, "margin": 0}
        stack: dict[str, Any] = {"sizing_mode": "stretch_width", "styles": {"gap": "10px"}}
        by_group = html.card_heading(
            "Merit and awards by group",
            "A factor on the merit rate, or points added to it; an award instead of the COLA",
        )
        self._parts = pn.Column(
            pn.Row(self._level, self._reset, **row),
            self._matrix,
            self._note,
            html.pane(by_group, styles={"margin-top": "12px"}),
            pn.Row(self._attribute, self._none, **row),
            self._groups,
            self._of_groups,
            visible=False,
            **stack,
        )
        self.layout = pn.Column(
            html.pane(
                html.card_heading("Merit matrix", "Raise by performance rating and position in the pay range")
            ),
            self._about,
            self._parts,
            **stack,
        )
        self._choice.param.watch(lambda *_: self.refresh(), "refused")

    def _drop_groups(self) -> None:
        for name in (GROUPS, AWARDS):
            if self._value(name) is not None:
                self._session.draft.set(name, None)

    def _without(self, edit: Callable[[], None]) -> None:
        self._choice.attempt(edit)

    def show_detail(self, detail: PlanDetail, year: int) -> None:
        """Show what the raises of a year are made of."""
        self._detail = detail, year
        self._offer()
        self.refresh()

    def show_census(self, *, has_ratings: bool) -> None:
        """Note whether the census has ratings."""
        self._has_ratings = has_ratings

    def forget(self, why: str) -> None:
        """Take the figures away, and say why there are none."""
        self._detail = None
        self._about.object = f'<p class="card-subtitle" role="status">{html.with_code(why)}</p>'
        self.refresh()

    def refresh(self) -> None:
        """Show the draft, with the figures there are."""
        draft, closed = self._session.draft, not self._session.can_edit
        self._parts.visible = self._detail is not None
        self._about.visible = not self._parts.visible
        if self._detail is None:
            return
        detail, year = self._detail
        refused = self._choice.refused
        cells = detail.of("cell", year, self._level.value)
        self._matrix.sheet = matrix_sheet(draft, cells, refused, closed=closed)
        limited = draft.effective.value("individual_raise_max") is not None
        by_level = detail.of("group", year, "level")
        about = [f"Merit of {year}; incumbents. " + neutrality(by_level, self._level.value, limited=limited)]
        if not self._has_ratings:
            about.append(
                "The census has no ratings: everybody has rating 3, so only the position makes a difference."
            )
        self._note.object = "".join(
            f'<p class="card-subtitle" role="status">{html.with_code(one)}</p>' for one in about
        )
        self._reset.disabled = closed or not any(name in draft.changes for name in MATRIX)
        value, awarded = self._value(), self._value(AWARDS)
        attribute = self._attribute.value
        if attribute is not None:
            groups = detail.of("group", year, attribute)
            self._groups.sheet = group_sheet(
                value if _by(value) == attribute else None,
                groups,
                refused,
                awarded=awarded if (awards(awarded) or ("",))[0] == attribute else None,
                closed=closed,
            )
        self._none.disabled = closed or (value is None and awarded is None)
        self._of_groups.object = (
            f'<p class="card-subtitle">{html.with_code(self._remark(value, attribute))}</p>'
        )

    def _remark(self, value: Value, attribute: str | None) -> str:
        if attribute is None:
            return "The census has no departments, job families, locations or managers to group by."
        others = _by(value)
        if others and others != attribute:
            return (
                f"Groups by {ATTRIBUTES[others].lower()} are in force. An edit here replaces them: merit "
                "differs by one attribute at a time."
            )
        return "Pool: the merit that the rates of level and group give the eligible of the group."

    def _value(self, name: str = GROUPS) -> Value:
        year = self._preview.year_of(self._session.draft.effective)
        return self._session.draft.effective.value(name, year)

    def _offer(self) -> None:
        """Offer the levels and attributes that the simulation has."""
        assert self._detail is not None
        rows = self._detail[0].rows
        known = set(rows.loc[rows["part"] == "group", "attribute"])
        options = {ATTRIBUTES[name]: name for name in GROUP_ATTRIBUTES if name in known}
        if options != self._attribute.options:
            wanted = self._attribute.value or _by(self._value())
            value = wanted if wanted in options.values() else next(iter(options.values()), None)
            self._attribute.param.update(options=options, value=value)
        numbers = sorted(set(rows.loc[rows["part"].eq("cell") & rows["attribute"].ne(ALL), "attribute"]))
        levels = {"All levels": ALL} | {level(int(number)): number for number in numbers}
        if levels != self._level.options:
            kept = self._level.value if self._level.value in levels.values() else ALL
            self._level.param.update(options=levels, value=kept)

    def _receive_group(self, message: Mapping[str, Any]) -> None:
        """Change one group; messages come from a browser."""
        name, text = str(message.get("name")), str(message.get("text"))[:40]
        self._preview.note(message.get("number"))
        kind, _, group = name.partition(":")
        attribute = self._attribute.value
        if self._detail is None or attribute is None:
            return
        known = {row.member for row in self._detail[0].of("group", self._detail[1], attribute)}
        if kind not in ("group", "award") or group == NOT_STATED or group not in known:
            return

        def changes() -> dict[str, Value]:
            if kind == "award":
                return {AWARDS: with_award(self._value(AWARDS), attribute, group, text)}
            return {GROUPS: with_group(self._value(), attribute, group, text)}

        done = self._choice.change(changes, name=name)
        if not done:
            self._preview.answered()
        else:
            self._preview.follow_draft()


def _by(value: Value) -> str | None:
    found = merit_groups(value)
    return None if found is None else found[0]
