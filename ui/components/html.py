"""HTML of the dashboard: every text is escaped, links change the page, Markdown is rendered."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlencode

import pandas as pd
import panel as pn
import param
from markdown_it import MarkdownIt
from panel.custom import JSComponent

from planwise.errors import PlanWiseError
from planwise.formatting import with_unit
from ui.selection import FIELDS
from ui.values.results import Unreadable

ASSETS = Path(__file__).parent.parent / "assets"


@cache
def stylesheet(name: str = "planwise") -> str:
    """Return a style sheet of `assets`, to be given to each pane (panes live in shadow roots)."""
    return (ASSETS / f"{name}.css").read_text(encoding="utf-8")


COMMANDS = {  # the page that does what a command does, and its title
    "planwise census": ("census", "Census"),
    "planwise simulate": ("run", "Run"),
    "planwise sweep": ("run", "Run"),
    "planwise optimize": ("optimise", "Auto-optimise"),
    "planwise compare": ("compare", "Compare"),
    "planwise scenario": ("overview", "Overview"),
    "planwise enrich": ("census", "Census"),
    "planwise calibrate": ("census", "Census"),
    "planwise backtest": ("census", "Census"),
    "planwise propose": ("approvals", "Approvals"),  # and `planwise proposals`
    "planwise approve": ("approvals", "Approvals"),
    "planwise release": ("release", "Release"),
    "planwise rollback": ("release", "Release"),
    "planwise checkpoints": ("release", "Release"),
    "planwise rollout": ("release", "Release"),
    "planwise monitor": ("release", "Release"),
    "planwise audit": ("audit", "Audit"),
}
SCENARIO = re.compile(r"--scenario (\w+)")
CODE, CODED = re.compile(r"`([^`]+)`"), r"<code>\1</code>"
Tone = Literal["", "good", "warn", "bad"]


@dataclass(frozen=True)
class Kpi:
    """A headline figure with its unit, what it is compared with, whether that is good, and what it means."""

    label: str
    figure: str
    note: str
    verdict: str = ""
    tone: Tone = ""
    change: str | None = None  # from the base scenario; empty: none; None: not shown
    about: str = ""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table: its name in the frame, its heading with the unit, and how a value is written.

    Words are on the left (`is_text`), figures on the right; `whole` words stay on one line.
    """

    name: str
    heading: str
    write: Callable[[Any], str] = str
    is_text: bool = False
    whole: bool = False


class Html(pn.pane.HTML):
    """HTML that may change while it is not on the page, such as on a hidden tab.

    Panel's own pane is then updated as of no document, and takes every style sheet of the page from a host on
    the internet.
    """

    def _get_properties(self, doc: Any) -> dict[str, Any]:
        found: dict[str, Any] = super()._get_properties(doc or pn.state.curdoc)
        return found


def pane(html: str, **layout: Any) -> pn.pane.HTML:
    """Return a pane for HTML of ours, styled with the page's colours."""
    return Html(html, stylesheets=[stylesheet()], **({"sizing_mode": "stretch_width", "margin": 0} | layout))


def heading(title: str, subtitle: str) -> str:
    """Return a page's heading: what is shown, of what, of when."""
    return f'<h1 class="page-title">{escape(title)}</h1><p class="page-subtitle">{escape(subtitle)}</p>'


def card_heading(title: str, subtitle: str) -> str:
    """Return a card's heading: the figure's name; unit, scenario and period."""
    return f'<h2 class="card-title">{escape(title)}</h2><p class="card-subtitle">{escape(subtitle)}</p>'


def kpi_strip(kpis: Sequence[Kpi]) -> str:
    """Return headline figures side by side."""
    return f'<dl class="kpis">{"".join(map(_kpi, kpis))}</dl>'


def table(frame: pd.DataFrame, columns: Sequence[TableColumn], caption: str, chosen: Any = None) -> str:
    """Return a table; the first column names the row, and the row named `chosen` is in bold."""
    if frame.empty:
        return f'<p class="card-subtitle">{escape(caption)}: nothing to show.</p>'
    head = "".join(f'<th scope="col"{_side(c)}>{escape(with_unit(c.heading))}</th>' for c in columns)
    rows = "".join(_row(record, columns, chosen) for record in frame.to_dict("records"))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def notice(text: str, remedy: str = "", tone: Tone = "") -> str:
    """Return a notice: what happened and what to do; a command has a link to the page that does it."""
    link_to = _page_of(remedy)
    return (
        f'<div class="notice {tone}" role="status"><p>{with_code(text)}</p>'
        + (f'<p class="remedy">{CODE.sub(CODED, escape(remedy))} {link_to}</p>' if remedy else "")
        + "</div>"
    )


def _page_of(remedy: str) -> str:
    """Return the link to the page that does what a command in a remedy does; empty without a command."""
    known = next(filter(None, map(_page_of_command, CODE.findall(remedy))), None)
    if known is None:
        return ""
    page, title = known
    found = SCENARIO.search(remedy)
    return link(f"Go to {title}", page, **({"scenario": found[1]} if found else {}))


def error_notice(error: PlanWiseError, tone: Tone = "bad") -> str:
    """Return the notice of an error: what is wrong and what to do."""
    return notice(error.what, error.remedy or "", tone)


def unreadable(item: Unreadable) -> str:
    """Return the notice for something that cannot be read."""
    return notice(item.what, item.remedy, "bad")


def facts(items: Mapping[str, str]) -> str:
    """Return names and values, one below the other."""
    return (
        '<dl class="facts">'
        + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in items.items())
        + "</dl>"
    )


def breakable(name: str) -> str:
    """Return a name that breaks after its underscores rather than within a word."""
    return escape(name).replace("_", "_<wbr>")


def chip(text: str, tone: Tone) -> str:
    """Return a short status in a frame."""
    return f'<span class="chip {tone}">{escape(text)}</span>'


def _kpi(kpi: Kpi) -> str:
    change = ""
    if kpi.change is not None:
        change = f"<b>{escape(kpi.change)}</b> from the base" if kpi.change else "no change from the base"
        change = f'<dd class="change">{change}</dd>'
    dot = " · " if kpi.verdict and kpi.note else ""
    verdict = f'<span class="{kpi.tone}">{escape(kpi.verdict)}</span>{dot}' if kpi.verdict else ""
    about = f' title="{escape(kpi.about, quote=True)}"' if kpi.about else ""
    return (
        f'<div class="kpi"{about}><dt>{escape(kpi.label)}</dt><dd class="figure">{escape(kpi.figure)}</dd>'
        f'{change}<dd class="note">{verdict}{with_links(kpi.note)}</dd></div>'
    )


def _row(record: Mapping[Any, Any], columns: Sequence[TableColumn], chosen: Any) -> str:
    first, *rest = columns
    mark = ' class="chosen"' if chosen is not None and record[first.name] == chosen else ""
    cells = "".join(f"<td{_side(c)}>{escape(c.write(record[c.name]))}</td>" for c in rest)
    whole = ' class="whole"' if first.whole else ""
    return f'<tr{mark}><th scope="row"{whole}>{breakable(first.write(record[first.name]))}</th>{cells}</tr>'


def with_code(text: str) -> str:
    """Return a text whose parts in backticks are code; a command has a link to the page that does it."""
    return CODE.sub(lambda found: _with_page(found[1], f"<code>{found[1]}</code> ({{}})"), escape(text))


def with_links(text: str) -> str:
    """Return a text with a link to the page in place of a command that does the same."""
    return CODE.sub(lambda found: _with_page(found[1], "{}"), escape(text))


def _with_page(code: str, shown: str) -> str:
    page = _page_of_command(code)
    return f"<code>{code}</code>" if page is None else shown.format(link(f"Go to {page[1]}", page[0]))


def _page_of_command(text: str) -> tuple[str, str] | None:
    return next((page for start, page in COMMANDS.items() if text.startswith(start)), None)


def _side(column: TableColumn) -> str:
    if not column.is_text:
        return ""
    return ' class="text whole"' if column.whole else ' class="text"'


FRAMES = {  # what may be wider than the page can be scrolled, by keyboard as well
    "<table>": '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>',
    "</table>": "</table></div>",
    "<pre>": '<pre tabindex="0" role="region" aria-label="Formula">',
}


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable("table")


@cache
def to_html(text: str) -> str:
    """Return Markdown as HTML in a frame of its own style; wide code and tables scroll by themselves."""
    html = _parser().render(text)
    for plain, framed in FRAMES.items():
        html = html.replace(plain, framed)
    return f'<div class="prose">{html}</div>'


Go = Callable[..., None]
OnMessage = Callable[[Mapping[str, Any]], None]


class Component(JSComponent):
    """A component with style sheets of `assets`; `on_message` gets, and checks, what the browser sends."""

    __abstract = True
    _sheets: ClassVar[tuple[str, ...]] = ()

    def __init__(self, on_message: OnMessage | None = None, **params: Any) -> None:
        self._on_message = on_message
        super().__init__(stylesheets=[stylesheet(name) for name in self._sheets], **params)

    def _handle_msg(self, message: Any) -> None:
        if self._on_message is not None and isinstance(message, dict):
            self._on_message(message)


class Linked(Component):
    """Shows `html`, its texts escaped by the caller; a link is followed by `go(page, **chosen)`."""

    html = param.String(default="")

    _esm = ASSETS / "linked.js"
    _sheets = ("planwise",)

    def __init__(self, go: Go, html: str = "", **layout: Any) -> None:
        self._go = go
        super().__init__(self._follow, html=html, **({"sizing_mode": "stretch_width", "margin": 0} | layout))

    def _follow(self, message: Mapping[str, Any]) -> None:
        """Follow a link to a page of the dashboard; others are ignored."""
        follow(self._go, message)


def follow(go: Go, message: Mapping[str, Any]) -> None:
    """Follow a link that the browser names by its query; others are ignored."""
    query = parse_qs(str(message.get("query", "")).lstrip("?"))
    chosen = {name: FIELDS[name].read(query[name][0]) for name in FIELDS if name in query}
    if page := chosen.pop("page", ""):
        go(page, **chosen)


def address(page: str, **selection: Any) -> str:
    """Return the address of a page with these choices."""
    chosen = {"page": page, **selection}
    return "?" + urlencode([(name, FIELDS[name].write(value)) for name, value in chosen.items()])


def link(text: str, page: str, *, about: str = "", **selection: Any) -> str:
    """Return a link to a page; `about` is what a screen reader says when the text alone says too little."""
    spoken = f' aria-label="{escape(about, quote=True)}"' if about else ""
    return f'<a href="{escape(address(page, **selection), quote=True)}"{spoken}>{breakable(text)}</a>'
