"""A report as one HTML file that asks nothing of any other."""

from collections.abc import Sequence
from html import escape

from planwise.study.report.blocks import Block, Chart, Code, Document, Facts, Section, Table, Text
from planwise.study.report.style import STYLE

WORDS, NUMBERS, TOTAL = ' class="t"', "", ' class="total"'


def html_of(document: Document, footer: str) -> str:
    """Return the report as HTML; whatever people wrote is escaped, charts are inline."""
    tone = f" {document.answer_tone}" if document.answer_tone else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(document.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(document.title)}</h1>\n"
        f'<p class="subtitle">{escape(document.subtitle)}</p>\n'
        f'<p class="answer{tone}">{escape(document.answer)}</p>\n'
        f"{''.join(map(_section, document.sections))}"
        f"<footer>{escape(footer)}</footer>\n</main>\n</body>\n</html>\n"
    )


def _section(section: Section) -> str:
    title = f"<h2>{escape(section.title)}</h2>\n" if section.title else ""
    return f"<section>\n{title}{''.join(map(_block, section.blocks))}</section>\n"


def _block(block: Block) -> str:
    match block:
        case Facts():
            return _facts(block)
        case Text():
            tone = f' class="{block.tone}"' if block.tone else ""
            return f"<p{tone}>{escape(block.text)}</p>\n"
        case Code():
            return f"<pre>{escape(block.text)}</pre>\n"
        case Chart():
            return f"<figure>\n{block.svg}\n<figcaption>{escape(block.caption)}</figcaption>\n</figure>\n"
        case Table():
            return _table(block)


def _facts(facts: Facts) -> str:
    cells = "".join(
        f'<div><dt>{escape(fact.label)}</dt><dd><span class="value {fact.tone}">{escape(fact.value)}</span>'
        f'<br><span class="remark">{escape(fact.remark)}</span></dd></div>\n'
        for fact in facts.facts
    )
    return f'<dl class="facts">\n{cells}</dl>\n'


def _table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        parts = (
            f"<{tag}{WORDS if place < table.texts else NUMBERS}>{escape(cell)}</{tag}>"
            for place, cell in enumerate(cells)
        )
        return "".join(parts)

    last = len(table.rows) - 1
    rows = "".join(
        f"<tr{TOTAL if table.total and place == last else ''}>{row(cells, 'td')}</tr>\n"
        for place, cells in enumerate(table.rows)
    )
    caption = "" if table.fold else f"<caption>{escape(table.caption)}</caption>\n"
    whole = (
        f'<div class="scroll"><table>\n{caption}<thead><tr>{row(table.columns, "th")}</tr></thead>\n'
        f"<tbody>\n{rows}</tbody></table></div>\n"
    )
    if not table.fold:
        return whole
    return f"<details><summary>{escape(table.caption)}</summary>\n{whole}</details>\n"
