"""Selection and draft in the address: deep links, back and forward, a reload that loses nothing."""

from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode

from planwise.errors import InputError, PlanWiseError
from planwise.parameters import parse_assignments
from ui.draft import BASELINE, Lock
from ui.selection import FIELDS, from_query, to_query
from ui.session import Session

BASE, EDIT, LOCK = "base", "set", "lock"
WHO_MAX, WHY_MAX = 200, 120  # characters: the longest name of a user, and what the page takes for a reason


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
    write()  # an earlier address, such as that of a page that moved, becomes the present one
    session.selection.param.watch(write, list(FIELDS))
    session.draft.param.watch(write, ["scenario", "changes", "locks"])
    location.param.watch(follow, "search")


def _query(session: Session, search: str) -> str:
    """Return the query that says selection and draft; what else was in it (a theme, say) stays."""
    draft, known = session.draft, {*FIELDS, BASE, EDIT, LOCK}
    others = [(name, value) for name, value in parse_qsl(search.lstrip("?")) if name not in known]
    edits = [(EDIT, f"{key}={_text(value)}") for key, value in draft.changes.items()]
    locks = [(LOCK, _spelled(name, lock)) for name, lock in draft.locked.items()]
    base = [(BASE, draft.scenario)] if draft.scenario != BASELINE else []
    parts = (to_query(session.selection), urlencode(base + edits + locks + others))
    query = "&".join(part for part in parts if part)
    return f"?{query}" if query else ""


def _follow_draft(session: Session, search: str) -> None:
    query = parse_qs(search.lstrip("?"))
    base = query.get(BASE, [BASELINE])[0]
    try:
        changes, locks = parse_assignments(query.get(EDIT, [])), _locks(query.get(LOCK, []))
        draft = session.draft
        if (base, changes, locks) != (draft.scenario, draft.changes, draft.locked):
            draft.take_over(base, changes, locks)
    except PlanWiseError as error:
        session.notify(
            f"The edits in the address are not used: {error.what}", tone="warning", remedy=error.remedy or ""
        )
        with suppress(PlanWiseError):  # the scenario itself may be what is missing
            if base != session.draft.scenario:
                session.draft.start_from(base)


def _text(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _spelled(name: str, lock: Lock) -> str:
    """Return `lever=who=why`, as `_locks` reads it."""
    by, why = ("".join(filter(str.isprintable, text)) for text in (lock.by, lock.why))
    return "=".join((name, quote(by[:WHO_MAX], safe=" @"), why[:WHY_MAX]))


def _locks(texts: list[str]) -> dict[str, Lock]:
    """Return the locks that `lever=who=why` texts spell; raises InputError for what no page writes."""
    locks: dict[str, Lock] = {}
    for text in texts:
        name, _, rest = text.partition("=")
        by, _, why = rest.partition("=")
        by = unquote(by)
        if not by or len(by) > WHO_MAX or len(why) > WHY_MAX or not (by + why).isprintable():
            raise InputError(
                f"The lock of {name[:WHO_MAX]!r} has no user name, or is too long.",
                remedy="Lock it again.",
            )
        if name in locks:
            raise InputError(f"{name} is locked twice.", remedy="Keep one of the two.")
        locks[name] = Lock(by, why)
    return locks
