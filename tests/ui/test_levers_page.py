"""The Levers page without a browser: what is pressed, typed and sent does what it says to the draft."""

import pytest

from planwise.errors import InputError
from tests.ui.levers import FakeSession, Scenarios
from ui.views.levers.page import Levers

HOSTILE = '<img src=x onerror=alert(1)>{{7*7}}"=1+1'


@pytest.fixture
def session():
    return FakeSession(Scenarios(higher={"cola_rate": 0.035}))


@pytest.fixture
def page(session):
    return Levers(session)


def send(grid, **message):
    grid.layout._handle_msg(message)


def test_the_page_opens_on_the_draft(page, session):
    assert "Levers of baseline" in page._heading.object
    assert page._start.options == ["baseline", "higher"]
    assert page._discard.disabled and page._undo.disabled
    session.draft.set("cola_rate", 0.03)
    assert "1 edit not saved" in page._heading.object
    assert "3.00%" in page._edited.object
    assert not page._discard.disabled


def test_typing_into_a_cell_edits_and_a_wrong_text_is_refused_in_its_place(page, session):
    send(page._sheet, action="enter", lever="cola_rate", year=2028, texts=[["3.5"]])
    assert session.draft.changes == {"cola_rate@2028": 0.035}
    send(page._sheet, action="enter", lever="cola_rate", year=2028, texts=[["35"]])
    assert session.draft.changes == {"cola_rate@2028": 0.035}
    refused = page._sheet.layout.refused
    assert (refused["lever"], refused["year"]) == ("cola_rate", 2028)
    assert "35.00% is above the highest value allowed" in refused["what"]
    page._sheet.layout.chosen = {"lever": "merit_rate_level_1", "years": [2028]}
    assert page._editor._range.problem == ""
    page._sheet.layout.chosen = {"lever": "cola_rate", "years": [2028]}
    assert page._editor._range.problem == refused["what"]
    send(page._sheet, action="forget")
    assert page._editor._range.problem == ""
    send(page._sheet, action="unset", lever="cola_rate", year=2028)
    assert (session.draft.is_empty, page._sheet.layout.refused, page._editor._range.problem) == (True, {}, "")
    send(page._sheet, action="undo")
    assert session.draft.changes == {"cola_rate@2028": 0.035}
    send(page._sheet, action="redo")
    assert session.draft.is_empty


@pytest.mark.parametrize(
    "message",
    [
        {"action": "enter", "lever": "seed", "year": None, "texts": [["7"]]},
        {"action": "enter", "lever": HOSTILE, "year": None, "texts": [["7"]]},
        {"action": "enter", "lever": "cola_rate", "year": 1999, "texts": [["3"]]},
        {"action": "enter", "lever": "cola_rate", "year": None, "texts": [[HOSTILE]]},
        {"action": "enter", "lever": "cola_rate", "year": None, "texts": []},
        {"action": HOSTILE},
        {"no": "action"},
        [HOSTILE],
    ],
)
def test_messages_that_say_nothing_sensible_change_nothing(page, session, message):
    page._sheet.layout._handle_msg(message)
    assert session.draft.is_empty


def test_choosing_a_cell_shows_it_in_the_editor(page):
    page._sheet.layout.chosen = {"lever": "new_hire_salary_adjustment", "years": [2027, 2028]}
    editor = page._editor
    assert "New-hire salary adjustment" in editor._head.object
    assert editor._years.value == ["2027", "2028"]
    ranged = editor._range
    assert (ranged.bounds, ranged.recommended, ranged.unit) == ((1.0, 1.4), (1.05, 1.2), "×")
    page._sheet.layout.chosen = {"lever": "seed'; drop table", "years": None}
    assert "New-hire" in editor._head.object


def test_the_slider_edits_what_is_chosen_and_a_drag_is_one_step(page, session):
    page._sheet.layout.chosen = {"lever": "cola_rate", "years": [2027]}
    for value in (2.6, 2.7, 2.8):
        page._editor._range._handle_msg({"action": "slide", "value": value, "gesture": 1})
    assert session.draft.changes == {"cola_rate@2027": 0.028}
    session.draft.undo()
    assert session.draft.is_empty
    page._editor._range._handle_msg({"action": "enter", "text": "3.25%"})
    assert session.draft.changes == {"cola_rate@2027": 0.0325}
    page._editor._range._handle_msg({"action": "slide", "value": "high", "gesture": 1})
    page._editor._range._handle_msg({"action": "enter", "text": HOSTILE})
    assert session.draft.changes == {"cola_rate@2027": 0.0325}


def test_years_are_chosen_together_or_all(page):
    editor = page._editor
    editor._years.value = ["All", "2027"]
    assert page._choice.years == (2027,)
    editor._years.value = ["2027", "2029"]
    assert page._choice.years == (2027, 2029)
    assert page._sheet.layout.chosen == {"lever": "cola_rate", "years": [2027, 2029]}
    editor._years.value = ["2027", "2029", "All"]
    assert (page._choice.years, editor._years.value) == (None, ["All"])
    editor._years.value = []
    assert (page._choice.years, editor._years.value) == (None, ["All"])


def test_buttons_reset_copy_and_spread(page, session):
    draft = session.draft
    page._choice.choose("merit_rate_level_2", None)
    page._editor._to(0.04)
    page._editor._copied()
    assert draft.changes == {f"merit_rate_level_{level}": 0.04 for level in range(1, 6)}
    page._editor._reset()
    assert "merit_rate_level_2" not in draft.changes
    page._editor._to(page._editor._middle_value())
    assert draft.changes["merit_rate_level_2"] == 0.035
    ramp = page._editor._ramp
    ramp._low.value, ramp._high.value = "3", "4%"
    ramp._low.value_input, ramp._high.value_input = "3", "4%"
    ramp._spread()
    values = [draft.effective.value("merit_rate_level_2", year) for year in draft.effective.years]
    assert values == [0.03, 0.0325, 0.035, 0.0375, 0.04]
    ramp._high.value_input = "40"
    ramp._spread()
    assert "above the highest" in page._choice.refused["what"]


def test_a_locked_lever_is_closed_and_says_who_and_why(page, session):
    page._editor._why.value_input = HOSTILE
    page._editor._locked()
    assert session.draft.locks == ("cola_rate",)
    assert page._editor._range.locked
    assert "Locked by ana: &lt;img" in page._editor._head.object
    assert HOSTILE not in page._editor._head.object
    send(page._sheet, action="enter", lever="cola_rate", year=None, texts=[["3"]])
    assert "locked by ana" in page._sheet.layout.refused["what"]
    page._editor._locked()
    assert session.draft.locks == ()
    assert not page._editor._range.locked


def test_presets_say_what_they_set_before_and_respect_locks(page, session):
    page._tabs.active = 2
    presets = page._presets.part
    presets._list.value = "freeze"
    assert "Cost-of-living raise" in presets._what.object
    assert session.draft.is_empty
    session.draft.lock(["cola_rate"], by="ana")
    assert "Locked, so left as they are: Cost-of-living raise." in presets._what.object
    presets._applied()
    assert "cola_rate" not in session.draft.changes
    assert session.draft.changes["merit_rate_level_1"] == 0.01
    assert "Nothing would change" in presets._what.object
    assert presets._apply.disabled


def test_presets_follow_the_market_budget(page, session):
    page._tabs.active = 2
    presets = page._presets.part
    session.draft.set("market_budget", 0.04)
    assert "Market survey budget (4.0% in total)" in presets._list.options
    session.draft.set("market_budget", 0.2)
    assert "outside its hard bounds" in presets._what.object
    assert presets._apply.disabled


def test_assumptions_are_searched_and_edited(page, session):
    page._tabs.active = 1
    part = page._assumptions.part
    part._search.value_input = "turnover"
    assert "of 64 assumptions" in part._count.object
    part._search.value_input = HOSTILE
    assert "No assumption has these words." in part._count.object
    part._search.value_input = ""
    send(part._sheet, action="enter", lever="merit_date", year=None, texts=[["10-01"]])
    part._choice.choose("payroll_budget", None)
    part._editor._field.value = "1,250,000"
    assert session.draft.changes == {"merit_date": "10-01", "payroll_budget": 1250000.0}
    part._editor._field.value = "-5"
    assert part._editor._field.error_state
    assert "below the lowest" in part._editor._field.helper_text
    part._edited.value = True
    assert "2 of 64" in part._count.object


def test_a_file_is_applied_as_a_whole_or_not(page, session):
    page._tabs.active = 3
    files = page._files.part
    files._upload.param.update(filename=HOSTILE, value=b"parameter,year,value\ncola_rate,2027,3%\nx,,1\n")
    assert session.draft.is_empty
    assert "1 bad row" in files._outcome.object
    assert "<img" not in files._outcome.object
    files._upload.param.update(filename="a.csv", value=b"parameter,year,value\ncola_rate,2027,3%\n")
    assert session.draft.changes == {"cola_rate@2027": 0.03}
    assert files._upload.value is None


def test_while_another_page_is_shown_nothing_is_drawn(page, session):
    session.selection.page = "whatif"
    session.draft.set("cola_rate", 0.03)
    assert "no edits" in page._heading.object
    session.selection.page = "levers"
    page.refresh()
    assert "1 edit not saved" in page._heading.object


def test_a_home_that_cannot_be_read_says_why(monkeypatch):
    scenarios = Scenarios()

    def refuse(name):
        raise InputError("There is no census.", remedy="`planwise census generate`")

    monkeypatch.setattr(scenarios, "effective", refuse)
    page = Levers(FakeSession(scenarios))
    assert "There is no census." in page._problem.object
    monkeypatch.undo()
    page.refresh()
    assert page._body in page.layout.objects


def test_who_may_only_look_cannot_edit():
    session = FakeSession(may_edit=False)
    page = Levers(session)
    assert not page._sheet.layout.editable
    assert page._editor._range.locked
    assert page._save.disabled
    send(page._sheet, action="enter", lever="cola_rate", year=None, texts=[["3"]])
    send(page._sheet, action="unset", lever="cola_rate", year=None)
    page._editor._locked()
    assert session.draft.is_empty and session.draft.locks == ()
    assert "Your role may look" in page._choice.refused["what"]
