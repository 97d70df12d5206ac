"""A backtest: observed and simulated statistics, forecasts, intervals, report."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from calibration_worlds import census, person

from planwise.calibration import backtest, backtest_json, backtest_markdown, calibrate
from planwise.calibration.backtest import _samples, drawn_parameters
from planwise.calibration.backtest_results import Backtest, Holdout, Interval, Row, family_scores, interval
from planwise.calibration.raises import with_promotions
from planwise.calibration.statistics import (
    DEPARTMENT_FAMILY,
    FINE_SERVICE_FAMILY,
    LEVEL_FAMILY,
    SERVICE_FAMILY,
    Figure,
    Observed,
    SimulatedYear,
    calendar_days,
    department_label,
    exit_groups,
    measured,
    naive,
    observed,
)
from planwise.calibration.years import transition
from planwise.errors import InputError
from planwise.settings import Settings

BEFORE = census(
    2020, person("a", 40_000), person("b", 40_000), person("c", 60_000, level=2, hired="2020-03-01")
)
AFTER = census(2021, person("a", 44_000, level=2), person("c", 63_000, level=2), person("n", 33_000))
STEP = transition(BEFORE, AFTER)


def test_what_happened():
    found = observed(STEP, with_promotions(STEP, by_pay=False))

    assert found[Figure("headcount")] == (3, 3, 3)
    assert found[Figure("exits")] == (1, 3, 3)
    assert found[Figure("promotions")] == (1, 3, 2)  # of two eligible stayers
    assert found[Figure("payroll")] == (140_000, 140_000, 3)
    assert found[Figure("growth_all")].value == 0
    assert found[Figure("growth_continuing")] == (pytest.approx(0.07), 1.0, 2)
    assert found[Figure("headcount", "level 1", LEVEL_FAMILY)] == (1, 2, 2)
    assert found[Figure("mean_pay", "level 2", LEVEL_FAMILY)] == (53_500, 60_000, 2)
    assert found[Figure("exits", "under 1 year of service", SERVICE_FAMILY)] == (0, 1, 1)
    assert found[Figure("exits", "11 years of service and more", SERVICE_FAMILY)] == (1, 2, 2)
    assert found[Figure("exits", "10 to 14 years of service", FINE_SERVICE_FAMILY)] == (1, 2, 2)
    assert found[Figure("exits", "all", DEPARTMENT_FAMILY)] == (1, 3, 3)
    assert [f.name for f in found][:7] == [
        "headcount", "exits", "entrants", "promotions", "payroll", "growth_all", "growth_continuing",
    ]  # fmt: skip


def test_bands_of_service_begin_at_their_first_completed_year():
    hired = {
        k: f"{2020 - k}-07-01" for k in (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 14, 15, 19, 20, 24, 25, 29, 30, 45)
    }
    before = census(2020, *(person(f"{k:02}", 40_000, hired=day) for k, day in hired.items()))
    groups = exit_groups(transition(before, census(2021, person("00", 40_000))))

    fine = groups[FINE_SERVICE_FAMILY].str.replace(" of service.*", "", regex=True).to_dict()
    assert fine == {
        "00": "under 1 year", "01": "1 year", "02": "2 years", "03": "3 to 4 years", "04": "3 to 4 years",
        "05": "5 to 6 years", "06": "5 to 6 years", "07": "7 to 9 years", "09": "7 to 9 years",
        "10": "10 to 14 years", "14": "10 to 14 years", "15": "15 to 19 years", "19": "15 to 19 years",
        "20": "20 to 24 years", "24": "20 to 24 years", "25": "25 to 29 years", "29": "25 to 29 years",
        "30": "30 years", "45": "30 years",
    }  # fmt: skip
    assert groups[FINE_SERVICE_FAMILY].nunique() == 11 and groups[SERVICE_FAMILY].nunique() == 5


def test_departments_are_compared_however_a_year_writes_them():
    names = (
        "HLTH-Health  Department (351)",
        "hlth-health department",
        "HLTH-Health Department (35",
        None,
        " ",
    )
    assert [department_label(name) for name in names] == [
        "hlth-health department", "hlth-health department", "hlth-health department",
        "no department", "no department",
    ]  # fmt: skip
    assert department_label("Parks (part-time)") == "parks (part-time)"


def test_the_same_is_measured_on_a_simulated_year():
    pay = pd.DataFrame(
        [
            ("a", 1, True, False, 41_000.0),
            ("b", 2, True, False, 50_000.0),
            ("c", 2, False, False, 60_000.0),
            ("NEW-1", 1, True, True, 35_000.0),
            ("NEW-2", 1, False, True, 35_000.0),
        ],
        columns=["employee_id", "level_id", "is_active", "is_hire", "base_pay"],
    ).set_index("employee_id")
    found = measured(STEP, SimulatedYear(1, pay, 126_000.0))

    assert found[Figure("exits")] == 1
    assert (found[Figure("headcount")], found[Figure("payroll")]) == (3, 126_000)
    assert found[Figure("growth_all")] == pytest.approx(42_000 * 3 / 140_000 - 1)
    assert found[Figure("growth_continuing")] == pytest.approx(91_000 / 80_000 - 1)
    assert found[Figure("entrants")] == 1  # the other hire left again
    assert found[Figure("promotions")] == 1
    assert found[Figure("exits", "level 2", LEVEL_FAMILY)] == 1
    assert found[Figure("exits", "under 1 year of service", SERVICE_FAMILY)] == 1
    assert found[Figure("exits", "all", DEPARTMENT_FAMILY)] == 1
    assert found[Figure("mean_pay", "level 1", LEVEL_FAMILY)] == 38_000


def test_what_cannot_be_measured_is_left_out_and_is_never_nan():
    nobody = pd.DataFrame(columns=["level_id", "is_active", "is_hire", "base_pay"]).astype(
        {"level_id": int, "is_active": bool, "is_hire": bool, "base_pay": float}
    )
    found = measured(STEP, SimulatedYear(1, nobody, 0.0))

    assert found[Figure("exits")] == 3 and found[Figure("exits", "level 1", LEVEL_FAMILY)] == 2
    assert Figure("growth_all") not in found and Figure("mean_pay", "level 1", LEVEL_FAMILY) not in found
    assert all(value == value for value in found.values())
    pay = Figure("mean_pay", "level 1", LEVEL_FAMILY)
    assert _samples([found, {pay: 40_000.0}], pay) == [40_000.0]  # not 0 for the year without a level 1
    assert _samples([found, {}], Figure("exits", "level 1", LEVEL_FAMILY)) == [2, 0]
    assert interval([], 1.0) is None


def test_naive_forecasts_carry_the_rate_over():
    exits = Figure("exits")
    history = [{exits: Observed(10, 100, 100)}, {exits: Observed(30, 150, 150)}]
    assert naive(history, Observed(0, 200, 200), exits) == (40, pytest.approx(30))
    assert naive([{}], Observed(0, 200, 200), exits) is None
    new = Figure("exits", "opened this year", DEPARTMENT_FAMILY)
    assert naive(history, Observed(0, 50, 50), new) == (10, pytest.approx(7.5))  # everyone's rates


def row(truth, forecast, last, mean, name="exits", group="everyone", family="everyone"):
    inside = Interval(0, 1, True)
    return Row(Figure(name, group, family), truth, forecast, inside, None, last, mean, 1_000, 100)


@pytest.mark.parametrize(
    ("figures", "best", "beats"),
    [
        ((100, 99, 90, 110), "simulation", "both"),
        ((100, 95, 101, 110), "last year", "mean of years"),
        ((100, 99, 90, 101), "mean of years", "last year"),
        ((100, 99, None, None), "simulation", None),
        ((100, 80, 90, 101), "mean of years", "neither"),
        ((10_000, 9_995, 9_994, 9_000), "last year", "mean of years"),  # as good as equal
    ],
)
def test_the_nearest_forecast_and_no_credit_for_a_tie(figures, best, beats):
    assert (row(*figures).best, row(*figures).beats) == (best, beats)


def test_the_score_of_a_family_is_the_weighted_error():
    members = [
        row(10, 12, 10, 20, group="0 years", family=FINE_SERVICE_FAMILY),
        row(30, 25, 33, 30, group="1 year", family=FINE_SERVICE_FAMILY),
        row(30, 99, 33, 30, group="everyone"),  # of no family
        row(40_000.0, 41_000.0, None, 42_000.0, "mean_pay", "level 1", LEVEL_FAMILY),
    ]
    fine, pay = family_scores(members)

    assert (fine.name, fine.groups, fine.events, fine.training_events) == (
        "exits by service, 11 bands", 2, 40, 200,
    )  # fmt: skip
    assert (fine.simulation, fine.naive_last, fine.naive_mean) == (7 / 40, 3 / 40, 10 / 40)
    assert fine.beats == "mean of years"
    assert (pay.events, pay.naive_last, pay.simulation, pay.beats) == (None, None, 1 / 40, "both")


def test_errors_are_relative_but_for_growth():
    assert row(200, 190, None, None).error_pct(190) == pytest.approx(-5)
    assert row(0.02, 0.03, None, None, "growth_all").error_pct(0.03) is None


def test_interval_is_that_of_the_samples():
    samples = pd.Series(range(11), dtype=float).to_numpy()
    assert interval(samples, 1.0) == Interval(1.0, 9.0, True)
    assert not interval(samples, 9.1).within


def test_a_calibration_says_how_much_its_years_differ():
    """Growth of .1 and -.1: (4 x .012² + .02) / 5. Turnover of 0 (half an exit) and of 11 in 110 likewise."""
    rows = [person(f"e{k}", 40_000) for k in range(110)]
    years = (census(2020, *rows[:100]), census(2021, *rows), census(2022, *rows[:99]))
    found = calibrate(years).assumptions
    assert found["calibration_years"] == 2 and found["estimated_headcount_growth"] == 0
    assert found["spread_of_headcount_growth"] == pytest.approx(((4 * 0.012**2 + 0.02) / 5) ** 0.5, abs=1e-6)
    apart = math.log(0.1) - math.log(0.5 / 100)
    assert found["spread_of_turnover"] == pytest.approx(((4 * 0.08**2 + apart**2 / 2) / 5) ** 0.5, abs=1e-6)
    one = calibrate(years[:2]).assumptions
    assert (one["calibration_years"], one["spread_of_headcount_growth"]) == (1, 0.012)


def test_drawn_parameters_of_one_year_are_finite_and_within_bounds():
    calibration = calibrate((BEFORE, AFTER))
    values = {**calibration.levers, **calibration.assumptions}
    drawn = drawn_parameters(values, 200)
    rates = [d["termination_rate"] / values["termination_rate"] for d in drawn]
    assert min(rates) >= 1 / 3 - 1e-6 and max(rates) <= 3 and np.median(rates) == pytest.approx(1, abs=0.02)
    assert all(np.isfinite(v) for d in drawn for v in d.values() if isinstance(v, float))
    colas = pd.Series([d["cola_rate"] for d in drawn])
    assert colas.between(0, 0.08).all() and colas.nunique() > 50
    assert drawn == drawn_parameters(values, 200)
    spreads = {"department": 0.12, "level": 0.08, "tenure": 0.06}  # the models draw with them
    assert all(d[f"exits_vary_by_{name}"] == spread for d in drawn for name, spread in spreads.items())


def test_what_is_given_is_not_drawn_and_drift_still_is():
    calibration = calibrate((BEFORE, AFTER))
    values = {**calibration.levers, **calibration.assumptions}
    drawn = drawn_parameters(values, 50, {"cola_rate": 0.031, "headcount_growth": 0.02})
    assert {(d["cola_rate"], d["headcount_growth"]) for d in drawn} == {(0.031, 0.02)}
    assert {d["drift_varies_by_group"] for d in drawn} == {0.006}
    assert np.std([d["drift_shift_level_1"] for d in drawn]) == pytest.approx(0.005, rel=0.25)  # .4 and .3 pp


def test_a_fiscal_year_is_moved_to_the_calendar_year():
    june = SimpleNamespace(as_of=pd.Timestamp("2014-06-30").date(), opening=pd.Timestamp("2014-07-01").date())
    assert calendar_days(june) == 184
    assert calendar_days(BEFORE) == 0


def test_too_little_to_hold_out(tmp_path):
    settings = Settings(home=tmp_path)
    with pytest.raises(InputError, match="needs at least 3"):
        backtest(settings, (BEFORE, AFTER))
    with pytest.raises(InputError, match="--seeds must be at least 20"):
        backtest(settings, (BEFORE, AFTER, AFTER), seeds=19)


def test_report_shows_every_forecast_beside_what_happened():
    rows = (
        Row(Figure("exits"), 100, 99, Interval(90, 95, False), Interval(80, 120, True), 90, 110, 900, 80),
        Row(
            Figure("growth_all"), 0.02, 0.03, Interval(0.025, 0.035, False), None, 0.02, 0.01, 800, None
        ),
    )  # fmt: skip
    score = family_scores([row(10, 12, 10, 20, group="hr", family=DEPARTMENT_FAMILY)])
    held = Holdout(
        "2021 to 2022", ("2020 to 2021",), 20, rows, (), score, {}, {}, {}, ("Something clipped.",)
    )
    rule = "headcount growth is an input, not a forecast: the mean"
    stated = replace(held, given={"headcount_growth": 0.02})
    found = Backtest((held,), "levels as given (file)", rule, "EUR", given=stated)
    text = backtest_markdown(found)

    assert (
        "| exits | 100 | **99** | -1.0% | 90 – 95 | no | 80 – 120 | yes | 90 | -10.0% | 110 | +10.0% | both "
        "| 900 people, 80 events |" in text
    )
    assert "| growth of mean pay, everyone | 2.00% | 3.00% | +1.00 pp | 2.50% – 3.50% | no | - | - |" in text
    assert "Within P10–P90: 0% over draws, 100% over years, of 2 figures;" in text
    assert "Beaten: both naive forecasts 1, one of them 0, neither 1." in text
    assert "| exits by department | 1 | 20.0% | 0.0% | 100.0% | mean of years | 100 events |" in text
    assert "- Something clipped." in text
    assert text.index("given what was decided") < text.index("## 2021 to 2022\n")
    assert "Stated and not forecast: headcount_growth = 0.02." in text
    payroll = replace(rows[0], figure=Figure("payroll"), truth=8.4e6, forecast=8.3e6, naive_last=8e6)
    payroll = replace(payroll, draws=Interval(8e6, 9e6, True), years=None, naive_mean=8e6, events=None)
    paid = backtest_markdown(replace(found, given=None, holdouts=(replace(held, rows=(payroll,)),)))
    assert "| payroll | €8.4 M | **€8.3 M** | -1.2% | €8.0 M – €9.0 M |" in paid
    plain = backtest_json(found)
    assert (plain["coverage_draws"], plain["coverage_years"], plain["coverage_expected"]) == (0, 1, 0.8)
    assert plain["holdouts"][0]["nearest"] == {"simulation": 1, "last year": 1, "mean of years": 0}
    assert plain["holdouts"][0]["rows"][0]["beats_naive"] == "both"
    assert plain["given"]["given"] == {"headcount_growth": 0.02}
    assert held.width == pytest.approx(0.4)  # of exits: growth is no count
    json.dumps(plain, allow_nan=False)
