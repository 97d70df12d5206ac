import math

import pytest

from ui.values import formatting as f


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (f.count(10300), "10,300"),
        (f.count(-5), "−5"),
        (f.count(0), "0"),
        (f.seconds(0.048), "48\u00a0ms"),
        (f.seconds(229.5), "3.8\u00a0min"),
        (f.goal(0.03), "3.0%"),
        (f.goal(0.0325), "3.25%"),
        (f.goal(0.03125), "3.125%"),
        (f.goal(-0.005), "−0.5%"),
        (f.goal(None), "n/a"),
        (f.money(112323.74), "$112,324"),
        (f.money(-1234.4), "−$1,234"),
        (f.money(98, sign=True), "+$98"),
        (f.money_short(1_286_544_110), "$1.29\u00a0B"),
        (f.money_short(102_626_281, sign=True), "+$102.6\u00a0M"),
        (f.money_short(-2_400_000), "−$2.4\u00a0M"),
        (f.money_short(999_999), "$999,999"),
        (f.percent(0.0318), "3.2%"),
        (f.percent(-0.0318, 2), "−3.18%"),
        (f.percent(-0.00001), "0.0%"),
        (f.percent(0.087, sign=True), "+8.7%"),
        (f.points(0.0017), "+0.17\u00a0pp"),
        (f.points(-0.0274), "−2.74\u00a0pp"),
        (f.points(0.0), "0.00\u00a0pp"),
        (f.ratio(1.0955), "1.10"),
        (f.seconds(0.048), "48\u00a0ms"),
        (f.seconds(5.15), "5.2\u00a0s"),
        (f.moment("2026-11-20T11:03:43+00:00"), "2026-11-20\u00a011:03\u00a0UTC"),
        (f.shortened("x" * 200), "x" * 89 + "…"),
    ],
)
def test_figures_are_written_with_separators_units_and_a_real_minus(written, expected):
    assert written == expected


@pytest.mark.parametrize("write", [f.count, f.money, f.money_short, f.percent, f.points, f.ratio, f.seconds])
@pytest.mark.parametrize("missing", [None, math.nan, math.inf])
def test_a_figure_that_is_not_there_is_not_a_zero(write, missing):
    assert write(missing) == "n/a"


@pytest.mark.parametrize(
    ("level_id", "names", "expected"),
    [
        (1, None, "L1 Staff"),
        (2.0, None, "L2 Manager"),
        (3, None, "L3 Senior Manager"),
        (5, None, "L5 VP"),
        (6, None, "Level 6"),
        (math.nan, None, "n/a"),
        (2, {2: "Ingénieur"}, "L2 Ingénieur"),
        (2, {2: "Level 2"}, "Level 2"),
        (2, {2: "  "}, "Level 2"),
        (2, {1: "Junior"}, "Level 2"),
    ],
)
def test_a_level_has_its_name_or_its_number(level_id, names, expected):
    assert f.level(level_id, names) == expected


def test_the_names_are_those_of_the_default_pay_structure():
    from planwise.census import default_levels

    assert f.level_names() == dict(default_levels()[["level_id", "name"]].itertuples(index=False))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Merit rate, level 1", "Merit rate, L1 Staff"),
        (
            "Merit falls with level: 2.00% in level 4, 3.00% in level 3.",
            "Merit falls with level: 2.00% in L4 Director, 3.00% in L3 Senior Manager.",
        ),
        ("Nobody is in level 9; level 12 neither.", "Nobody is in level 9; level 12 neither."),
    ],
)
def test_texts_of_the_core_call_levels_as_pages_do(text, shown):
    assert f.with_levels(text) == shown
