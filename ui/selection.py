"""The selection of a session, and the query of an address that holds it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode

import param

TEXT_MAX = 200  # characters of a name in an address; longer than any scenario
NAMES_MAX = 6  # scenarios that are compared at once
MOVED = {"levers": "plan", "whatif": "plan"}  # pages of earlier addresses
DEPARTMENTS_MAX = 50  # that a filter names; more do not fit an address


class Selection(param.Parameterized):
    """The selection; an empty text or tuple, or None, is the page's own default."""

    page = param.String(default="")
    scenario = param.String(default="")
    year = param.Integer(default=None, allow_None=True)
    level = param.Integer(default=None, allow_None=True)
    study = param.String(default="")
    job = param.String(default="")
    proposal = param.Integer(default=None, allow_None=True)
    compare = param.ClassSelector(default=(), class_=tuple)
    employee = param.String(default="")
    topic = param.String(default="")
    section = param.String(default="")
    status = param.String(default="")
    departments = param.ClassSelector(default=(), class_=tuple)
    gender = param.String(default="")
    event = param.String(default="")
    budget = param.String(default="")


@dataclass(frozen=True)
class Field:
    """How one choice is read from and written to an address."""

    read: Callable[[str], Any]
    write: Callable[[Any], str] = str


def _text(text: str) -> str:
    return text[:TEXT_MAX]


def _page(text: str) -> str:
    """Read a page; the addresses that Plan replaced lead to it."""
    return MOVED.get(text, _text(text))


def _small_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 4 else None


def _names(text: str) -> tuple[str, ...]:
    return tuple(name[:TEXT_MAX] for name in text.split(",") if name)[:NAMES_MAX]


def _quoted(text: str) -> tuple[str, ...]:
    """Read names that may have commas in them."""
    return tuple(unquote(name)[:TEXT_MAX] for name in text.split(",") if name)[:DEPARTMENTS_MAX]


FIELDS: Mapping[str, Field] = {
    "page": Field(_page),
    "scenario": Field(_text),
    "year": Field(_small_number),
    "level": Field(_small_number),
    "study": Field(_text),
    "job": Field(_text),
    "proposal": Field(_small_number),
    "compare": Field(_names, ",".join),
    "employee": Field(_text),
    "topic": Field(_text),
    "section": Field(_text),
    "status": Field(_text),
    "departments": Field(_quoted, lambda names: ",".join(quote(name, safe="") for name in names)),
    "gender": Field(_text),
    "event": Field(_text),
    "budget": Field(_text),
}


def from_query(search: str) -> dict[str, Any]:
    """Return the selection in the query of an address; missing or unusable fields have the default."""
    query = parse_qs(search.lstrip("?"))
    return {name: field.read(query.get(name, [""])[0]) for name, field in FIELDS.items()}


def to_query(selection: Selection) -> str:
    """Return the query of a selection, without defaults."""
    chosen = {name: getattr(selection, name) for name in FIELDS}
    return urlencode([(name, FIELDS[name].write(value)) for name, value in chosen.items() if value])
