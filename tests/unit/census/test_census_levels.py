import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from planwise.census.levels import by_pay_quantiles, by_ranges, by_title, ranges_from_levels
from planwise.census.mapping import Range
from planwise.census.registry import levels_table
from planwise.errors import InputError

TABLE = (Range(level_id=1, minimum=10, maximum=20), Range(level_id=2, minimum=20, maximum=50))


def test_quantiles_give_the_mix():
    settled = by_pay_quantiles(np.arange(1_000, 101_000, 100))

    assert np.bincount(settled.level_id).tolist() == [0, 400, 300, 180, 90, 30]
    assert settled.ranges["minimum"].tolist()[1:] == [410.0, 710.0, 890.0, 980.0]


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=60)
    | st.lists(st.integers(1, 4), min_size=1, max_size=60)
)
def test_every_pay_is_in_the_range_of_its_level_whatever_the_ties(pays: list[int]):
    cents = np.array(pays)
    settled = by_pay_quantiles(cents)

    table = levels_table(settled.ranges)  # contiguous, rising
    assert (
        sorted(set(settled.level_id.tolist()))
        == settled.ranges["level_id"].tolist()
        == table["level_id"].to_pylist()
    )
    low = np.rint(settled.ranges["minimum"].to_numpy() * 100)[settled.level_id - 1]
    high = np.rint(settled.ranges["maximum"].to_numpy() * 100)[settled.level_id - 1]
    inner_low, inner_high = settled.level_id > 1, settled.level_id < settled.level_id.max()
    assert (cents >= low)[inner_low].all() and (cents < high)[inner_high].all()
    for pay in set(pays):
        assert len(set(settled.level_id[cents == pay].tolist())) == 1


def test_too_few_distinct_pays_collapse_and_say_so():
    settled = by_pay_quantiles(np.array([50_000_00] * 9 + [60_000_00]))

    assert settled.level_id.tolist() == [1] * 9 + [2]
    assert "2 created" in settled.notices[0]


def test_one_pay_gives_one_level_of_20_percent_either_side():
    assert by_pay_quantiles(np.array([50_000_00])).ranges[["minimum", "maximum"]].values.tolist() == [
        [40_000, 60_000]
    ]


@pytest.mark.parametrize(
    ("pay", "level"), [(9.99, 0), (10, 1), (19.99, 1), (20, 2), (49.99, 2), (50, 0), (-1, 0)]
)
def test_ranges_are_half_open_and_nobody_falls_through(pay, level):
    assert by_ranges(np.array([round(pay * 100)]), TABLE).level_id.tolist() == [level]


@pytest.mark.parametrize(
    ("second", "message"),
    [((25, 50), "a gap"), ((15, 50), "an overlap")],
)
def test_a_range_table_with_a_gap_or_an_overlap_is_refused(second, message):
    with pytest.raises(InputError, match=message):
        by_ranges(np.array([1]), (TABLE[0], Range(level_id=2, minimum=second[0], maximum=second[1])))


def test_a_level_outside_1_to_5_or_twice_is_refused():
    for ids in ((1, 1), (5, 6), (0, 1)):
        with pytest.raises(InputError, match="each level once, from 1 to 5"):
            by_ranges(np.array([1]), tuple(Range(level_id=i, minimum=1, maximum=2) for i in ids))


def test_titles_are_matched_whatever_their_case_and_spaces_and_nothing_is_guessed():
    titles = pd.Series(["CLERK", " chief  of staff", "Intern"])

    assert by_title(titles, {"Clerk": 1, "Chief of Staff": 4}).tolist() == [1, 4, 0]
    with pytest.raises(InputError, match="outside 1 to 5"):
        by_title(titles, {"Clerk": 6})


def test_given_levels_meet_at_the_geometric_mean_of_their_medians():
    ranges = ranges_from_levels(np.array([100_00, 100_00, 400_00, 900_00]), np.array([2, 2, 3, 4]))

    assert ranges["level_id"].tolist() == [2, 3, 4]
    assert ranges["minimum"].tolist() == [100.0, 200.0, 600.0]
    assert ranges["maximum"].tolist() == [200.0, 600.0, 900.0]


def test_levels_asked_for_win_over_a_guessed_column_and_rejects_have_their_reason(bring):
    text = (
        "employee_id,hire_date,base_pay,job_title,department,level_id\n"
        "E1,2010-01-01,15,Clerk,Ops,5\nE2,2010-01-01,30,Chief,Ops,1\nE3,2010-01-01,50,Intern,Ops,1\n"
    )
    ranges = {1: [10, 20], 2: [20, 50]}

    by_range = bring(text, mapping={"levels": "ranges", "ranges": ranges}).report
    assert by_range.reject_reasons == {"pay_outside_ranges": 1}
    by_map = bring(text, mapping={"levels": {"clerk": 1, "chief": 2}}).report
    assert by_map.reject_reasons == {"title_without_level": 1}
    assert by_map.levels_from == "title, ranges by median pay"
    assert bring(text, levels="pay-quantiles").report.levels_from == "pay-quantiles (asked for)"
    assert "default" in bring(text.replace("level_id", "x")).report.levels_from
    with pytest.raises(InputError, match="--levels"):
        bring(text, levels="magic")
    with pytest.raises(InputError, match="nothing uses them"):
        bring(text.replace("level_id", "x"), mapping={"ranges": ranges})
