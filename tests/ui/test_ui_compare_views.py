"""What the compare page says of values made by hand."""

import pandas as pd
import pytest

from planwise.comparison.differences import ParameterDifference, Setting
from planwise.comparison.people import PayrollBridge, Statistics, WinnersAndLosers
from planwise.comparison.sources import Source
from planwise.engine.publishing import Publication
from planwise.risk.noise import Difference
from ui.pages.compare import charts
from ui.pages.compare import people as people_parts
from ui.pages.compare.noise import chances
from ui.pages.compare.page import chosen
from ui.pages.compare.tables import change, figures, file_name, levers, share, verdict
from ui.values.comparison import Chance, ComparedScenarios, PeopleCompared

PUBLISHED = ("baseline", "a", "b", "c", "d", "e", "f")
EVIL = "=evil<img src=x onerror=alert(1)>"
LONG = "front_loaded_raises_for_lower_levels_2026_version"


@pytest.mark.parametrize(
    ("wanted", "selected", "names", "says"),
    [
        ((), "", ("baseline", "a", "b"), []),
        ((), "c", ("baseline", "c"), []),
        ((), "baseline", ("baseline", "a", "b"), []),
        (("b", "a"), "c", ("b", "a"), []),
        (("b", "b", "a"), "", ("b", "a"), ["b was named more than once"]),
        (("nowhere", "b"), "", ("b", "baseline"), ["'nowhere' is not published", "baseline is added"]),
        (PUBLISHED, "", PUBLISHED[:6], ["f is left out"]),
    ],
)
def test_what_is_compared_is_what_the_address_says_as_far_as_it_can_be(wanted, selected, names, says):
    choice = chosen(wanted, selected, PUBLISHED)
    assert choice.names == names
    assert len(choice.remarks) == len(says)
    assert all(part in remark for part, remark in zip(says, choice.remarks, strict=True))


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-136_110_129.2, "currency a year", "−$136,110,129"),
        (0.0054, "rate", "+0.54\u00a0pp"),
        (40, "people", "+40"),
        (-0.0523, "ratio", "−0.052"),
        (0.000001, "rate", "="),
        (0, "people", "="),
        (None, "rate", "n/a"),
        (float("nan"), "currency a year", "n/a"),
    ],
)
def test_a_difference_has_its_sign_and_unit(value, unit, text):
    assert change(value, unit) == text


def test_a_share_stands_beside_amounts_and_counts_only():
    assert share(-0.1112, "currency a year") == "−11.1%"
    assert share(0.1, "rate") == share(None, "people") == share(0.0, "people") == ""


@pytest.mark.parametrize(
    ("metric", "unit", "value", "base", "target", "says"),
    [
        ("adjusted_gap_max", "rate", 0.016, 0.017, None, ("better", "good")),
        ("below_minimum", "people", 14, 1, None, ("worse", "bad")),
        ("below_minimum", "people", 1, 1, None, ("", "")),
        ("growth_compound", "rate", 0.031, 0.055, 0.03, ("nearer target", "good")),
        ("growth_compound", "rate", 0.020, 0.031, 0.03, ("further from target", "bad")),
        ("growth_compound", "rate", 0.031, 0.055, None, ("", "")),
        ("growth_compound", "rate", 0.029, 0.031, 0.03, ("", "")),
        ("payroll", "currency a year", 2.0, 1.0, 0.03, ("", "")),
        ("termination_rate", "rate", None, 0.1, None, ("", "")),
    ],
)
def test_better_and_worse_only_where_a_direction_is_agreed(metric, unit, value, base, target, says):
    assert verdict(metric, unit, value, base, target) == says


def compared(*names, years=(2026, 2027)):
    target = {"parameter": "target_growth", "year": None, "value": 0.03, "tier": "default"}
    manifest = {"years": years, "census": {"name": "tiny", "rows": 300}, "parameters": [target]}
    sources = tuple(Source(Publication(name, "f" * 32, None, manifest)) for name in names)
    metrics = [
        ("growth_compound", "Compound growth a year since the census", "rate", 0.03, 0.01),
        ("growth_all", "Growth of mean base pay", "rate", 0.03, 0.01),
        ("payroll", "Payroll at year end", "currency a year", 1e6, 1e5),
        ("prorated_payroll", "Pay earned in the year", "currency a year", 1e6, 1e5),
        ("cola_cost", "Cost of COLA", "currency a year", 1e4, -500),
        *((f"bridge_{part}", f"Growth from {part}", "rate", 0.01, 0.001) for part in ("exits", "hires")),
    ]
    rows = [
        {
            "metric": metric,
            "label": label,
            "unit": unit,
            "simulation_year": year,
            "scenario": name,
            "value": start + number * step,
            "difference": number * step if number else None,
            "relative": number * step / start if number else None,
        }
        for metric, label, unit, start, step in metrics
        for year in (*years, 0)
        for number, name in enumerate(names)
    ]
    levels = [
        {
            "metric": metric,
            "label": metric,
            "unit": "currency a year",
            "level_id": level,
            "simulation_year": year,
            "scenario": name,
            "value": 9.0
            if metric == "headcount" and level == 5
            else float("nan")
            if level == 5
            else 50_000.0,
            "difference": None,
            "relative": None,
        }
        for metric in ("headcount", "mean_base_pay")
        for level in (1, 5)
        for year in years
        for name in names
    ]
    settings = {name: Setting(0.02 + 0.01 * (number == 1), "scenario") for number, name in enumerate(names)}
    lever = ParameterDifference("cola_rate", "lever", "Cost-of-living raise", "rate", (), settings)
    return ComparedScenarios(
        sources, years, (), (lever,), pd.DataFrame(rows), pd.DataFrame(levels), tuple(names[1:])
    )


def test_six_scenarios_with_long_names_have_a_column_each_and_texts_are_escaped():
    names = ("baseline", LONG, EVIL, "x" * 48, "short", "last")
    found = compared(*names)
    for content in (figures(found, 2027), levers(found)):
        assert content.table.count('scope="col"') >= 7
        assert LONG in content.table and "<img" not in content.table
        assert len(content.file_name) < 250 and "<" not in content.file_name
    told = figures(found, 2027).table
    assert "+1.00\u00a0pp" in told and "+$100,000 · +10.0%" in told
    assert "In total, 2026–2027" in told and "−$500" in told
    assert levers(found).table.count("= base") == 4
    assert "3.00%" in levers(found).table


def test_the_file_behind_the_figures_has_every_year_and_the_total():
    frame = figures(compared("a", "b"), 2027).frame
    assert set(frame["simulation_year"]) == {2026, 2027, "total"}
    assert len(frame) == 7 * 3 * 2


def test_charts_keep_a_scenarios_colour_and_leave_small_levels_out():
    found = compared("a", "b", "c")
    lines = {trace["name"]: trace["line"]["color"] for trace in charts.growth(found).figure["data"]}
    for content in (charts.bridge(found, 2027), charts.levels(found, 2027)):
        bars = {trace["name"]: trace["marker"]["color"] for trace in content.figure["data"]}
        assert bars == lines
    cost = charts.cost(found).figure["data"]
    assert [trace["y"] for trace in cost] == [[0.1, 0.1], [0.2, 0.2]]
    levels_figure = charts.levels(found, 2027).figure["data"][0]
    assert levels_figure["y"] == [50_000.0, None]


def test_scenarios_without_a_lever_or_a_year_in_common_say_so():
    found = compared("a", "b")
    nothing = ComparedScenarios(found.sources, (), (), (), found.figures, found.levels, ())
    assert "No lever and no assumption differs, no common year" in levers(nothing).table


def people():
    bands = pd.DataFrame(
        [
            {"low": 0.0, "high": 0.0, "people": 25},
            {"low": None, "high": -0.01, "people": None},
            {"low": -0.01, "high": 0.0, "people": 15},
            {"low": 0.025, "high": 0.0275, "people": 0},
            {"low": 0.05, "high": None, "people": 12},
        ]
    )
    groups = pd.DataFrame(
        [{"attribute": "level", "group": "3", "people": 52, "gain": 12, "lose": 20, "same": 20, "net": -5.0}
         | dict.fromkeys(("p10", "median", "p90", "median_relative"), 0.0)]
    )  # fmt: skip
    overall = Statistics(52, 12, 20, 20, 1.0, -6.0, -5.0, *[0.0] * 6)
    bridge = PayrollBridge(-2_000_000, 500_000, 100_000, 3, 1)
    pair = WinnersAndLosers("lean", EVIL, 2027, overall, (), bridge, (), (), ())
    return PeopleCompared(pair, groups, bands)


def test_bands_are_named_and_those_of_fewer_than_ten_are_not_counted_out():
    content = people_parts.distribution(people())
    (trace,) = content.figure["data"]
    assert trace["x"] == ["no difference", "below −1%", "−1% to 0%", "+2.50% to +2.75%", "+5% and more"]
    assert trace["y"] == [25, None, 15, 0, 12]
    assert "fewer than 10" in trace["customdata"][1]
    assert "1 band of fewer than 10 people is not drawn" in content.subtitle


def test_why_payroll_differs_adds_up():
    content = people_parts.payroll(people())
    assert content.frame["amount"].tolist() == [-2e6, 5e5, -1e5, -1.6e6]
    (trace,) = content.figure["data"]
    assert sum(trace["y"]) == pytest.approx(-1.6)
    assert trace["text"][-1] == "−$1.6\u00a0M"


def test_groups_are_named_as_people_name_them():
    frame = people_parts.groups(people()).frame
    assert frame["name"].tolist() == ["L3 Senior Manager"]


def difference(mean, low, high, shares):
    return Difference(mean, 0.001, 0.001, low, high, *shares, 0.001, None, 16)


def test_policy_and_luck_are_told_with_interval_and_share():
    one = Chance("lean", "growth_compound", difference(-0.01, -0.012, -0.008, (0.98, 0.01, 0.4)))
    none = Chance("lean", "headcount", difference(0.0, 0.0, 0.0, (None, None, None)))
    content = chances((one, none), ("base", "lean"), 2027, 16)
    assert "−1.20\u00a0pp to −0.80\u00a0pp" in content.table
    assert "98.0% ± 1.0%" in content.table and "no difference" in content.table
    assert "16 draws" in content.subtitle
    (trace,) = content.figure["data"]
    assert trace["x"] == [-0.01] and trace["error_x"]["array"] == [pytest.approx(0.002)]


def test_files_are_named_by_what_is_in_them():
    assert file_name("figures", ("a", "b"), "csv") == "figures_a_b.csv"
    assert file_name("x", ("a/..\\b", "c", "d", "e", "f"), "xlsx") == "x_a-b_c_d_and_2_more.xlsx"
