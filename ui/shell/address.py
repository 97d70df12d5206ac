"""Selection and draft in the address: for links, back and forward, and reloads."""

from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlencode

from planwise.errors import InputError, PlanWiseError
from planwise.parameters import parse_assignments
from ui.draft import BASELINE, Lock
from ui.selection import FIELDS, from_query, to_query
from ui.session import Session

BASE, EDIT, LOCK = "base", "set", "lock"
USER_MAX, REASON_MAX = 200, 120  # characters: of a user name and of a reason


def keep_in_address(session: Session, location: Any) -> None:
    """Follow the address, and write the selection and the edits into it."""

    def follow(*_: Any) -> None:
        if location.search == _query(session, location.search):
            return
        session.selection.param.update(**from_query(location.search))
        _follow_draft(session, location.search)

    def write(*_: Any) -> None:
        location.search = _query(session, location.search)

    follow()
    write()  # an old address, such as that of a page that moved, is replaced by the current one
    session.selection.param.watch(write, list(FIELDS))
    session.draft.param.watch(write, ["scenario", "changes", "locks"])
    location.param.watch(follow, "search")


def _query(session: Session, search: str) -> str:
    """Return the query with selection and draft; other parts of `search`, such as a theme, are kept."""
    draft, known = session.draft, {*FIELDS, BASE, EDIT, LOCK}
    others = [(name, value) for name, value in parse_qsl(search.lstrip("?")) if name not in known]
    edits = [(EDIT, f"{key}={_text(value)}") for key, value in draft.changes.items()]
    locks = [(LOCK, _lock_text(name, lock)) for name, lock in draft.locked.items()]
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
        with suppress(PlanWiseError):  # the scenario itself may be missing
            if base != session.draft.scenario:
                session.draft.start_from(base)


def _text(value: object) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _lock_text(name: str, lock: Lock) -> str:
    """Return a lock as `lever=user=reason`, which `_locks` reads."""
    by, why = ("".join(filter(str.isprintable, text)) for text in (lock.by, lock.why))
    return "=".join((name, quote(by[:USER_MAX], safe=" @"), why[:REASON_MAX]))


def _locks(texts: list[str]) -> dict[str, Lock]:
    """Return the locks of `lever=user=reason` texts; raises InputError for a text that no page writes."""
    locks: dict[str, Lock] = {}
    for text in texts:
        name, _, rest = text.partition("=")
        by, _, why = rest.partition("=")
        by = unquote(by)
        if not by or len(by) > USER_MAX or len(why) > REASON_MAX or not (by + why).isprintable():
            raise InputError(
                f"The lock of {name[:USER_MAX]!r} has no user name, or is too long.",
                remedy="Lock it again.",
            )
        if name in locks:
            raise InputError(f"{name} is locked twice.", remedy="Keep one of the two.")
        locks[name] = Lock(by, why)
    return locks
