import pandas as pd
import pytest
from calibration_worlds import census, person

from planwise.calibration.raises import (
    promotion_counts,
    promotion_raise,
    raise_summary,
    split,
    with_promotions,
)
from planwise.calibration.years import transition

BEFORE = census(
    2020,
    person("rises", 48_000, title="Clerk", level=1),
    person("drifts", 49_500, title="Clerk", level=1),
    person("retitled", 49_000, title="Clerk", level=1),
    person("recent", 48_000, title="Clerk", level=1, hired="2020-06-01"),
    person("top", 100_000, title="Chief", level=3),
    person("plain", 40_000, title="Cook", level=1),
    person("same", 60_000, title="Nurse", level=2),
)
AFTER = census(
    2021,
    person("rises", 55_000, title="Officer", level=2),  # +14.6 %
    person("drifts", 51_000, title="Clerk", level=2),  # the boundary crossed by an ordinary raise
    person("retitled", 51_500, title="Senior clerk", level=2),  # another title, +5.1 %
    person("recent", 56_000, title="Officer", level=2, hired="2020-06-01"),
    person("top", 101_000, title="Chief", level=3),
    person("plain", 40_400, title="cook", level=1),
    person("same", 60_600, title="Nurse", level=2),
)


def found(by_pay):
    step = transition(BEFORE, AFTER)
    stayers = with_promotions(step, by_pay)
    return stayers, promotion_counts(step, stayers)


def test_with_levels_by_pay_a_rise_needs_a_title_and_a_raise():
    stayers, counts = found(by_pay=True)

    # the median raise is 3.0 % (drifts); retitled is 2.0 points above it, less than 5 %
    assert stayers.index[stayers["promoted"]].tolist() == ["recent", "rises"]
    assert (counts.level_rises, counts.promotions, counts.promotions_before_eligible) == (4, 1, 1)
    assert (counts.rises_not_counted, counts.title_changes) == (2, 3)


def test_with_given_levels_every_rise_counts():
    stayers, counts = found(by_pay=False)
    assert stayers.index[stayers["promoted"]].tolist() == ["drifts", "recent", "retitled", "rises"]
    assert (counts.promotions, counts.rises_not_counted) == (3, 0)


def test_eligible_are_those_with_a_year_of_service_on_the_first_of_april_below_the_top():
    stayers, _ = found(by_pay=False)
    assert stayers.index[~stayers["eligible"]].tolist() == ["recent", "top"]


def test_a_renamed_title_promotes_nobody():
    before = census(2020, *(person(f"e{k}", 48_000, title="Firefighter") for k in range(8)))
    after = census(
        2021,
        *(person(f"e{k}", 56_000, title="Firefighter Suppression", level=2) for k in range(6)),
        person("e6", 48_000, title="Firefighter"),
        person("e7", 56_000, title="Captain", level=2),
    )
    # e7 alone went elsewhere; 6 of 8 got one new title. The median raise is theirs, so none stands out.
    stayers = with_promotions(transition(before, after), by_pay=True)
    assert stayers["renamed"].tolist() == [True] * 6 + [False] * 2
    assert not stayers["promoted"].any()


def promoted(*pairs):
    return pd.DataFrame(
        {"level_id": 1, "base_pay": [a for a, _ in pairs], "base_pay_after": [b for _, b in pairs]}
    )


def test_promotion_raise_without_a_floor():
    # 40,000 × 1.02 × 1.10 × 1.03
    frame = promoted((40_000, 40_000 * 1.02 * 1.10 * 1.03))
    assert promotion_raise([frame], [{2: 1.0}], 0.02, {2: 0.03}) == pytest.approx(0.10)


def test_promotion_raise_where_the_floor_lifts_one_of_two():
    # with 10 %: 40,000 → 44,000, lifted to 50,000; 48,000 → 52,800
    frame = promoted((40_000, 50_000), (48_000, 52_800))
    assert promotion_raise([frame], [{2: 50_000}], 0.0, {2: 0.0}) == pytest.approx(0.10)


def test_promotion_raise_is_zero_where_the_floor_alone_gives_more():
    assert promotion_raise([promoted((40_000, 45_000))], [{2: 50_000}], 0.0, {2: 0.0}) == 0
    assert promotion_raise([promoted()], [{2: 50_000}], 0.0, {2: 0.0}) is None


def raised(*pairs, promoted=()):
    frame = pd.DataFrame(pairs, columns=["base_pay", "base_pay_after"]).astype(float)
    return frame.assign(
        raise_rate=frame["base_pay_after"] / frame["base_pay"] - 1,
        level_id=1,
        promoted=[k in promoted for k in range(len(frame))],
    )


def test_the_common_raise_is_the_mode_and_the_promoted_are_left_out():
    people = raised((100, 102), (200, 204), (100, 105), (100, 99), (100, 150), (100, 300), promoted=(4,))
    s = raise_summary("y", people)

    assert (s.heads, s.left_out, s.common, s.common_is_mode) == (4, 1, 0.02, True)  # +200 % is not comparable
    assert s.overall.value == pytest.approx(510 / 500 - 1)
    assert (s.fall_share, s.no_raise_share) == (0.25, 0)
    assert s.by_level[1].value == s.overall.value


def test_without_a_common_raise_the_median_stands_in():
    s = raise_summary("y", raised(*((1000, 1000 + 3 * k) for k in range(1, 22))))
    assert not s.common_is_mode
    assert s.common == pytest.approx(0.033)


def test_merit_is_the_rest():
    found = split(0.02, {1: 0.0506, 2: 0.0404})
    assert (found.cola, found.moved) == (0.02, None)
    assert found.merit == pytest.approx({1: 0.03, 2: 0.02})


def test_cola_gives_way_no_further_than_the_highest_merit_allows():
    # level 1 leaves no room under 1.5 %, level 2 needs 1.12/1.10 - 1 = 1.82 %
    found = split(0.03, {1: 0.025, 2: 0.12})
    assert found.cola == pytest.approx(1.12 / 1.10 - 1)
    assert found.merit[2] == pytest.approx(0.10)
    assert found.merit[1] == pytest.approx(
        1.025 / (1.12 / 1.10) - 1
    )  # under its bound: to be clipped, and said


def test_cola_gives_way_so_that_merit_stays_within_its_bounds():
    # everybody got 2.5 %: COLA 2.5 % would leave no merit, whose bound is 1 %; 1.025/1.01 - 1 = 1.485 %
    found = split(0.025, {1: 0.025})
    assert found.cola == pytest.approx(1.025 / 1.01 - 1)
    assert found.merit[1] == pytest.approx(0.01)
    assert (1 + found.cola) * (1 + found.merit[1]) == pytest.approx(1.025)
    assert found.moved is not None and "2.50% → 1.49%" in found.moved
