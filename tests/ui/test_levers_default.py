"""What the button Default means: the declared value, as an edit only where the base has another one."""

import pytest

from planwise.parameters import resolve
from tests.ui.levers import FakeSession, Scenarios
from ui.draft import Draft
from ui.views.levers.choice import Choice
from ui.views.levers.editor import Editor

DEFAULT_RATE, IN_FORCE_RATE = 0.025, 0.031


def pressed(session, *, years=None):
    editor = Editor(session, Choice(session, "cola_rate"))
    editor._choice.choose("cola_rate", years)
    editor.refresh()
    editor._default.clicks += 1
    return session.draft


@pytest.fixture
def session():
    return FakeSession(Scenarios(higher={"cola_rate": 0.035}))


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
