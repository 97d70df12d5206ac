"""What the reader says of people and events, against what pandas computes from the same rows."""

import shutil

import numpy as np
import pandas as pd
import pytest

import ui.queries.people as reading
from planwise.errors import InputError
from planwise.governance.publications import load_publication
from tests.ui.published import COMMA, HOSTILE, WIDTHS, people, publish_people
from ui.queries.distributions import bin_width
from ui.queries.individual_pay import IndividualPay
from ui.queries.people import PeopleReader
from ui.values.people import EVENT_KINDS, NOT_GIVEN, STATUSES, EventQuery, Filter
from ui.values.user import User

FILTERS = [
    Filter(),
    Filter("continuing"),
    Filter("new_hires"),
    Filter("exits"),
    Filter("experienced_exits"),
    Filter("everyone"),
    Filter(level=2),
    Filter(departments=(COMMA,)),
    Filter(departments=("Sales", NOT_GIVEN), gender="F"),
    Filter("everyone", level=1, departments=(HOSTILE,), gender="M"),
]


def of_people(frame, chosen):
    """The filter without the status, by pandas."""
    department = frame["department"].fillna(NOT_GIVEN)
    keep = pd.Series(True, index=frame.index)
    if chosen.level is not None:
        keep &= frame["level_id"] == chosen.level
    if chosen.departments:
        keep &= department.isin(chosen.departments)
    if chosen.gender:
        keep &= frame["gender"] == chosen.gender
    return frame[keep]


def of(frame, chosen):
    found = of_people(frame, chosen)
    return found[found["employment_status"].isin(STATUSES[chosen.status].statuses)]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    from planwise.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("people") / "home")
    snapshot, events = publish_people(settings)
    return PeopleReader(settings), snapshot, events


def single_people(reader):
    return IndividualPay(reader._settings, reader, User("ada", "analyst"))


@pytest.mark.parametrize("chosen", FILTERS, ids=str)
def test_figures_by_year_are_those_of_pandas(published, chosen):
    reader, snapshot, events = published
    found = reader.by_year("baseline", chosen).set_index("simulation_year")
    promoted = events[events["event_type"] == "PROMOTION"]
    before = None
    for year in (0, 2026, 2027):
        everybody = of_people(snapshot[snapshot["simulation_year"] == year], chosen)
        mine = of(everybody, chosen)
        row = found.loc[year]
        assert row["people"] == len(mine)
        active = mine[mine["employment_status"].str.endswith("_active")]  # leavers have no payroll
        assert row["active_people"] == len(active)
        if len(active) >= 10:
            assert row["payroll"] == pytest.approx((active["base_pay"] * active["fte"]).sum())
        else:
            assert np.isnan(row["payroll"])
        if len(mine) >= 10:
            assert row["mean_base_pay"] == pytest.approx(mine["base_pay"].mean())
            assert row["median_base_pay"] == pytest.approx(mine["base_pay"].median())
            assert row["mean_compa_ratio"] == pytest.approx(mine["compa_ratio"].mean())
        else:
            assert row[["mean_base_pay", "median_base_pay", "mean_compa_ratio"]].isna().all()
        if before is not None and len(mine) >= 10 and len(before) >= 10:
            assert row["growth"] == pytest.approx(mine["base_pay"].mean() / before["base_pay"].mean() - 1)
        else:
            assert np.isnan(row["growth"])
        matched = active[active["opening_base_pay"].notna()]
        if year and len(matched) >= 10:
            grown = matched["base_pay"].sum() / matched["opening_base_pay"].sum() - 1
            assert row["own_growth"] == pytest.approx(grown)
        if year:
            status = everybody["employment_status"]
            opening = int(everybody["opening_base_pay"].notna().sum())
            assert row["opening_headcount"] == opening
            assert row["hires"] == status.str.startswith("new_hire").sum()
            assert row["experienced_exits"] == (status == "experienced_termination").sum()
            assert row["new_hire_exits"] == (status == "new_hire_termination").sum()
            ids = promoted.loc[promoted["simulation_year"] == year, "employee_id"]
            assert row["promotions"] == everybody["employee_id"].isin(ids).sum()
            assert row["turnover_rate"] == pytest.approx(row["experienced_exits"] / opening)
        before = mine


@pytest.mark.parametrize("chosen", [Filter(), Filter("everyone", gender="F")], ids=str)
def test_figures_of_departments_are_those_of_pandas_and_small_ones_have_no_pay(published, chosen):
    reader, snapshot, _ = published
    found = reader.by_group("baseline", chosen, 2027, "department").set_index("group_name")
    mine = of(snapshot[snapshot["simulation_year"] == 2027], chosen)
    mine = mine.assign(department=mine["department"].fillna(NOT_GIVEN))
    earlier = of(snapshot[snapshot["simulation_year"] == 2026], chosen)
    earlier = earlier.assign(department=earlier["department"].fillna(NOT_GIVEN))
    sizes = mine.groupby("department").size()
    assert found["people"].to_dict() == {name: sizes.get(name, 0) for name in found.index}
    assert 0 < sizes["Tiny"] < 10
    large = sizes[sizes >= 10]
    hidden = {"Tiny", large.idxmin()}  # with one hidden alone, the total would tell it
    assert set(found.index[found["mean_base_pay"].isna() & (found["people"] > 0)]) == hidden
    for name in set(large.index) - hidden:
        pay = mine.loc[mine["department"] == name, "base_pay"]
        assert found.loc[name, "mean_base_pay"] == pytest.approx(pay.mean())
        was = earlier.loc[earlier["department"] == name, "base_pay"].mean()
        assert found.loc[name, "growth"] == pytest.approx(pay.mean() / was - 1)


def test_a_level_under_ten_people_has_a_headcount_and_no_pay(published):
    reader, _, _ = published
    found = reader.by_group("baseline", Filter("everyone"), 2026, "level").set_index("group_name")
    assert found.loc[3, "people"] == 6
    pay = ["payroll", "mean_base_pay", "median_base_pay", "growth", "own_growth", "mean_compa_ratio"]
    assert found.loc[3, pay].isna().all()
    assert found["mean_base_pay"].isna().sum() == 2


def staffed(settings, **sizes):
    """Publish people who all stay, with this many in departments of these names in the two years."""
    snapshot = people(120)
    snapshot["employment_status"], snapshot["opening_base_pay"] = "continuous_active", snapshot["base_pay"]
    snapshot["department"] = "Sales"
    for year, column in ((2026, 0), (2027, 1)):
        first = 20  # behind those of level 3
        for name, by_year in sizes.items():
            rows = snapshot.index[snapshot["simulation_year"] == year][first : first + by_year[column]]
            snapshot.loc[rows, "department"] = name
            first += by_year[column]
    publish_people(settings, snapshot=snapshot)
    return PeopleReader(settings), snapshot


def test_pay_is_of_ten_people_or_more_and_growth_is_from_and_of_ten(settings):
    reader, snapshot = staffed(settings, Nine=(10, 9), Ten=(9, 10), Joined=(20, 20))
    joined = snapshot.index[(snapshot["simulation_year"] == 2027) & (snapshot["department"] == "Joined")][:11]
    snapshot.loc[joined, "opening_base_pay"] = np.nan  # nine of twenty were there before
    publish_people(settings, snapshot=snapshot)
    shown = {
        name: reader.by_year("baseline", Filter(departments=(name,))).set_index("simulation_year")
        for name in ("Nine", "Ten", "Joined")
    }
    known = {name: frame.loc[2027].notna() for name, frame in shown.items()}
    assert [shown[name].loc[2027, "people"] for name in shown] == [9, 10, 20]
    assert [bool(known[name]["mean_base_pay"]) for name in shown] == [False, True, True]
    assert [bool(known[name]["growth"]) for name in shown] == [False, False, True]
    assert [bool(known[name]["own_growth"]) for name in shown] == [False, True, False]
    groups = reader.by_group("baseline", Filter(), 2027, "department").set_index("group_name")
    hidden = groups["mean_base_pay"].isna()
    assert set(groups.index[hidden]) == {"Nine", "Ten"}, "Nine alone would follow from the total"


def test_a_filter_that_matches_nobody_is_zero_people(published):
    reader, _, _ = published
    found = reader.by_year("baseline", Filter(departments=("nowhere",)))
    assert found["people"].tolist() == [0, 0, 0]
    assert found["mean_base_pay"].isna().all()
    assert reader.by_group("baseline", Filter(departments=("nowhere",)), 2026, "level").empty


def test_what_filters_choose_from(published):
    reader, _, _ = published
    found = reader.population("baseline")
    assert found.years == (2026, 2027)
    assert found.levels == (1, 2, 3)
    assert set(found.departments) == {"Sales", COMMA, HOSTILE, NOT_GIVEN, "Tiny"}
    assert found.departments[-1] == "Tiny"
    assert found.genders == ("F", "M")
    assert found.level_names == {}  # that census is not in this home


def test_a_census_without_gender_has_none(settings):
    publish_people(settings, snapshot=people(gender=False))
    assert PeopleReader(settings).population("baseline").genders == ()


def test_an_answer_is_kept_until_another_result_is_published(settings):
    publish_people(settings, fingerprint="a" * 32)
    reader = PeopleReader(settings)
    first = reader.by_year("baseline", Filter())
    assert reader.by_year("baseline", Filter()) is first
    publish_people(settings, fingerprint="b" * 32, snapshot=people(300))
    assert reader.by_year("baseline", Filter("everyone"))["people"].iloc[-1] == 300


def test_equal_results_of_two_scenarios_and_of_two_publications_are_apart(settings):
    for name in ("baseline", "twin"):
        publish_people(settings, name)
    reader = PeopleReader(settings)
    assert [reader.population(name).scenario for name in ("baseline", "twin")] == ["baseline", "twin"]
    assert reader.by_year("baseline", Filter("everyone"))["people"].tolist() == [420, 420, 420]
    publish_people(settings, snapshot=people(60))  # repaired under the same fingerprint
    file = load_publication(settings, "baseline").folder / "manifest.json"
    file.write_text(file.read_text().replace("T11:03:43", "T12:00:00"))
    assert reader.by_year("baseline", Filter("everyone"))["people"].tolist() == [60, 60, 60]


def test_a_result_replaced_while_it_is_read_is_read_again(settings, monkeypatch):
    publish_people(settings, fingerprint="a" * 32)
    old = load_publication(settings, "baseline")
    publish_people(settings, fingerprint="b" * 32, snapshot=people(300))
    shutil.rmtree(old.folder)
    seen = iter([old])
    monkeypatch.setattr(
        reading, "load_publication", lambda *given: next(seen, None) or load_publication(*given)
    )
    found = PeopleReader(settings).by_year("baseline", Filter("everyone"))
    assert found["people"].iloc[-1] == 300


def test_a_damaged_result_says_what_to_do(settings):
    publish_people(settings)
    load_publication(settings, "baseline").file("fct_workforce_snapshot").write_bytes(b"no Parquet")
    with pytest.raises(InputError, match="damaged") as caught:
        PeopleReader(settings).by_year("baseline", Filter())
    assert "planwise simulate --scenario baseline" in caught.value.remedy
    with pytest.raises(InputError, match="nowhere"):
        PeopleReader(settings).population("nowhere")


def values(snapshot, events, chosen, figure):
    mine = of(snapshot[snapshot["simulation_year"] == 2027], chosen)
    if figure in ("base_pay", "compa_ratio"):
        return mine.set_index("level_id")[figure]
    if figure == "raise":
        mine = mine[mine["opening_base_pay"].notna()].set_index("level_id")
        return mine["base_pay"] / mine["opening_base_pay"] - 1
    reason = {"merit": "MERIT", "promotion": "promotion"}[figure]
    given = events[(events["simulation_year"] == 2027) & (events["event_reason"] == reason)]
    both = mine[["employee_id", "level_id"]].merge(given[["employee_id", "applied_rate"]], on="employee_id")
    return both.set_index("level_id")["applied_rate"]


@pytest.mark.parametrize("figure", ["base_pay", "compa_ratio", "raise", "merit", "promotion"])
@pytest.mark.parametrize("chosen", [Filter(), Filter("everyone", gender="F")], ids=str)
def test_percentiles_and_bins_are_those_of_pandas(published, chosen, figure):
    reader, snapshot, events = published
    found = reader.spread("baseline", chosen, 2027, figure)
    expected = values(snapshot, events, chosen, figure)
    sizes = expected.groupby(level=0).size()
    kept = [level for level, people in sizes.items() if people >= 10]
    assert found.people == len(expected)
    assert found.left_out == len(expected) - sizes[kept].sum()
    by_level = found.percentiles.set_index("level_id")
    for level in kept:
        mine = expected.loc[[level]]
        assert by_level.loc[level, "people"] == len(mine)
        for name, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
            assert by_level.loc[level, name] == pytest.approx(np.quantile(mine, share))
        assert by_level.loc[level, "mean"] == pytest.approx(mine.mean())
    every = expected[expected.index.isin(kept)]
    assert by_level[by_level.index.isna()]["people"].iloc[0] == len(every)
    for level in kept:
        mine = expected.loc[[level]].to_numpy()
        for one in found.bins[found.bins["level_id"] == level].to_dict("records"):
            low = -np.inf if np.isnan(one["bin_from"]) else one["bin_from"] - 1e-9 * found.width
            high = np.inf if np.isnan(one["bin_to"]) else one["bin_to"] - 1e-9 * found.width
            assert one["people"] == ((mine >= low) & (mine < high)).sum()
        assert found.bins.loc[found.bins["level_id"] == level, "people"].sum() == len(mine)


def test_no_extreme_can_be_read_from_the_bins(published):
    reader, snapshot, events = published
    found = reader.spread("baseline", Filter(), 2027, "base_pay")
    pay = values(snapshot, events, Filter(), "base_pay")
    assert found.bins["bin_to"].max() < pay.max()
    assert found.bins["bin_from"].min() > pay.min()


@pytest.mark.parametrize(
    ("low", "high", "people", "width"),
    [(0.0, 1.0, 1000, 0.02), (0.03, 0.03, 500, 0.01), (40_000, 240_000, 10_000, 5_000), (0.0, 1.0, 20, 0.5)],
)
def test_bins_have_round_widths_and_few_people_few_bins(low, high, people, width):
    assert bin_width(low, high, people) == pytest.approx(width)


def test_the_merit_matrix_is_that_of_pandas(published):
    reader, snapshot, events = published
    found = reader.merit_matrix("baseline", Filter("everyone"), 2027)
    mine = snapshot[snapshot["simulation_year"] == 2027]
    given = events[(events["simulation_year"] == 2027) & (events["event_reason"] == "MERIT")]
    both = given.merge(mine[["employee_id", "performance_rating"]], on="employee_id")
    minimum = both["level_id"].map(lambda level: WIDTHS[level][0]) * 1.02
    place = (both["previous_compensation"] - minimum) / both["level_id"].map(lambda level: WIDTHS[level][1])
    names = ["below_range", "quartile_1", "quartile_2", "quartile_3", "quartile_4", "above_range"]
    both["position"] = pd.cut(place, [-np.inf, 0, 0.25, 0.5, 0.75, 1, np.inf], right=False, labels=names)
    expected = both.groupby(["performance_rating", "position"], observed=True)["applied_rate"].agg(
        ["size", "mean"]
    )
    assert {(row.performance_rating, row.position): row.people for row in found.itertuples()} == expected[
        "size"
    ].to_dict()
    for row in found.itertuples():
        if row.people < 10:
            assert np.isnan(row.mean_merit_rate)
        else:
            mean = expected.loc[(row.performance_rating, row.position), "mean"]
            assert row.mean_merit_rate == pytest.approx(mean)
    assert (found["people"] < 10).any()


def test_a_result_without_published_ranges_has_to_be_run_again(tmp_path):
    from planwise.settings import Settings

    settings = Settings(home=tmp_path / "home")
    publish_people(settings, snapshot=people().drop(columns=["range_minimum", "range_maximum"]))
    reader = PeopleReader(settings)
    with pytest.raises(InputError, match=r"published by an earlier version.*no range_minimum") as caught:
        reader.merit_matrix("baseline", Filter("everyone"), 2027)
    assert "planwise simulate --scenario baseline" in caught.value.remedy
    assert reader.spread("baseline", Filter(), 2027, "compa_ratio").people > 0


def test_points_are_drawn_evenly_and_have_no_ids(published):
    reader, snapshot, _ = published
    mine = of(snapshot[snapshot["simulation_year"] == 2027], Filter())
    assert reader.levels("baseline", Filter(), 2027).points.empty
    reader = single_people(reader)
    few = reader.sample("baseline", Filter(), 2027, 60)
    assert len(few.points) == 60
    assert few.people == len(mine)
    assert few.left_out == (mine["level_id"] == 3).sum() > 0
    assert "employee_id" not in few.points
    shares = few.points["level_id"].value_counts(normalize=True)
    sizes = mine.loc[mine["level_id"] < 3, "level_id"].value_counts(normalize=True)
    assert (shares - sizes).abs().max() < 0.02
    assert few.points["compa_ratio"].median() == pytest.approx(mine["compa_ratio"].median(), abs=0.03)
    every = reader.sample("baseline", Filter(), 2027, 5000)
    assert len(every.points) == (mine["level_id"] < 3).sum()
    level = every.levels.set_index("level_id").loc[1]
    ratios = mine.loc[mine["level_id"] == 1, "compa_ratio"]
    assert level["p90"] == pytest.approx(np.quantile(ratios, 0.9))
    assert level["below"] == (ratios < 0.8).sum()
    assert level["above"] == (ratios > 1.2).sum()


def expected_events(snapshot, events, asked):
    people = of(snapshot, asked.people)[["simulation_year", "employee_id", "department", "employment_status"]]
    found = events.merge(people, on=["simulation_year", "employee_id"])
    found["department"] = found["department"].fillna(NOT_GIVEN)
    if asked.year is not None:
        found = found[found["simulation_year"] == asked.year]
    if asked.kind:
        found = found[found["event_reason"] == EVENT_KINDS[asked.kind][1]]
    found = found[found["employee_id"].str.lower().str.contains(asked.employee.lower(), regex=False)]
    ties = ["effective_date", "employee_id", "event_sequence"]
    order = [asked.sort, *(name for name in ties if name != asked.sort)]
    return found.sort_values(order, ascending=[not asked.descending] + [True] * (len(order) - 1))


@pytest.mark.parametrize(
    "asked",
    [
        EventQuery(Filter("everyone")),
        EventQuery(Filter(), 2027, "merit"),
        EventQuery(Filter("exits"), None, "exits", sort="previous_compensation", descending=True),
        EventQuery(Filter("everyone", departments=(COMMA, HOSTILE)), 2026, sort="department"),
        EventQuery(Filter("everyone", level=2, gender="F"), None, "", "emp-0001", "applied_rate", True),
    ],
    ids=str,
)
def test_events_are_filtered_sorted_and_paged_as_by_pandas(published, asked):
    reader, snapshot, events = published
    reader = single_people(reader)
    expected = expected_events(snapshot, events, asked)
    pages = [reader.events("baseline", asked, offset=offset, limit=7) for offset in (0, 7)]
    assert [page.total for page in pages] == [len(expected)] * 2
    ids = [name for page in pages for name in page.frame["event_id"]]
    assert ids == expected["event_id"].tolist()[:14]
    every = reader.export_events("baseline", asked, limit=10_000).frame
    pd.testing.assert_frame_equal(every[expected.columns], expected.reset_index(drop=True), check_dtype=False)


@pytest.mark.parametrize("attack", ["' OR 1=1 --", "%", "_", "'; DROP TABLE x; --", "\\", '"'])
def test_a_search_is_a_text_and_no_query(published, attack):
    reader, _, _ = published
    asked = EventQuery(Filter("everyone"), employee=attack)
    assert single_people(reader).events("baseline", asked, limit=5).total == 0
    assert reader.by_year("baseline", Filter(departments=(attack,), gender=attack))["people"].sum() == 0


def test_an_order_that_is_no_column_is_refused(published):
    reader, _, _ = published
    with pytest.raises(InputError, match="not sorted by"):
        single_people(reader).events("baseline", EventQuery(Filter(), sort="draw; DROP TABLE x"), limit=5)
