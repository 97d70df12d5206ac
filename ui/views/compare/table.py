"""Tables with a column for each scenario, and the names of the files behind them."""

import re
from collections.abc import Sequence
from html import escape

from ui.values.compared import ComparedScenarios

NAMES_IN_FILE = 3  # more would make a name that no disk takes
NAME_MAX = 48  # characters of a scenario, as the ledger has it
UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")


def side_by_side(caption: str, head: str, body: str) -> str:
    """Return a table of ours; `head` and `body` are HTML, escaped by who made them."""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f'<table class="compare"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def heads(found: ComparedScenarios) -> str:
    """Return a heading for each scenario; the first is said to be the base."""
    base, *others = found.names
    first = f'<th scope="col">{escape(base)}<br><span class="quiet">base</span></th>'
    return first + "".join(f'<th scope="col">{escape(name)}</th>' for name in others)


def file_name(what: str, names: Sequence[str], suffix: str) -> str:
    """Return a file's name that says what is in it; letters that a disk may refuse are left out."""
    more = [f"and_{len(names) - NAMES_IN_FILE}_more"] if len(names) > NAMES_IN_FILE else []
    parts = [what, *(UNSAFE.sub("-", name)[:NAME_MAX] for name in names[:NAMES_IN_FILE]), *more]
    return f"{'_'.join(parts)}.{suffix}"
