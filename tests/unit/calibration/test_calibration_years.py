from datetime import date

import pytest

from planwise.calibration.years import read_years
from planwise.census import default_levels, register_census
from planwise.errors import InputError
from planwise.settings import Settings

HEADER = "id,hired,salary,title,department,unit\n"
MAPPING = {
    "columns": {
        "employee_id": "id",
        "hire_date": "hired",
        "base_pay": "salary",
        "job_title": "title",
        "department": "department",
    },
    "formats": {"hire_date": "%Y-%m-%d"},
    "levels": "ranges",
    "ranges": {1: [30_000, 50_000], 2: [50_000, 90_000]},
}


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path / "home")


@pytest.fixture
def file(tmp_path):
    def write(name, *rows):
        path = tmp_path / name
        path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        return path

    return write


def row(employee_id, pay=40_000, unit="core"):
    return f"{employee_id},2015-03-01,{pay},Clerk,All,{unit}"


def read(settings, files, days, **options):
    dates = [date.fromisoformat(day) for day in days]
    return read_years(settings, files, mappings=[MAPPING], as_of=dates, **options)


def test_files_are_read_and_nothing_is_registered(settings, file):
    files = [file("a.csv", row("1"), row("2", 60_000)), file("b.csv", row("1"), row("3", unit="summer"))]
    first, second = read(settings, files, ["2020-12-31", "2021-12-31"], row_filter="unit <> 'summer'")

    assert first.people["level_id"].to_dict() == {"1": 1, "2": 2}
    assert first.people["base_pay"].tolist() == [40_000.0, 60_000.0]
    assert (len(second.people), second.rows_filtered) == (1, 1)
    assert second.ids_in_file == {"1", "3"}
    assert not settings.censuses_dir.exists()


def test_censuses_of_the_home_go_by_name(settings, file):
    frame = read(settings, [file("a.csv", row("1")), file("b.csv", row("1"))], ["2020-12-31", "2021-12-31"])
    for year, name in zip(frame, ("y20", "y21"), strict=True):
        rows = year.people.reset_index()
        register_census(settings, name, rows, default_levels(), as_of=year.as_of, use=False)

    years = read_years(settings, ["y20", "y21"])

    assert [year.as_of.year for year in years] == [2020, 2021]
    assert years[0].ids_in_file is None
    assert not years[0].levels_by_pay


@pytest.mark.parametrize(
    ("files", "days", "message", "remedy"),
    [
        (["1"], ["2020-12-31"], "1 census given", "the year before"),
        (["1", "1"], ["2021-12-31", "2020-12-31"], "is not later than", "oldest first"),
        (["1", "1"], ["2019-12-31", "2021-12-31"], "731 days lie between", "without a gap"),
        (
            ["1", "2"],
            ["2020-12-31", "2021-12-31"],
            "0 of 1 employee ids of 0.csv are in 1.csv; at least 10%",
            "same person's",
        ),
        (["1", "1"], ["2020-12-31"], "1 dates for 2 censuses", "one per census"),
        (["1", "1"], [], "0.csv: no census date was given", "--as-of 2013-06-30,2014-06-30"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_with_the_way_out(settings, file, files, days, message, remedy):
    paths = [file(f"{k}.csv", row(employee_id)) for k, employee_id in enumerate(files)]
    with pytest.raises(InputError) as refused:
        read(settings, paths, days)
    assert message in refused.value.what
    assert remedy in (refused.value.remedy or "")


def test_a_file_that_is_not_there(settings):
    with pytest.raises(InputError, match="nowhere"):
        read(settings, ["nowhere.csv", "nowhere.csv"], ["2020-12-31", "2021-12-31"])
    with pytest.raises(InputError, match="Unknown census 'nowhere'"):
        read_years(settings, ["nowhere", "nowhere"])
