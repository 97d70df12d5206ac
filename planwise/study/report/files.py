"""A report's files: one of HTML, one of Markdown with its charts in a folder beside it."""

from importlib.metadata import version
from pathlib import Path

from planwise.errors import InputError
from planwise.study.report.blocks import Document
from planwise.study.report.html import html_of
from planwise.study.report.ink import standalone
from planwise.study.report.markdown import markdown_of

STEM = "report"
HTML, MARKDOWN = ".html", ".md"
CHARTS = "_charts"


def write_report(document: Document, target: Path) -> list[Path]:
    """Write a report into a folder, or as the one file that `target` names; return what was written.

    Raises InputError for a file of another kind, OSError where nothing can be written.
    """
    if target.suffix and target.suffix not in (HTML, MARKDOWN) and not target.is_dir():
        raise InputError(
            f"{target.name} is neither HTML nor Markdown.", remedy="Name a folder, a .html or a .md file."
        )
    one = target.suffix in (HTML, MARKDOWN) and not target.is_dir()
    wanted = [target] if one else [target / f"{STEM}{suffix}" for suffix in (MARKDOWN, HTML)]
    footer = f"PlanWise {version('planwise')}. Money in the census's currency; rates a year."
    written = []
    for file in wanted:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == HTML:
            file.write_text(html_of(document, footer), encoding="utf-8")
        else:
            charts = file.with_name(f"{file.stem}{CHARTS}")
            charts.mkdir(exist_ok=True)
            for chart in document.charts:
                (charts / f"{chart.name}.svg").write_text(standalone(chart.svg), encoding="utf-8")
            file.write_text(markdown_of(document, footer, charts.name), encoding="utf-8")
        written.append(file)
    return written
