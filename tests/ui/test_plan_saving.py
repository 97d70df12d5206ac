"""The page Plan: which scenario is edited, saving, and two people at the same scenario."""

import asyncio

import pytest

from planwise.errors import InputError
from tests.ui.plan_world import FakeSession, Scenarios
from ui.pages.plan.page import PlanPage


@pytest.fixture
def session():
    return FakeSession(Scenarios(higher={"cola_rate": 0.035}))


@pytest.fixture
def page(session):
    return PlanPage(session)


def test_saving_names_the_scenario_and_goes_on_from_it(page, session):
    session.draft.set("cola_rate", 0.03)
    saving = page._saving
    saving.open_save()
    assert saving._save.disabled and not saving._update.visible
    saving._name.value_input = "higher"
    assert saving._name.error_state and saving._save.disabled
    saving._name.value_input = "mine"
    assert not saving._save.disabled
    asyncio.run(saving._saved())
    assert session.scenarios.overrides["mine"] == {"cola_rate": 0.03}
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
