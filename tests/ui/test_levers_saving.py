"""The Levers page: which scenario is edited, and what becomes of the edits."""

import asyncio

import pytest

from planwise.errors import InputError
from tests.ui.levers import FakeSession, Scenarios
from ui.views.levers.page import Levers


@pytest.fixture
def session():
    return FakeSession(Scenarios(higher={"cola_rate": 0.035}))


@pytest.fixture
def page(session):
    return Levers(session)


def test_saving_names_the_scenario_and_goes_on_from_it(page, session):
    session.draft.set("cola_rate", 0.03)
    saving = page._saving
    saving.ask_save()
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
    assert page._start.value == "mine"
    session.draft.set("cola_rate", 0.031)
    saving.ask_save()
    assert saving._update.visible
    asyncio.run(saving._updated())
    assert session.scenarios.overrides["mine"] == {"cola_rate": 0.031}
    saving.ask_delete()
    asyncio.run(saving._deleted())
    assert "mine" not in session.scenarios.overrides
    assert session.draft.scenario == "baseline"
    assert session.selection.scenario == ""


def test_what_cannot_be_saved_is_said_in_the_dialog(page, session, monkeypatch):
    def refuse(*arguments, **more):
        raise InputError("Somebody was faster.", remedy="Choose another name.")

    monkeypatch.setattr(session.scenarios, "save", refuse)
    session.draft.set("cola_rate", 0.03)
    page._saving.ask_save()
    page._saving._name.value_input = "mine"
    asyncio.run(page._saving._saved())
    assert page._saving.dialog.open
    assert "Somebody was faster" in page._saving._failed.object
    assert session.draft.changes == {"cola_rate": 0.03}


def test_starting_from_another_scenario_can_be_undone(page, session):
    session.draft.set("cola_rate", 0.03)
    page._start.value = "higher"
    assert (session.draft.scenario, session.draft.is_empty) == ("higher", True)
    assert "1 edit on baseline set aside" in session.told[-1][0]
    session.draft.undo()
    assert (page._start.value, session.draft.changes) == ("baseline", {"cola_rate": 0.03})
    del session.scenarios.overrides["higher"]
    page._start.value = "higher"
    assert page._start.value == "baseline"
    assert session.told[-1][1] == "error"


def test_the_scenario_looked_at_elsewhere_is_where_editing_begins(session):
    session.selection.scenario = "higher"
    page = Levers(session)
    assert session.draft.scenario == "higher"
    session.draft.set("cola_rate", 0.03)
    session.selection.scenario = "baseline"
    assert session.draft.scenario == "higher"
    session.draft.clear()
    session.selection.scenario = "gone"
    assert session.draft.scenario == "higher"
    assert "higher" in page._heading.object


def test_a_scenario_that_others_deleted_is_told(page, session):
    page._start.value = "higher"
    del session.scenarios.overrides["higher"]
    page.refresh()
    assert session.draft.scenario == "baseline"
    assert session.told[-1][1] == "warning"
