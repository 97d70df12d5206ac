"""What the compare page is given: held against pandas over the published files."""

import io
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

from planwise.engine.publishing import load_publication
from planwise.errors import InputError
from planwise.settings import Settings
from tests.unit.comparison.comparison_worlds import Person, prepare, publish
from ui.queries.comparisons import band_width
from ui.store import Store

LAST = 2027


def people(raise_of, *, extra=()):
    """Forty people: 28 of level 1 (eight in Legal), 12 of level 2; raises by number, in 2027."""
    found = []
    for number in range(40):
        level = 1 if number < 28 else 2
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


def test_only_the_levers_that_differ_are_there_with_years_and_tier(store):
    found = store.comparisons.compare(("base", "lean", "generous"))
    levers = {(row.parameter, row.when): row.settings for row in found.parameters if row.kind == "lever"}
    assert set(levers) == {("cola_rate", "all"), ("merit_rate_level_1", "2027")}
    cola = levers[("cola_rate", "all")]
    assert (cola["lean"].value, cola["lean"].tier) == (0.02, "scenario")
    assert (cola["base"].value, cola["base"].tier) == (0.025, "default")
    assert cola["generous"].value == 0.025


@pytest.mark.parametrize("other", ["lean", "generous"])
def test_winners_and_losers_are_those_of_the_snapshots(store, other):
    (found,) = store.comparisons.people(("base", other), LAST)
    both = matched(store, other)
    difference = both["difference"]
    overall = found.pair.overall
    assert (overall.people, overall.gain, overall.lose, overall.same) == (
        40,
        int((difference > 0).sum()),
        int((difference < 0).sum()),
        int((difference == 0).sum()),
    )
    assert float(overall.net) == pytest.approx(difference.sum())
    assert overall.median_relative == pytest.approx(np.median(both["share"]))
    level = found.groups[found.groups["attribute"] == "level"].set_index("group")
    for number, rows in both.groupby("level_id"):
        assert level.loc[str(number), "people"] == len(rows)
        assert level.loc[str(number), "net"] == pytest.approx(rows["difference"].sum())
        assert level.loc[str(number), "p10"] == pytest.approx(np.percentile(rows["difference"], 10))
    payroll = {n: float(mart(store, n, "fct_scenario_kpis")["payroll"].iloc[-1]) for n in ("base", other)}
    assert float(found.pair.payroll.difference) == pytest.approx(payroll[other] - payroll["base"])


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


def test_another_horizon_leaves_the_common_years(store):
    found = store.comparisons.compare(("base", "later"))
    assert found.years == (2027,)
    assert "horizon" in [caveat.about for caveat in found.caveats]


def test_an_unpublished_scenario_is_an_error_with_a_remedy(store):
    with pytest.raises(InputError, match="nowhere") as error:
        store.comparisons.compare(("base", "nowhere"))
    assert "planwise simulate" in str(error.value.remedy)


def test_the_workbook_has_all_scenarios_and_texts_are_texts(store):
    content = store.comparisons.workbook(("base", "lean", "generous"))
    assert zipfile.is_zipfile(io.BytesIO(content))
    book = openpyxl.load_workbook(io.BytesIO(content))
    heads = [cell.value for cell in next(book["Levels"].iter_rows(min_row=4, max_row=4))]
    assert book.sheetnames[0] == "Summary" and len(heads) > 3
    people_rows = [row for row in book["Employees"].iter_rows(values_only=True) if row[0] == "generous"]
    assert len(people_rows) == 40


def test_the_people_file_has_one_row_a_person_and_pair(store):
    content = store.comparisons.people_file(("base", "lean", "generous"))
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
