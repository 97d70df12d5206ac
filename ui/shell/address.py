"""Selection and draft in the address: deep links, back and forward, a reload that loses nothing."""

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

from planwise.errors import PlanWiseError
from planwise.parameters import parse_assignments
from ui.draft import BASELINE
from ui.selection import FIELDS, from_query, to_query
from ui.session import Session

BASE, EDIT = "base", "set"


def keep_in_address(session: Session, location: Any) -> None:
    """Follow the address, and write into it what is chosen and edited."""

    def follow(*_: Any) -> None:
        if location.search == _query(session, location.search):
            return
        session.selection.param.update(**from_query(location.search))
        _follow_draft(session, location.search)

    def write(*_: Any) -> None:
        location.search = _query(session, location.search)

    follow()
    session.selection.param.watch(write, list(FIELDS))
    session.draft.param.watch(write, ["scenario", "changes"])
    location.param.watch(follow, "search")


def _query(session: Session, search: str) -> str:
    """Return the query that says selection and draft; what else was in it (a theme, say) stays."""
    draft, ours = session.draft, {*FIELDS, BASE, EDIT}
    others = [(name, value) for name, value in parse_qsl(search.lstrip("?")) if name not in ours]
    edits = [(EDIT, f"{key}={_text(value)}") for key, value in draft.changes.items()]
    base = [(BASE, draft.scenario)] if draft.scenario != BASELINE else []
    query = "&".join(part for part in (to_query(session.selection), urlencode(base + edits + others)) if part)
    return f"?{query}" if query else ""


def _follow_draft(session: Session, search: str) -> None:
    query = parse_qs(search.lstrip("?"))
    base = query.get(BASE, [BASELINE])[0]
    try:
        changes = parse_assignments(query.get(EDIT, []))
        if base != session.draft.scenario or changes != session.draft.changes:
            session.draft.start_from(base, changes)
    except PlanWiseError as error:
        session.notify(
            f"The edits in the address are not used: {error.what}", tone="warning", remedy=error.remedy or ""
        )


def _text(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
