"""Contents of the calibration page: what is drawn and written of a calibration and a backtest."""

from dataclasses import replace

import pytest

from planwise.calibration import Backtest, backtest_json, calibrate, calibration_json
from planwise.calibration.backtest_results import Holdout, Interval, Row, family_scores
from planwise.calibration.statistics import DEPARTMENT_FAMILY, LEVEL_FAMILY, Figure
from tests.unit.calibration.calibration_worlds import census, person
from ui.components.charts import DOWN, GREY, TOTAL
from ui.pages.census import backtest_contents, calibration_contents
from ui.pages.census.calibration import Forecasts


def staff(k, hired, pay=40_000):
    return person(f"e{k:03}", pay, hired=hired)


@pytest.fixture(scope="module")
def found():
    """Return a calibration: of 100 with long service 2 leave, of 40 new ones 20; 5 are between."""
    long = [staff(k, "2001-03-01") for k in range(100)]
    new = [staff(k, "2020-03-01") for k in range(100, 140)]
    few = [staff(k, "2016-03-01") for k in range(140, 145)]
    after = [*long[2:], *new[20:], *few, *(staff(k, "2021-05-01") for k in range(145, 160))]
    return calibration_json(calibrate((census(2020, *long, *new, *few), census(2021, *after))))


def test_rates_by_band_have_counts_intervals_and_a_mark_for_everyone(found):
    content = calibration_contents.bands(found, "exits", "tenure")
    frame = content.frame.set_index("band")

    new = frame.loc["under 1 year of service"]
    assert (new["heads"], new["events"], new["rate"]) == (40, 20, 0.5)
    assert (new["low"], new["high"]) == (pytest.approx(0.352, abs=0.001), pytest.approx(0.648, abs=0.001))
    assert len(frame) == 2 and "1 under 10 people not shown" in content.subtitle  # the five
    assert content.figure["data"][0]["marker"]["color"] == [DOWN, TOTAL]  # above everyone's 15 %, below it
    line = content.figure["layout"]["shapes"][0]
    assert line["x0"] == pytest.approx(22 / 145)
    assert list(calibration_contents.dimensions(found, "exits")) == [
        "Service",
        "Level",
        "Department",
        "Job title",
    ]
    everyone = calibration_contents.bands(found, "exits", "department").frame  # all are in one department
    assert everyone[["heads", "events"]].to_numpy().tolist() == [[145, 22]]
    assert list(frame.columns)[5:] == ["2020-12-31 to 2021-12-31", "multiplier"]


def test_a_band_whose_interval_has_everyone_in_it_is_grey():
    band = {"low": 0.1, "high": 0.3, "rate": 0.2}
    assert calibration_contents._against(band, 0.15) == GREY
    assert calibration_contents._against(band, None) == GREY


def test_many_departments_are_drawn_as_far_as_one_can_read_them(found):
    rows = [
        {"dimension": "department", "band": f"d{k}", "label": f"Department {k}", "year": "all years",
         "heads": 50 + k, "events": 5, "rate": 0.1, "low": 0.05, "high": 0.2}
        for k in range(40)
    ]  # fmt: skip
    others = [row for row in found["exits"] if row["dimension"] != "department"]
    content = calibration_contents.bands({**found, "exits": [*others, *rows]}, "exits", "department")
    assert len(content.frame) == 40 and len(content.figure["data"][0]["x"]) == 20
    assert "the 20 largest of 40" in content.subtitle


def test_what_was_clipped_and_what_was_not_estimated_have_reasons(found):
    clip = {"name": "termination_rate", "estimated": 0.7, "used": 0.5}
    gap = {"name": "promotion_multiplier_*", "why": "no promotions"}
    kept = {"name": "merit_rate_level_1", "why": "all levels' mean raise is used"}
    content = calibration_contents.parameters(
        {
            "clips": [clip],
            "not_estimated": [gap, kept],
            "levers": {"merit_rate_level_1": 0.02},
            "assumptions": {},
        }
    )
    rows = content.frame.set_index("state")
    assert (rows.loc["clipped", "estimated"], rows.loc["clipped", "used"]) == (0.7, 0.5)
    assert rows.loc["not estimated", "parameter"] == "Promotion multiplier (all)"
    assert rows.loc["other estimate used", "used"] == 0.02


def test_raises_and_key_figures(found):
    content = calibration_contents.raises(found)
    assert content.frame.loc[0, "heads"] == 123 and content.frame.loc[0, "no_raise_share"] == 1.0
    shown = calibration_contents.headline(found)
    assert "15.2%" in shown and "22 exits of 145 people" in shown and "none clipped" in shown


def test_awards_by_group_are_shown_with_what_is_beyond_them(found):
    by_year = [
        {"year": f"y{k}", "group": group, "heads": heads, "rate": 0.02 + k / 100, "share": 0.5}
        for k in range(2)
        for group, heads in (("Police", 900), ("everyone else", 40), ("Tiny", 4))
    ]
    drift = [{"year": "y1", "group": "Police", "mean": 0.014}]
    known = {"attribute": "department", "by_year": by_year, "drift": drift}
    content = calibration_contents.awards({**found, "awards": known})
    assert content.frame["group"].tolist() == ["Police", "everyone else"]  # four people are too few to show
    police = content.frame.iloc[0]
    assert (police["award y0"], police["award y1"], police["drift y1"]) == (0.02, 0.03, 0.014)
    assert calibration_contents.awards({**found, "awards": known | {"by_year": []}}) is None


EXITS = Row(Figure("exits"), 100, 90, Interval(85, 95, False), Interval(70, 120, True), 80, 100, 900, 80)
GROWTH = Row(
    Figure("growth_continuing"), 0.02, 0.05, Interval(0.04, 0.06, False), None, 0.03, 0.02, 800, None
)
PAY = Row(
    Figure("mean_pay", "level 1", LEVEL_FAMILY), 50_000.0, 51_000.0, Interval(5e4, 5.2e4, True), None, None,
    None, 700, None,
)  # fmt: skip
GROUP = replace(EXITS, figure=Figure("exits", "fire", DEPARTMENT_FAMILY))
HELD = Holdout(
    "2020 to 2021", ("2019 to 2020",), 20, (EXITS, GROWTH, PAY), (GROUP,), family_scores([GROUP]), {}, {}, {},
    ("A note.",),
)  # fmt: skip
BACKTEST = backtest_json(Backtest((HELD,), "levels as given", "the mean", "EUR", halves=(HELD,)))
SHOWN = BACKTEST["holdouts"][0]


def test_reliability_is_drawn_as_differences_from_what_happened():
    content = backtest_contents.reliability(SHOWN, "EUR")
    data = content.figure["data"][0]

    assert data["x"] == pytest.approx([-0.1, 0.03, 0.02])  # of the truth, but points of growth
    assert data["error_x"]["array"] == pytest.approx([0.3, 0.01, 0.02])
    assert data["marker"]["color"] == [TOTAL, DOWN, TOTAL]
    assert [name[-1] for name in data["y"]] == ["✓", "✕", "✓"]
    assert "70 to 120" in content.table and "€50,000" in content.table
    assert content.frame["years_low"].tolist()[0] == 70


def test_each_figure_says_which_naive_forecasts_it_beats_and_on_what_it_rests():
    content = backtest_contents.against_naive(SHOWN, "EUR")
    exits, growth, pay = content.table.split("<tr>")[2:]
    assert "last year&#x27;s only" in exits and "900 people, 80 events" in exits and "−10.0%" in exits
    assert "✕ neither" in growth and "+3.00" in growth
    assert ">–<" in pay


def test_key_figures_of_a_hold_out():
    shown = backtest_contents.headline(SHOWN, 0.8)
    assert "0 of 3" in shown and "one of them 1, neither 1" in shown and "too wide" in shown
    assert "A note." in backtest_contents.notes(SHOWN)
    assert backtest_contents.notes({**SHOWN, "notes": []}) == ""
    given = {**SHOWN, "given": {"cola_rate": 0.02}}
    assert "Given and not forecast: Cost-of-living raise 2.00%." in backtest_contents.notes(given)


def test_families_are_bars_beside_the_naive_ones():
    content = backtest_contents.families(SHOWN)
    assert [trace["y"] for trace in content.figure["data"]] == [[0.1], [0.2], [0.0]]
    assert content.frame["beats_naive"].tolist() == ["last year"]


def test_a_hold_out_is_chosen_by_its_name():
    from types import SimpleNamespace

    part = Forecasts()
    assert not part.is_filled
    given = {**SHOWN, "given": {"cola_rate": 0.02}, "notes": []}
    part.show(BACKTEST | {"given": given}, SimpleNamespace(request={"sources": ["a", "b", "c"]}))
    assert part._held.value == "2020 to 2021" and part.is_filled  # nothing given comes first
    assert "A note." in part._notes.object
    part._held.value = "2020 to 2021, given: awards"
    assert "Cost-of-living raise 2.00%" in part._notes.object
    both = given | {"given": {"awards": "department: a=0.02", "cola_rate": 0.02, "headcount_growth": 0.0}}
    assert backtest_contents.given_name(both) == "2020 to 2021, given: awards and headcount"
