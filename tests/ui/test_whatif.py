"""The What-if page without a browser: what it asks, and what it does with the answers."""

import asyncio
from types import SimpleNamespace

import pytest

from planwise.errors import InputError
from planwise.parameters import effective as resolution
from tests.ui.whatif_sides import BASE, IMPACT, NEW, OLD, answer
from ui.draft import Draft
from ui.selection import Selection
from ui.views.whatif.page import WhatIf


class FakePreviews:
    """Says of every question what it was asked, and answers with made-up figures."""

    def __init__(self):
        self.asked, self.error = [], None

    async def kpis(self, scenario, effective, *, purpose=""):
        changes = dict(effective.scenario.items() - BASE.scenario.items())
        self.asked.append((purpose, scenario, changes))
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        return answer(kpis=list((NEW if changes else OLD).kpis))

    async def impact(self, scenario, effective, *, base, purpose=""):
        return IMPACT


async def offload(work, *args):
    return work(*args)


def make_session(may_edit=True):
    plans = SimpleNamespace(
        get=lambda name: SimpleNamespace(census=None),
        census=lambda name: SimpleNamespace(name="people", rows=10_000, as_of="2025-12-31"),
        list=lambda: [SimpleNamespace(name=name) for name in ("baseline", "other")],
    )
    selection = Selection()
    selection.page = "whatif"
    session = SimpleNamespace(
        store=SimpleNamespace(plans=plans),
        draft=Draft(lambda name: BASE),
        selection=selection,
        previews=FakePreviews(),
        may_edit=may_edit,
    )
    session.offload = offload
    session.go = lambda page, **chosen: selection.param.update(page=page, **chosen)
    return session


@pytest.fixture
def session():
    return make_session()


def edit(page, name, value, *, live=False, number=1):
    page._message({"kind": "edit", "name": name, "value": value, "live": live, "number": number})


def asked(session):
    return [changes for purpose, _, changes in session.previews.asked if purpose == "what-if"]


def shown(page):
    return page._parts.figures.shown


def test_the_page_opens_with_the_figures_of_the_draft(session):
    session.draft.set("cola_rate", 0.04)
    page = WhatIf(session)
    assert asked(session) == [{"cola_rate": 0.04}]
    assert "10,000 of 10,000 employees" in shown(page)["html"]
    assert "4.51%" in shown(page)["html"]


def test_a_final_edit_changes_the_draft_and_answers_its_number(session):
    page = WhatIf(session)
    edit(page, "cola_rate", 4.1, number=7)
    assert session.draft.changes == {"cola_rate": 0.041}
    assert asked(session)[-1] == {"cola_rate": 0.041}
    assert shown(page)["number"] == 7
    assert page._parts.board.values["cola_rate"]["value"] == 4.1


def test_a_slider_on_its_way_is_asked_and_leaves_the_draft_alone(session):
    page = WhatIf(session)
    edit(page, "cola_rate", 4.1, live=True, number=3)
    assert session.draft.is_empty
    assert asked(session)[-1] == {"cola_rate": 0.041}
    assert shown(page)["number"] == 3
    before = len(session.previews.asked)
    edit(page, "cola_rate", 4.1, number=4)  # the hand lets go: the same question is not asked again
    assert session.draft.changes == {"cola_rate": 0.041}
    assert len(session.previews.asked) == before
    assert shown(page)["number"] == 4


def test_an_edit_of_one_year_changes_that_year(session):
    page = WhatIf(session)
    page._message({"kind": "year", "year": 2027})
    assert page._parts.board.board["year"] == 2027
    edit(page, "cola_rate", 4)
    assert session.draft.changes == {"cola_rate@2027": 0.04}
    edit(page, "target_growth", 5)  # one value for all years, whatever year is chosen
    assert session.draft.changes == {"cola_rate@2027": 0.04, "target_growth": 0.05}
    page._message({"kind": "reset", "name": "cola_rate", "number": 9})
    assert session.draft.changes == {"target_growth": 0.05}
    page._message({"kind": "clear", "number": 10})
    assert session.draft.is_empty
    assert shown(page)["number"] == 10


def test_a_value_out_of_bounds_is_refused_at_its_lever_and_changes_nothing(session):
    page = WhatIf(session)
    edit(page, "cola_rate", 50, number=5)
    assert session.draft.is_empty
    assert "hard bounds" in page._parts.board.values["cola_rate"]["problem"]
    assert shown(page)["number"] == 5  # nobody waits for it
    edit(page, "cola_rate", 4, number=6)
    assert page._parts.board.values["cola_rate"]["problem"] == ""


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"kind": "edit", "name": "seed", "value": 1},
        {"kind": "edit", "name": ["cola_rate"], "value": 1},
        {"kind": "edit", "name": "cola_rate", "value": {"a": 1}, "number": "x"},
        {"kind": "edit", "name": "cola_rate", "value": "<script>", "number": 1, "live": True},
        {"kind": "year", "year": "2027; DROP TABLE"},
        {"kind": "reset", "name": None},
    ],
)
def test_what_a_browser_should_not_say_changes_nothing(session, message):
    page = WhatIf(session)
    page._message(message)
    assert session.draft.is_empty
    assert page._parts.board.board["year"] is None


def test_a_locked_lever_is_not_edited_on_the_way_either(session):
    session.draft.lock(["cola_rate"], by="ann")
    page = WhatIf(session)
    edit(page, "cola_rate", 4, live=True)
    edit(page, "cola_rate", 4)
    assert session.draft.is_empty
    assert "locked by ann" in page._parts.board.values["cola_rate"]["problem"]


def test_an_error_of_the_simulation_is_shown_with_its_remedy_and_can_be_asked_again(session):
    page = WhatIf(session)
    session.previews.error = InputError("It broke.", remedy="Do <b>this</b>.")
    edit(page, "cola_rate", 4, number=2)
    assert "It broke." in page._parts.notices.object
    assert "Do &lt;b&gt;this&lt;/b&gt;." in page._parts.notices.object
    assert shown(page)["number"] == 2
    session.previews.error = None
    page.refresh()
    assert page._parts.notices.object == ""


def test_nothing_is_asked_while_the_page_is_hidden(session):
    page = WhatIf(session)
    session.selection.page = "levers"
    before = len(session.previews.asked)
    session.draft.set("cola_rate", 0.04)
    assert len(session.previews.asked) == before
    session.selection.page = "whatif"
    page.refresh()
    assert asked(session)[-1] == {"cola_rate": 0.04}


def test_showing_the_page_again_asks_nothing_that_was_answered(session):
    page = WhatIf(session)
    before = len(session.previews.asked)
    page.refresh()
    assert len(session.previews.asked) == before


def test_save_and_run_leads_to_the_run_page_and_is_for_those_who_may(session):
    page = WhatIf(session)
    page._parts.save.clicks += 1
    assert session.selection.page == "run"
    assert WhatIf(make_session(may_edit=False))._parts.save.disabled


def test_an_edit_resolves_the_parameters_once(session, monkeypatch):
    page, resolved, cells = WhatIf(session), [], resolution._cells
    monkeypatch.setattr(resolution, "_cells", lambda *args: resolved.append(args) or cells(*args))
    for number, live in ((1, True), (2, False)):
        edit(page, "cola_rate", 4.0 + number, number=number, live=live)
        assert asked(session)[-1] == {"cola_rate": pytest.approx(0.04 + number / 100)}
    assert len(resolved) == 2
