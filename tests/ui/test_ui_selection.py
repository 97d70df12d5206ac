from types import SimpleNamespace

import param
import pytest

from ui.selection import Selection, from_query, keep_in_address, to_query


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("", {"scenario": "", "year": None, "study": ""}),
        ("?scenario=a_b&year=2028&study=s1", {"scenario": "a_b", "year": 2028, "study": "s1"}),
        ("?year=abc", {"scenario": "", "year": None, "study": ""}),
        ("?year=-1", {"scenario": "", "year": None, "study": ""}),
        ("?year=99999999999999999999", {"scenario": "", "year": None, "study": ""}),
        ("?scenario=1&scenario=2", {"scenario": "1", "year": None, "study": ""}),
        ("?scenario=%3Cscript%3E", {"scenario": "<script>", "year": None, "study": ""}),
    ],
)
def test_an_address_is_read_and_what_is_not_usable_is_the_default(search, expected):
    assert from_query(search) == expected


def test_a_selection_comes_back_from_the_address_it_is_written_to():
    chosen = Selection(scenario="a&b=c", year=2027, study="é s")
    search = to_query(chosen, "?theme=dark")
    assert "theme=dark" in search
    assert from_query(search) == {"scenario": "a&b=c", "year": 2027, "study": "é s"}


def test_nothing_chosen_leaves_the_address_alone():
    assert to_query(Selection(), "") == ""


class Location(param.Parameterized):
    search = param.String("?scenario=x&year=2028")


def test_address_and_selection_follow_each_other():
    location, selection = Location(), Selection()
    keep_in_address(selection, location)
    assert (selection.scenario, selection.year) == ("x", 2028)
    selection.scenario = "y"
    assert from_query(location.search)["scenario"] == "y"
    location.search = "?study=z"
    assert (selection.scenario, selection.year, selection.study) == ("", None, "z")


def test_nothing_is_chosen_without_a_query():
    selection = Selection()
    keep_in_address(selection, SimpleNamespace(search="", param=Location().param))
    assert selection.scenario == ""
