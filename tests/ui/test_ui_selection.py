from types import SimpleNamespace

import param
import pytest

from ui.draft import Draft
from ui.selection import Selection, from_query, to_query
from ui.shell.address import keep_in_address

NOTHING = {name: value for name, value in Selection().param.values().items() if name != "name"}


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("", {}),
        ("?scenario=a_b&year=2028&study=s1", {"scenario": "a_b", "year": 2028, "study": "s1"}),
        ("?year=abc", {}),
        ("?year=-1", {}),
        ("?year=99999999999999999999", {}),
        ("?scenario=1&scenario=2", {"scenario": "1"}),
        ("?scenario=%3Cscript%3E", {"scenario": "<script>"}),
        ("?compare=a,b,,c", {"compare": ("a", "b", "c")}),
    ],
)
def test_an_address_is_read_and_what_is_not_usable_is_the_default(search, expected):
    assert from_query(search) == NOTHING | expected


def test_a_selection_comes_back_from_the_address_it_is_written_to():
    chosen = Selection(scenario="a&b=c", year=2027, study="é s", compare=("a", "b"), page="compare")
    assert from_query("?" + to_query(chosen)) == {n: getattr(chosen, n) for n in NOTHING}


def test_nothing_chosen_is_no_query():
    assert to_query(Selection()) == ""


class Location(param.Parameterized):
    search = param.String("?scenario=x&year=2028&theme=dark")


def a_session():
    told = []
    draft = Draft(lambda scenario, changes=None: None)
    return SimpleNamespace(
        selection=Selection(), draft=draft, notify=lambda *a, **k: told.append(a), told=told
    )


def test_address_and_selection_follow_each_other():
    location, session = Location(), a_session()
    keep_in_address(session, location)
    assert (session.selection.scenario, session.selection.year) == ("x", 2028)
    session.selection.scenario = "y"
    assert from_query(location.search)["scenario"] == "y"
    assert "theme=dark" in location.search
    location.search = "?study=z"
    selection = session.selection
    assert (selection.scenario, selection.year, selection.study) == ("", None, "z")


def test_edits_that_cannot_be_are_said_and_not_taken():
    session = a_session()
    keep_in_address(session, Location(search="?set=no_such_lever=1"))
    assert session.draft.is_empty
    assert "no_such_lever" in session.told[0][0]
