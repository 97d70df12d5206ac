from pathlib import Path

import pytest

from planwise.census.mapping import load_mapping
from planwise.errors import InputError

HEAD = "Key,When,Money,What,Where,Kind"
TEXT = f'{HEAD}\nE1,05.01.2010,"50.000,00",Clerk,Ops,full\nE2,06.01.2010,"60.000,00",Chief,Ops,part\n'
YAML = """
columns: {employee_id: Key, hire_date: When, base_pay: money, job_title: What}
formats: {hire_date: "%d.%m.%Y"}
constants: {department: All, level_id: 2}
filter: Kind = 'full'
as_of: 2019-12-31
"""

BAD_YAML = {
    "unknown key": ("colums: {}", "colums"),
    "repeated key": ("filter: a\nfilter: b", "repeated key filter"),
    "not YAML": ("columns: [", "not valid YAML"),
    "a list": ("- a", "not valid"),
    "unknown column": ("columns: {basepay: x}", "Did you mean base_pay"),
    "unknown constant": ("constants: {pay: 1}", r"constants\.pay"),
    "format of a text": ("formats: {job_title: x}", "only dates and base_pay"),
    "unknown levels": ("levels: magic", "levels"),
    "level map without numbers": ("levels: {Clerk: high}", "levels"),
    "column and constant": ("columns: {fte: F}\nconstants: {fte: 1}", "both a column and a constant"),
    "constant id": ("constants: {employee_id: 1}", "cannot be a constant"),
    "levels twice": ("columns: {level_id: L}\nlevels: {Clerk: 1}", "contradict"),
    "half a range": ("ranges: [{level_id: 1, minimum: 5}]", "ranges"),
    "range of one number": ("ranges: {1: [5]}", "not valid"),
    "no date": ("as_of: soon", "as_of"),
}  # fmt: skip


def test_a_mapping_settles_everything(bring, stored, tmp_path: Path):
    (tmp_path / "m.yaml").write_text(YAML)

    result = bring(TEXT, mapping=tmp_path / "m.yaml", as_of=None)

    assert (result.report.rows_accepted, result.report.rows_filtered) == (1, 1)
    assert result.report.as_of == "2019-12-31"
    row = stored(result).iloc[0]
    assert (str(row.hire_date), row.base_pay, row.department, row.level_id) == ("2010-01-05", 50000, "All", 2)


@pytest.mark.parametrize("case", BAD_YAML)
def test_a_bad_mapping_is_refused_by_name(case, tmp_path: Path):
    text, message = BAD_YAML[case]
    (tmp_path / "m.yaml").write_text(text)

    with pytest.raises(InputError, match=message) as refused:
        load_mapping(tmp_path / "m.yaml")
    assert "m.yaml" in refused.value.what


def test_a_missing_mapping_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="cannot be read"):
        load_mapping(tmp_path / "none.yaml")


def test_a_header_that_is_not_there_is_refused_with_the_nearest(bring):
    with pytest.raises(InputError, match="Did you mean 'Money'"):
        bring(TEXT, mapping={"columns": {"base_pay": "Mony"}})


def test_a_person_s_name_cannot_become_another_column(bring):
    with pytest.raises(InputError, match="identifies a person"):
        bring(
            "employee_id,hire_date,base_pay,Last Name\n1,2010-01-01,5,Doe\n",
            mapping={"columns": {"job_title": "Last Name"}},
        )


def test_null_leaves_a_guessable_column_out(bring):
    text = "employee_id,hire_date,base_pay,job_title,department,gender\n1,2010-01-01,5,a,b,F\n"

    assert bring(text).census.availability["gender"]
    assert not bring(text, mapping={"columns": {"gender": None}}).census.availability["gender"]


def test_a_constant_date_is_not_read_by_the_columns_format(bring, stored):
    text = "employee_id,base_pay,job_title,department\n1,5,a,b\n"

    mapping = {"constants": {"hire_date": "2010-01-05"}, "formats": {"hire_date": "%m/%d/%y"}}
    assert str(stored(bring(text, mapping=mapping))["hire_date"][0]) == "2010-01-05"


def test_without_a_date_today_is_taken_and_said(bring):
    from datetime import UTC, datetime

    report = bring(
        "employee_id,hire_date,base_pay,job_title,department\n1,2010-01-01,5,a,b\n",
        as_of=None,
        now=lambda: datetime(2031, 5, 6, tzinfo=UTC),
    ).report

    assert report.as_of == "2031-05-06"
    assert any("today" in notice for notice in report.notices)
