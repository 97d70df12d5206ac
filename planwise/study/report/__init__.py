"""The evidence report of a study: its settings, its result, and what the result rests on.

`templates/sections.jinja` is the content; `report.html.jinja` and `report.md.jinja` are its two formats.
"""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from planwise import formatting
from planwise.errors import InputError
from planwise.formatting import escape_markdown, in_currency
from planwise.study.report.evidence import Evidence, Report, gather_evidence
from planwise.study.report.theme import DARK, LIGHT, css_variables, standalone_svg

__all__ = [
    "Evidence",
    "Report",
    "gather_evidence",
    "render_html",
    "render_markdown",
    "write_report",
]

STEM = "report"
HTML, MARKDOWN = ".html", ".md"
CHARTS = "_charts"
_SPACES = re.compile(r"[ \t\r\n]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def render_html(report: Report) -> str:
    """Return the report as one HTML page that loads no other file."""
    themes = {"light": css_variables(LIGHT), "dark": css_variables(DARK)}
    template = _environment().get_template("report.html.jinja")
    with in_currency(report.evidence.header.currency):
        return template.render(report=report, footer=_footer(), **themes)


def render_markdown(report: Report, charts_folder: str) -> str:
    """Return the report as Markdown; `charts_folder` holds its charts and is relative to the file."""
    environment = _environment(finalize=_escape_unless_markup)
    template = environment.get_template("report.md.jinja")
    with in_currency(report.evidence.header.currency):
        text = template.render(report=report, footer=_footer(), charts_folder=charts_folder)
    return _BLANK_LINES.sub("\n\n", text)


def write_report(report: Report, target: Path) -> list[Path]:
    """Write both formats into a folder, or one format into the file `target`; return the written files.

    Raises InputError for a file of another kind, OSError where nothing can be written.
    """
    is_file = bool(target.suffix) and not target.is_dir()
    if is_file and target.suffix not in (HTML, MARKDOWN):
        raise InputError(
            f"{target.name} is neither HTML nor Markdown.", remedy="Name a folder, a .html or a .md file."
        )
    files = [target] if is_file else [target / f"{STEM}{suffix}" for suffix in (MARKDOWN, HTML)]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == HTML:
            file.write_text(render_html(report), encoding="utf-8")
            continue
        folder = file.with_name(f"{file.stem}{CHARTS}")
        folder.mkdir(exist_ok=True)
        for name, svg in report.charts.items():
            (folder / f"{name}.svg").write_text(standalone_svg(svg), encoding="utf-8")
        file.write_text(render_markdown(report, folder.name), encoding="utf-8")
    return files


def _environment(**options: Any) -> Environment:
    environment = Environment(
        loader=PackageLoader(__name__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )
    for name in ("money", "money_short", "count", "number", "percent", "points", "ratio"):
        environment.filters[name] = getattr(formatting, name)
    environment.filters |= {"one_line": _one_line, "fenced": _fenced}
    return environment


def _escape_unless_markup(value: Any) -> Any:
    return value if isinstance(value, Markup) else Markup(escape_markdown(str(value)))


def _one_line(text: Markup) -> Markup:
    return Markup(_SPACES.sub(" ", text).strip())


def _fenced(text: str) -> Markup:
    """Return a verbatim block of Markdown, in more backticks than the text has in a row."""
    fence = "`" * (3 + max(map(len, re.findall("`+", text)), default=0))
    return Markup(f"{fence}\n{text}\n{fence}")


def _footer() -> str:
    return f"PlanWise {version('planwise')}. Money in the census's currency; rates a year."
