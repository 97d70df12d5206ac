"""Two people at the same scenario: what the other one did is shown first, and nothing is lost."""

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


def test_what_somebody_else_changed_is_shown_before_it_is_changed_again(page, session, monkeypatch):
    def refused(name, changes, *, seen):
        assert seen == {"cola_rate": 0.035}  # what the page shows
        raise InputError("higher has been changed meanwhile; nothing was saved.", remedy="Look.")

    session.draft.start_from("higher")
    session.draft.set("merit_rate_level_1", 0.04)
    page._saving.ask_save()
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
    page._saving.ask_save()
    del session.scenarios.overrides["higher"]
    page._saving._name.value_input = "mine"
    asyncio.run(page._saving._saved())  # its base is gone: refused once, with what was shown kept
    assert session.draft.changes == {"cola_rate": 0.035, "merit_rate_level_1": 0.04}
    assert page._saving.dialog.open and page._saving._failed.visible
    asyncio.run(page._saving._saved())
    assert session.scenarios.overrides["mine"] == {"cola_rate": 0.035, "merit_rate_level_1": 0.04}
