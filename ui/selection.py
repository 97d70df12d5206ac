"""What a session looks at, and the same in the address of the page."""

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode

import param

TEXT_MAX = 200  # characters of a name in an address; longer ones are nobody's scenario


class Selection(param.Parameterized):
    """What was chosen; an empty text or None is the page's own default."""

    scenario = param.String(default="")
    year = param.Integer(default=None, allow_None=True)
    study = param.String(default="")


def from_query(search: str) -> dict[str, Any]:
    """Return the selection in the query of an address; what is not there or not usable is the default."""
    query = parse_qs(search.lstrip("?"))
    first = {name: values[0][:TEXT_MAX] for name, values in query.items()}
    year = first.get("year", "")
    return {
        "scenario": first.get("scenario", ""),
        "year": int(year) if year.isdecimal() and len(year) <= 4 else None,
        "study": first.get("study", ""),
    }


def to_query(selection: Selection, search: str) -> str:
    """Return the query with the selection in it; what else was in the query stays."""
    chosen = {"scenario": selection.scenario, "year": selection.year, "study": selection.study}
    others = [(name, value) for name, value in parse_qsl(search.lstrip("?")) if name not in chosen]
    query = urlencode(others + [(name, value) for name, value in chosen.items() if value])
    return f"?{query}" if query else ""


def keep_in_address(selection: Selection, location: Any) -> None:
    """Follow the address (deep links, back and forward), and write what is chosen into it."""

    def follow(*_: Any) -> None:
        selection.param.update(**from_query(location.search))

    def write(*_: Any) -> None:
        location.search = to_query(selection, location.search)

    follow()
    selection.param.watch(write, ["scenario", "year", "study"])
    location.param.watch(follow, "search")
