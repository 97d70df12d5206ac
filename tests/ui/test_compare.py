"""Compare: values against pandas over the published files, and what the page says of them."""

import io
import json
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from planwise.comparison.differences import ParameterDifference, Setting
from planwise.comparison.people import Group, PayrollBridge, Statistics, WinnersAndLosers
from planwise.comparison.sources import Source
from planwise.errors import InputError
from planwise.governance import open_ledger
from planwise.governance.publications import Publication, load_publication
from planwise.risk.noise import Difference
from planwise.risk.worlds import LUCK, RATES_AND_LUCK
from planwise.settings import Settings
from tests.unit.comparison.comparison_worlds import Person, prepare, publish
from ui.components.charts import DOWN, UP
from ui.pages.compare import charts
from ui.pages.compare import people as people_parts
from ui.pages.compare.noise import chances, reaches
from ui.pages.compare.page import chosen
from ui.pages.compare.tables import change, figures, file_name, levers, share, verdict
from ui.queries.comparisons import amounts_of, band_width
from ui.store import Store
from ui.values.comparison import Chance, ComparedScenarios, PeopleCompared, Reach
from ui.values.user import User

LAST = 2027
ADA = User("ada", "analyst")


def people(raise_of, *, extra=(), juniors=28):
    """Forty people: 28 of level 1 (eight in Legal), 12 of level 2; raises by number, in 2027."""
    found = []
    for number in range(40):
        level = 1 if number < juniors else 2
        start = 50_000 if level == 1 else 80_000
        department = "Legal" if number % 5 == 0 else "Sales"
        pay = (start, start, start + raise_of(number))
        found.append(
            Person(f"E{number:02}", pay, level, department, gender="F" if number % 2 else "M", fte="0.8")
        )
    return [*found, *extra]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("compare") / "home")
    prepare(settings)
    publish(settings, "base", people(lambda n: 1_000))
    publish(settings, "lean", people(lambda n: 400 if n < 15 else 1_000), overrides={"cola_rate": 0.02})
    hire = Person("NEW-2027-1", (None, None, 60_000), level=3, gender=None)
    publish(
        settings,
        "generous",
        people(lambda n: 1_000 + 50 * n, extra=[hire]),
        overrides={"merit_rate_level_1@2027": 0.05},
    )
    publish(
        settings,
        "elsewhere",
        people(lambda n: 0),
        census={"content_hash": "other", "name": "another", "rows": 7},
    )
    publish(settings, "later", people(lambda n: 0), years=(2027, 2028))
    return Store(settings)


def mart(store, scenario, name):
    settings = Settings(home=store.home)
    return pd.read_parquet(load_publication(settings, scenario).file(name))


def matched(store, other, year=LAST):
    def year_end(scenario):
        frame = mart(store, scenario, "fct_workforce_snapshot")
        frame = frame[(frame["simulation_year"] == year)]
        return frame.assign(base_pay=frame["base_pay"].astype(float), fte=frame["fte"].astype(float))

    both = year_end("base").merge(year_end(other), on="employee_id", suffixes=("", "_other"))
    both["difference"] = both["base_pay_other"] - both["base_pay"]
    both["share"] = both["difference"] / both["base_pay"]
    return both


def test_every_figure_is_the_marts_and_every_difference_is_from_the_first(store):
    names = ("base", "lean", "generous")
    found = store.comparisons.compare(names)
    marts = {name: mart(store, name, "fct_scenario_kpis").set_index("simulation_year") for name in names}
    yearly = found.figures[found.figures["simulation_year"] > 0]
    assert len(yearly) == 3 * 2 * len(set(found.figures["metric"]))
    for row in yearly.itertuples():
        value = float(marts[row.scenario].loc[row.simulation_year, row.metric])
        base = float(marts["base"].loc[row.simulation_year, row.metric])
        assert row.value == pytest.approx(value)
        if row.scenario != "base":
            assert row.difference == pytest.approx(value - base)
            assert (row.relative == pytest.approx((value - base) / abs(base))) if base else True
    totals = found.figures[(found.figures["simulation_year"] == 0) & (found.figures["metric"] == "cola_cost")]
    assert totals.set_index("scenario")["value"].to_dict() == {
        name: pytest.approx(float(marts[name]["cola_cost"].sum())) for name in names
    }


@pytest.mark.parametrize("other", ["lean", "generous"])
def test_groups_of_winners_and_losers_are_those_of_the_snapshots(store, other):
    (found,) = store.comparisons.people(("base", other), LAST)
    both = matched(store, other)
    assert (found.pair.overall.people, found.groups["attribute"].iloc[0]) == (40, "everybody")
    groups = found.groups.set_index(["attribute", "group"])
    for group, rows in [(("everybody", "everybody"), both)] + [
        (("level", str(level)), rows) for level, rows in both.groupby("level_id")
    ]:
        difference = rows["difference"]
        counts = [len(rows), *((sign * difference > 0).sum() for sign in (1, -1)), (difference == 0).sum()]
        assert groups.loc[group, ["people", "gain", "lose", "same"]].tolist() == counts
        assert groups.loc[group, "net"] == pytest.approx(difference.sum())
        assert groups.loc[group, "p10"] == pytest.approx(np.percentile(difference, 10))
        assert groups.loc[group, "median_relative"] == pytest.approx(np.median(rows["share"]))


def test_no_group_and_no_band_of_fewer_than_ten_shows_its_pay(store):
    (found,) = store.comparisons.people(("base", "generous"), LAST)
    departments = found.groups[found.groups["attribute"] == "department"]
    assert departments["group"].tolist() == ["smaller groups"]  # eight in Legal, so Sales is with them
    assert departments["people"].tolist() == [40]
    assert (found.groups["people"] >= 10).all()
    counted = found.distribution["people"].dropna()
    assert ((counted >= 10) | (counted == 0)).all()
    assert found.distribution["people"].isna().any()  # there are bands of one to nine, and they say nothing
    levels = store.comparisons.compare(("base", "generous")).levels
    hired = levels[(levels["level_id"] == 3) & (levels["metric"].isin(["mean_base_pay", "median_base_pay"]))]
    assert len(hired) and hired[["value", "difference"]].isna().all().all()


def test_a_difference_from_a_base_of_fewer_than_ten_is_not_shown_and_edits_of_scenarios_are_seen(tmp_path):
    settings = Settings(home=tmp_path)
    prepare(settings)
    publish(settings, "few", people(lambda n: 0, juniors=31))  # nine of level 2
    publish(settings, "more", people(lambda n: 900, juniors=30))
    reader = Store(settings).comparisons
    for names, shown in ((("few", "more"), [False, True]), (("more", "few"), [True, False])):
        levels = reader.compare(names).levels
        pay = levels[
            (levels["level_id"] == 2)
            & (levels["metric"] == "mean_base_pay")
            & (levels["simulation_year"] == LAST)
        ]
        assert pay["scenario"].tolist() == list(names)
        assert pay["value"].notna().tolist() == shown
        assert pay["difference"].isna().all()
    assert not any("deleted" in str(one) for one in reader.compare(("few", "more")).caveats)
    with open_ledger(settings) as ledger:
        ledger.scenarios.delete("more")
    assert any("deleted" in str(one) for one in reader.compare(("few", "more")).caveats)


def test_bands_hold_everybody_whose_difference_is_in_them(store):
    (found,) = store.comparisons.people(("base", "lean"), LAST)
    bands = found.distribution
    share = matched(store, "lean")["share"]
    same = bands[(bands["low"] == 0) & (bands["high"] == 0)]
    assert same["people"].tolist() == [int((share == 0).sum())] == [25]
    lost = bands[bands["people"] == 15]
    assert len(lost) == 1
    assert lost["low"].iloc[0] <= -600 / 51_000 <= lost["high"].iloc[0]


def test_the_width_of_a_band_is_round_and_there_are_not_too_many():
    for low, high in ((-0.2, 0.3), (0.0, 0.0004), (0.01, 0.01), (-3.0, 9.0)):
        width = band_width(low, high)
        assert (high - low) / width <= 24
    assert band_width(-0.2, 0.02) == 0.01


def test_another_census_is_compared_without_people_and_that_is_said(store):
    found = store.comparisons.compare(("base", "elsewhere"))
    assert found.matched == ()
    assert [caveat.about for caveat in found.caveats if caveat.about == "census"] == ["census"]
    assert store.comparisons.people(("base", "elsewhere"), LAST) == ()
    assert len(found.figures)


def test_people_are_compared_anew_when_a_manifest_is_another_though_the_result_in_force_is_the_same(tmp_path):
    settings = Settings(home=tmp_path)
    prepare(settings)
    for name in ("base", "other"):
        publish(settings, name, people(lambda n: 1_000))
    comparisons, both = Store(settings).comparisons, ("base", "other")
    before = comparisons.version(both)
    assert len(comparisons.people(both, LAST)) == 1 and comparisons.version(both) == before
    publication = load_publication(settings, "other")
    census = {**publication.manifest["census"], "content_hash": "another census"}
    (publication.folder / "manifest.json").write_text(json.dumps({**publication.manifest, "census": census}))
    assert comparisons.version(both) != before and comparisons.people(both, LAST) == ()


def test_an_unpublished_scenario_is_an_error_with_a_remedy(store):
    with pytest.raises(InputError, match="nowhere") as error:
        store.comparisons.compare(("base", "nowhere"))
    assert "planwise simulate" in str(error.value.remedy)


def test_the_workbook_has_all_scenarios_and_texts_are_texts(store):
    content = store.individual_pay(ADA).workbook(("base", "lean", "generous"))
    assert zipfile.is_zipfile(io.BytesIO(content))
    book = openpyxl.load_workbook(io.BytesIO(content))
    heads = [cell.value for cell in next(book["Levels"].iter_rows(min_row=4, max_row=4))]
    assert book.sheetnames[0] == "Summary" and len(heads) > 3
    people_rows = [row for row in book["Employees"].iter_rows(values_only=True) if row[0] == "generous"]
    assert len(people_rows) == 40


def test_the_people_file_has_one_row_a_person_and_pair(store):
    content = store.individual_pay(ADA).people_file(("base", "lean", "generous"))
    frame = pd.read_csv(io.BytesIO(content))
    assert frame.groupby("scenario").size().to_dict() == {"generous": 40, "lean": 40}
    lean = frame[frame["scenario"] == "lean"].set_index("employee_id")["difference"]
    expected = matched(store, "lean").set_index("employee_id")["difference"]
    pd.testing.assert_series_equal(lean.sort_index(), expected.sort_index(), check_names=False)


def test_policy_is_told_from_noise_by_paired_seeds(store):
    rng = np.random.default_rng(1)
    luck = rng.normal(0, 0.004, 64)
    samples = {
        "base": {"growth_compound": list(0.03 + luck), "payroll": [1.0] * 64},
        "policy": {"growth_compound": list(0.04 + luck), "payroll": [1.0] * 64},
        "noise": {"growth_compound": list(0.03 + rng.normal(0, 0.004, 64)), "payroll": [1.0] * 64},
    }
    found = {
        (chance.scenario, chance.metric): chance.difference
        for chance in store.comparisons.chances(samples, "base", ["growth_compound", "payroll"])
    }
    assert found[("policy", "growth_compound")].policy_share == pytest.approx(1.0)
    assert found[("policy", "growth_compound")].mean == pytest.approx(0.01)
    assert found[("policy", "payroll")].policy_share is None
    chance = found[("noise", "growth_compound")]
    difference = np.array(samples["noise"]["growth_compound"]) - np.array(samples["base"]["growth_compound"])
    reach = 1.998340542520741 * difference.std(ddof=1) / 8  # Student's t of 63 degrees of freedom
    assert (chance.low, chance.high) == pytest.approx((difference.mean() - reach, difference.mean() + reach))
    assert chance.policy_share < 0.2 and chance.n == 64
    with pytest.raises(InputError, match="At least two seeds"):
        store.comparisons.chances({"base": {"x": [1.0]}, "b": {"x": [2.0]}}, "base", ["x"])


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
        (-136_110_129.2, "currency a year", "−136,110,129"),
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
    target = {"parameter": "target_growth", "year": None, "value": 0.03, "tier": "scenario"}
    manifest = {"years": years, "census": {"name": "tiny", "rows": 300}, "parameters": [target]}
    sources = tuple(Source(Publication(name, "f" * 32, None, manifest)) for name in names)
    metrics = [
        ("growth_compound", "Change in average pay a year since the census", "rate", 0.03, 0.01),
        ("growth_all", "Change in average pay", "rate", 0.03, 0.01),
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
        assert LONG.replace("_", "_<wbr>") in content.table and "<img" not in content.table
        assert len(content.file_name) < 250 and "<" not in content.file_name
    told = figures(found, 2027).table
    assert "+1.00\u00a0pp" in told and "+100,000 · +10.0%" in told
    assert "In total, 2026–2027" in told and "−500" in told
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
    assert [trace["y"] for trace in cost] == [[1e5, 1e5], [2e5, 2e5]]
    levels_figure = charts.levels(found, 2027).figure["data"][0]
    assert levels_figure["y"] == [50_000.0, None]


def test_scenarios_without_a_lever_or_a_year_in_common_say_so():
    found = compared("a", "b")
    nothing = ComparedScenarios(found.sources, (), (), (), found.figures, found.levels, ())
    assert "No lever and no assumption differs, no common year" in levers(nothing).table


def people_compared():
    bands = pd.DataFrame(
        [
            {"low": 0.0, "high": 0.0, "people": 25},
            {"low": None, "high": -0.01, "people": None},
            {"low": -0.01, "high": 0.0, "people": 15},
            {"low": 0.02, "high": 0.03, "people": 0},
            {"low": 0.05, "high": None, "people": 12},
        ]
    )
    groups = pd.DataFrame(
        [{"attribute": "level", "group": "3", "people": 52, "gain": 12, "lose": 20, "same": 20, "net": -5.0}
         | dict.fromkeys(("p10", "median", "p90", "median_relative"), 0.0)]
    )  # fmt: skip
    overall = Statistics(52, 12, 20, 20, 1.0, -6.0, -5.0, *[0.0] * 6)
    bridge = PayrollBridge(-2_000_000, 500_000, 100_000, 30, 10)
    pair = WinnersAndLosers("lean", EVIL, 2027, overall, (), bridge, (), (), ())
    return PeopleCompared(pair, groups, bands, bridge)


def test_bands_are_named_and_those_of_fewer_than_ten_are_not_counted_out():
    content = people_parts.distribution(people_compared())
    (trace,) = content.figure["data"]
    assert trace["x"] == pytest.approx([-0.015, -0.005, 0.025, 0.055])  # the middles, in order
    assert trace["y"] == [None, 15, 0, 12] and trace["marker"]["color"] == [DOWN, DOWN, UP, UP]
    assert trace["customdata"][0] == "below −1%: fewer than 10 people"
    assert trace["customdata"][2:] == ["+2% to +3%: 0 people", "+5% and more: 12 people"]
    assert "1 band of fewer than 10 people is not drawn" in content.subtitle
    assert "those paid the same are not drawn" in content.subtitle


def test_why_payroll_differs_adds_up():
    content = people_parts.payroll(people_compared())
    assert content.frame["amount"].tolist() == [-2e6, 5e5, -1e5, -1.6e6]
    (trace,) = content.figure["data"]
    assert sum(trace["y"]) == pytest.approx(-1.6e6)
    assert trace["text"][-1] == "−1.6\u00a0M"


def test_a_few_hires_are_not_told_by_what_payroll_differs(store):
    (found,) = store.comparisons.people(("base", "generous"), LAST)
    assert found.pair.payroll.only_other_people == 1
    content = people_parts.payroll(found)
    assert content.frame["amount"].isna().tolist() == [True, True, True, False]
    assert "48,000" not in str(content) and "−" not in content.figure["data"][0]["text"][0]


def statistics(people, gain):
    return Statistics(people, gain, 0, people - gain, 777 * gain, 0, 777 * gain, *[0.0] * 6)


@pytest.mark.parametrize(
    ("gain", "hidden"),
    [
        ((0, 30), [False, False, False]),
        ((9, 30), [False, True, True]),  # the sum of all tells the smaller one, unless both are hidden
        ((1, 2), [True, True, True]),
        ((10, 30), [False, False, False]),
    ],
)
def test_a_few_who_gain_are_not_told_by_the_sum(gain, hidden):
    groups = tuple(Group("level", str(n), statistics(40, some)) for n, some in enumerate(gain))
    bridge = PayrollBridge(0, 0, 0, 0, 0)
    pair = WinnersAndLosers("one", "base", LAST, statistics(80, sum(gain)), groups, bridge, (), (), ())
    rows = list(amounts_of(pair))
    assert [row["net"] is None for row in rows] == hidden
    assert [row["median"] is None for row in rows] == hidden


def test_groups_are_named_as_people_name_them():
    frame = people_parts.groups(people_compared()).frame
    assert frame["name"].tolist() == ["L3 Senior Manager"]


def difference(mean, low, high, shares):
    return Difference(mean, 0.001, 0.001, low, high, *shares, 0.001, None, 16)


def test_policy_and_luck_are_told_with_interval_and_share():
    one = Chance("lean", "growth_compound", difference(-0.01, -0.012, -0.008, (0.98, 0.01, 0.4)))
    none = Chance("lean", "headcount", difference(0.0, 0.0, 0.0, (None, None, None)))
    content = chances((one, none), ("base", "lean"), 2027, 16)
    assert "−1.20\u00a0pp to −0.80\u00a0pp" in content.table
    assert "98.0% ± 1.0%" in content.table and "no difference" in content.table
    assert "16 common draws of rates and luck" in content.subtitle
    (trace,) = content.figure["data"]
    assert trace["x"] == [-1.0] and trace["error_x"]["array"] == [pytest.approx(0.2)]  # points


def test_files_are_named_by_what_is_in_them():
    assert file_name("figures", ("a", "b"), "csv") == "figures_a_b.csv"
    assert file_name("x", ("a/..\\b", "c", "d", "e", "f"), "xlsx") == "x_a-b_c_d_and_2_more.xlsx"


def test_ranges_are_apart_by_what_was_drawn():
    both = [Reach(name, "payroll", RATES_AND_LUCK, 1e8, 1.1e8, 1.3e8, 8) for name in ("base", "lean")]
    alone = [Reach("lean", "payroll", LUCK, 1.08e8, 1.1e8, 1.12e8, 8)]
    content = reaches({RATES_AND_LUCK: both, LUCK: alone}, ("base", "lean"), 2027)
    assert content.table.count("not drawn yet") == 1  # luck alone of the base
    assert "108,000,000 to 112,000,000" in content.table
    (trace,) = content.figure["data"]
    assert trace["y"] == ["base, rates and luck", "lean, rates and luck", "lean, luck alone"]
    assert len(content.frame) == 3


def test_draws_are_those_of_the_ensemble(store):
    plans = {name: store.plans.effective(name) for name in ("base", "lean")}
    worlds = store.comparisons.worlds(plans, 3, RATES_AND_LUCK)
    assert len({world["base"].seed for world in worlds}) == 3
    assert {world["base"].seed for world in worlds} == {world["lean"].seed for world in worlds}
    factor = [
        world["base"].number("termination_rate") / plans["base"].number("termination_rate")
        for world in worlds
    ]
    assert len(set(factor)) == 3
    alone = store.comparisons.worlds(plans, 1, LUCK)
    assert alone[0] == plans
