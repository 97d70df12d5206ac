"""The increase list of five people: every row by hand, the files as spreadsheets and pandas read them."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from shutil import copyfile

import duckdb
import openpyxl
import pandas as pd
import pytest
from worlds import STILL, employee, shared, world

from planwise.comparison.increase_columns import load_list_mapping
from planwise.comparison.increases import IncreaseList
from planwise.errors import InputError
from planwise.governance.publications import Publication

LEVERS = STILL | {
    "cola_rate": 0.02,
    "merit_rate_level_1": 0.04,
    "merit_rate_level_2": 0.06,
    "merit_min_tenure_years": 1,
    "range_maximum_cap": True,
}
# K leaves on 20 April, between the COLA and the merit date, U on 24 October, after both: not on the list.
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
    "K": (45_000, 900, 1_836, 0, 47_736),
    "U": (48_000, 960, 1_958.40, 0, 50_918.40),
}
TYPES = dict.fromkeys(("old_pay", "cola", "merit", "lump_sum", "new_pay"), "DECIMAL(14, 2)")  # as published
TYPES |= dict.fromkeys(("job_family", "location", "manager_id"), "TEXT")
BRIDGE = dict.fromkeys(("cola_cost", "merit_cost", "lump_sum_cost", "increase_cost"), "DECIMAL(28, 6)")
TYPES |= {"fte": "DECIMAL(5, 4)", "cola_date": "DATE", "merit_date": "DATE"}
MATRIX = {
    f"merit_multiplier_rating_{rating}": weight for rating, weight in enumerate((0, 0.6, 1, 1.2, 1.4), 1)
}
AMOUNTS = ["old_base_pay", "cola", "merit", "lump_sum", "new_base_pay"]


def listed(people, levers, folder):
    """Publish a world's marts and return its list."""
    result = world(people, levers)
    census = shared().census(people)
    for mart, frame in result.frames.items():
        types = {"fct_increases": TYPES, "fct_increase_bridge": BRIDGE}.get(mart, {})
        typed = [f"CAST({c} AS {types[c]}) AS {c}" for c in frame if c in types]
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
    assert [rows[name]["merit_date"] for name in "EK"] == [None, date(2026, 7, 1)]
    assert rows["E"]["remark"].startswith("not eligible")
    assert c["remark"].startswith("at the range maximum") and rows["K"]["remark"] == rows["U"]["remark"] == ""
    assert [rows[name]["effective_date"] for name in "CE"] == [date(2026, 7, 1), date(2026, 1, 1)]
    assert [rows[name]["reason"] for name in "BCE"] == [
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


def test_totals_and_exits_are_the_increase_budget(increases):
    """B counts half: 216,000 before, 4,320 COLA, 5,654.40 merit and 1,526.40 once; K's 1,836 are not paid."""
    totals, bridge, budget = increases.totals(), increases.bridge(), increases.budget()

    assert totals.rows == 5
    assert (totals.old, totals.increase, totals.lump_sum, totals.new) == tuple(
        map(Decimal, ("216000", "11500.80", "1526.40", "225974.40"))
    )
    assert (bridge.listed, bridge.promotions, bridge.draws) == (totals.increase, 0, 0)
    assert bridge.exits == -1_836 and bridge.budget == Decimal("9664.80")
    assert float(bridge.budget) == budget["increase_cost"] and float(totals.old) == budget["opening_payroll"]


def test_csv_as_pandas_reads_it(increases, tmp_path):
    file = tmp_path / "list.csv"
    increases.write(file, load_list_mapping(None))
    found = pd.read_csv(file).set_index("employee_id")

    assert file.stat().st_mode & 0o777 == 0o600
    assert {name: tuple(found.loc[name, AMOUNTS]) for name in LIST} == LIST
    assert found.increase_at_fte.sum() == pytest.approx(11_500.80, abs=1e-9)
    assert found.loc["E", "job_title"] == "'=1+1"  # a spreadsheet would calculate it
    assert found.loc["B", "increase_at_fte"] == 1_520.00 and "1520.00," in file.read_text()


def test_excel_with_a_control_total(increases, tmp_path):
    file = tmp_path / "list.xlsx"
    increases.write(file, load_list_mapping(None))
    found = pd.read_excel(file).set_index("employee_id")
    book = openpyxl.load_workbook(file)
    control = {row[0].value: row for row in book["Control"].iter_rows(min_row=2, max_row=12)}
    values = openpyxl.load_workbook(file, data_only=True)["Control"]

    assert {name: tuple(found.loc[name, AMOUNTS]) for name in LIST} == LIST
    assert found.loc["C", "merit_date"] == datetime(2026, 7, 1) and found.loc["E", "job_title"] == "=1+1"
    list_row = control["The list: COLA, merit and lump sums, x FTE"]
    whole = control["Increase budget: the list and these three"]
    assert list_row[1].value == "=SUM('Increases'!$Z$2:$Z$6)" and values.cell(3, 2).value == 11_500.80
    assert [values.cell(row, 2).value for row in (6, 7, 8)] == [0, -1_836, 0]
    assert whole[1].value == "=B3+SUM(B6:B8)" and whole[2].value == 9_664.80
    assert [values.cell(row, 4).value for row in (2, 9)] == [0, 0]
    group = next(book["Budget by group"].iter_rows(min_row=2, values_only=True))
    assert group[:7] == ("level", "smaller groups", 5, 216_000, 11_500.80, 0, 0)


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


PROMOTIONS = {"promotion_probability_level_1": 0.3, "promotion_raise_level_1": 0.085}
TWINS = [*(employee(f"E{number}") for number in range(20)), employee("TOP", level_id=2, base_pay=70_000)]


def promoted_of(increases):
    with duckdb.connect() as database:
        events = increases.publication.file("fct_yearly_events")
        found = database.sql(f"SELECT employee_id FROM '{events}' WHERE event_type = 'PROMOTION' ORDER BY 1")
        return [name for (name,) in found.fetchall()]


@pytest.mark.parametrize(
    ("dates", "brought"),
    [
        # 51,000 rise to 60,000 on 1 April: merit of 6 % on it is 3,600 instead of 2,040.
        ({}, 1_560),
        # 50,000 rise to 60,000 before both: COLA of 1,200 instead of 1,000, merit of 6 % on 61,200.
        ({"promotion_date": "02-01", "cola_date": "05-01"}, 200 + 1_632),
    ],
)
def test_no_row_shows_who_is_promoted(dates, brought, tmp_path):
    """Every twin has 1,000 COLA and 2,040 merit; what a promotion brings beyond that is a budget."""
    increases = listed(TWINS, LEVERS | PROMOTIONS | dates, tmp_path)
    promoted, rows = promoted_of(increases), increases.find()[0]
    twins = [{k: v for k, v in row.items() if k != "employee_id"} for row in rows if row["level"] == 1]

    assert 3 <= len(promoted) < 20 and all(row == twins[0] for row in twins)
    assert [float(twins[0][amount]) for amount in AMOUNTS] == [50_000, 1_000, 2_040, 0, 53_040]
    bridge, budget = increases.bridge(), increases.budget()
    assert (bridge.promotions, bridge.exits, bridge.draws) == (brought * len(promoted), 0, 0)
    assert float(bridge.budget) == budget["increase_cost"]
    for attribute in ("level", "department"):
        groups = [group for group in increases.groups() if group["attribute"] == attribute]
        assert sum(group["with_promotions_cost"] for group in groups) == bridge.promotions
        assert sum(group["list_cost"] for group in groups) == bridge.listed
        assert float(sum(group["promotion_cost"] for group in groups)) == budget["promotion_cost"]


def test_the_list_is_the_same_whatever_is_drawn(tmp_path):
    """Two seeds promote and dismiss others; with the merit matrix, ratings and ranges no row differs."""
    people = [
        employee(f"E{n:02}", level_id=1 + n % 2, base_pay=41_000 + 900 * n, performance_rating=2 + n % 4)
        for n in range(40)
    ]
    levers = LEVERS | MATRIX | PROMOTIONS | {"termination_rate": 0.3}
    lists = []
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        lists.append(listed(people, levers | {"seed": seed}, tmp_path / str(seed)))
    first, second = (one.find()[0] for one in lists)
    parts = [one.bridge() for one in lists]

    assert promoted_of(lists[0]) != promoted_of(lists[1]) and parts[0].exits != parts[1].exits
    assert first == second and len(first) == 40
    for one, part in zip(lists, parts, strict=True):
        assert part.listed == one.totals().increase and float(part.budget) == one.budget()["increase_cost"]
        assert part.promotions > 0 > part.exits


def test_merit_of_a_level_is_its_rate_on_the_list(tmp_path):
    """Ratings 3 and 5 weigh 1 and 1.4: of 4 % on 100,000 they have 1,666.65 and 2,333.35, then 2 % COLA."""
    people = [employee("A"), employee("B", performance_rating=5)]
    levers = STILL | MATRIX | {"merit_rate_level_1": 0.04, "cola_rate": 0.02, "termination_rate": 0.5}
    levers["cola_date"] = "10-01"
    increases = listed(people, levers, tmp_path)
    rows = {row["employee_id"]: (float(row["merit"]), float(row["cola"])) for row in increases.find()[0]}

    assert rows == {"A": (1_666.65, 1_033.33), "B": (2_333.35, 1_046.67)}
    assert all(row["rule"].startswith("COLA of 2.00 %; merit") for row in increases.find()[0])
    assert float(increases.bridge().budget) == increases.budget()["increase_cost"]


def test_few_promotions_are_pooled(tmp_path):
    """The raise of the only one promoted of a department would show who it is."""
    people = [
        employee(f"E{n:02}", base_pay=45_000 + 100 * n, department="Field" if 16 <= n < 26 else "Ops")
        for n in range(60)
    ]
    levers = LEVERS | {"promotion_probability_level_1": 0.1, "promotion_raise_level_1": 0.085}
    increases = listed(people, levers, tmp_path)
    promoted = promoted_of(increases)
    groups = {g["group"]: g for g in increases.groups() if g["attribute"] == "department"}

    assert len(promoted) == 3 and len([name for name in promoted if "E16" <= name < "E26"]) == 1
    assert set(groups) == {"smaller groups"} and groups["smaller groups"]["headcount"] == 60


def test_a_result_of_an_earlier_version_has_no_list(increases, tmp_path):
    own = increases.publication
    for mart in ("fct_increases", "fct_increase_budget"):
        copyfile(own.file(mart), tmp_path / f"{mart}.parquet")
    old = IncreaseList(replace(own, folder=tmp_path), increases.settings)

    for read in (old.find, old.bridge, old.groups, old.totals):
        with pytest.raises(InputError, match="earlier version") as found:
            read()
        assert found.value.remedy == "Run the scenario again: `planwise simulate --scenario plan`."
