"""The editor of the page Plan without a browser: messages, buttons, files and saving."""

import asyncio

import pytest

from planwise.errors import InputError
from planwise.parameters import catalogue, resolve
from tests.ui.plan_world import FakeSession, Scenarios
from ui.draft import Draft
from ui.pages.plan.editor import Details, EditorChoice
from ui.pages.plan.page import TABS, PlanPage

DEFAULT_RATE, IN_FORCE_RATE = 0.0, 0.031
HOSTILE = '<img src=x onerror=alert(1)>{{7*7}}"=1+1'


@pytest.fixture
def session():
    return FakeSession(Scenarios(higher={"cola_rate": 0.035}))


@pytest.fixture
def page(session):
    return PlanPage(session)


def send(grid, **message):
    grid.layout._handle_msg(message)


@pytest.fixture
def by_year(page):
    page._tabs.active = TABS.index("By year")
    return page._by_year.part


def test_the_page_opens_on_the_draft(page, session):
    assert "Plan on baseline" in page._heading.object
    assert "all 10,000 employees of people" in page._heading.object
    assert page._base.options == ["baseline", "higher"]
    assert page._discard.disabled and page._undo.disabled
    session.draft.set("cola_rate", 0.03)
    assert "1 edit not saved" in page._heading.object
    assert "3.00%" in page._changes.objects[0].object
    assert not page._discard.disabled


def test_typing_into_a_cell_edits_and_a_wrong_text_is_refused_in_its_place(by_year, session):
    grid, editor = by_year.grid, by_year.details._editor
    send(grid, action="enter", lever="cola_rate", year=2028, texts=[["3.5"]])
    assert session.draft.changes == {"cola_rate@2028": 0.035}
    send(grid, action="enter", lever="cola_rate", year=2028, texts=[["35"]])
    assert session.draft.changes == {"cola_rate@2028": 0.035}
    refused = grid.layout.refused
    assert (refused["lever"], refused["year"]) == ("cola_rate", 2028)
    assert "35.00% is above the highest value allowed" in refused["what"]
    grid.layout.chosen = {"lever": "merit_rate_level_1", "years": [2028]}
    assert editor.values["merit_rate_level_1"]["problem"] == ""
    grid.layout.chosen = {"lever": "cola_rate", "years": [2028]}
    assert refused["what"] in editor.values["cola_rate"]["problem"]
    send(grid, action="forget")
    assert editor.values["cola_rate"]["problem"] == ""
    send(grid, action="unset", lever="cola_rate", year=2028)
    assert (session.draft.is_empty, grid.layout.refused) == (True, {})
    send(grid, action="undo")
    assert session.draft.changes == {"cola_rate@2028": 0.035}
    send(grid, action="redo")
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
def test_malformed_messages_of_the_grid_change_nothing(by_year, session, message):
    by_year.grid.layout._handle_msg(message)
    assert session.draft.is_empty


def test_choosing_a_cell_shows_it_in_the_details(page, by_year):
    by_year.grid.layout.chosen = {"lever": "new_hire_salary_adjustment", "years": [2027, 2028]}
    details = by_year.details
    assert "New-hire salary adjustment" in details._head.object
    board = details._editor.board
    assert board["chosen"] == [2027, 2028]
    row = board["groups"][0]["levers"][0]
    assert (row["low"], row["high"], row["recommended"], row["unit"]) == (1.0, 1.4, [1.05, 1.2], "×")
    by_year.grid.layout.chosen = {"lever": "seed'; drop table", "years": None}
    assert "New-hire" in details._head.object


def test_the_details_edit_the_chosen_years(by_year, session):
    by_year.grid.layout.chosen = {"lever": "cola_rate", "years": [2027]}
    editor = by_year.details._editor
    editor._handle_msg({"kind": "edit", "name": "cola_rate", "value": 2.8, "live": False, "number": 1})
    assert session.draft.changes == {"cola_rate@2027": 0.028}
    editor._handle_msg({"kind": "edit", "name": "cola_rate", "text": "3.25%", "live": False, "number": 2})
    assert session.draft.changes == {"cola_rate@2027": 0.0325}
    editor._handle_msg({"kind": "edit", "name": "cola_rate", "value": "high", "number": 3})
    editor._handle_msg({"kind": "edit", "name": "cola_rate", "text": HOSTILE, "number": 4})
    assert session.draft.changes == {"cola_rate@2027": 0.0325}
    assert editor.answered == 4, "refused edits are answered too"


def test_years_are_chosen_together_or_all_and_on_every_tab(page, by_year):
    editor = by_year.details._editor
    editor._handle_msg({"kind": "years", "years": [2029, 2027]})
    assert page._choice.years == (2027, 2029)
    assert by_year.grid.layout.chosen == {"lever": "cola_rate", "years": [2027, 2029]}
    page._tabs.active = TABS.index("Levers")
    assert page._editor.board["chosen"] == [2027, 2029]
    page._editor._handle_msg({"kind": "years", "years": None})
    assert page._choice.years is None
    for nonsense in ("2027; DROP TABLE", [1999], [[2027]], [], {"2027": 1}):
        page._editor._handle_msg({"kind": "years", "years": nonsense})
    assert page._choice.years is None


def test_a_shorter_horizon_gives_up_chosen_years(page, session):
    page._choice.years = (2030,)
    session.draft.set("years", 3)
    assert page._choice.years is None
    assert page._editor.board["years"] == [2026, 2027, 2028]


def test_a_row_that_is_unfolded_shows_its_details(page):
    page._editor.chosen = "merit_rate_level_2"
    assert "Merit rate, L2 Manager" in page._details._head.object
    page._editor.chosen = HOSTILE
    assert page._choice.parameter == "merit_rate_level_2"


def test_buttons_reset_copy_and_spread(page, session):
    draft, details = session.draft, page._details
    page._editor.chosen = "merit_rate_level_2"
    details.set_to(0.04)
    details.copy_to_levels()
    assert draft.changes == {f"merit_rate_level_{level}": 0.04 for level in range(1, 6)}
    details.reset()
    assert "merit_rate_level_2" not in draft.changes
    details.set_to(details.midpoint())
    assert draft.changes["merit_rate_level_2"] == 0.0325
    ramp = details._ramp
    ramp._low.value, ramp._high.value = "3", "4%"
    ramp._low.value_input, ramp._high.value_input = "3", "4%"
    ramp.spread()
    values = [draft.effective.value("merit_rate_level_2", year) for year in draft.effective.years]
    assert values == [0.03, 0.0325, 0.035, 0.0375, 0.04]
    ramp._high.value_input = "40"
    ramp.spread()
    assert "above the highest" in page._choice.refused["what"]


def test_a_locked_lever_is_closed_and_says_who_and_why(page, by_year, session):
    details = page._details
    details.refresh()
    details._why.value_input = HOSTILE
    details.toggle_lock()
    assert session.draft.locks == ("cola_rate",)
    details.refresh()
    assert details._reset.disabled
    assert "Locked by ana: &lt;img" in details._head.object
    assert HOSTILE not in details._head.object
    assert by_year.details._editor.values["cola_rate"]["lock"].startswith("Locked by ana")
    send(by_year.grid, action="enter", lever="cola_rate", year=None, texts=[["3"]])
    assert "locked by ana" in by_year.grid.layout.refused["what"]
    details.toggle_lock()
    assert session.draft.locks == ()
    assert by_year.details._editor.values["cola_rate"]["lock"] == ""


def test_presets_say_what_they_set_before_and_respect_locks(page, session):
    page._tabs.active = TABS.index("Presets")
    presets = page._presets.part
    presets._list.value = "cola_and_merit"
    assert "Cost-of-living raise" in presets._what.object
    assert session.draft.is_empty
    session.draft.lock(["cola_rate"], by="ana")
    assert "Locked, so not changed: Cost-of-living raise." in presets._what.object
    presets.apply()
    assert "cola_rate" not in session.draft.changes
    assert session.draft.changes["merit_rate_level_1"] == 0.02
    assert "No changes" in presets._what.object
    assert presets._apply.disabled


def test_presets_follow_the_market_budget(page, session):
    page._tabs.active = TABS.index("Presets")
    presets = page._presets.part
    session.draft.set("market_budget", 0.04)
    assert "Market survey 2026 (4.0% in total)" in presets._list.options
    session.draft.set("market_budget", 0.2)
    assert "outside its hard bounds" in presets._what.object
    assert presets._apply.disabled


def test_assumptions_are_searched_and_edited(page, session):
    page._tabs.active = TABS.index("Assumptions")
    part = page._assumptions.part
    part._search.value_input = "turnover"
    assert f"of {len(catalogue().assumptions)} assumptions" in part._count.object
    part._search.value_input = HOSTILE
    assert "No assumption has these words." in part._count.object
    part._search.value_input = ""
    send(part.grid, action="enter", lever="merit_date", year=None, texts=[["10-01"]])
    part.choice.choose("payroll_budget", None)
    editor = part.details._editor
    editor._handle_msg({"kind": "edit", "name": "payroll_budget", "text": "1,250,000", "number": 1})
    assert session.draft.changes == {"merit_date": "10-01", "payroll_budget": 1250000.0}
    editor._handle_msg({"kind": "edit", "name": "payroll_budget", "text": "-5", "number": 2})
    assert "below the lowest" in editor.values["payroll_budget"]["problem"]
    part._edited.value = True
    assert f"2 of {len(catalogue().assumptions)}" in part._count.object


def test_a_file_is_applied_as_a_whole_or_not(page, session):
    page._tabs.active = TABS.index("Files")
    files = page._files.part
    files._upload.param.update(filename=HOSTILE, value=b"parameter,year,value\ncola_rate,2027,3%\nx,,1\n")
    assert session.draft.is_empty
    assert "1 bad row" in files._outcome.object
    assert "<img" not in files._outcome.object
    files._upload.param.update(filename="a.csv", value=b"parameter,year,value\ncola_rate,2027,3%\n")
    assert session.draft.changes == {"cola_rate@2027": 0.03}
    assert files._upload.value is None


def test_while_another_page_is_shown_nothing_is_drawn(page, session):
    session.selection.page = "overview"
    session.draft.set("cola_rate", 0.03)
    assert "no edits" in page._heading.object
    session.selection.page = "plan"
    page.refresh()
    assert "1 edit not saved" in page._heading.object


def test_a_home_that_cannot_be_read_says_why(monkeypatch):
    scenarios = Scenarios()

    def refuse(name):
        raise InputError("There is no census.", remedy="`planwise census generate`")

    monkeypatch.setattr(scenarios, "effective", refuse)
    page = PlanPage(FakeSession(scenarios))
    assert "There is no census." in page._notices.object
    monkeypatch.undo()
    page.refresh()
    assert page._body in page.layout.objects


def test_a_role_without_edit_right_cannot_edit():
    session = FakeSession(can_edit=False)
    page = PlanPage(session)
    page._tabs.active = TABS.index("By year")
    grid, details = page._by_year.part.grid, page._by_year.part.details
    assert not grid.layout.editable and not page._editor.editable and not details._editor.editable
    assert page._save.disabled and page._run.disabled and details._lock.disabled
    send(grid, action="enter", lever="cola_rate", year=None, texts=[["3"]])
    send(grid, action="unset", lever="cola_rate", year=None)
    page._editor._handle_msg({"kind": "edit", "name": "cola_rate", "text": "3", "number": 1})
    details.toggle_lock()
    assert session.draft.is_empty and session.draft.locks == ()
    assert "Your role can view scenarios" in page._choice.refused["what"]
    assert "10,000 of 10,000 employees" in page._preview.figures.shown["html"]


def pressed(session, *, years=None):
    choice = EditorChoice(session, "cola_rate")
    details = Details(session, choice)
    choice.choose("cola_rate", years)
    details.refresh()
    details._default.clicks += 1
    return session.draft


def test_where_the_base_has_no_value_of_its_own_the_edit_is_taken_away(session):
    session.draft.set("cola_rate", 0.04)
    assert pressed(session).is_empty
    assert session.draft.effective.tier("cola_rate", 2026) == "default"


def test_where_the_scenario_has_another_value_the_default_is_an_edit(session):
    session.draft.start_from("higher")
    assert pressed(session).changes == {"cola_rate": DEFAULT_RATE}
    session.scenarios.update("higher", session.draft.changes)
    session.draft.saved_as("higher")
    assert pressed(session).is_empty  # stored as its own value now


def test_where_a_release_has_another_value_the_default_is_an_edit(session):
    session.draft = Draft(lambda _: resolve((2026, 2027), scenario={}, dynamic={"cola_rate": IN_FORCE_RATE}))
    assert pressed(session).changes == {"cola_rate": DEFAULT_RATE}
    session.draft.unset("cola_rate")
    assert session.draft.effective.value("cola_rate", 2026) == IN_FORCE_RATE


def test_in_some_years_only_these_are_the_default(session):
    session.draft.set("cola_rate", 0.04)
    assert pressed(session, years=(2027,)).changes == {"cola_rate": 0.04, "cola_rate@2027": DEFAULT_RATE}
    session.draft.unset("cola_rate")
    session.draft.set("cola_rate@2027", 0.03)
    assert pressed(session, years=(2027,)).is_empty


def test_the_effects_found_before_a_tab_is_opened_are_in_it(session):
    page = PlanPage(session)
    page._tabs.active = TABS.index("By year")
    page._choice.choose("cola_rate", None)
    facts = page._by_year.part.details._facts.object
    assert "+0.75\u00a0pp of annual growth per +1 pp" in facts


def test_saving_names_the_scenario_and_goes_on_from_it(page, session):
    session.draft.set("cola_rate", 0.03)
    saving = page._saving
    saving.open_save()
    assert saving._save.disabled and not saving._update.visible
    saving._name.value_input = "higher"
    assert saving._name.error_state and saving._save.disabled
    saving._name.value_input = "mine"
    saving._title.value_input = "Mine, for the board"
    assert not saving._save.disabled
    asyncio.run(saving._saved())
    assert session.scenarios.overrides["mine"] == {"cola_rate": 0.03}
    assert session.scenarios.titles["mine"] == "Mine, for the board" and not saving._title.value_input
    assert (session.draft.scenario, session.draft.is_empty) == ("mine", True)
    assert session.selection.scenario == "mine"
    assert not saving.dialog.open
    assert page._base.value == "mine"
    session.draft.set("cola_rate", 0.031)
    saving.open_save()
    assert saving._update.visible
    asyncio.run(saving._updated())
    assert session.scenarios.overrides["mine"] == {"cola_rate": 0.031}
    saving.open_delete()
    asyncio.run(saving._deleted())
    assert "mine" not in session.scenarios.overrides
    assert session.draft.scenario == "baseline"
    assert session.selection.scenario == ""


def test_a_scenario_is_archived_instead_of_deleted(page, session):
    session.draft.start_from("higher")
    page._saving.open_delete()
    asyncio.run(page._saving._archived())
    assert session.scenarios.archived == {"higher"} and "higher" in session.scenarios.overrides
    assert session.draft.scenario == "baseline" and not page._saving.confirmation.open
    assert "higher archived." in session.notices[-1]


def test_a_refused_save_is_shown_in_the_dialog(page, session, monkeypatch):
    def refuse(*arguments, **more):
        raise InputError("Somebody was faster.", remedy="Choose another name.")

    monkeypatch.setattr(session.scenarios, "save", refuse)
    session.draft.set("cola_rate", 0.03)
    page._saving.open_save()
    page._saving._name.value_input = "mine"
    asyncio.run(page._saving._saved())
    assert page._saving.dialog.open
    assert "Somebody was faster" in page._saving._failed.object
    assert session.draft.changes == {"cola_rate": 0.03}


def test_another_base_keeps_the_edits_and_can_be_undone(page, session):
    session.draft.set("merit_rate_level_1", 0.04)
    page._base.value = "higher"
    assert (session.draft.scenario, session.draft.changes) == ("higher", {"merit_rate_level_1": 0.04})
    page._discard.clicks += 1
    assert (session.draft.scenario, session.draft.is_empty) == ("higher", True)
    session.draft.undo()
    session.draft.undo()
    assert (page._base.value, session.draft.changes) == ("baseline", {"merit_rate_level_1": 0.04})
    del session.scenarios.overrides["higher"]
    page._base.value = "higher"
    assert page._base.value == "baseline"
    assert session.notices[-1][1] == "error"


def test_editing_begins_with_the_scenario_of_the_other_pages(session):
    session.selection.scenario = "higher"
    page = PlanPage(session)
    assert session.draft.scenario == "higher"
    session.draft.set("cola_rate", 0.03)
    session.selection.scenario = "baseline"
    assert session.draft.scenario == "higher"
    session.draft.clear()
    session.selection.scenario = "gone"
    assert session.draft.scenario == "higher"
    assert "higher" in page._heading.object


def test_a_scenario_that_others_deleted_is_announced(page, session):
    page._base.value = "higher"
    del session.scenarios.overrides["higher"]
    page.refresh()
    assert session.draft.scenario == "baseline"
    assert session.notices[-1][1] == "warning"


def test_what_another_user_changed_is_shown_before_it_is_changed_again(page, session, monkeypatch):
    def refused(name, changes, *, seen):
        assert seen == {"cola_rate": 0.035}  # what the page shows
        raise InputError("higher has been changed meanwhile; nothing was saved.", remedy="Look.")

    session.draft.start_from("higher")
    session.draft.set("merit_rate_level_1", 0.04)
    page._saving.open_save()
    session.scenarios.overrides["higher"] = {"cola_rate": 0.05, "merit_rate_level_1": 0.02}
    with monkeypatch.context() as patch:
        patch.setattr(session.scenarios, "update", refused)
        asyncio.run(page._saving._updated())
    assert page._saving.dialog.open and "changed meanwhile" in page._saving._failed.object
    assert "2.00%" in page._saving._what.object  # what it is now is what the edit is compared with
    assert session.draft.changes == {"merit_rate_level_1": 0.04}
    asyncio.run(page._saving._updated())
    assert session.scenarios.overrides["higher"] == {"cola_rate": 0.05, "merit_rate_level_1": 0.04}


def test_a_scenario_that_was_deleted_meanwhile_can_be_saved_anew(page, session):
    session.draft.start_from("higher")
    session.draft.set("merit_rate_level_1", 0.04)
    page._saving.open_save()
    del session.scenarios.overrides["higher"]
    page._saving._name.value_input = "mine"
    asyncio.run(page._saving._saved())  # its base is gone: refused once, with what was shown kept
    assert session.draft.changes == {"cola_rate": 0.035, "merit_rate_level_1": 0.04}
    assert page._saving.dialog.open and page._saving._failed.visible
    asyncio.run(page._saving._saved())
    assert session.scenarios.overrides["mine"] == {"cola_rate": 0.035, "merit_rate_level_1": 0.04}
