"""What the reader says of groups against what pandas computes from the same rows."""

import shutil

import numpy as np
import pandas as pd
import pytest

import ui.queries.people as reading
from planwise.engine.publishing import load_publication
from planwise.errors import InputError
from tests.ui.people_published import COMMA, HOSTILE, people, publish_people
from ui.queries.people import PeopleReader
from ui.values.people import NOT_GIVEN, STATUSES, Filter

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
        if len(mine) >= 10:
            assert row["payroll"] == pytest.approx((mine["base_pay"] * mine["fte"]).sum())
            assert row["mean_base_pay"] == pytest.approx(mine["base_pay"].mean())
            assert row["median_base_pay"] == pytest.approx(mine["base_pay"].median())
            assert row["mean_compa_ratio"] == pytest.approx(mine["compa_ratio"].mean())
        else:
            assert row[["payroll", "mean_base_pay", "median_base_pay", "mean_compa_ratio"]].isna().all()
        if before is not None and len(mine) >= 10 and len(before) >= 10:
            assert row["growth"] == pytest.approx(mine["base_pay"].mean() / before["base_pay"].mean() - 1)
        else:
            assert np.isnan(row["growth"])
        matched = mine[mine["opening_base_pay"].notna()]
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
