"""A report in Markdown; its charts are files beside it."""

import re
from collections.abc import Sequence

from planwise.study.report.blocks import Block, Chart, Code, Document, Facts, Table, Text

# An underscore within a word is none of Markdown's business, and names are full of them.
_SPECIAL = re.compile(r"([\\`*\[\]<>|~$&]|(?<!\w)_|_(?!\w))")
_LINE_START = re.compile(r"^([-+=#]|\d+[.)])(?=\W|$)")


def markdown_of(document: Document, footer: str, charts: str) -> str:
    """Return the report as Markdown; `charts` is the folder of its charts, relative to the file."""
    lines = [
        f"# {escaped(document.title)}",
        escaped(document.subtitle),
        f"**{escaped(document.answer)}**",
    ]
    for section in document.sections:
        lines += [f"## {escaped(section.title)}"] if section.title else []
        lines += [_block(block, charts) for block in section.blocks]
    return "\n\n".join([*lines, "---", escaped(footer)]) + "\n"


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is: one line, no markup, no HTML."""
    flat = " ".join(text.split())
    return _LINE_START.sub(_behind_a_backslash, _SPECIAL.sub(r"\\\1", flat))


def _behind_a_backslash(start: re.Match[str]) -> str:
    return f"{start[0][:-1]}\\{start[0][-1]}"


def _block(block: Block, charts: str) -> str:
    match block:
        case Facts():
            rows = [(f.label, f.value, f.remark) for f in block.facts]
            return _rows(("figure", "value", ""), rows, texts=3)
        case Text():
            return f"> {escaped(block.text)}" if block.tone else escaped(block.text)
        case Code():
            fence = "`" * (3 + max((len(run) for run in re.findall("`+", block.text)), default=0))
            return f"{fence}\n{block.text}\n{fence}"
        case Chart():
            return f"![{escaped(block.caption)}]({charts}/{block.name}.svg)"
        case Table():
            return f"{escaped(block.caption)}\n\n{_rows(block.columns, block.rows, texts=block.texts)}"


def _rows(columns: Sequence[str], rows: Sequence[Sequence[str]], *, texts: int) -> str:
    head = [escaped(column) for column in columns]
    rule = ["---" if place < texts else "---:" for place in range(len(head))]
    body = [[escaped(cell) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *body))
