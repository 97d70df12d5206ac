"""Compare results whose differences are known; the list of everyone is complete, exact and inert."""

import csv
from decimal import Decimal

import pandas as pd
import pytest
from comparison_worlds import Person, publish, staff

from planwise.census import generate_census
from planwise.comparison import compare
from planwise.comparison.differences import METRICS, ComparedParameters
from planwise.comparison.people import write_people_csv
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.governance.publications import load_publication
from planwise.parameters import resolve

METRIC = {metric.name: metric for metric in METRICS}


def about(comparison):
    return [(remark.about, remark.scenarios) for remark in comparison.remarks]


def test_only_what_differs_is_told_by_year_and_tier(four):
    rows = compare(four, ["base", "lean"]).parameters
    assert [(row.parameter, row.kind, row.years) for row in rows] == [
        ("merit_rate_level_1", "lever", (2027,)),
        ("cola_rate", "lever", ()),
    ]
    merit, cola = rows
    assert {name: (s.value, s.tier) for name, s in merit.settings.items()} == {
        "base": (0.033, "default"),
        "lean": (0.01, "scenario"),
    }
    assert cola.when == "all"
    assert merit.as_json()["differences"] == {"lean": -0.023}


def test_a_value_that_is_equal_from_another_tier_is_no_difference(settings):
    publish(settings, "base", staff(*[0] * 12))
    publish(settings, "spelled", staff(*[0] * 12), overrides={"cola_rate": 0})
    assert compare(settings, ["base", "spelled"]).parameters == ()


def test_kpis_by_year_against_the_first(four):
    comparison = compare(four, ["base", "lean", "hiring"])
    payroll = comparison.kpi(METRIC["payroll"], 2027)
    assert payroll.values == {"base": 792_000, "lean": 787_000, "hiring": 822_000}
    assert payroll.difference("lean") == Decimal(-5_000)
    assert payroll.relative("lean") == pytest.approx(-5_000 / 792_000)
    assert comparison.kpi(METRIC["headcount"], 2027).difference("hiring") == 1
    assert comparison.kpi(METRIC["payroll"], 2026).difference("lean") == 0
    assert comparison.total(METRIC["prorated_payroll"]).values["base"] == 780_000 + 792_000
    assert comparison.total(METRIC["cola_cost"]).difference("lean") == Decimal(-5_000)


def test_winners_and_losers(four):
    (pair,) = compare(four, ["base", "lean"]).people
    overall = pair.overall
    assert (pair.year, overall.people, overall.gain, overall.lose, overall.same) == (2027, 12, 2, 6, 4)
    assert (overall.gained, overall.lost, overall.net) == (1_000, -6_000, -5_000)
    # six times -1000, four times 0, twice 500: positions 1.1, 5.5 and 9.9 of 0..11
    assert (overall.p10, overall.median, overall.p90) == pytest.approx((-1_000, -500, 450))
    assert overall.p10_relative == pytest.approx(-1_000 / 51_000)
    assert [row["employee_id"] for row in pair.gainers] == ["E06", "E07"]
    assert [row["employee_id"] for row in pair.losers] == [f"E0{n}" for n in range(6)]
    assert pair.payroll.difference == pair.payroll.matched == -5_000


def groups_of(settings, people):
    """Return the size of each group of two scenarios with the same people."""
    publish(settings, "base", people)
    publish(settings, "other", people)
    (pair,) = compare(settings, ["base", "other"]).people
    return {(group.attribute, group.group): group.statistics.people for group in pair.groups}


def test_small_groups_are_counted_together(settings):
    one = Person("E99", (90_000, 90_000, 95_000), department="Board", gender=None)
    # no level, department or gender has ten people: each ends in one group of all thirteen
    found = groups_of(settings, staff(*[0] * 12, extra=[one]))
    assert found == {(by, "smaller groups"): 13 for by in ("level", "department", "gender")}


def test_a_large_group_is_counted_alone(settings):
    many = [Person(f"M{n:02}", (70_000, 70_000, 70_000 + n), department="IT", level=3) for n in range(15)]
    found = groups_of(settings, [*staff(*[0] * 12), *many])
    departments = {group: people for (by, group), people in found.items() if by == "department"}
    assert departments == {"IT": 15, "smaller groups": 12}
    assert sum(people for (by, _), people in found.items() if by == "level") == 27


def test_attributes_that_the_census_lacks_are_left_out(settings):
    found = groups_of(settings, [Person(f"N{n}", (50_000,) * 3, gender=None) for n in range(12)])
    assert {by for by, _ in found} == {"level", "department"}


def test_people_whom_one_side_alone_employs_explain_the_payroll(four):
    (pair,) = compare(four, ["base", "hiring"]).people
    assert pair.overall.people == pair.overall.same == 12
    assert pair.payroll.only_other == 30_000  # 60,000 at half time
    assert (pair.payroll.only_other_people, pair.payroll.only_base_people) == (1, 0)
    comparison = compare(four, ["base", "hiring"])
    assert pair.payroll.difference == comparison.kpi(METRIC["payroll"], 2027).difference("hiring")


def test_nothing_to_remark_when_all_is_alike(four):
    assert compare(four, ["base", "lean", "hiring"]).remarks == ()


def test_a_gap_that_cannot_be_measured_is_remarked_once_with_its_reason_scenarios_and_years(four):
    for name in ("base", "lean"):
        file = load_publication(four, name).file("fct_scenario_kpis")
        kpis = pd.read_parquet(file)
        measured = (kpis.simulation_year == 2026) & (name == "lean")
        gaps = {
            "median_gap": 0.1,
            "adjusted_gap_max": measured.map({True: 0.02, False: None}),
            "adjusted_gap_reason": measured.map({True: None, False: "one_group"}),
        }
        kpis.assign(**gaps).to_parquet(file)
    (remark,) = compare(four, ["base", "lean"]).remarks
    assert (remark.about, remark.scenarios) == ("gap", ("base", "lean"))
    assert "adjusted pay gap cannot be measured: by gender, there is one group only" in remark.what
    assert "base (2026-2027), lean (2027)" in remark.what


def test_what_a_study_aims_at_makes_no_result_stale(four):
    with open_ledger(four) as ledger:
        ledger.scenarios.set("same", {"target_growth": 0.05})
    assert compare(four, ["base", "same"]).remarks == ()


def test_a_scenario_changed_since_is_named_with_what_changed(four):
    with open_ledger(four) as ledger:
        ledger.scenarios.set("lean", {"cola_rate": 0.03})
    comparison = compare(four, ["base", "lean"])
    (remark,) = comparison.remarks
    assert (remark.about, remark.scenarios) == ("stale", ("lean",))
    assert "Cost-of-living raise (all) 2.0%, now 3.0%" in remark.what
    assert "planwise simulate --scenario lean" in remark.remedy
    assert comparison.people  # compared all the same


def test_another_census_in_use_makes_a_result_stale(four):
    generate_census(four, employees=30)
    assert about(compare(four, ["base", "lean"])) == [("stale", ("base",)), ("stale", ("lean",))]


def test_a_deleted_scenario_is_compared_as_published(four):
    with open_ledger(four) as ledger:
        ledger.scenarios.delete("lean")
    comparison = compare(four, ["base", "lean"])
    assert about(comparison) == [("deleted", ("lean",))]
    assert comparison.people


def test_another_census_compares_levers_and_kpis_but_no_people(four):
    publish(
        four, "elsewhere", staff(*[0] * 12), overrides={"cola_rate": 0.02},
        census={"name": "other_town", "content_hash": "x" * 64},
    )  # fmt: skip
    comparison = compare(four, ["base", "elsewhere", "lean"])
    assert ("census", ("base", "elsewhere")) in about(comparison)
    assert [pair.scenario for pair in comparison.people] == ["lean"]
    assert [row.parameter for row in comparison.parameters][-1] == "cola_rate"
    assert comparison.kpi(METRIC["growth_all"], 2027).values["elsewhere"] == 0


def test_other_years_compare_what_is_common(four):
    publish(
        four, "short", [Person(p.id, p.pay[:2]) for p in staff(*[0] * 12)], years=(2026,),
        overrides={"years": 1},
    )  # fmt: skip
    comparison = compare(four, ["base", "short"])
    assert about(comparison) == [("horizon", ("base", "short"))]
    assert "only 2026 is compared" in comparison.remarks[0].what
    assert comparison.years == (2026,)
    assert comparison.people[0].year == 2026


def test_without_a_common_year_only_the_results_are_named(four):
    publish(four, "later", staff(*[0] * 12), years=(2031, 2032))
    comparison = compare(four, ["base", "later"])
    assert comparison.years == () == comparison.people
    assert "no year is in all" in comparison.remarks[0].what
    assert comparison.as_json()["kpis"] == []


def test_under_another_seed_hires_are_not_matched(four):
    hire = Person("NEW-2027-1", (None, None, 70_000))
    publish(four, "lucky", staff(*[0] * 12, extra=[hire]), overrides={"seed": 7})
    comparison = compare(four, ["hiring", "lucky"])
    assert ("seed", ("hiring", "lucky")) in about(comparison)
    (pair,) = comparison.people
    assert pair.overall.people == 12
    assert pair.payroll.difference == Decimal(70_000 - 30_000 - 12_000)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["base"], "2 scenarios or more"),
        ([], "2 scenarios or more"),
        (["base", "lean", "lean"], "lean is named more than once"),
        (["base", "nowhere", "nobody"], "No result is published of nowhere, nobody"),
    ],
)
def test_what_cannot_be_asked(four, names, message):
    with pytest.raises(InputError, match=message) as error:
        compare(four, names)
    assert error.value.remedy


def test_a_damaged_result_is_named_with_the_remedy(four):
    (folder,) = (path for path in (four.published_dir / "lean").iterdir() if path.is_dir())
    (folder / "fct_workforce_snapshot.parquet").write_bytes(b"PAR1 cut off")
    with pytest.raises(InputError, match="lean is damaged") as error:
        compare(four, ["base", "lean"])
    assert "planwise simulate --scenario lean" in error.value.remedy


def rows(file):
    with open(file, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def _write(comparison, file):
    return write_people_csv(comparison.sources, comparison.people, file)


def test_one_row_a_person_and_pair(four_to_read, tmp_path):
    file = tmp_path / "new" / "people.csv"
    comparison = compare(four_to_read, ["base", "lean", "hiring"])
    assert _write(comparison, file) == 24
    found = rows(file)
    assert [row["scenario"] for row in found] == ["lean"] * 12 + ["hiring"] * 12
    assert found[0] == {
        "scenario": "lean", "against": "base", "employee_id": "E00", "level_id": "1", "other_level_id": "1",
        "department": "Sales", "gender": "F", "base_pay": "51000.00", "other_pay": "50000.00",
        "difference": "-1000.00", "share": "-0.019608",
    }  # fmt: skip
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "|x", "%x", "\r=1"])
def test_text_that_would_calculate_is_quoted(settings, tmp_path, text):
    found = listed(settings, tmp_path, [written_as(text, f"{text}{n}") for n in range(12)])
    assert {row["department"] for row in found} == {f"'{text}"}
    assert all(row["employee_id"].startswith(f"'{text}") for row in found)
    assert all(row["gender"] == f"'{text}" for row in found)


def test_commas_quotes_and_lines_stay_one_cell(settings, tmp_path):
    text = 'R&D, "new"\nline; x'
    found = listed(settings, tmp_path, [written_as(text, f"E{n}") for n in range(12)])
    assert {row["department"] for row in found} == {text}


def written_as(text, employee_id):
    return Person(employee_id, (50_000,) * 3, department=text, gender=text)


def listed(settings, folder, people):
    """Return the rows of the list of two equal scenarios."""
    publish(settings, "base", people)
    publish(settings, "other", people)
    _write(compare(settings, ["base", "other"]), folder / "people.csv")
    return rows(folder / "people.csv")


def test_what_cannot_be_written_is_said(four, tmp_path):
    publish(four, "away", staff(*[0] * 12), census={"content_hash": "x" * 64})
    with pytest.raises(InputError, match="no people to list"):
        _write(compare(four, ["base", "away"]), tmp_path / "people.csv")
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(InputError, match="cannot be written"):
        _write(compare(four, ["base", "lean"]), tmp_path / "taken" / "people.csv")


def test_a_parameter_of_an_earlier_version_is_not_set_now():
    now = ComparedParameters("plan", resolve((2026,), scenario={}))
    assert now.setting("promotion_multiplier_age_55_to_64", 2026) is None
    assert now.setting("cola_rate", 2026).value == 0
