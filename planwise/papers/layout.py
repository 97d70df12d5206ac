"""What a paper is, how `texts.yaml` and its facts make one, and how it is laid out and written.

A text is a Jinja template over the paper's facts; one that comes out empty is left out. `{all: NAME}` stands
for every text or row of a fact. A section with `when` is left out unless that expression holds.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from planwise.errors import InputError
from planwise.formatting import (
    count,
    escape_formula,
    escape_markdown,
    moment,
    money_short,
    percent,
    seconds,
)
from planwise.governance.chain import Head
from planwise.storage import write_bytes

MARKDOWN, HTML, PDF, CSV = ".md", ".html", ".pdf", ".csv"
Row = Sequence[str]
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class PaperSection:
    """A heading with texts, a table and remarks; the first `words` columns are words, aligned left."""

    title: str
    paragraphs: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Row] = ()
    words: int = 1
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class Paper:
    """A paper: the headline is the few figures at its top; `one_page` sets its sections in two columns."""

    title: str
    subtitle: str
    headline: Sequence[tuple[str, str]]
    sections: Sequence[PaperSection]
    footer: str
    one_page: bool = False


def compose(name: str, facts: Facts, footer: str) -> Paper:
    """Return the paper of a name in `texts.yaml`, made of its facts."""
    text = _texts()[name]
    headline = ((label, _written(value, facts)) for label, value in text["headline"].items())
    sections = (part for part in text["sections"] if _holds(part.get("when"), facts))
    return Paper(
        title=_written(text["title"], facts),
        subtitle=_written(text["subtitle"], facts),
        headline=tuple((label, value) for label, value in headline if value),
        sections=tuple(_section(part, facts) for part in sections),
        footer=footer,
        one_page=text.get("one_page", False),
    )


def _section(part: Mapping[str, Any], facts: Facts) -> PaperSection:
    rows: list[Row] = []
    for row in part.get("rows", ()):
        if isinstance(row, Mapping):
            rows += facts[row["all"]]
        elif (cells := tuple(_written(cell, facts) for cell in row))[0]:
            rows.append(cells)
    return PaperSection(
        title=_written(part["title"], facts),
        paragraphs=_paragraphs(part.get("paragraphs", ()), facts),
        columns=tuple(_written(column, facts) for column in part.get("columns", ())),
        rows=rows,
        words=part.get("words", 1),
        remarks=_paragraphs(part.get("remarks", ()), facts),
    )


def _paragraphs(parts: Sequence[Any], facts: Facts) -> Sequence[str]:
    found: list[str] = []
    for part in parts:
        found += facts[part["all"]] if isinstance(part, Mapping) else [_written(part, facts)]
    return tuple(text for text in found if text)


def _written(text: str, facts: Facts) -> str:
    return _text_environment().from_string(text).render(facts)


def _holds(condition: str | None, facts: Facts) -> bool:
    return condition is None or bool(_text_environment().compile_expression(condition)(**facts))


@cache
def _texts() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load(files(__package__).joinpath("texts.yaml").read_text("utf-8"))
    return found


@cache
def _text_environment() -> Environment:
    environment = Environment(undefined=StrictUndefined)
    environment.filters |= {"count": count, "moment": moment, "money": money_short, "percent": percent}
    environment.filters |= {"seconds": seconds}
    return environment


def in_words(name: str) -> str:
    """Return the name of an event or decision, such as APPROVAL_ACTION, as words."""
    return name.replace("_", " ").capitalize()


def footer_of(head: Head) -> str:
    """Return the version and the head of the audit trail, as every paper ends."""
    own = f"PlanWise {version('planwise')}. Money in the census's currency."
    return f"{own} Audit trail: {head.events} events, head {head.hash}."


def template_environment(**options: Any) -> Environment:
    """Return the environment of the templates that lay papers out."""
    return Environment(
        loader=PackageLoader(__package__),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        **options,
    )


def render_html(paper: Paper) -> str:
    """Return the paper as HTML that loads no other file."""
    return template_environment(autoescape=True).get_template("paper.html.jinja").render(paper=paper)


def render_markdown(paper: Paper) -> str:
    """Return the paper as Markdown."""
    environment = template_environment(
        finalize=lambda value: (
            escape_markdown(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        )
    )
    return environment.get_template("paper.md.jinja").render(paper=paper).strip() + "\n"


def render_csv(paper: Paper) -> str:
    """Return the paper's figures as CSV, a line a figure: section, item, values."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("section", "item", "value"))
    writer.writerows(("headline", *map(escape_formula, pair)) for pair in paper.headline)
    for section in paper.sections:
        writer.writerows((section.title, *map(escape_formula, row)) for row in section.rows)
    writer.writerow(("footer", "", paper.footer))
    return text.getvalue()


def write_paper(paper: Paper, file: Path) -> None:
    """Write a paper as its suffix says; raises InputError for another suffix or an unusable place."""
    html = partial(render_html, paper)
    formats: dict[str, Callable[[], bytes]] = {
        MARKDOWN: lambda: render_markdown(paper).encode(),
        HTML: lambda: html().encode(),
        PDF: lambda: render_pdf(html()),
        CSV: lambda: render_csv(paper).encode(),
    }
    write_as(file, formats)


def render_pdf(html: str) -> bytes:
    """Return a page as PDF; raises InputError when the system's Pango library is missing."""
    try:
        import weasyprint  # loads libpango
    except (OSError, ImportError) as error:
        raise InputError(
            f"A PDF needs the Pango library, which is not installed: {str(error).splitlines()[0]}",
            remedy="Debian: `apt-get install libpango-1.0-0 libpangoft2-1.0-0`; or write an .html file.",
        ) from error
    written = weasyprint.HTML(string=html).write_pdf()
    assert isinstance(written, bytes)  # no target was given
    return written


def write_as(file: Path, formats: Mapping[str, Callable[[], bytes]]) -> None:
    """Write a paper in the format of the suffix; raises InputError for another or an unusable place."""
    if (made := formats.get(file.suffix.lower())) is None:
        *first, last = formats
        raise InputError(
            f"{file} is neither {', '.join(first)} nor {last}.",
            remedy=f"Choose a name that ends with {', '.join(first)} or {last}.",
        )
    content = made()
    try:
        write_bytes(file, content)
    except OSError as error:
        raise InputError(
            f"The file {file} cannot be written: {error.strerror or error}.",
            remedy="Choose a folder that can be written, with space.",
        ) from error
