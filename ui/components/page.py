"""The base of every page, and how pages are laid out: cards, pairs, stacks, parts made lazily."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import cached_property, partial
from html import escape
from types import TracebackType
from typing import Any, ClassVar

import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from ui.components import html
from ui.pages import FIRST
from ui.session import Session

GAP = 16  # pixels between cards
# As tall as what is in it: a column in a column would else end where the window does, and what follows
# would cover its lower half.
WHOLE = {"max-height": "none"}
CLOSE = [".scroll-button { display: none; }"]  # Panel's own, empty: it would add a gap
PAIR: dict[str, Any] = {  # two cards side by side end on one line
    "sizing_mode": "stretch_width",
    "stylesheets": [":host > div { height: auto; }", *CLOSE],
    "styles": {
        "display": "grid",
        "grid-template-columns": "repeat(auto-fit, minmax(max(420px, 40%), 1fr))",
        "column-gap": f"{GAP}px",
        "row-gap": f"{GAP}px",
        "align-items": "stretch",
        **WHOLE,
    },
}
SIDE_BY_SIDE: dict[str, Any] = {  # a wide part and a narrow one; below each other on a small screen
    "sizing_mode": "stretch_width",
    "stylesheets": [
        ":host { display: grid; gap: 16px; align-items: start; max-height: none; "
        "grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); } "
        "@media (max-width: 1100px) { :host { grid-template-columns: minmax(0, 1fr); } }",
        *CLOSE,
    ],
}
PARTS: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "margin": 0,
    "styles": {"gap": "10px", **WHOLE},
    "stylesheets": CLOSE,
}
"""The parts of one card, below each other."""
STACK: dict[str, Any] = {
    "sizing_mode": "stretch_width",
    "styles": {"gap": f"{GAP}px", **WHOLE},
    "stylesheets": CLOSE,
}


def show(box: Any, *parts: Any) -> None:
    """Put parts into a box, unless it has them already: what stays is not drawn again."""
    if list(box.objects) != list(parts):
        box.objects = list(parts)


def on_page(change: Callable[[], object]) -> None:
    """Change the page in its turn, which holds its lock: a page that is still drawn takes no change else."""
    page = pn.state.curdoc
    if page is None or page.session_context is None:
        change()
    else:

        def in_turn() -> None:
            change()

        page.add_next_tick_callback(in_turn)


class UpdateGuard:
    """True inside `with`, so that watchers can ignore changes that the page itself makes."""

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._depth -= 1

    def __bool__(self) -> bool:
        return self._depth > 0


class Page:
    """A page of one session: made when it is first shown, refreshed when the store has something new.

    A subclass makes its widgets once, and fills them in `refresh`.
    """

    key: ClassVar[str]  # in the address
    title: ClassVar[str] = ""
    subtitle: ClassVar[str] = ""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._store = session.store
        self._selection = session.selection
        self._filling = UpdateGuard()
        self._heading = html.pane(html.heading(self.title, self.subtitle) if self.title else "", min_width=0)
        self._notices = html.pane("", styles={"display": "grid", "gap": "8px"}, visible=False)
        self.layout = pn.Column(**STACK, margin=GAP)

    def refresh(self) -> None:
        """Show what is new in store, selection and draft; cheap when nothing is."""
        raise NotImplementedError

    @property
    def is_shown(self) -> bool:
        """Whether the address names this page; without a name it is the first page."""
        return (self._selection.page or FIRST) == self.key

    def _show(self, *parts: Any) -> None:
        """Show these parts below each other; those that are there already are not drawn again."""
        show(self.layout, *parts)

    def _set_notices(self, notices: Sequence[str]) -> None:
        """Show notices, or hide their place."""
        self._notices.param.update(object="".join(notices), visible=bool(notices))

    def _show_error(self, error: PlanWiseError, *parts: Any, tone: html.Tone = "bad") -> None:
        """Show an error in place of the page's body, and perhaps other parts."""
        self._set_notices([html.error_notice(error, tone)])
        self._show(self._heading, self._notices, *parts)

    def _follow_selection(self, *names: str) -> None:
        """Refresh when one of these choices changes while the page is shown."""
        self._selection.param.watch(lambda *_: self._refresh_if_shown(), list(names))

    def _follow_draft(self) -> None:
        """Refresh when the draft changes while the page is shown."""
        self._session.draft.param.watch(lambda *_: self._refresh_if_shown(), ["scenario", "changes"])

    def _refresh_if_shown(self) -> None:
        if self.is_shown and not self._filling:
            self.refresh()

    def _select(self, label: str, field: str, width: int) -> pmui.Select:
        """Return a menu that writes its value into a field of the selection."""
        widget = pmui.Select(label=label, options=[], size="small", width=width, margin=(6, 0, 4, 0))

        def choose(event: Any) -> None:
            if not self._filling:
                self._selection.param.update(**{field: event.new})

        widget.param.watch(choose, "value")
        return widget


READING = '<p class="page-subtitle reading" role="status">Reading …</p>'


class ReadPage(Page):
    """A page that is read on a thread, again whenever what it shows has changed."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._read_of: Any = None
        self._show(self._heading, html.pane(READING))

    def refresh(self) -> None:
        """Read the page unless it was read."""
        wanted = self._wanted()
        if wanted != self._read_of:
            self._read_of = wanted
            pn.state.onload(self._read)  # before, a change may miss the browser

    def _wanted(self) -> Any:
        """Return what the page is read of: it is read again when this changes."""
        return self._store.version()

    def _read_all(self) -> Any:
        """Read on a thread; touches no widget."""
        raise NotImplementedError

    def _fill(self, found: Any) -> None:
        """Show what was read."""
        raise NotImplementedError

    async def _read(self) -> None:
        wanted = self._read_of
        try:
            found = await self._session.offload(self._read_all)
        except PlanWiseError as error:
            if wanted == self._read_of:
                self._show_error(error)
            return
        if wanted == self._read_of:
            self._fill(found)

    def _again(self, *_: Any) -> None:
        """Read the page again."""
        self._read_of = None
        self.refresh()


class LazyPane:
    """A place for a part that is made when it is first shown, so that the page itself is there sooner."""

    def __init__(self, make: Callable[[], Any], **layout: Any) -> None:
        self._make = make
        self.layout = pn.Column(**(STACK | {"margin": 0} | layout))

    @cached_property
    def part(self) -> Any:
        """The part itself; it has a `layout`."""
        return self._make()

    @property
    def is_made(self) -> bool:
        """Whether the part was shown before."""
        return "part" in self.__dict__

    def show(self) -> None:
        """Put the part in its place."""
        show(self.layout, self.part.layout)


def empty_state(session: Session, title: str, text: str, **actions: str) -> pn.Column:
    """Return what is shown instead of a page's body: why it is empty, and buttons by the page they go to."""
    buttons = [
        pmui.Button(
            label=label,
            variant="outlined" if place else "contained",
            margin=0,
            on_click=lambda _, page=page: session.go(page),
        )
        for place, (page, label) in enumerate(actions.items())
    ]
    return pn.Column(
        html.pane(f'<div class="empty"><h2>{escape(title)}</h2><p>{escape(text)}</p></div>'),
        pn.Row(*buttons, styles={"gap": "12px", "flex-wrap": "wrap"}, margin=(0, 24)),
        **(STACK | {"styles": WHOLE}),
    )


def heading_row(heading: Any, *controls: Any) -> pn.FlexBox:
    """Return a heading with controls at its right, below it where there is no room."""
    left = pn.Column(heading, min_width=260, styles={"flex": "1 1 320px"}, margin=0)
    right = pn.Row(*controls, styles={"gap": "12px", "align-items": "center", "flex-wrap": "wrap"}, margin=0)
    return pn.FlexBox(
        left, right, justify_content="space-between", align_items="center", gap="12px", margin=(0, 0, 6, 0)
    )


Current = Callable[[], bool]


class Debounced:
    """Runs `work` a moment after the last request.

    `work` is given a function that returns whether its request is still the latest.
    """

    def __init__(self, work: Callable[[Current], Awaitable[None]], wait_seconds: float = 0.0) -> None:
        self._work, self._wait_seconds, self._turn = work, wait_seconds, 0

    def ask(self) -> None:
        """Request the work; earlier requests are not the latest any more."""
        self._turn += 1
        pn.state.execute(partial(self._run, self._turn))

    async def _run(self, turn: int) -> None:
        if self._wait_seconds:
            await asyncio.sleep(self._wait_seconds)
        if turn == self._turn:
            await self._work(lambda: turn == self._turn)
