"""Markdown of ours as HTML; HTML within it is shown as text."""

from functools import cache

from markdown_it import MarkdownIt

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
