"""Compare: what is said of results whose differences are known."""

from decimal import Decimal

import pytest
from comparison_worlds import Person, publish, staff

from planwise.census import generate_census
from planwise.comparison import compare
from planwise.comparison.differences import METRICS
from planwise.errors import InputError
from planwise.governance import open_ledger

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
    publish(settings, "spelled", staff(*[0] * 12), overrides={"cola_rate": 0.025})
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


def test_small_groups_are_counted_together(settings):
    one = Person("E99", (90_000, 90_000, 95_000), department="Board", gender=None)
    publish(settings, "base", staff(*[0] * 12, extra=[one]))
    publish(settings, "other", staff(*[100] * 12, extra=[one]))
    (pair,) = compare(settings, ["base", "other"]).people
    groups = {(group.attribute, group.group): group.statistics.people for group in pair.groups}
    # no level, department or gender has ten people: each ends in one group of all thirteen
    assert groups == {
        ("level", "smaller groups"): 13,
        ("department", "smaller groups"): 13,
        ("gender", "smaller groups"): 13,
    }


def test_a_large_group_stands_for_itself(settings):
    many = [Person(f"M{n:02}", (70_000, 70_000, 70_000 + n), department="IT", level=3) for n in range(15)]
    publish(settings, "base", [*staff(*[0] * 12), *many])
    publish(settings, "other", [*staff(*[0] * 12), *many])
    (pair,) = compare(settings, ["base", "other"]).people
    departments = [(g.group, g.statistics.people) for g in pair.groups if g.attribute == "department"]
    assert departments == [("IT", 15), ("smaller groups", 12)]
    assert sum(g.statistics.people for g in pair.groups if g.attribute == "level") == 27


def test_people_whom_one_side_alone_employs_explain_the_payroll(four):
    (pair,) = compare(four, ["base", "hiring"]).people
    assert pair.overall.people == pair.overall.same == 12
    assert pair.payroll.only_other == 30_000  # 60,000 at half time
    assert (pair.payroll.only_other_people, pair.payroll.only_base_people) == (1, 0)
    comparison = compare(four, ["base", "hiring"])
    assert pair.payroll.difference == comparison.kpi(METRIC["payroll"], 2027).difference("hiring")


def test_attributes_that_the_census_lacks_are_left_out(settings):
    nobody = [Person(f"N{n}", (50_000, 50_000, 50_000), gender=None) for n in range(12)]
    publish(settings, "base", nobody)
    publish(settings, "other", nobody)
    (pair,) = compare(settings, ["base", "other"]).people
    assert {group.attribute for group in pair.groups} == {"level", "department"}


def test_nothing_to_remark_when_all_is_alike(four):
    assert compare(four, ["base", "lean", "hiring"]).remarks == ()


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
    assert "cola_rate (all) 0.02, now 0.03" in remark.what
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
