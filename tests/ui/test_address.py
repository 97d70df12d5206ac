"""The address in the browser: selection, edits and locks, read and written."""

from types import SimpleNamespace
from urllib.parse import parse_qs, urlencode

import param
import pytest

from planwise.errors import InputError
from planwise.parameters import resolve
from ui.draft import Draft, Lock
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
    search = param.String(default="")


def a_session():
    told = []
    draft = Draft(lambda scenario, changes=None: None)
    return SimpleNamespace(
        selection=Selection(), draft=draft, notify=lambda *a, **k: told.append(a), told=told
    )


def test_address_and_selection_follow_each_other():
    location, session = Location(search="?scenario=x&year=2028&theme=dark"), a_session()
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


def resolved(name):
    if name not in ("baseline", "lean"):
        raise InputError(f"Unknown scenario {name!r}.", remedy="`planwise scenario list`.")
    return resolve((2026, 2027), scenario={})


@pytest.fixture
def opened():
    def open_at(query):
        told = []
        session = SimpleNamespace(
            selection=Selection(),
            draft=Draft(resolved),
            notify=lambda text, **more: told.append((text, more["tone"], more["remedy"])),
        )
        location = Location(search=query)
        keep_in_address(session, location)
        return session.draft, location, told

    return open_at


def test_edits_are_in_the_address_and_back(opened):
    draft, location, told = opened("?page=plan")
    draft.set("cola_rate", 0.04)
    draft.set("cola_rate@2027", 0.035)
    draft.set("individual_raise_max", 0.1)
    assert parse_qs(location.search)["set"] == [
        "cola_rate=0.04",
        "cola_rate@2027=0.035",
        "individual_raise_max=0.1",
    ]
    again, _, _ = opened(location.search)
    assert again.changes == draft.changes
    assert told == []


def test_a_scenario_in_the_address_stays_when_an_edit_there_is_not_one(opened):
    draft, location, told = opened("?page=plan&base=lean&set=zzz%3D1&set=cola_rate%3D0.04")
    assert (draft.scenario, draft.is_empty) == ("lean", True)
    assert parse_qs(location.search)["base"] == ["lean"]
    assert told[0][0].startswith("The edits in the address are not used: Unknown parameter 'zzz'")


def test_back_in_the_browser_is_a_step_that_can_be_undone(opened):
    draft, location, _ = opened("?page=plan")
    draft.set("cola_rate", 0.04)
    location.search = "?page=plan"
    assert draft.is_empty
    draft.undo()
    assert draft.changes == {"cola_rate": 0.04}


@pytest.mark.parametrize(
    "assignments",
    [
        ["cola_rate=<script>alert(1)</script>"],
        ["'; DROP TABLE scenario; --=1"],
        ["=1+1"],
        ["cola_rate"],
        ["cola_rate=nan"],
        ["cola_rate=1e999"],
        ["cola_rate=0.9"],
        ["cola_rate@1999=0.03"],
        ["cola_rate=0.03", "cola_rate=0.04"],
        ["merit_rate_level_9=0.03"],
        ["new_hire_level_share_1=0.5"],
        ["years=99999999999999999999"],
        ["years=2030-2026"],
        ["cola_date=02-30"],
        ["cola_rate=" + "9" * 5000],
        ["cola_rate=٣"],
        ["\x00=\x00"],
    ],
)
def test_what_cannot_be_in_an_address_is_refused_with_a_notice(opened, assignments):
    draft, _, told = opened("?" + urlencode([("set", text) for text in assignments]))
    assert draft.is_empty
    ((text, tone, remedy),) = told
    assert tone == "warning"
    assert remedy
    assert "not used" in text


def test_a_base_that_is_gone_is_refused_with_a_notice(opened):
    draft, _, told = opened("?base=gone&set=cola_rate%3D0.04")
    assert (draft.scenario, draft.is_empty) == ("baseline", True)
    assert "Unknown scenario 'gone'" in told[0][0]


def test_locks_are_in_the_address_with_who_and_why(opened):
    draft, location, _ = opened("?page=plan")
    draft.set("cola_rate", 0.04)
    draft.lock(["cola_rate"], by="ana=b@x.org", why="agreed = settled & <b>signed</b>\u200b")
    draft.lock(["merit_rate_level_1"], by="bob")
    again, _, told = opened(location.search)
    assert again.changes == {"cola_rate": 0.04}
    assert again.locked == {
        "cola_rate": Lock("ana=b@x.org", "agreed = settled & <b>signed</b>"),
        "merit_rate_level_1": Lock("bob"),
    }
    assert told == []
    with pytest.raises(InputError, match="locked by ana"):
        again.set("cola_rate", 0.03)


def test_back_leads_to_the_locks_of_then_and_over_them(opened):
    draft, location, told = opened("?page=plan")
    draft.set("cola_rate", 0.04)
    edited = location.search
    draft.lock(["cola_rate"], by="ana")
    location.search = edited
    assert (draft.changes, draft.locks) == ({"cola_rate": 0.04}, ())
    draft.undo()
    location.search = "?page=plan"
    assert (draft.is_empty, draft.locks, told) == (True, (), [])


@pytest.mark.parametrize(
    "locks",
    [
        ["cola_rate"],
        ["cola_rate=="],
        ["no_such_lever=ana"],
        ["market_growth_rate=ana"],
        ["cola_rate@2027=ana"],
        ["cola_rate=ana", "cola_rate=bob"],
        ["cola_rate=ana=" + "w" * 121],
        ["cola_rate=" + "a" * 201],
        ["cola_rate=ana=\x00"],
        ["cola_rate=%0a"],
        ["<script>=ana"],
        ["=" * 9999],
    ],
)
def test_locks_that_cannot_be_are_refused_with_the_edits_beside_them(opened, locks):
    query = [("set", "cola_rate=0.04"), *(("lock", text) for text in locks)]
    draft, _, told = opened("?" + urlencode(query))
    assert (draft.is_empty, draft.locks) == (True, ())
    ((text, tone, remedy),) = told
    assert (tone, bool(remedy), "not used" in text) == ("warning", True, True)


@pytest.mark.parametrize("earlier", ["levers", "whatif"])
def test_an_address_of_a_page_before_plan_keeps_all_it_says(opened, earlier):
    lock = "lock=merit_rate_level_1%3Dana%3Dagreed"
    query = f"&scenario=lean&year=2027&base=lean&set=cola_rate%402027%3D0.035&{lock}"
    draft, location, told = opened(f"?page={earlier}{query}")
    assert (draft.scenario, draft.changes, draft.locks) == (
        "lean",
        {"cola_rate@2027": 0.035},
        ("merit_rate_level_1",),
    )
    assert parse_qs(location.search[1:]) == parse_qs(f"page=plan{query}")
    assert told == []
