"""Grid, editor rows, edits, differences and files of the page Plan: values in, values out."""

import time

import pytest

from planwise.errors import InputError
from planwise.formatting import counted
from tests.ui.plan_world import FakeSession, Scenarios
from ui.components.differences import difference_table, differences, finding_list, finding_title
from ui.components.downloads import to_csv
from ui.pages.plan.charts import effect_texts, effects
from ui.pages.plan.editor import slider_value
from ui.pages.plan.sheet import (
    MAIN_ASSUMPTIONS,
    assumption_sheet,
    board_values,
    copied_to_levels,
    lever_board,
    lever_sheet,
    main_names,
    order_of,
    pasted_changes,
    ramp,
    single_board,
    typed_changes,
    unlocked,
)
from ui.pages.plan.tabs import BYTES_MAX, parameter_table, read_changes


@pytest.fixture
def draft():
    scenarios = Scenarios(higher={"cola_rate": 0.035, "merit_rate_level_1@2028": 0.04}, one={"years": 1})
    return FakeSession(scenarios).draft


def row(sheet, name):
    return next(row for group in sheet["groups"] for row in group["rows"] if row["lever"] == name)


def test_the_sheet_has_every_lever_in_its_group(draft):
    sheet = lever_sheet(draft)
    assert sheet["years"] == [2026, 2027, 2028, 2029, 2030]
    assert [(group["title"], len(group["rows"])) for group in sheet["groups"]] == [
        ("Cost of living", 1),
        ("Merit rate by level", 5),
        ("New hires", 1),
        ("Promotion probability by level", 4),
        ("Promotion raise by level", 4),
    ]
    assert order_of(sheet)[:3] == ("cola_rate", "merit_rate_level_1", "merit_rate_level_2")
    assert row(sheet, "merit_rate_level_1")["label"] == "L1 Staff"
    assert row(sheet, "merit_rate_level_1")["name"] == "Merit rate, L1 Staff"


def test_a_cell_has_value_old_value_tier_and_risk(draft):
    draft.start_from("higher", {"cola_rate@2027": 0.06, "merit_rate_level_1": 0.05})
    cola, merit = (row(lever_sheet(draft), name) for name in ("cola_rate", "merit_rate_level_1"))
    assert cola["cells"][0] | {"typed": ""} == {
        "year": 2026,
        "text": "3.50%",
        "typed": "",
        "was": "",
        "tier": "scenario",
        "risk": "OK",
    }
    assert [(cell["text"], cell["was"], cell["risk"]) for cell in (cola["cells"][1], cola["all"])] == [
        ("6.00%", "3.50%", "OK"),  # the sum with merit is judged, in the warnings
        ("varies", "3.50%", "OK"),
    ]
    assert [(cell["was"], cell["tier"]) for cell in merit["cells"][1:3]] == [
        ("3.30%", "default"),
        ("4.00%", "scenario"),
    ]
    assert merit["all"] | {"risk": ""} == {
        "year": None,
        "text": "5.00%",
        "typed": "5",
        "was": "varies",
        "tier": "mixed",
        "risk": "",
    }


def test_locks_say_who_and_why(draft):
    draft.lock(["cola_rate"], by="ana", why="agreed")
    assert row(lever_sheet(draft), "cola_rate")["lock"] == "Locked by ana: agreed"


def test_assumptions_are_found_by_words_and_those_of_one_value_have_no_years(draft):
    everything = assumption_sheet(draft)
    assert len(order_of(everything)) == len(draft.base.declared.assumptions)
    assert "Other" not in [group["title"] for group in everything["groups"]]
    assert row(everything, "merit_date")["all"]["text"] == "1 July"
    assert row(everything, "merit_date")["cells"] == []
    assert len(row(everything, "termination_rate")["cells"]) == 5
    assert order_of(assumption_sheet(draft, "day MERIT raises")) == ("merit_date",)
    assert order_of(assumption_sheet(draft, "<script>")) == ()
    draft.set("seed", 7)
    assert order_of(assumption_sheet(draft, edited=True)) == ("seed",)


def test_ten_years_and_one_year_are_shown(draft):
    draft.set("years", 10)
    assert len(row(lever_sheet(draft), "cola_rate")["cells"]) == 10
    assert row(assumption_sheet(draft), "years")["all"]["was"] == "5 years"
    assert [row.label for row in differences(draft.current, draft.effective)] == ["Simulated years"]
    draft.start_from("one")
    assert len(row(lever_sheet(draft), "cola_rate")["cells"]) == 1


def test_a_typed_text_is_for_all_years_or_some(draft):
    typed = typed_changes(draft.effective, "cola_rate", None, "3.5")
    assert typed == {"cola_rate": 0.035}
    some = typed_changes(draft.effective, "cola_rate", (2028, 2027), "3.5%")
    assert some == {"cola_rate@2027": 0.035, "cola_rate@2028": 0.035}
    assert typed_changes(draft.effective, "cola_rate", draft.effective.years, "3") == {"cola_rate": 0.03}


def test_the_five_shares_of_hires_are_typed_together(draft):
    name = "new_hire_level_share_{}"
    typed = typed_changes(draft.effective, name.format(3), None, "40 30% 15; 10 5")
    assert typed == {name.format(level): share for level, share in enumerate((0.4, 0.3, 0.15, 0.1, 0.05), 1)}
    draft.update(typed)
    none = typed_changes(draft.effective, name.format(1), None, "the observed mix")
    draft.update(none)
    assert draft.is_empty


def test_a_block_is_pasted_right_and_down_and_empty_cells_are_passed_over(draft):
    order = order_of(lever_sheet(draft))
    changes = pasted_changes(
        draft.effective, order, "merit_rate_level_1", 2027, [["3.1", "", "3.3"], ["4%", "4.1", ""]]
    )
    assert changes == {
        "merit_rate_level_1@2027": 0.031,
        "merit_rate_level_1@2029": 0.033,
        "merit_rate_level_2@2027": 0.04,
        "merit_rate_level_2@2028": 0.041,
    }
    column = pasted_changes(draft.effective, order, "cola_rate", None, [["3"], ["3.5"]])
    assert column == {"cola_rate": 0.03, "merit_rate_level_1": 0.035}


@pytest.mark.parametrize(
    ("at", "block", "what"),
    [
        (("promotion_raise_level_4", 2026), [["8"], ["9"]], "does not fit"),
        (("cola_rate", 2030), [["3", "3"]], "does not fit"),
        (("cola_rate", 2030), [["<b>3</b>"]], "not a value of Cost-of-living raise"),
        (("cola_rate", 2026), [["3"], ["50"]], "Merit rate, L1 Staff: 50.00% is above"),
    ],
)
def test_a_block_that_cannot_be_is_refused_as_a_whole(draft, at, block, what):
    with pytest.raises(InputError, match=what):
        pasted_changes(draft.effective, order_of(lever_sheet(draft)), *at, block)


def test_one_level_is_copied_to_all_levels(draft):
    draft.set("promotion_raise_level_2", 0.1)
    copied = copied_to_levels(draft.effective, "promotion_raise_level_2", None)
    assert copied == {f"promotion_raise_level_{level}": 0.1 for level in (1, 3, 4)}
    draft.set("promotion_raise_level_2@2027", 0.12)
    draft.update(copied_to_levels(draft.effective, "promotion_raise_level_2", None))
    for level in (1, 3, 4):
        values = [draft.effective.value(f"promotion_raise_level_{level}", y) for y in draft.effective.years]
        assert values == [0.1, 0.12, 0.1, 0.1, 0.1]
    assert copied_to_levels(draft.effective, "cola_rate", None) == {}


def test_a_ramp_is_a_straight_line(draft):
    draft.update(ramp(draft.effective, "cola_rate", (2026, 0), (2029, 0.015)))
    assert draft.changes == {
        "cola_rate@2027": 0.005,
        "cola_rate@2028": 0.01,
        "cola_rate@2029": 0.015,
    }  # 2026 is 0, as in the base
    with pytest.raises(InputError, match="2026 is not after 2026"):
        ramp(draft.effective, "cola_rate", (2026, 0.02), (2026, 0.03))


def test_locked_levers_are_passed_over():
    assert unlocked({"a": 1, "b@2027": 2, "b@2028": 3, "c": 4}, ("b", "c")) == ({"a": 1}, ("b", "c"))


def test_differences_are_rows_of_neighbouring_years(draft):
    draft.update({"cola_rate": 0.035, "merit_rate_level_1@2027": 0.05, "merit_rate_level_1@2028": 0.05})
    draft.update({"merit_rate_level_1@2030": 0.05, "seed": 7})
    rows = differences(draft.current, draft.effective)
    assert [(row.label, row.years, row.before, row.after, row.risk) for row in rows] == [
        ("Merit rate, L1 Staff", "2027–2028", "3.30%", "5.00%", "OK"),
        ("Merit rate, L1 Staff", "2030", "3.30%", "5.00%", "OK"),
        ("Cost-of-living raise", "all years", "0.00%", "3.50%", "OK"),
        ("Seed", "all years", "42", "7", ""),
    ]
    assert "2027–2028" in difference_table(rows, "Changes")
    assert (counted(1, "change"), counted(2, "change")) == ("1 change", "2 changes")


def test_warnings_say_risk_year_and_value_in_its_unit(draft):
    assert "No warnings" in finding_list(draft.findings)
    draft.update({"cola_rate@2027": 0.03, "promotion_raise_level_1": 0.13, "merit_rate_level_5": 0.03})
    text = finding_list(draft.findings)
    assert "HIGH" in text
    assert "2027: The increase budget of 6.24% (COLA and merit) is 2.74 pp above" in text
    assert "13.00% is above the recommended 5.00% to 12.00%" in text
    assert "Note" in text and "Merit falls with level" in text
    assert finding_title(draft.findings) == "Warnings: 2, worst HIGH"


def test_effects_are_sorted_and_written_by_step(draft):
    slopes = {"cola_rate": 0.75, "new_hire_salary_adjustment": 0.066, "merit_rate_level_1": -0.9}
    shown = effects(slopes, draft.effective, "baseline")
    assert shown.frame["lever"].tolist() == ["merit_rate_level_1", "cola_rate", "new_hire_salary_adjustment"]
    assert effect_texts(slopes, draft.effective)["cola_rate"] == "+0.75\u00a0pp of annual growth per +1 pp"
    assert effect_texts(slopes, draft.effective)["new_hire_salary_adjustment"].endswith("per +0.01×")


def test_the_table_of_all_parameters_can_be_given_back(draft):
    draft.start_from("higher", {"cola_rate@2027": 0.04, "range_maximum_cap": True, "market_movement": -0.01})
    table = parameter_table(draft)
    cola = table[table["parameter"] == "cola_rate"]
    assert cola["year"].tolist() == [2026, 2027, 2028, 2029, 2030]
    assert cola["value"].tolist() == [0.035, 0.04, 0.035, 0.035, 0.035]
    assert cola["tier"].tolist() == ["scenario", "draft", "scenario", "scenario", "scenario"]
    assert set(table["parameter"]) == set(draft.base.declared.parameters)
    file = to_csv(table).getvalue()
    changes, errors = read_changes(file, draft.base)
    assert errors == ()
    before = dict(draft.changes)
    draft.clear()
    draft.update(changes)
    assert draft.changes == before


def test_every_bad_row_is_named_and_nothing_is_read(draft):
    file = (
        "Parameter;Year;Value;note\r\n"
        "cola_rate;2028;3.5%;fine\r\n"
        "cola_rate;2028;3%;twice\r\n"
        "cola_rates;;3%;\r\n"
        "merit_rate_level_1;2055;3%;\r\n"
        "merit_rate_level_1;soon;3%;\r\n"
        "merit_rate_level_2;all;=1+1;\r\n"
        "merit_rate_level_3;;0.5;\r\n"
        ";;;\r\n"
        "seed;2027;1;\r\n"
    )
    changes, errors = read_changes(file.encode(), draft.effective)
    assert changes == {}
    assert [error.row for error in errors] == [3, 4, 5, 6, 7, 8, 10]
    assert "row 2 already" in errors[0].what
    assert "Did you mean cola_rate" in errors[1].remedy
    assert "not a simulated year" in errors[2].what
    assert "'soon' is not a year" in errors[3].what
    assert "hard bounds" in errors[5].what
    assert all(error.what and error.remedy for error in errors)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "no column parameter and no column value"),
        (b"a,b\n1,2\n", "no column parameter"),
        (b"parameter,value\n", "no rows"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"parameter,value\n" + b"cola_rate,0.03\n" * 6000, "more than 5,000 rows"),
        (b"x" * (BYTES_MAX + 1), "larger than 1 MB"),
        (b'parameter,value\n"' + b"x" * 200_000, "not CSV|no such|field"),
    ],
)
def test_a_file_that_is_no_table_is_refused(draft, content, what):
    with pytest.raises(InputError, match=what) as refused:
        read_changes(content, draft.effective)
    assert refused.value.remedy


def rows_of(board):
    return [lever for group in board["groups"] for lever in group["levers"]]


def values_of(draft, years=None, refused=None):
    return board_values(draft, main_names(draft.base.declared), years, refused or {})


def test_the_editor_has_every_lever_and_the_main_assumptions(draft):
    board = lever_board(draft, None)
    names = [lever["name"] for lever in rows_of(board)]
    assert sorted(names[:15]) == sorted(draft.base.declared.levers)
    assert names[15:] == list(MAIN_ASSUMPTIONS)
    assert board["years"] == list(draft.effective.years)
    assert [group["folded"] for group in board["groups"]] == [False] * 5 + [True]
    merit = board["groups"][1]["levers"][0]
    assert (merit["low"], merit["high"], merit["unit"]) == (0.0, 10.0, "%")
    assert merit["recommended"] == pytest.approx([2.0, 4.5])
    assert merit["aria"] == "Merit rate, L1 Staff"
    assert rows_of(lever_board(draft, (2027, 2028)))[1]["aria"] == "Merit rate, L1 Staff, 2027, 2028"


def test_a_row_of_its_own_has_years_only_where_the_parameter_has(draft):
    declared = draft.base.declared.parameters
    assert single_board(draft, declared["termination_rate"], (2027,))["chosen"] == [2027]
    seed = single_board(draft, declared["seed"], (2027,))
    assert (seed["years"], rows_of(seed)[0]["slider"]) == ([], False)
    texts = board_values(draft, ["seed", "merit_date", "payroll_budget", "range_maximum_cap"], None, {})
    assert [value["text"] for value in texts.values()] == ["42", "07-01", "", "on"]
    assert texts["payroll_budget"]["base_text"] == "none"


def test_editor_values_are_in_the_units_that_are_typed_beside_the_base(draft):
    draft.update({"cola_rate": 0.0315, "new_hire_salary_adjustment": 1.2})
    values = values_of(draft)
    cola = values["cola_rate"]
    assert (cola["text"], cola["base_text"], cola["changed"], cola["tier"]) == (
        "3.15",
        "0%",
        True,
        "default",
    )
    assert cola["position"] == pytest.approx(3.15) and cola["base_position"] == 0
    assert values["new_hire_salary_adjustment"]["text"] == "1.2"
    assert values["new_hire_salary_adjustment"]["base_text"] == "1.15×"
    assert not values["merit_rate_level_2"]["changed"]
    draft.set("promotion_raise_level_1", 0.2)
    assert values_of(draft)["promotion_raise_level_1"]["risk"] == "MEDIUM"


def test_a_value_that_differs_by_year_varies_until_a_year_is_chosen(draft):
    draft.start_from("higher")
    every = values_of(draft)["merit_rate_level_1"]
    assert (every["text"], every["varies"], every["base_text"], every["tier"]) == (
        "varies",
        True,
        "varies",
        "mixed",
    )
    assert every["position"] == pytest.approx((4 * 3.3 + 4) / 5)
    one = values_of(draft, (2028,))["merit_rate_level_1"]
    assert (one["text"], one["varies"], one["base_text"], one["tier"]) == ("4", False, "4%", "scenario")


def test_lock_and_refusal_are_shown_at_their_row(draft):
    draft.lock(["cola_rate"], by="ann", why="agreed")
    refused = {"lever": "cola_rate", "year": None, "what": "Too much.", "remedy": "Less."}
    values = values_of(draft, refused=refused)
    assert values["cola_rate"]["lock"] == "Locked by ann: agreed"
    assert values["cola_rate"]["problem"] == "Too much. Less."
    assert values["merit_rate_level_1"]["problem"] == values["merit_rate_level_1"]["lock"] == ""


def test_a_slider_s_position_is_a_value_of_its_parameter(draft):
    declared = draft.base.declared.parameters
    assert slider_value(declared["cola_rate"], 3.15) == pytest.approx(0.0315)
    assert slider_value(declared["new_hire_salary_adjustment"], 1.2) == 1.2


@pytest.mark.timing
def test_an_edit_is_shown_in_less_than_ten_milliseconds(draft):
    seconds = []
    for step in range(50):
        start = time.process_time()
        draft.set("cola_rate", 0.03 + step / 10_000)
        lever_sheet(draft)
        seconds.append(time.process_time() - start)
    assert sorted(seconds)[25] < 0.01
