"""Calibration and backtest on the Baltimore payrolls, recomputed with nothing but pandas."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from real_data import payroll

from planwise.calibration import backtest, calibrate, read_years
from planwise.settings import Settings

MAPPINGS = Path(__file__).parents[2] / "docs" / "mappings"
YEARS = (2012, 2013, 2014, 2015)
SEEDS = 8  # of each forecast: an interval should have twenty, and each is drawn in a second
BANDS = {
    "under_1": (0, 1), "1": (1, 2), "2": (2, 3), "3_to_4": (3, 5), "5_to_6": (5, 7), "7_to_9": (7, 10),
    "10_to_14": (10, 15), "15_to_19": (15, 20), "20_to_24": (20, 25), "25_to_29": (25, 30),
    "30_to_34": (30, 35), "over_34": (35, 99),
}  # fmt: skip
KNOWN = {  # of the data, over 2012-2016, rounded to full per cent, by years of service
    (0, 99): (0.11, 0.12),
    (0, 1): (0.23, 0.27),
    (1, 3): (0.20, 0.22),
    (3, 6): (0.12, 0.14),
    (6, 11): (0.07, 0.11),
    (11, 99): (0.08, 0.09),
}
SERVICE = ("everyone", "tenure")
CONTINUING = ("growth_continuing", "everyone")
pytestmark = pytest.mark.real_data


def plain(year):
    """Return the file as pandas reads it, with numbers, and hire dates of the right century."""
    file = payroll(f"baltimore_fy{year}.csv.gz")
    frame = pd.read_csv(file, dtype=str, keep_default_na=False).apply(lambda column: column.str.strip())
    hired = pd.to_datetime(frame["HireDate"], format="%m/%d/%y", errors="coerce")
    return frame.assign(
        pay=pd.to_numeric(frame["AnnualSalary"].str.replace(r"[$,]", "", regex=True)),
        hired=hired.where(hired <= f"{year}-06-30", hired - pd.DateOffset(years=100)),
    )


@pytest.fixture(scope="module")
def payrolls():
    return {year: plain(year) for year in YEARS}


def years_of(mapping, tmp_path_factory):
    files = [payroll(f"baltimore_fy{year}.csv.gz") for year in YEARS]
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    days = [date(year, 6, 30) for year in YEARS]
    return read_years(settings, files, mappings=[MAPPINGS / mapping], as_of=days)


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    return calibrate(years_of("baltimore_all.yaml", tmp_path_factory))


@pytest.fixture(scope="module")
def regular(tmp_path_factory):
    return years_of("baltimore_years.yaml", tmp_path_factory)


def without_youth(payrolls, *, unpaid):
    """Return everybody with a hire date but the youth programmes, one row per person."""
    chosen = {}
    for year, frame in payrolls.items():
        kept = frame[~frame["Agency"].str.contains("(?i)youth") & frame["hired"].notna()]
        kept = kept if unpaid else kept[kept["pay"] > 0]
        chosen[year] = kept.drop_duplicates("EmployeeID", keep=False).set_index("EmployeeID")
    return chosen


def recount(frames, year):
    """Return the exit rate of everyone and of each tenure band between two years."""
    rates = {band: exits_between(frames, year, *years) for band, years in BANDS.items()}
    return {"everyone": exits_between(frames, year, 0, 99)} | rates


def exits_between(frames, year, low, high):
    """Return the exit rate of those with `low` to under `high` years of service."""
    people = frames[year]
    left = ~people.index.isin(frames[year + 1].index)
    day = pd.Timestamp(year, 7, 1)
    birthday = people["hired"].dt.month * 100 + people["hired"].dt.day > 701
    service = day.year - people["hired"].dt.year - birthday.astype(int)
    return left[(service >= low) & (service < high)].mean()


def test_fy2015_lacks_the_youth_programmes_and_nothing_else(payrolls):
    youth = {y: int(f["Agency"].str.contains("(?i)youth").sum()) for y, f in payrolls.items()}
    assert youth == {2012: 1_815, 2013: 4_798, 2014: 4_886, 2015: 0}
    others = {y: len(payrolls[y]) - youth[y] for y in YEARS}
    assert max(others.values()) / min(others.values()) < 1.03


def test_exits_equal_a_recount(payrolls, everybody):
    frames = without_youth(payrolls, unpaid=False)
    shares = {(row.band, row.year): row.share for row in everybody.exits if row.dimension in SERVICE}
    for year in YEARS[:-1]:
        label = f"{year}-06-30 to {year + 1}-06-30"
        # apart: two people with a duplicate id, two hire dates after the census date
        assert shares["everyone", label].heads == pytest.approx(len(frames[year]), abs=5)
        for band, rate in recount(frames, year).items():
            assert shares[band, label].rate == pytest.approx(rate, abs=0.002)


def test_exits_equal_the_known_answers(payrolls, everybody):
    """The known figures count rows without pay, too: 25 in FY2014, hired in June and gone within the year."""
    frames = without_youth(payrolls, unpaid=True)
    for year in YEARS[:-1]:
        for served, (low, high) in KNOWN.items():
            rate = exits_between(frames, year, *served)
            assert low - 0.005 <= rate <= high + 0.005, (year, served, rate)
    exits = [row for row in everybody.exits if row.dimension in SERVICE]
    pooled = {row.band: row.share for row in exits if row.year == "all years"}
    for served, bands in {(0, 99): ["everyone"], (0, 1): ["under_1"], (1, 3): ["1", "2"]}.items():
        rate = sum(pooled[b].events for b in bands) / sum(pooled[b].heads for b in bands)
        low, high = KNOWN[served]
        assert low - 0.005 <= rate <= high + 0.005


def test_median_raises_equal_the_known_answers(everybody):
    assert [round(movement, 3) for movement in everybody.scale.movements] == [0.0, 0.03, 0.035]


def test_like_is_compared_with_like(payrolls, regular):
    """Who leaves the selection leaves the payroll: but for a handful, exits are not in the next file."""
    found = calibrate(regular)
    for heads, odd, year in zip(found.headcounts, found.quirks, YEARS, strict=False):
        assert odd["exits_still_in_the_next_file"] <= 5
        gone = set(regular[YEARS.index(year)].people.index) - set(payrolls[year + 1]["EmployeeID"])
        assert heads.exits - odd["exits_still_in_the_next_file"] == len(gone)


def test_backtest_of_2015(regular, tmp_path, monkeypatch):
    monkeypatch.setitem(backtest.__globals__, "SEEDS_MIN", SEEDS)
    found = backtest(Settings(home=tmp_path), regular, seeds=SEEDS)
    last, earlier = found.holdouts
    rows = {(row.figure.name, row.figure.group): row for row in last.rows}

    assert (len(last.trained_on), len(earlier.trained_on)) == (2, 1)
    before, after = (year.people for year in regular[2:])
    both = before.join(after, rsuffix="_after", how="inner")
    truth = {
        "headcount": len(after),
        "exits": len(before) - len(both),
        "entrants": len(after) - len(both),
        "payroll": after["base_pay"].sum(),
        "growth_all": after["base_pay"].mean() / before["base_pay"].mean() - 1,
        "growth_continuing": both["base_pay_after"].sum() / both["base_pay"].sum() - 1,
    }
    for name, value in truth.items():
        assert rows[name, "everyone"].truth == pytest.approx(value)
    # the naive forecast "as the mean of years", again by hand
    exits = [1 - regular[k].people.index.isin(regular[k + 1].people.index).mean() for k in range(2)]
    assert rows["exits", "everyone"].naive_mean == pytest.approx(np.mean(exits) * len(before))
    assert rows["exits", "everyone"].forecast == pytest.approx(rows["exits", "everyone"].naive_mean, rel=0.02)
    # what the forecast was worth: exits and payroll within a few per cent
    assert abs(rows["exits", "everyone"].error_pct(rows["exits", "everyone"].forecast)) < 6
    assert abs(rows["payroll", "everyone"].error_pct(rows["payroll", "everyone"].forecast)) < 4
    assert last.coverage_years is not None and last.coverage_years > 0.6 > last.coverage_draws
    assert earlier.coverage_years is not None and earlier.coverage_years > 0.5
    # the pay freeze of 2012-13 is forecast: no cost-of-living raise, which no bound prevents
    frozen, thawed = (year.people for year in regular[:2])
    stayed = frozen.join(thawed, rsuffix="_after", how="inner")
    assert (stayed["base_pay_after"] / stayed["base_pay"] - 1).median() == 0
    own_growth = stayed["base_pay_after"].sum() / stayed["base_pay"].sum() - 1
    of_freeze = next(r for r in earlier.rows if (r.figure.name, r.figure.group) == CONTINUING)
    assert of_freeze.naive_mean == pytest.approx(own_growth)
    assert of_freeze.forecast == pytest.approx(own_growth, abs=0.002)
    assert earlier.levers["cola_rate"] == 0
    assert [note.split(":")[0] for note in earlier.notes] == [
        "The fiscal year was simulated as a calendar year"
    ]
