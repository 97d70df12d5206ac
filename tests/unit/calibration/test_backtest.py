"""A backtest: observed and simulated statistics, forecasts, intervals, report."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from calibration_worlds import census, person

from planwise.calibration import backtest, backtest_json, backtest_markdown, calibrate
from planwise.calibration.backtest import (
    Backtest,
    Holdout,
    Interval,
    RateSpread,
    Row,
    _interval,
    drawn_parameters,
    spread_of,
)
from planwise.calibration.raises import with_promotions
from planwise.calibration.statistics import (
    Figure,
    Observed,
    SimulatedYear,
    calendar_days,
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

    assert found[Figure("headcount")] == (3, 3)
    assert found[Figure("exits")] == (1, 3)
    assert found[Figure("promotions")] == (1, 3)
    assert found[Figure("payroll")] == (140_000, 140_000)
    assert found[Figure("growth_all")].value == 0
    assert found[Figure("growth_continuing")].value == pytest.approx(0.07)
    assert found[Figure("headcount", "level 1")] == (1, 2)
    assert found[Figure("mean_pay", "level 2")] == (53_500, 60_000)
    assert found[Figure("exits", "under 1 year of service")] == (0, 1)
    assert found[Figure("exits", "over 10 years of service")] == (1, 2)


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
    assert found[Figure("exits", "level 2")] == 1
    assert found[Figure("exits", "under 1 year of service")] == 1
    assert found[Figure("mean_pay", "level 1")] == 38_000


def test_naive_forecasts_carry_the_rate_over():
    exits = Figure("exits")
    history = [{exits: Observed(10, 100)}, {exits: Observed(30, 150)}]
    assert naive(history, Observed(0, 200), exits) == (40, pytest.approx(30))
    assert naive([{}], Observed(0, 200), exits) is None


def row(truth, forecast, last, mean, name="exits"):
    inside = Interval(0, 1, True)
    return Row(Figure(name), truth, forecast, inside, None, last, mean)


@pytest.mark.parametrize(
    ("figures", "best"),
    [
        ((100, 99, 90, 110), "simulation"),
        ((100, 95, 101, 110), "last year"),
        ((100, 99, 90, 101), "mean of years"),
        ((100, 99, None, None), "simulation"),
        ((10_000, 9_995, 9_994, 9_000), "last year"),  # as good as equal
    ],
)
def test_the_nearest_forecast_and_no_credit_for_a_tie(figures, best):
    assert row(*figures).best == best


def test_errors_are_relative_but_for_growth():
    assert row(200, 190, None, None).error_pct(190) == pytest.approx(-5)
    assert row(0.02, 0.03, None, None, "growth_all").error_pct(0.03) is None


def test_interval_is_that_of_the_samples():
    samples = pd.Series(range(11), dtype=float).to_numpy()
    assert _interval(samples, 1.0) == Interval(1.0, 9.0, True)
    assert not _interval(samples, 9.1).within


def test_spread_of_the_years():
    # growth of 0.1 and -0.1, two years: s = 0.141421, × √1.5
    rows = [person(f"e{k}", 40_000) for k in range(110)]
    years = (census(2020, *rows[:100]), census(2021, *rows), census(2022, *rows[:99]))
    spread = spread_of(calibrate(years))

    assert spread is not None and spread.freedom == 1
    assert spread.headcount_growth == pytest.approx(0.1414214 * 1.5**0.5)
    assert spread.termination_rate == pytest.approx(0.0707107 * 1.5**0.5)
    assert spread_of(calibrate(years[:2])) is None


def test_drawn_parameters_span_the_spread_and_stay_within_bounds():
    years = (BEFORE, AFTER)
    calibration = calibrate(years)
    values = {"termination_rate": 0.1, "headcount_growth": 0.0}
    spread = RateSpread(0.05, 0.02, 0.01, 0.2, freedom=1)
    drawn = drawn_parameters(calibration, values, spread, 20)

    exits = sorted(d["termination_rate"] for d in drawn)
    # Student t with one degree: its quantiles at 1/40 and 21/40 are -12.706 and 0.0787
    assert exits[0] == 0  # 0.1 - 0.05 × 12.7, clipped
    assert exits[10] == pytest.approx(0.1 + 0.05 * 0.0787, abs=1e-5)
    assert all(0 <= d["cola_rate"] <= 0.08 for d in drawn)
    assert drawn == drawn_parameters(calibration, values, spread, 20)


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
        Row(Figure("exits"), 100, 99, Interval(90, 95, False), Interval(80, 120, True), 90, 110),
        Row(Figure("growth_all"), 0.02, 0.03, Interval(0.025, 0.035, False), None, 0.02, 0.01),
    )
    held = Holdout("2021 to 2022", ("2020 to 2021",), 20, rows, {}, {}, ("Something clipped.",))
    rule = "headcount growth is an input, not a forecast: the mean"
    found = Backtest((held,), "levels as given (file)", rule, "EUR")
    text = backtest_markdown(found)

    assert (
        "| exits | 100 | **99** | -1.0% | 90 – 95 | no | 80 – 120 | yes | 90 | -10.0% | 110 | +10.0% |"
        in text
    )
    assert "| growth of mean pay, everyone | 2.00% | 3.00% | +1.00 pp | 2.50% – 3.50% | no | - | - |" in text
    assert "Within P10–P90: 0% over draws, 100% over years, of 2 figures." in text
    assert "- Something clipped." in text
    payroll = Row(Figure("payroll"), 8.4e6, 8.3e6, Interval(8e6, 9e6, True), None, 8e6, 8e6)
    paid = backtest_markdown(replace(found, holdouts=(replace(held, rows=(payroll,)),)))
    assert "| payroll | €8.4 M | **€8.3 M** | -1.2% | €8.0 M – €9.0 M |" in paid
    plain = backtest_json(found)
    assert (plain["coverage_draws"], plain["coverage_years"], plain["coverage_expected"]) == (0, 1, 0.8)
    assert plain["holdouts"][0]["nearest"] == {"simulation": 1, "last year": 1, "mean of years": 0}
