"""The increase list of five people: every row by hand, the files as spreadsheets and pandas read them."""

from datetime import date, datetime
from decimal import Decimal

import duckdb
import openpyxl
import pandas as pd
import pytest
from worlds import STILL, employee, shared, world

from planwise.comparison.increases import IncreaseList, load_list_mapping
from planwise.errors import InputError
from planwise.governance.publications import Publication

LEVERS = STILL | {
    "cola_rate": 0.02,
    "merit_rate_level_1": 0.04,
    "merit_rate_level_2": 0.06,
    "merit_min_tenure_years": 1,
    "range_maximum_cap": True,
}
# K leaves on 20 April, between the COLA and the merit date, U on 24 October, after both.
PEOPLE = [
    employee("B", base_pay=50_000, fte=0.5, manager_id="U"),
    employee("C", base_pay=58_000, department="Field"),  # level 1 ends at 60,000
    employee("E", base_pay=40_000, hire_date=date(2025, 10, 1), job_title="=1+1"),  # not eligible for merit
    employee("K", base_pay=45_000),
    employee("U", base_pay=48_000, department="Field"),
]
# old pay, COLA, merit, lump sum, new pay: full-time
LIST = {
    "B": (50_000, 1_000, 2_040, 0, 53_040),
    "C": (58_000, 1_160, 840, 1_526.40, 60_000),
    "E": (40_000, 800, 0, 0, 40_800),
    "K": (45_000, 900, 0, 0, 45_900),
    "U": (48_000, 960, 1_958.40, 0, 50_918.40),
}
TYPES = dict.fromkeys(("old_pay", "cola", "merit", "lump_sum", "new_pay"), "DECIMAL(14, 2)")  # as published
TYPES |= dict.fromkeys(("job_family", "location", "manager_id"), "TEXT")
TYPES |= {"fte": "DECIMAL(5, 4)", "cola_date": "DATE", "merit_date": "DATE"}
AMOUNTS = ["old_base_pay", "cola", "merit", "lump_sum", "new_base_pay"]


def listed(people, levers, folder):
    """Publish a world's marts and return its list."""
    result = world(people, levers)
    census = shared().census(people)
    for mart, frame in result.frames.items():
        typed = [f"CAST({c} AS {TYPES[c]}) AS {c}" for c in frame if mart == "fct_increases" and c in TYPES]
        with duckdb.connect() as database:
            database.register("frame", frame)
            columns = f"* REPLACE ({', '.join(typed)})" if typed else "*"
            database.sql(f"SELECT {columns} FROM frame").write_parquet(str(folder / f"{mart}.parquet"))
    about = {"name": census.name, "content_hash": census.content_hash}
    manifest = {"census": about, "years": [2026], "published_at": "2026-11-20T12:00:00+00:00"}
    return IncreaseList(Publication("plan", "f", folder, manifest), shared().settings)


@pytest.fixture(scope="module")
def increases(tmp_path_factory):
    return listed(PEOPLE, LEVERS | {"termination_rate": 0.3}, tmp_path_factory.mktemp("list"))


def test_a_row_per_incumbent(increases):
    rows = {row["employee_id"]: row for row in increases.find()[0]}

    assert {name: tuple(float(row[a]) for a in AMOUNTS) for name, row in rows.items()} == LIST
    assert {(row["level"], row["level_name"]) for row in rows.values()} == {(1, "L1")}
    assert [rows[name]["manager"] for name in "BC"] == ["U", None]
    c = rows["C"]
    ratios = ("position_in_range", "compa_ratio_before", "compa_ratio_after")
    assert [float(c[name]) for name in ratios] == [0.9, 1.16, 1.2]
    assert (c["cola_date"], c["merit_date"]) == (date(2026, 1, 1), date(2026, 7, 1))
    assert [rows[name]["merit_date"] for name in "EK"] == [None, None]
    assert rows["E"]["remark"].startswith("not eligible") and rows["K"]["remark"].startswith("not employed")
    assert c["remark"].startswith("at the range maximum") and rows["U"]["remark"] == ""
    assert [rows[name]["effective_date"] for name in "CK"] == [date(2026, 7, 1), date(2026, 1, 1)]
    assert [rows[name]["reason"] for name in "BCK"] == [
        "COLA and merit",
        "COLA and merit and lump sum",
        "COLA",
    ]
    assert c["rule"] == (
        "COLA of 2.00 %; merit matrix: rating 3, pay at 90 % of the range; "
        "range maximum: the rest is paid once"
    )


def test_found_by_text_sorted_and_paged(increases):
    found, total = increases.find("field", sort="merit", descending=True, limit=1)

    assert [row["employee_id"] for row in found] == ["U"] and total == 2
    assert [row["employee_id"] for row in increases.find("field", sort="merit", limit=5, offset=1)[0]] == [
        "U"
    ]


def test_totals_are_the_increase_budget(increases):
    """B counts half: 216,000 before, 4,320 COLA, 3,818.40 merit and 1,526.40 once."""
    totals, budget = increases.totals(), increases.budget()

    assert totals.rows == 5
    assert (totals.old, totals.increase, totals.lump_sum, totals.new) == tuple(
        map(Decimal, ("216000", "9664.80", "1526.40", "224138.40"))
    )
    assert (
        float(totals.increase) == budget["increase_cost"] and float(totals.old) == budget["opening_payroll"]
    )


def test_csv_as_pandas_reads_it(increases, tmp_path):
    file = tmp_path / "list.csv"
    increases.write(file, load_list_mapping(None))
    found = pd.read_csv(file).set_index("employee_id")

    assert file.stat().st_mode & 0o777 == 0o600
    assert {name: tuple(found.loc[name, AMOUNTS]) for name in LIST} == LIST
    assert found.increase_at_fte.sum() == pytest.approx(9_664.80, abs=1e-9)
    assert found.loc["E", "job_title"] == "'=1+1"  # a spreadsheet would calculate it
    assert found.loc["B", "increase_at_fte"] == 1_520.00 and "1520.00," in file.read_text()


def test_excel_with_a_control_total(increases, tmp_path):
    file = tmp_path / "list.xlsx"
    increases.write(file, load_list_mapping(None))
    found = pd.read_excel(file).set_index("employee_id")
    book = openpyxl.load_workbook(file)
    control = {row[0].value: row for row in book["Control"].iter_rows(min_row=2, max_row=5)}
    values = openpyxl.load_workbook(file, data_only=True)["Control"]

    assert {name: tuple(found.loc[name, AMOUNTS]) for name in LIST} == LIST
    assert found.loc["C", "merit_date"] == datetime(2026, 7, 1) and found.loc["E", "job_title"] == "=1+1"
    budget = control["Increase budget: COLA, merit and lump sums, x FTE"]
    assert budget[1].value == "=SUM('Increases'!$Z$2:$Z$6)" and budget[2].value == 9_664.80
    assert [values.cell(row, 4).value for row in (2, 3, 4)] == [0, 0, 0]
    group = next(book["Budget by group"].iter_rows(min_row=2, values_only=True))
    assert group[:6] == ("level", "smaller groups", 5, 216_000, 9_664.80, 0)


def test_columns_of_an_hr_system(increases, tmp_path):
    yaml = tmp_path / "hr.yaml"
    yaml.write_text(
        "columns: {employee_id: Worker, new_base_pay: Amount, effective_date: Effective Date}\n"
        "constants: {Currency: USD}\nformats: {effective_date: '%m/%d/%Y'}\n"
    )
    increases.write(tmp_path / "hr.csv", load_list_mapping(yaml))

    lines = (tmp_path / "hr.csv").read_text().splitlines()
    assert lines[:2] == ["Worker,Amount,Effective Date,Currency", "B,53040.00,07/01/2026,USD"]
    increases.write(tmp_path / "hr.xlsx", load_list_mapping(yaml))
    assert list(pd.read_excel(tmp_path / "hr.xlsx")) == ["Worker", "Amount", "Effective Date", "Currency"]


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({"columns": {"merits": "M"}}, "did you mean merit"),
        ({"columns": {"merit": "A", "cola": "A"}}, "two columns have the header A"),
        ({"columns": {}}, "names no column"),
        ({"formats": {"merit": "%Y"}}, "only dates have a format"),
        ({"column": {"merit": "A"}}, "Known keys: columns, constants, formats"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_why(mapping, text):
    with pytest.raises(InputError, match=text):
        load_list_mapping(mapping)


def test_another_kind_of_file_is_refused(increases, tmp_path):
    with pytest.raises(InputError, match="neither CSV nor Excel"):
        increases.write(tmp_path / "list.pdf", load_list_mapping(None))


def test_promotions_are_never_on_the_list(tmp_path):
    """Who rises on 1 April to 60,000 has merit of level 2, but stays in level 1 without the 9,000."""
    levers = LEVERS | {"promotion_probability_level_1": 0.3, "promotion_raise_level_1": 0.085}
    people = [employee(f"E{number}") for number in range(20)]
    increases = listed([*people, employee("TOP", level_id=2, base_pay=70_000)], levers, tmp_path)
    rows = [row for row in increases.find()[0] if row["level"] == 1]
    merits = [float(row["merit"]) for row in rows]
    promoted = merits.count(3_600)

    assert set(merits) == {2_040, 3_600} and promoted > 0
    assert {float(row["new_base_pay"] - row["merit"]) for row in rows} == {51_000}
    assert sum(group["promotion_cost"] for group in increases.groups()) == 2 * 9_000 * promoted
    assert float(increases.totals().increase) == increases.budget()["increase_cost"]
