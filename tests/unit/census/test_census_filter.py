# ruff: noqa: E501 - tables are read by row
"""The filter is one boolean expression over the file's columns, and can reach nothing else."""

import pytest

from planwise.errors import InputError

TEXT = (
    "employee_id,hire_date,base_pay,job_title,department,Name,Pay Grade\n"
    'E1,2010-01-01,"$50,000.00 ",Clerk,Ops,Ann,3\nE2,2010-01-01,"$9,000.00 ",Chief,Ops,Bob,\n'
)


@pytest.mark.parametrize(
    ("expression", "accepted"),
    [
        ("job_title = 'Clerk'", 1),
        ("money(base_pay) > 10000", 1),
        ("base_pay > 10000", 1),  # read as numbers because the comparison needs them
        ('"Pay Grade" = 3', 1),
        ('"Pay Grade" IS NULL', 1),
        ("job_title ILIKE 'c%' -- all of them", 2),
        ("row_number() OVER (ORDER BY money(base_pay)) = 1", 1),
        ("job_title IN (SELECT job_title FROM file WHERE employee_id = 'E1')", 1),
        ("true OR NULL", 2),
    ],
)
def test_rows_are_kept_where_the_expression_is_true(expression, accepted, bring):
    report = bring(TEXT, row_filter=expression).report

    assert (report.rows_accepted, report.rows_filtered, report.rows_rejected) == (accepted, 2 - accepted, 0)
    assert report.filter_reasons["filter"] == 2 - accepted


@pytest.mark.parametrize(
    "expression",
    [
        "1", "NULL", "'text'", "job_title", "nope = 1", "job_title = 'open", "true; DROP TABLE file", "true); SELECT (true",
        "true), (true", "true) FROM file LIMIT 1 --", "EXISTS (SELECT * FROM read_csv('/etc/passwd'))",
        "EXISTS (SELECT * FROM read_text('/etc/hostname'))", "EXISTS (SELECT * FROM '/etc/passwd')", "EXISTS (SELECT * FROM glob('/*'))",
        "EXISTS (SELECT * FROM frame)", "EXISTS (SELECT * FROM table)", "getenv('HOME') <> ''", "(COPY file TO '/tmp/x')",
        "EXISTS (SELECT * FROM read_parquet('https://example.org/x.parquet'))", "Name = 'Ann'", "",
    ],
)  # fmt: skip
def test_anything_else_is_refused(expression, bring, tmp_path):
    with pytest.raises(InputError, match="filter"):
        bring(TEXT, mapping={"filter": expression} if expression else {"filter": " "})


def test_a_filter_that_keeps_nobody_is_refused(bring):
    with pytest.raises(InputError, match="No row of"):
        bring(TEXT, row_filter="false")


def test_the_command_line_s_filter_adds_to_the_mapping_s(bring):
    report = bring(
        TEXT,
        mapping={"filter": "job_title LIKE 'C%' OR false"},
        row_filter="department = 'X' OR employee_id = 'E1'",
    ).report

    assert report.rows_accepted == 1
