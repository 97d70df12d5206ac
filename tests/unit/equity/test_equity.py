"""Pay gaps with intervals, quartile bands, categories, cost to close; why some are not measured."""

import math

import numpy as np
import pandas as pd
import pytest
import real_data
import statsmodels.formula.api as smf

from planwise.equity.adjusted import adjusted_gap
from planwise.equity.gaps import mean_gap, median_gap, quartile_bands
from planwise.equity.reasons import REASONS
from planwise.equity.report import equity_report

FACTS = {"level_id": 1, "department": "Ops", "tenure_years": 4.0, "fte": 1.0}


def people(*groups):
    """Return people of (group, how many, pay, other facts); pay of a group rises by 1 a person."""
    rows = [
        {**FACTS, "group": group, "base_pay": pay + n, **dict(*facts)}
        for group, size, pay, *facts in groups
        for n in range(size)
    ]
    frame = pd.DataFrame(rows, columns=[*FACTS, "group", "base_pay"])
    return frame.assign(employee_id=[f"E{n}" for n in range(len(frame))])


def random_people(seed=3, men=260, women=200):
    """Return people of unequal departments and tenure, women paid 6 % less than men of the same."""
    draw = np.random.default_rng(seed)
    size = men + women
    woman = np.arange(size) >= men
    level = draw.integers(1, 4, size)
    department = np.where(draw.random(size) < np.where(woman, 0.7, 0.3), "Lab", "Ops")
    tenure = draw.gamma(2, 3, size)
    noise = draw.normal(0, 0.1, size) * (1 + woman)
    log_pay = 10.5 + 0.2 * level + 0.1 * (department == "Ops") + 0.01 * tenure - 0.06 * woman + noise
    facts = {
        "level_id": level,
        "department": department,
        "tenure_years": tenure,
        "base_pay": np.exp(log_pay).round(2),
    }
    frame = pd.DataFrame({**facts, "group": np.where(woman, "F", "M"), "fte": draw.choice([0.5, 1.0], size)})
    return frame.assign(employee_id=[f"E{n}" for n in range(size)])


def test_mean_gap_and_its_standard_error_by_hand():
    """Men 100 +- 10, women 90 +- 30: ratio .9, variance (900 / 12 + .81 x 100 / 12) / 100^2 with 11 of 12."""
    men, women = np.array([90.0, 110.0] * 6), np.array([60.0, 120.0] * 6)
    found = mean_gap(men, women)

    assert found.value == pytest.approx(0.1)
    assert found.standard_error == pytest.approx(math.sqrt((900 + 0.81 * 100) / 11) / 100)
    assert found.high - found.value == pytest.approx(1.96 * found.standard_error, rel=1e-4)
    assert found.is_flagged and not found.is_clear


def test_median_gap_and_its_interval_by_hand():
    """Of 15 people by the 4th and the 12th: outside are 2 x 576 / 2^15 of samples, 2.1066 deviations."""
    men, women = np.exp(np.arange(15) / 100) * 100, np.exp(np.arange(15) / 100) * 90
    found = median_gap(men, women)
    error = math.sqrt(2) * 0.08 / (2 * 2.1066)

    assert found.value == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx(
        (1 - 0.9 * math.exp(1.96 * error), 1 - 0.9 * math.exp(-1.96 * error)), abs=1e-4
    )


@pytest.mark.parametrize("gap", [mean_gap, median_gap])
def test_95_of_100_intervals_have_the_true_gap(gap):
    draw = np.random.default_rng(1)
    samples = [(draw.lognormal(11, 0.3, 60), draw.lognormal(11, 0.3, 40) * 0.9) for _ in range(400)]
    covered = [found.low <= 0.1 <= found.high for found in (gap(men, women) for men, women in samples)]

    assert 0.92 <= np.mean(covered) <= 0.98


def test_quartile_bands_spread_equal_pay_over_a_limit():
    """Two at 10, six at 20, of which three are women, four at 30 and 40: a limit is at 3, 6 and 9 people."""
    frame = pd.DataFrame({"base_pay": [10] * 2 + [20] * 6 + [30, 30, 40, 40], "group": [*"MFMMMFFFMFMM"]})
    women = quartile_bands(frame).query("group == 'F'")

    assert list(women.people) == pytest.approx([1.5, 1.5, 1.5, 0.5])
    assert list(women.share) == pytest.approx([1 / 2, 1 / 2, 1 / 2, 1 / 6])
    assert (women.low < women.share).all() and (women.share < women.high).all()


def test_both_adjusted_gaps_are_those_of_statsmodels_with_an_indicator_for_each_cell():
    frame = random_people()
    found = adjusted_gap(frame, "M", "F")
    frame["woman"] = (frame.group == "F") * 1.0
    frame["band"] = np.searchsorted((1, 3, 6, 11), frame.tenure_years, side="right")
    frame["cell"] = frame.groupby(["level_id", "department", "band"]).ngroup()
    in_both = frame[frame.groupby("cell").woman.transform("nunique") == 2]
    for own, formula, data in (
        (found.regression, "C(level_id) + C(department) + tenure_years", frame),
        (found.cells, "C(cell)", in_both),
    ):
        fit = smf.ols(f"np.log(base_pay) ~ woman + {formula}", data).fit(cov_type="HC1")
        assert own.value == pytest.approx(-fit.params["woman"], abs=1e-9)
        assert own.standard_error == pytest.approx(fit.bse["woman"], rel=1e-9)
        assert (own.low, own.high) == pytest.approx(tuple(-fit.conf_int().loc["woman"][::-1]), abs=1e-9)
        assert own.people + own.reference_people == len(data)


def test_with_three_groups_both_adjusted_gaps_are_of_one_regression_with_all_of_them():
    frame = random_people(seed=8, men=300, women=240)
    third = np.random.default_rng(9).random(len(frame)) < 0.2
    frame = frame.assign(
        group=frame.group.mask(third, "X"), base_pay=frame.base_pay * np.where(third, 0.9, 1)
    )
    frame["band"] = np.searchsorted((1, 3, 6, 11), frame.tenure_years, side="right")
    frame["cell"] = frame.groupby(["level_id", "department", "band"]).ngroup()
    for group in ("F", "X"):
        found = adjusted_gap(frame, "M", group)
        for own, formula in (
            (found.regression, "C(level_id) + C(department) + tenure_years"),
            (found.cells, "C(cell)"),
        ):
            pooled = f"np.log(base_pay) ~ C(group, Treatment('M')) + {formula}"
            fit = smf.ols(pooled, frame).fit(cov_type="HC1")
            name = f"C(group, Treatment('M'))[T.{group}]"
            assert own.value == pytest.approx(-fit.params[name], abs=1e-9)
            assert own.standard_error == pytest.approx(fit.bse[name], rel=1e-9)
    raised = found.closing
    assert set(raised.group) == {"X"} and (raised.increase > 0).all()
    closed = frame.merge(raised[["employee_id", "new_pay"]], how="left")
    closed["base_pay"] = closed.new_pay.fillna(closed.base_pay)
    assert adjusted_gap(closed, "M", "X").regression.value == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("groups", [("M", "F"), ("F", "M")])
def test_closing_the_gap_raises_the_lower_paid_furthest_behind_and_leaves_no_gap(groups):
    frame = random_people()
    report = equity_report(frame, 2026)
    (women,) = report.groups
    raised = adjusted_gap(frame, *groups).closing
    closed = frame.merge(raised[["employee_id", "new_pay"]], how="left")
    closed["base_pay"] = closed.new_pay.fillna(closed.base_pay)

    assert set(raised.group) == {"F"} and (raised.increase > 0).all()
    assert adjusted_gap(closed, *groups).regression.value == pytest.approx(0, abs=1e-6)
    share = raised.new_pay / raised.expected_pay
    assert share.max() - share.min() < 1e-6
    assert women.closing["cost"] == pytest.approx(
        (raised.increase * raised.fte).sum(), abs=0.01 * len(raised)
    )
    assert women.closing["share_of_payroll"] == pytest.approx(
        women.closing["cost"] / (frame.base_pay * frame.fte).sum()
    )
    by_level = women.closing_by_level
    assert math.fsum(row["cost"] for row in by_level) == pytest.approx(women.closing["cost"])
    assert all(row["people"] >= 10 for row in by_level)


def test_the_cost_of_raising_fewer_than_ten_is_not_shown():
    """Eleven women earn what men do, four 20 % less: those four are raised."""
    frame = people(("M", 30, 50_000), ("F", 11, 50_000), ("F", 4, 40_000))
    frame["base_pay"] = frame.base_pay // 1_000 * 1_000
    report = equity_report(frame, 0)
    (women,) = report.groups

    assert list(report.raises.increase) == pytest.approx([10_000] * 4, abs=0.01)
    assert women.closing["cost"] is None
    assert "fewer than 10" in women.closing["reason"] and women.closing_by_level == ()
    assert "E4" not in str(report.as_json()) and report.without_people().raises.empty


LAB, SENIOR, RECENT = {"department": "Lab"}, {"level_id": 2}, {"tenure_years": 0.5}
UNMEASURED = {
    "one sex": (people(("F", 40, 50_000)), "one group only", None),
    "four women among forty": (people(("M", 36, 60_000), ("F", 4, 40_000)), "fewer than 10 people", None),
    "nine men": (people(("M", 9, 60_000), ("F", 40, 40_000)), "fewer than 10 people", None),
    "no gender": (people((None, 40, 50_000)), "gender is not known", None),
    "no employees": (people(), "there are no employees", None),
    "no pay": (people(("M", 20, 0), ("F", 20, 0)).assign(base_pay=0), "have no pay", None),
    "women without pay": (
        people(("M", 20, 50_000), ("F", 20, 0)).assign(base_pay=[50_000] * 20 + [0] * 20),
        "one group only",
        None,
    ),
    "other departments": (people(("M", 20, 50_000), ("F", 20, 40_000, LAB)), None, "colleagues of the other"),
    "other levels": (people(("M", 20, 50_000), ("F", 20, 40_000, SENIOR)), None, "colleagues of the other"),
    "other tenure": (people(("M", 20, 50_000), ("F", 20, 40_000, RECENT)), None, "colleagues of the other"),
    "one man comparable": (
        people(("M", 20, 50_000), ("M", 1, 50_000, LAB), ("F", 20, 40_000, LAB)),
        None,
        "colleagues of the other",
    ),
}


@pytest.mark.parametrize("case", UNMEASURED)
def test_what_cannot_be_measured_is_null_and_says_why(case):
    frame, whole, adjusted = UNMEASURED[case]
    report = equity_report(frame, 2026)
    if whole is not None:
        assert whole in report.why and report.groups == () and report.bands.empty and report.flagged == 0
    else:
        (women,) = report.groups
        assert women.mean.value is not None and women.median.value is not None
        for found in (women.regression, women.cells):
            assert (found.value, found.low, found.high, found.standard_error) == (None,) * 4
            assert adjusted in found.why
        assert women.closing is None and women.as_json()["cost_to_close"] is None
    assert "nan" not in str(report.as_json()).lower()


def test_categories_compare_who_does_the_same_work_and_flag_five_per_cent():
    """Level 1 Ops: 6 % less; Lab: 4 %; at level 2 are four women only, in HR men only."""
    frame = people(
        *[("M", 12, 100_000), ("F", 12, 94_000), ("M", 12, 100_000, LAB), ("F", 12, 96_000, LAB)],
        *[("M", 12, 100_000, SENIOR), ("F", 4, 50_000, SENIOR), ("M", 11, 100_000, {"department": "HR"})],
        (None, 3, 1),
    )
    report = equity_report(frame, 2026)
    table = report.categories.set_index(["level_id", "department"])

    assert (report.unknown, report.flagged, report.category) == (3, 1, "level and department")
    assert table.loc[(1, "Ops"), "flagged"] is True and table.loc[(1, "Lab"), "flagged"] is False
    assert table.loc[(1, "Ops"), "mean_gap"] == pytest.approx(0.06, abs=1e-4)
    for category, reason in (((2, "Ops"), "fewer than 10"), ((1, "HR"), "one group only")):
        assert table.loc[category, ["mean_gap", "median_gap", "flagged"]].isna().all()
        assert reason in table.loc[category, "reason"]


def test_every_reason_of_the_marts_has_a_text():
    assert {"no_people", "no_groups", "no_gender", "one_group", "small_group", "few_comparable"} <= set(
        REASONS
    )
    assert "reference" in REASONS


@pytest.mark.real_data
def test_the_gaps_of_a_county_are_those_of_pandas_and_statsmodels():
    frame = pd.read_csv(real_data.payroll("montgomery_2016.csv.gz"))
    pay = frame["Current Annual Salary"].str.replace("[$,]", "", regex=True).astype(float)
    hired = pd.to_datetime(frame["Date First Hired"], format="%m/%d/%Y")
    county = pd.DataFrame(
        {
            "employee_id": frame["Employee ID"],
            "group": frame["Gender"].astype(object),
            "level_id": pd.qcut(pay, 5, labels=False) + 1,
            "department": frame["Department"],
            "tenure_years": (pd.Timestamp("2016-12-31") - hired).dt.days / 365.25,
            "base_pay": pay,
            "fte": 1.0,
        }
    )
    (women,) = equity_report(county, 0).groups
    known = county[county.group.isin(["M", "F"]) & (county.base_pay > 0)]
    known = known.assign(woman=(known.group == "F") * 1.0)
    by_group = known.groupby("group").base_pay
    formula = "np.log(base_pay) ~ woman + C(level_id) + C(department) + tenure_years"
    fit = smf.ols(formula, known).fit(cov_type="HC1")

    assert women.mean.value == pytest.approx(1 - by_group.mean()["F"] / by_group.mean()["M"])
    assert women.median.value == pytest.approx(1 - by_group.median()["F"] / by_group.median()["M"])
    assert women.regression.value == pytest.approx(-fit.params["woman"], abs=1e-9)
    assert women.regression.standard_error == pytest.approx(fit.bse["woman"], rel=1e-6)
    assert women.mean.people + women.mean.reference_people == len(known)
