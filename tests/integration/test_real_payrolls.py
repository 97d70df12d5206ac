"""Real payrolls against figures read independently with pandas."""

import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from real_data import payroll

from planwise.census import ImportBlocked, import_census, list_censuses
from planwise.errors import InputError
from planwise.settings import Settings

MAPPINGS = Path(__file__).parents[2] / "docs" / "mappings"
pytestmark = pytest.mark.real_data


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def plain(name: str) -> pd.DataFrame:
    """Read the file as pandas does; it takes a bare CR for a line end."""
    frame = pd.read_csv(payroll(name), dtype=str, keep_default_na=False)
    return frame.apply(lambda column: column.str.strip())


def dollars(texts: pd.Series) -> pd.Series:
    return pd.to_numeric(texts.str.replace(r"[$,]", "", regex=True))


# rows read; then without a mapping: accepted, reasons of the rejects
BALTIMORE = {
    2012: (16_049, 15_953, {"missing_hire_date": 96}),
    2013: (19_137, 19_076, {"missing_hire_date": 52, "non_positive_pay": 4, "duplicate_id": 3}),
    2014: (18_981, 18_883, {"missing_hire_date": 70, "non_positive_pay": 25, "duplicate_id": 3}),
    2015: (14_017, 14_005, {"missing_hire_date": 10, "duplicate_id": 2}),
}  # fmt: skip
# with docs/mappings/baltimore.yaml: accepted, rejected
REGULAR = {2012: (12_146, 0), 2013: (12_095, 0), 2014: (12_177, 2), 2015: (11_925, 2)}


@pytest.mark.parametrize("year", BALTIMORE)
def test_baltimore_as_it_is(year, settings):
    read, accepted, reasons = BALTIMORE[year]
    file, as_of = payroll(f"baltimore_fy{year}.csv.gz"), date(year, 6, 30)
    try:
        report = import_census(settings, file, as_of=as_of).report
        assert report.valid_share >= 0.999
    except ImportBlocked as blocked:
        report = blocked.report
        assert report.valid_share < 0.999 and list_censuses(settings) == ((), ())

    assert (report.rows_read, report.rows_accepted, report.reject_reasons) == (read, accepted, reasons)
    frame = plain(file.name)
    assert (frame["HireDate"] == "").sum() == reasons["missing_hire_date"]
    assert (dollars(frame["AnnualSalary"]) <= 0).sum() == reasons.get("non_positive_pay", 0)


@pytest.mark.timing
@pytest.mark.parametrize("year", BALTIMORE)
def test_baltimore_regular_staff(year, settings):
    file = payroll(f"baltimore_fy{year}.csv.gz")
    start = time.perf_counter()
    result = import_census(settings, file, mapping=MAPPINGS / "baltimore.yaml", as_of=date(year, 6, 30))
    seconds = time.perf_counter() - start

    report = result.report
    assert (report.rows_accepted, report.rows_rejected) == REGULAR[year]
    assert report.rows_accepted + report.rows_rejected + report.rows_filtered == BALTIMORE[year][0]
    assert seconds < 2
    census = pd.read_parquet(result.census.census_file)
    frame = plain(file.name).set_index("EmployeeID").loc[census["employee_id"]]
    assert (dollars(frame["AnnualSalary"]).to_numpy() == census["base_pay"].astype(float).to_numpy()).all()
    century = pd.to_datetime(frame["HireDate"], format="%m/%d/%y")
    century = century.where(century <= f"{year}-06-30", century - pd.DateOffset(years=100))
    assert (century.dt.date.to_numpy() == census["hire_date"].to_numpy()).all()
    assert census["level_id"].value_counts(normalize=True).sort_index().to_numpy() == pytest.approx(
        [0.40, 0.30, 0.18, 0.09, 0.03], abs=0.03
    )


def test_montgomery_full_time(settings):
    file = payroll("montgomery_2016.csv.gz")
    result = import_census(settings, file, mapping=MAPPINGS / "montgomery.yaml", as_of=date(2016, 12, 31))

    report = result.report
    assert (report.rows_read, report.rows_accepted, report.rows_rejected, report.rows_filtered) == (
        9_228,
        8_392,
        0,
        836,
    )
    census = pd.read_parquet(result.census.census_file)
    frame = plain(file.name).set_index("Employee ID").loc[census["employee_id"]]
    pay = dollars(frame["Current Annual Salary"]).to_numpy()
    assert (pay == census["base_pay"].astype(float).to_numpy()).all()
    assert pay.std(ddof=1) / pay.mean() == pytest.approx(0.354, abs=0.0005)  # the known answer
    ranks = np.arange(1, len(pay) + 1)
    gini = 2 * (ranks * np.sort(pay)).sum() / (len(pay) * pay.sum()) - (len(pay) + 1) / len(pay)
    assert gini == pytest.approx(0.192, abs=0.0005)  # the known answer
    assert result.census.availability["gender"]
    assert census["gender"].isna().sum() == (frame["Gender"] == "").sum() == 16


def test_montgomery_headers_are_guessed(settings):
    report = import_census(settings, payroll("montgomery_2016.csv.gz"), as_of=date(2016, 12, 31)).report

    assert (report.rows_read, report.rows_accepted) == (9_228, 9_228)
    assert report.columns["department"] == "Department Name"
    assert report.columns["job_title"] == "Employee Position Title"


@pytest.mark.parametrize("year", [2011, 2012, 2013])
def test_san_francisco_without_hire_dates_is_rejected_with_the_way_out(year, settings):
    with pytest.raises(InputError, match="hire_date") as refused:
        import_census(settings, payroll(f"san_francisco_{year}.csv.gz"))

    assert "headers are" in refused.value.what
    assert "constants: {hire_date: 2010-01-01}" in (refused.value.remedy or "")


def test_san_francisco_2013_with_bare_line_ends_and_a_stated_hire_date(settings):
    file = payroll("san_francisco_2013.csv.gz")
    result = import_census(
        settings, file, mapping=MAPPINGS / "san_francisco_2013.yaml", as_of=date(2013, 12, 31)
    )

    frame = plain(file.name)
    pay = pd.to_numeric(frame["base_pay"], errors="coerce").groupby(frame["employee_id"]).max()
    best = pay[pay >= 20_000]
    assert (
        (result.report.rows_read, result.report.rows_accepted) == (len(frame), len(best)) == (37_606, 29_731)
    )
    census = pd.read_parquet(result.census.census_file).set_index("employee_id")
    assert (census["base_pay"].astype(float).sort_index() == best.sort_index()).all()
    assert set(census["hire_date"]) == {date(2008, 1, 1)}
