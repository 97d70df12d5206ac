"""The tabs Merit and Pay ranges without a browser: grids of figures, and what their fields do."""

from types import SimpleNamespace

import pytest

from planwise.errors import InputError
from tests.ui.plan_world import FakeSession, Scenarios, detail
from ui.components.differences import differences
from ui.pages.plan.merit import group_sheet, matrix_sheet, neutrality, with_award, with_group
from ui.pages.plan.page import TABS, PlanPage
from ui.pages.plan.ranges import range_sheet, typed_ranges
from ui.pages.plan.sheet import lever_notes

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def session():
    return FakeSession(Scenarios(horizon=2))


@pytest.fixture
def merit(session):
    page = PlanPage(session)
    page._tabs.active = TABS.index("Merit")
    return page._merit.part


def send(table, name, text, number=1):
    table._handle_msg({"kind": "edit", "name": name, "text": text, "number": number})


def test_a_cell_has_mean_spread_people_and_cost_and_few_people_hide_it(session):
    sheet = matrix_sheet(session.draft, detail().of("cell", 2026, "all"), {})
    texts = {row[0]["lines"][0]: [cell["lines"] for cell in row[1:]] for row in sheet["rows"]}
    assert texts["Rating 3"][2] == ["3.50%", "3.40%–3.80%", "40 people", "120,000"]
    assert texts["Rating 3"][0] == ["–"]
    # one person short of ten in rating 1: with it the next smallest, which it could be worked out from
    assert texts["Rating 1"][5] == ["not shown", "3 people"]
    assert texts["Rating 5"][0] == ["not shown", "12 people"]
    assert [field["text"] for field in sheet["rows"][0][0]["fields"]] == ["1.4"]


def test_a_factor_is_edited_in_the_grid_undone_and_refused_in_its_place(merit, session):
    send(merit._matrix, "merit_multiplier_rating_5", "1.6", 3)
    assert session.draft.changes == {"merit_multiplier_rating_5": 1.6}
    field = merit._matrix.sheet["rows"][0][0]["fields"][0]
    assert (field["text"], field["changed"]) == ("1.6", True)
    send(merit._matrix, "merit_multiplier_quartile_1", "21", 4)
    assert "above the highest" in merit._matrix.sheet["head"][2]["fields"][0]["problem"]
    send(merit._matrix, "seed", "1", 5)
    assert session.draft.changes == {"merit_multiplier_rating_5": 1.6}
    session.draft.undo()
    merit.refresh()
    assert merit._matrix.sheet["rows"][0][0]["fields"][0]["text"] == "1.4"


def test_neutral_is_judged_by_level():
    by_level = detail().of("group", 2026, "level")
    assert neutrality(by_level, "1", limited=False).startswith("Budget-neutral")
    off = neutrality(by_level, "all", limited=True)
    assert "160,100 spent of the 170,000" in off
    assert (
        "Not budget-neutral: L2 Manager spends 87.5% of its budget, because of the limit on single raises."
        in off
    )


def test_groups_have_pool_spent_and_left_in_words_the_largest_first():
    sheet = group_sheet("department: Legal=x0.9", detail().of("group", 2026, "department"), {})
    rows = {row[0]["lines"][0]: row for row in sheet["rows"]}
    assert list(rows) == ["Police & <b>Fire</b>", "Legal", "Ethics"]
    assert rows["Legal"][2]["fields"][0]["text"] == "0.9"
    figures = [cell["lines"][0] for cell in rows["Police & <b>Fire</b>"][3:7]]
    assert figures == ["90,000", "99,000", "9,000 over", "3.00%"]
    assert rows["Ethics"][3]["lines"] == rows["Legal"][3]["lines"] == ["not shown"]  # 4 people, and the next


@pytest.mark.parametrize(
    ("value", "text", "result"),
    [
        (None, "1.1", "department: Legal=x1.1"),
        (None, "x0,95", "department: Legal=x0.95"),
        (None, "110%", "department: Legal=x1.1"),
        (None, "+0.5", "department: Legal=+0.005"),
        ("department: Legal=x1.1; Police=x1.2", "−0.5 pp", "department: Police=x1.2; Legal=-0.005"),
        ("department: Legal=x1.1; Police=x1.2", "1", "department: Police=x1.2"),
        ("department: Legal=x1.1", "1", None),
        ("location: North=x2", "1.1", "department: Legal=x1.1"),
    ],
)
def test_one_group_is_given_a_factor_or_points(value, text, result):
    assert with_group(value, "department", "Legal", text) == result


@pytest.mark.parametrize(
    ("value", "text", "result"),
    [
        (None, "3", "department: Legal=0.03"),
        ("department: Police=0.02", "2,5 %", "department: Legal=0.025; Police=0.02"),
        ("department: Legal=0.03", "", None),
        ("location: North=0.03", "0", "department: Legal=0"),
    ],
)
def test_one_group_is_given_an_award(value, text, result):
    assert with_award(value, "department", "Legal", text) == result


def test_an_award_is_edited_in_its_row(merit, session):
    send(merit._groups, "award:Legal", "3", 2)
    assert session.draft.changes == {"awards": "department: Legal=0.03"}
    (changed,) = differences(session.draft.current, session.draft.effective)
    assert changed.after == "Legal 3.00% (by department)"
    assert merit._groups.sheet["rows"][1][7]["fields"][0]["text"] == "3"
    send(merit._groups, "award:Legal", "26", 3)  # more than a group may get
    assert "0 to 25%" in merit._groups.sheet["rows"][1][7]["fields"][0]["problem"]
    assert session.draft.changes == {"awards": "department: Legal=0.03"}


def test_a_group_is_edited_in_its_row(merit, session):
    send(merit._groups, "group:Legal", "1.25", 2)
    assert session.draft.changes == {"merit_groups": "department: Legal=x1.25"}
    (changed,) = differences(session.draft.current, session.draft.effective)
    assert changed.after == "Legal 1.25× (by department)"
    send(merit._groups, "group:Legal", "much", 3)
    assert "neither a factor nor points" in merit._groups.sheet["rows"][1][2]["fields"][0]["problem"]
    send(merit._groups, "group:Legal", "9", 4)  # more than a group may get
    send(merit._groups, "group:Elsewhere", "1.1", 5)
    assert session.draft.changes == {"merit_groups": "department: Legal=x1.25"}
    with pytest.raises(InputError):
        with_group(None, "department", "Legal", "")


def test_a_promotion_lever_says_the_raise_it_gives_and_an_idle_one_that_it_moves_nothing():
    notes = lever_notes(detail(), 2026)
    assert notes["promotion_raise_level_1"] == (
        "Mean raise 13.1% after the lift; 20 promoted, 4 still below range."
    )
    assert notes["promotion_raise_level_2"] == "Moves nothing: no one is promoted in 2026."
    assert notes["merit_rate_level_5"] == "Moves nothing: no one is in this level in 2026."


def test_ranges_have_shares_and_take_what_is_typed_until_it_is_stored(session):
    page = PlanPage(session)
    page._tabs.active = TABS.index("Pay ranges")
    part, census = page._ranges.part, page._census
    first = part._table.sheet["rows"][0]
    assert [cell.get("lines") for cell in first[4:7]] == [["10.0%", "20"], ["85.0%", "170"], ["5.0%", "10"]]
    assert first[0]["lines"] == ["Pay band 1", "200 people"]
    assert part._table.sheet["rows"][1][0]["lines"] == [f"L2 {'x' * 60}"]
    assert "Derived from the census" in part._about.object
    send(part._table, "range:1:maximum", "57,500")
    send(part._table, "range:2:minimum", "sixty")
    send(part._table, "range:9:minimum", "1")
    assert "is no amount" in part._table.sheet["rows"][1][1]["fields"][0]["problem"]
    assert typed_ranges(census, {"range:1:maximum": "57,500"})[1] == (40_000.0, 57_500.0)
    stored = []

    def set_ranges(*more, given=True, seen=None):
        stored.append((*more, given, seen))
        return census.content_hash

    session.actions.censuses = SimpleNamespace(set_ranges=set_ranges)
    send(part._table, "range:2:minimum", "$61,000.50")
    part._save.clicks += 1
    assert stored == [("people", {1: (40_000.0, 57_500.0), 2: (61_000.5, 87_000.5)}, True, None)]
    assert part._save.disabled and part._undoing.visible
    part._undo.clicks += 1
    before = {one.level_id: (one.minimum, one.maximum) for one in census.ranges}
    assert stored[1:] == [("people", before, False, census.content_hash)] and not part._undoing.visible
    assert range_sheet(census, [], {}, {})["rows"][0][4]["lines"] == ["–"]
