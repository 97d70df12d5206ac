"""Names that a matching leaves to people: a list by how many rows each has, and a decision with one click."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.formatting import count, counted, moment, percent
from planwise.jobs import Job, JobKind
from ui.components import html
from ui.components.card import FRAME
from ui.components.html import TableColumn
from ui.components.job_panel import JobPanel
from ui.components.page import PARTS, Debounced, UpdateGuard, show
from ui.components.table import PagedTable
from ui.session import Session
from ui.values.matches import (
    COMPANIES,
    DECIDED,
    SIMILAR,
    TITLES,
    TO_DECIDE,
    CheckedMatches,
    MatchChoice,
    NameToCheck,
)

SMALL: dict[str, Any] = {"size": "small", "margin": 0}
ROW: dict[str, Any] = {"styles": {"gap": "10px", "flex-wrap": "wrap", "align-items": "center"}, "margin": 0}
CANDIDATE: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "margin": 0,
    "styles": {"gap": "12px", "align-items": "center"},
}
CHOICES_MAX = 5
LETTERS_MIN, SEARCH_SECONDS = 3, 0.25
GROUPS: Mapping[str, str] = {
    TO_DECIDE: "To decide",
    SIMILAR: "Linked by a similar name",
    DECIDED: "Decided",
}
STATUS: Mapping[str, str] = {"review": "for review", "unmatched": "nothing is near", "linked": "linked"}


@dataclass(frozen=True)
class MatchedThing:
    """What a matching is called on a page: names, their rows, and entries of the reference."""

    matching: str
    job: JobKind
    name: str
    names: str
    rows: str
    entry: str


THINGS: Mapping[str, MatchedThing] = {
    TITLES: MatchedThing(TITLES, JobKind.TITLES, "title", "titles", "Employees", "occupation"),
    COMPANIES: MatchedThing(COMPANIES, JobKind.RECIPIENTS, "company", "companies", "Awards", "recipient"),
}


class MatchReview:
    """The list of one matching with its decisions; `again` returns the request that matches again.

    `use` says where the matches are used.
    """

    def __init__(
        self,
        session: Session,
        matching: str,
        title: str,
        again: Callable[[CheckedMatches], Mapping[str, Any] | None],
        on_change: Callable[[], None],
        use: Any = None,
    ) -> None:
        self._session, self._thing, self._again = session, THINGS[matching], again
        self._on_change = on_change
        self._use = [] if use is None else [use]
        self._title = title
        self._found = CheckedMatches(None, ())
        self._filling = UpdateGuard()
        self._heading = html.pane("")
        self._state = html.pane("")
        self._button = pmui.Button(label=f"Match the {self._thing.names}", variant="contained", **SMALL)
        self._button.on_click(self._match)
        self._panel = JobPanel(session, self._ended)
        self._list = pmui.Select(
            label="Show", options={}, size="small", width=260, margin=0, value=None, disabled=True
        )
        self._list.param.watch(lambda _: self._fill(), "value")
        thing = self._thing
        columns = (
            TableColumn("name", thing.name.capitalize(), is_text=True),
            TableColumn("rows", thing.rows, count),
            TableColumn("status", "State", is_text=True),
            TableColumn("best", f"Nearest {thing.entry}", is_text=True),
            TableColumn("score", "Score", lambda v: "" if v != v else f"{v:.2f}"),
        )
        self._columns = [column.name for column in columns]
        self._table = PagedTable(
            columns,
            key="key",
            caption=title,
            noun=thing.name,
            plural=thing.names,
            rows=8,
            opens="Decide on",
            on_open=self._open,
        )
        self.decision = MatchDecisionForm(session, thing, self._decided)
        self._body = pn.Column(**PARTS)
        self.layout = pmui.Paper(self._body, **FRAME)

    def show(self, found: CheckedMatches, notice: str = "") -> None:
        """Show what was matched; `notice` is HTML that says why it is not of now."""
        self._found = found
        quality = found.quality
        self._heading.object = html.card_heading(self._title, self._subtitle())
        self._state.object = notice + self._waiting()
        running = self._panel.job is not None and not self._panel.job.ended
        self._button.param.update(
            label=f"Match the {self._thing.names}{' again' if quality else ''}",
            variant="outlined" if quality and not (notice or found.waiting) else "contained",
            disabled=running or not self._session.can_run or self._again(found) is None,
        )
        parts: list[Any] = [self._heading, self._state, pn.Row(self._button, **ROW), self._panel.layout]
        if self._body.objects:
            parts[2] = self._body[2]
        parts += self._use
        if quality is not None:
            with self._filling:
                options = {f"{text} ({count(len(found.of(key)))})": key for key, text in GROUPS.items()}
                kept = self._list.value if self._list.value in GROUPS else TO_DECIDE
                self._list.param.update(options=options, value=kept, disabled=False)
            self._fill()
            parts += [self._list, self._table.layout, self.decision.layout]
        show(self._body, *parts)

    def _subtitle(self) -> str:
        quality = self._found.quality
        if quality is None:
            return f"Each {self._thing.name} is compared with the {self._thing.entry}s of the reference"
        linked, rows = quality.report["linked"], quality.report["rows"]
        share = f"{count(linked)} of {count(rows)} {self._thing.rows.lower()} are linked"
        return f"{share} ({percent(quality.rate)}) · {quality.subject}, matched {moment(quality.at)}"

    def _waiting(self) -> str:
        found, thing = self._found, self._thing
        if found.quality is None:
            return ""
        if found.waiting:
            text = f"{counted(found.waiting, 'decision')} since the last run."
            return html.notice(text, f"Match the {thing.names} again to apply them.")
        if found.quality.blocked:
            text = f"{percent(found.quality.rate)} are linked; results are used from 70 % on."
            remedy = f"Decide on the first {thing.names} of the list: they cover most."
            return html.notice(text, remedy, "warn")
        return ""

    def _fill(self) -> None:
        if self._filling:
            return
        names = self._found.of(self._list.value or TO_DECIDE)
        self._table.show(_frame(names, self._columns))
        known = {name.key: name for name in self._found.names}
        opened = known.get(self.decision.key)
        self._show_one(opened)

    def _open(self, key: str | None) -> None:
        self._show_one(next((name for name in self._found.names if name.key == key), None))

    def _show_one(self, name: NameToCheck | None) -> None:
        self._table.open(None if name is None else name.key)
        self.decision.show(name)

    def _decided(self, name: NameToCheck) -> None:
        """Open the next name of the list, so that one decision follows the other."""
        if self._list.value == TO_DECIDE:
            keys = [one.key for one in self._found.of(TO_DECIDE)]
            after = keys[keys.index(name.key) + 1 :] if name.key in keys else []
            self.decision.key = (after or [key for key in keys if key != name.key] or [""])[0]
        self._on_change()

    async def _match(self, *_: Any) -> None:
        session, request = self._session, self._again(self._found)
        if request is None:
            return
        self._button.disabled = True
        title = f"Match the {self._thing.names}"
        try:
            job = await session.offload(
                lambda: session.actions.jobs.start(self._thing.job.value, request, title=title)
            )
        except PlanWiseError as error:
            session.notify_error(error)
            self._button.disabled = False
            return
        self._panel.watch(job.id)

    def _ended(self, job: Job) -> None:
        self._on_change()


def _frame(names: Sequence[NameToCheck], columns: Sequence[str]) -> pd.DataFrame:
    rows = [
        {
            "key": name.key,
            "name": name.name + (f" and {len(name.spellings)} alike" if name.spellings else ""),
            "rows": name.rows,
            "status": _state_of(name),
            "best": name.choices[0].called if name.choices else name.matched,
            "score": float("nan") if name.score is None else name.score,
        }
        for name in names
    ]
    return pd.DataFrame(rows, columns=["key", *columns])


def _state_of(name: NameToCheck) -> str:
    if name.decision is None:
        return name.why or STATUS[name.status]
    decided = "no match" if name.decision.matched_id is None else "chosen"
    return f"{decided} by {name.decision.by}" + (", waits for the next run" if name.waits else "")


class MatchDecisionForm:
    """One name with its candidates: accept one, choose another, or say that none is it."""

    def __init__(
        self, session: Session, thing: MatchedThing, on_decided: Callable[[NameToCheck], None]
    ) -> None:
        self._session, self._thing, self._on_decided = session, thing, on_decided
        self._name: NameToCheck | None = None
        self.key = ""
        self._heading = html.pane("")
        self._rows = [CandidateRow(self._accept) for _ in range(CHOICES_MAX)]
        self._none = pmui.Button(label="No match", variant="outlined", **SMALL)
        self._none.on_click(self._no_match)
        by_search = thing.matching == TITLES
        label = "Another: words of a title, or a code" if by_search else "Another: UEI, DUNS or id"
        self._words = pmui.TextInput(label=label, value="", width=340, **SMALL)
        self._results = pmui.Select(label="Found", options={}, width=420, visible=False, **SMALL)
        self._use = pmui.Button(label="Use it", variant="contained", visible=not by_search, **SMALL)
        self._use.on_click(self._use_other)
        self._search = Debounced(self._find, SEARCH_SECONDS)
        if by_search:
            self._words.param.watch(lambda _: self._search.ask(), "value_input")
        self._problem = html.pane("", visible=False)
        self._body = pn.Column(
            self._heading,
            *(row.layout for row in self._rows),
            pn.Row(self._none, self._words, self._results, self._use, **ROW),
            self._problem,
            visible=False,
            **PARTS,
        )
        self.layout = self._body

    def show(self, name: NameToCheck | None) -> None:
        """Show one name, or nothing."""
        before, self._name, self.key = self._name, name, "" if name is None else name.key
        self._body.visible = name is not None
        if name is None:
            return
        if before is None or before.key != name.key:
            self._words.param.update(value="", value_input="")
            self._results.param.update(options={}, value=None, visible=False)
            self._use.visible = self._thing.matching != TITLES
            self._problem.visible = False
        self._heading.object = self._about(name)
        may = self._session.can_edit
        for row, choice in zip(self._rows, [*name.choices, *[None] * CHOICES_MAX], strict=False):
            row.show(name, choice, may=may)
        self._none.param.update(disabled=not may, description=f"No match: {name.name}")
        self._use.disabled = not may

    def _about(self, name: NameToCheck) -> str:
        thing = self._thing
        facts = [f"{count(name.rows)} {thing.rows.lower()}", name.place, self._outcome(name)]
        also = ""
        if name.spellings:
            also = f'<p class="quiet">The decision also covers {escape(", ".join(name.spellings))}.</p>'
        return (
            f'<div role="status"><h3 class="card-title">{escape(name.name)}</h3>'
            f'<p class="card-subtitle">{escape(" · ".join(fact for fact in facts if fact))}</p>{also}</div>'
        )

    def _outcome(self, name: NameToCheck) -> str:
        one = name.decision
        if one is None:
            return f"linked to {name.matched}" if name.status == "linked" else name.why or STATUS[name.status]
        what = "no match" if one.matched_id is None else (one.matched_name or one.matched_id)
        when = "" if one.at is None else f", {moment(one.at)}"
        return f"decided: {what}, by {one.by}{when}"

    async def _accept(self, choice: MatchChoice) -> None:
        await self._decide(choice.id, choice.name)

    async def _no_match(self, *_: Any) -> None:
        await self._decide(None, None)

    async def _use_other(self, *_: Any) -> None:
        chosen = self._results.value if self._thing.matching == TITLES else str(self._words.value).strip()
        if not chosen:
            self._say("Nothing is chosen.", "Find an entry first, or give its id.")
            return
        entry, called = chosen if isinstance(chosen, tuple) else (chosen, None)
        await self._decide(entry, called)

    async def _find(self, is_latest: Callable[[], bool]) -> None:
        words = str(self._words.value_input or "").strip()
        if len(words) < LETTERS_MIN:
            return
        found = await self._session.offload(self._session.store.matches.find, words)
        if not is_latest():
            return
        if not found:
            self._results.visible = self._use.visible = False
            self._say("No title of the reference has these words.", "Try fewer or other words.")
            return
        options = {f"{one.occupation} ({one.soc}): {one.title}": (one.soc, one.title) for one in found}
        self._problem.visible = False
        self._results.param.update(options=options, value=next(iter(options.values())), visible=True)
        self._use.visible = True

    async def _decide(self, entry: str | None, called: str | None) -> None:
        session, name = self._session, self._name
        if name is None:
            return
        try:
            await session.offload(session.actions.matches.decide, name, self._thing.matching, entry, called)
        except PlanWiseError as error:
            session.notify_error(error)
            return
        what = f"has no {self._thing.entry}" if entry is None else f"is {called or entry}"
        session.notify(f"{name.name} {what}.", tone="success")
        self._on_decided(name)

    def _say(self, text: str, remedy: str) -> None:
        self._problem.param.update(object=html.notice(text, remedy, "warn"), visible=True)


class CandidateRow:
    """One candidate: what it is and why it is near, and a button that accepts it."""

    def __init__(self, on_accept: Callable[[MatchChoice], Any]) -> None:
        self._choice: MatchChoice | None = None
        self._on_accept = on_accept
        self._text = html.pane("", min_width=0)
        self._button = pmui.Button(label="Accept", variant="outlined", width=110, **SMALL)
        self._button.on_click(self._clicked)
        self.layout = pn.Row(self._button, self._text, visible=False, **CANDIDATE)

    def show(self, name: NameToCheck, choice: MatchChoice | None, *, may: bool) -> None:
        """Show a candidate for a name, or nothing."""
        self._choice = choice
        self.layout.visible = choice is not None
        if choice is None:
            return
        as_title = f"as “{choice.name}”, " if choice.about else ""
        self._text.object = (
            f'<p class="card-title">{escape(choice.called)}</p>'
            f'<p class="quiet">{escape(f"{as_title}score {choice.score:.2f}: {choice.why.lower()}")}</p>'
        )
        self._button.param.update(disabled=not may, description=f"Accept {choice.called} for {name.name}")

    async def _clicked(self, *_: Any) -> None:
        if self._choice is not None:
            await self._on_accept(self._choice)
