"""Live figures of the page Plan without a browser: what is simulated, and how answers are shown."""

import pytest

from planwise.errors import InputError
from tests.ui.plan_world import FakeSession, Scenarios
from ui.pages.plan.page import PlanPage


@pytest.fixture
def session():
    return FakeSession(Scenarios(horizon=2))


def edit(page, name, value, *, live=False, number=1):
    page._editor._handle_msg({"kind": "edit", "name": name, "value": value, "live": live, "number": number})


def requested(session):
    return [changes for purpose, _, changes in session.previews.requests if purpose == "plan"]


def shown(page):
    return page._preview.figures.shown


def test_the_page_opens_with_the_figures_of_the_draft(session):
    session.draft.set("cola_rate", 0.04)
    page = PlanPage(session)
    assert requested(session) == [{"cola_rate": 0.04}]
    assert "10,000 of 10,000 employees" in shown(page)["html"]
    assert "4.51%" in shown(page)["html"]


def test_a_final_edit_changes_the_draft_and_answers_its_number(session):
    page = PlanPage(session)
    edit(page, "cola_rate", 4.1, number=7)
    assert session.draft.changes == {"cola_rate": 0.041}
    assert requested(session)[-1] == {"cola_rate": 0.041}
    assert shown(page)["number"] == 7
    assert page._editor.values["cola_rate"]["text"] == "4.1"


def test_a_moving_slider_is_simulated_without_editing_the_draft(session):
    page = PlanPage(session)
    edit(page, "cola_rate", 4.1, live=True, number=3)
    assert session.draft.is_empty
    assert requested(session)[-1] == {"cola_rate": 0.041}
    assert shown(page)["number"] == 3
    before = len(session.previews.requests)
    edit(page, "cola_rate", 4.1, number=4)  # the hand lets go: the same question is not asked again
    assert session.draft.changes == {"cola_rate": 0.041}
    assert len(session.previews.requests) == before
    assert shown(page)["number"] == 4


def test_an_edit_of_one_year_changes_that_year(session):
    page = PlanPage(session)
    page._editor._handle_msg({"kind": "years", "years": [2027]})
    assert page._editor.board["chosen"] == [2027]
    edit(page, "cola_rate", 4)
    assert session.draft.changes == {"cola_rate@2027": 0.04}
    edit(page, "target_growth", 5)  # one value for all years, whatever year is chosen
    assert session.draft.changes == {"cola_rate@2027": 0.04, "target_growth": 0.05}
    page._editor._handle_msg({"kind": "reset", "name": "cola_rate", "number": 9})
    assert session.draft.changes == {"target_growth": 0.05}
    page._discard.clicks += 1
    assert session.draft.is_empty
    assert "no change from the base" in shown(page)["html"]


def test_a_value_out_of_bounds_is_refused_at_its_lever_and_changes_nothing(session):
    page = PlanPage(session)
    edit(page, "cola_rate", 50, number=5)
    assert session.draft.is_empty
    assert "hard bounds" in page._editor.values["cola_rate"]["problem"]
    assert shown(page)["number"] == 5  # no edit waits for it
    edit(page, "cola_rate", 4, number=6)
    assert page._editor.values["cola_rate"]["problem"] == ""


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "edit", "name": "seed", "value": 1},
        {"kind": "edit", "name": ["cola_rate"], "value": 1},
        {"kind": "edit", "name": "cola_rate", "value": {"a": 1}, "number": "x"},
        {"kind": "edit", "name": "cola_rate", "value": "<script>", "number": 1, "live": True},
        {"kind": "years", "years": "2027; DROP TABLE"},
        {"kind": "reset", "name": None},
    ],
)
def test_malformed_messages_change_nothing(session, message):
    page = PlanPage(session)
    page._editor._handle_msg(message)
    assert session.draft.is_empty
    assert page._editor.board["chosen"] is None


def test_a_locked_lever_is_not_edited_on_the_way_either(session):
    session.draft.lock(["cola_rate"], by="ann")
    page = PlanPage(session)
    edit(page, "cola_rate", 4, live=True)
    edit(page, "cola_rate", 4)
    assert session.draft.is_empty
    assert "locked by ann" in page._editor.values["cola_rate"]["problem"]


def test_an_error_of_the_simulation_is_shown_with_its_remedy_and_can_be_tried_again(session):
    page = PlanPage(session)
    session.previews.error = InputError("It broke.", remedy="Do <b>this</b>.")
    edit(page, "cola_rate", 4, number=2)
    assert "It broke." in page._notices.object
    assert "Do &lt;b&gt;this&lt;/b&gt;." in page._notices.object
    assert shown(page)["number"] == 2
    session.previews.error = None
    page.refresh()
    assert page._notices.object == ""


def test_nothing_is_simulated_while_the_page_is_hidden(session):
    page = PlanPage(session)
    session.selection.page = "overview"
    before = len(session.previews.requests)
    session.draft.set("cola_rate", 0.04)
    assert len(session.previews.requests) == before
    session.selection.page = "plan"
    page.refresh()
    assert requested(session)[-1] == {"cola_rate": 0.04}


def test_showing_the_page_again_simulates_nothing_anew(session):
    page = PlanPage(session)
    before = len(session.previews.requests)
    page.refresh()
    assert len(session.previews.requests) == before


def test_save_and_run_leads_to_the_run_page_for_roles_that_can_edit(session):
    page = PlanPage(session)
    page._run.clicks += 1
    assert session.selection.page == "run"
    assert PlanPage(FakeSession(can_edit=False))._run.disabled
