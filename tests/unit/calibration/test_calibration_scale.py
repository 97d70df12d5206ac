import pytest
from calibration_worlds import RANGES, census, person

from planwise.calibration.estimate import levels_of, on_one_scale
from planwise.errors import InputError

BY_PAY = "pay-quantiles (asked for)"


def test_ranges_of_the_first_year_move_by_the_median_raise():
    # raises of 2, 4 and 10 %: the median is 4 %, so 50,000 becomes 52,000 and 80,000 becomes 83,200
    first = census(2020, person("a", 49_000), person("b", 60_000), person("c", 79_000), levels_from=BY_PAY)
    second = census(
        2021,
        person("a", 49_980),
        person("b", 62_400),
        person("c", 86_900),
        person("new", 51_999.99),
        levels_from=BY_PAY,
        ranges=RANGES.iloc[:1],  # the second year's own are not looked at
    )

    (_, later), scale = on_one_scale((first, second))

    assert scale.movements == (pytest.approx(0.04),)
    assert later.ranges["minimum"].tolist() == [31_200, 52_000, 83_200]
    assert later.people["level_id"].to_dict() == {"a": 1, "b": 2, "c": 3, "new": 1}
    assert "moved each year by the median raise (+4.00%)" in scale.rule


def test_the_outermost_ranges_are_open():
    pay = census(2020, person("a", 1), person("b", 29_999), person("c", 50_000), person("d", 1e9)).people
    assert levels_of(pay["base_pay"], RANGES).tolist() == [1, 1, 2, 3]


def test_given_levels_stay_and_their_own_ranges_tell_the_movement():
    moved = RANGES.assign(minimum=RANGES["minimum"] * 1.02, maximum=RANGES["maximum"] * 1.02)
    first = census(2020, person("a", 99_000, level=1))
    second = census(2021, person("a", 120_000, level=2), ranges=moved)

    years, scale = on_one_scale((first, second))

    assert [year.people.loc["a", "level_id"] for year in years] == [1, 2]
    assert scale.movements == (pytest.approx(0.02),)


def test_two_kinds_of_levels_are_refused():
    first = census(2020, person("a", 49_000), levels_from=BY_PAY)
    second = census(2021, person("a", 49_000))
    with pytest.raises(InputError, match="Some years have levels by pay"):
        on_one_scale((first, second))
