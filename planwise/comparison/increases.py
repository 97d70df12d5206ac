"""The increase list: what COLA and merit do to each incumbent in the first planned year, as CSV or Excel.

Its totals are the increase budget of the year. Promotions are drawn, so they are a budget by level and
department, and their raises are not in anybody's new pay.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

import duckdb
from pydantic import BaseModel, ConfigDict, field_validator, model_validator
from xlsxwriter import Workbook
from xlsxwriter.utility import xl_range_abs

from planwise.census.mapping import read_mapping
from planwise.comparison.sources import (
    Row,
    census_of,
    damage_named,
    level_names,
    mart_rows,
    path,
    reader,
    rows,
)
from planwise.comparison.workbook_cells import CENTS, HEADER_HEIGHT, SheetWriter, money_format, styles_of
from planwise.errors import InputError
from planwise.formatting import FORMULA_PATTERN, escape_formula
from planwise.governance.publications import Publication, load_publication
from planwise.settings import Settings
from planwise.small_groups import small_groups
from planwise.storage import replace_file

MART = "fct_increases"
CSV, EXCEL = ".csv", ".xlsx"
SHEET_ROWS_MAX = 1_048_576  # Excel's
BATCH = 10_000  # rows in memory while a workbook is written
SMALL_GROUPS = "smaller groups"
WORKBOOK_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
LIST_NOTE = (
    "Base pay, COLA, merit and lump sum are full-time amounts; those at FTE are what is paid, and sum to the "
    "budget. Exits are drawn: who leaves before a raise in this simulation has none."
)
PROMOTION_NOTE = (
    "Promotions are drawn: a budget by the level and department left, never a list of people. Raises by "
    "promotion are not in the new pay."
)
Kind = Literal["text", "whole", "money", "ratio", "rate", "fte", "date"]


@dataclass(frozen=True)
class ListColumn:
    """One column of the list: its SQL over the mart, and what it is."""

    name: str
    kind: Kind
    sql: str
    description: str


REMARK = """CASE
    WHEN NOT on_merit_date AND NOT on_cola_date THEN 'leaves before the raises in this simulation'
    WHEN NOT on_merit_date THEN 'not employed on the merit date in this simulation'
    WHEN NOT merit_eligible THEN 'not eligible for merit yet'
    WHEN lump_sum > 0 THEN 'at the range maximum: merit above it is a lump sum'
    ELSE '' END"""
# Which date has the new base pay in full, why there is a raise, and by which rule.
EFFECTIVE = "greatest(cola_date, merit_date)"
REASON = """concat_ws(' and ',
    CASE WHEN cola > 0 THEN 'COLA' END, CASE WHEN merit > 0 THEN 'merit' END,
    CASE WHEN lump_sum > 0 THEN 'lump sum' END)"""
RULE = """concat_ws('; ',
    CASE WHEN cola > 0
        THEN format('COLA of {:.2f} %', 100 * CAST(cola AS DOUBLE) / CAST(old_pay AS DOUBLE)) END,
    CASE WHEN merit + lump_sum > 0 THEN format('merit matrix: rating {}, pay at {:.0f} % of the range',
        performance_rating, 100 * CAST(range_penetration AS DOUBLE)) END,
    CASE WHEN lump_sum > 0 THEN 'range maximum: the rest is paid once' END)"""
INCREASE = "(cola + merit + lump_sum)"
COLUMNS = (
    ListColumn("employee_id", "text", "employee_id", "Census id"),
    ListColumn("job_title", "text", "job_title", "Job title"),
    ListColumn("department", "text", "department", "Department"),
    ListColumn("job_family", "text", "job_family", "Job family; empty where the census has none"),
    ListColumn("location", "text", "location", "Location; empty where the census has none"),
    ListColumn("manager", "text", "manager_id", "Manager's id; empty where the census has none"),
    ListColumn("level", "whole", "level_id", "Level in the census"),
    ListColumn("level_name", "text", "level_name", "Name of the level"),
    ListColumn("performance_rating", "whole", "performance_rating", "Rating, 1 to 5"),
    ListColumn("position_in_range", "rate", "range_penetration", "Old pay in the census's range, 0 to 1"),
    ListColumn(
        "compa_ratio_before", "ratio", "compa_ratio_before", "Old pay / midpoint of the census's range"
    ),
    ListColumn("compa_ratio_after", "ratio", "compa_ratio_after", "New pay / midpoint of the year's range"),
    ListColumn(
        "market_reference",
        "money",
        "market_reference",
        "Market's median of the year for the job title, or empty",
    ),
    ListColumn(
        "market_ratio_before", "ratio", "market_ratio_before", "Old pay / market's median at the census date"
    ),
    ListColumn("market_ratio_after", "ratio", "market_ratio_after", "New pay / market_reference"),
    ListColumn("fte", "fte", "fte", "Full-time equivalent"),
    ListColumn("old_base_pay", "money", "old_pay", "Full-time annual base pay before"),
    ListColumn("cola", "money", "cola", "Added by COLA, full-time"),
    ListColumn("cola_date", "date", "cola_date", "Effective date of the COLA"),
    ListColumn("merit", "money", "merit", "Added by merit, full-time"),
    ListColumn("merit_date", "date", "merit_date", "Effective date of merit and lump sum"),
    ListColumn("lump_sum", "money", "lump_sum", "Paid once at the range maximum, full-time"),
    ListColumn("new_base_pay", "money", "new_pay", "Full-time annual base pay after"),
    ListColumn(
        "increase_rate",
        "rate",
        f"round(CAST({INCREASE} AS DOUBLE) / CAST(old_pay AS DOUBLE), 6)",
        "(COLA + merit + lump sum) / old base pay",
    ),
    ListColumn("old_pay_at_fte", "money", "old_pay * fte", "Old base pay x FTE"),
    ListColumn("increase_at_fte", "money", f"{INCREASE} * fte", "(COLA + merit + lump sum) x FTE"),
    ListColumn("lump_sum_at_fte", "money", "lump_sum * fte", "Lump sum x FTE"),
    ListColumn("new_pay_at_fte", "money", "new_pay * fte", "New base pay x FTE"),
    ListColumn("effective_date", "date", EFFECTIVE, "From when the new base pay is paid in full"),
    ListColumn("reason", "text", REASON, "COLA, merit, lump sum; empty without a raise"),
    ListColumn("rule", "text", RULE, "What gives the raise its size"),
    ListColumn("remark", "text", REMARK, "Why a raise is missing or paid once"),
)
BY_NAME = {column.name: column for column in COLUMNS}
TOTALS = ("old_pay_at_fte", "increase_at_fte", "lump_sum_at_fte", "new_pay_at_fte")
GROUPED_BY = ("level", "department", "job_family", "location")
GROUP_SUMS = ("headcount", "opening_payroll", "increase_cost", "promotion_cost")
GROUP_COLUMNS = (
    *("attribute", "group", *GROUP_SUMS, "increase_share", "promotion_share"),
    *("drift_cost", "drift_share"),
)


class ListMapping(BaseModel):
    """The columns of the list by the headers of an HR system, in order; constants are columns of one value.

    `formats` writes a date as a text, such as "%m/%d/%Y".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    columns: dict[str, str] = {column.name: column.name for column in COLUMNS}
    constants: dict[str, str] = {}
    formats: dict[str, str] = {}

    @field_validator("columns", "formats")
    @classmethod
    def _known(cls, named: dict[str, str]) -> dict[str, str]:
        for name in named:
            if name not in BY_NAME:
                near = get_close_matches(name, BY_NAME, n=1)
                hint = f"did you mean {near[0]}?" if near else f"columns: {', '.join(BY_NAME)}"
                raise ValueError(f"{name!r} is not a column of the list; {hint}")
        return named

    @field_validator("columns")
    @classmethod
    def _some(cls, named: dict[str, str]) -> dict[str, str]:
        if not named:
            raise ValueError("it names no column")
        return named

    @field_validator("formats")
    @classmethod
    def _dates(cls, formats: dict[str, str]) -> dict[str, str]:
        if others := [name for name in formats if BY_NAME[name].kind != "date"]:
            raise ValueError(f"{', '.join(others)}: only dates have a format")
        return formats

    @field_validator("constants", mode="before")
    @classmethod
    def _texts(cls, values: Any) -> Any:
        return {str(k): str(v) for k, v in values.items()} if isinstance(values, dict) else values

    @model_validator(mode="after")
    def _headers_differ(self) -> "ListMapping":
        if twice := sorted({name for name in self.headers if self.headers.count(name) > 1}):
            raise ValueError(f"two columns have the header {', '.join(twice)}")
        return self

    @property
    def headers(self) -> tuple[str, ...]:
        """The headers in order."""
        return (*self.columns.values(), *self.constants)


@dataclass(frozen=True)
class ListTotals:
    """Sums over the list, in pay x FTE; `increase` is the increase budget, with lump sums counted in."""

    rows: int
    old: Decimal
    increase: Decimal
    lump_sum: Decimal
    new: Decimal


@dataclass(frozen=True)
class IncreaseList:
    """A result's list; its figures are read when they are needed."""

    publication: Publication
    settings: Settings

    @property
    def year(self) -> int:
        """The year of the raises."""
        return int(self.publication.manifest["years"][0])

    def totals(self) -> ListTotals:
        """Return the sums of the list."""
        with self._people() as connection:
            sums = ", ".join(f"coalesce(sum({BY_NAME[name].sql}), 0) AS {name}" for name in TOTALS)
            (found,) = rows(connection, f"SELECT count(*) AS people, {sums} FROM people")
        return ListTotals(found["people"], *(Decimal(found[name]) for name in TOTALS))

    def budget(self) -> Row:
        """Return the year's row of the budget mart."""
        with reader() as connection:
            found = mart_rows(connection, self.publication, "fct_budget")
        return next(row for row in found if row["simulation_year"] == self.year)

    def groups(self) -> list[Row]:
        """Return both budgets by the groups of each attribute; those that are too small are one row."""
        with reader() as connection:
            found = mart_rows(connection, self.publication, "fct_increase_budget")
        listed = []
        for attribute in GROUPED_BY:
            own = [r for r in found if r["simulation_year"] == self.year and r["attribute"] == attribute]
            hidden = small_groups({row["group"]: row["headcount"] for row in own})
            own.sort(key=lambda row: str(row["group"]))
            listed += [_group(attribute, row["group"], [row]) for row in own if row["group"] not in hidden]
            if pooled := [row for row in own if row["group"] in hidden]:
                listed.append(_group(attribute, SMALL_GROUPS, pooled))
        return listed

    def find(
        self,
        text: str = "",
        *,
        sort: str = "employee_id",
        descending: bool = False,
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[list[Row], int]:
        """Return people whose id, title or department has the text in it, sorted, and how many there are."""
        where = "contains(lower(concat_ws(' ', employee_id, job_title, department)), ?)"
        order = f"{BY_NAME[sort].sql} {'DESC' if descending else 'ASC'} NULLS LAST, employee_id"
        with self._people() as connection:
            bound: list[object] = [text.lower()]
            (counted,) = rows(connection, f"SELECT count(*) AS people FROM people WHERE {where}", bound)
            query = f"SELECT {_selected(ListMapping())} FROM people WHERE {where} ORDER BY {order}"
            found = rows(connection, f"{query} LIMIT ? OFFSET ?", [*bound, limit, offset])
        return found, int(counted["people"])

    def write(self, file: Path, mapping: ListMapping) -> None:
        """Write the list as its suffix says; raises InputError for another suffix or an unusable place."""
        writers = {CSV: self._write_csv, EXCEL: self._write_workbook}
        if (write := writers.get(file.suffix.lower())) is None:
            raise InputError(
                f"{file} is neither CSV nor Excel.", remedy=f"Choose a name that ends with {CSV} or {EXCEL}."
            )
        try:
            with replace_file(file) as partial:
                write(partial, mapping)
        except OSError as error:
            raise InputError(
                f"The file {file} cannot be written: {error.strerror or error}.",
                remedy="Choose a folder that can be written, with space; close the file if it is open.",
            ) from error

    def _write_csv(self, file: Path, mapping: ListMapping) -> None:
        with self._people() as connection:
            connection.execute("SET preserve_insertion_order = true")
            found = connection.sql(
                f"SELECT {_selected(mapping, as_text=True)} FROM people ORDER BY employee_id"
            )
            found.write_csv(str(file), header=True)

    def _write_workbook(self, file: Path, mapping: ListMapping) -> None:
        totals = self.totals()
        if totals.rows >= SHEET_ROWS_MAX:
            raise InputError(
                f"{totals.rows:,} people are more than a sheet of Excel holds ({SHEET_ROWS_MAX - 1:,}).",
                remedy=f"Write a {CSV} file.",
            )
        with file.open("wb") as opened, Workbook(opened, WORKBOOK_OPTIONS) as book:
            sheets = _Sheets(book, mapping, self.publication.currency)
            with self._people() as connection:
                query = f"SELECT {_selected(mapping)} FROM people ORDER BY employee_id"
                sheets.write_people(_batches(connection, query), totals.rows)
            sheets.write_groups(self.groups())
            sheets.write_control(self, totals)

    @contextmanager
    def _people(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a connection with the table `people`: the mart, with names of levels."""
        mart, census = path(self.publication, MART), census_of(self.publication, self.settings)
        with reader() as connection, damage_named(self.publication):
            names = level_names(census)
            connection.execute("CREATE TEMP TABLE names (level_id INTEGER, level_name TEXT)")
            if names:
                connection.executemany("INSERT INTO names VALUES (?, ?)", list(names.items()))
            connection.execute(
                "CREATE TEMP TABLE people AS SELECT mart.*, level_name "
                "FROM read_parquet(?) AS mart LEFT JOIN names USING (level_id)",
                [mart],
            )
            yield connection


def load_increases(settings: Settings, scenario: str) -> IncreaseList:
    """Return the increase list of the result in force; raises InputError when there is none."""
    return IncreaseList(load_publication(settings, scenario), settings)


def load_list_mapping(source: Path | Mapping[str, Any] | None) -> ListMapping:
    """Return the mapping of a YAML file or dict (none: every column); raises InputError naming the key."""
    return read_mapping(source, ListMapping)


def _group(attribute: str, group: str, found: Sequence[Row]) -> Row:
    """Return a group's budgets, and its drift: None in results published before it was counted by group."""
    sums = {name: sum(row[name] for row in found) for name in GROUP_SUMS}
    payroll = float(sums["opening_payroll"])
    shares = [
        float(sums[f"{kind}_cost"]) / payroll if payroll else None for kind in ("increase", "promotion")
    ]
    drift = sum(row["drift_cost"] for row in found) if all("drift_cost" in row for row in found) else None
    drift_share = float(drift) / payroll if drift is not None and payroll else None
    values = (attribute, group, *sums.values(), *shares, drift, drift_share)
    return dict(zip(GROUP_COLUMNS, values, strict=True))


def _selected(mapping: ListMapping, *, as_text: bool = False) -> str:
    """Return the columns of a query in a mapping's order; as text, safe in a spreadsheet."""
    made = [
        f"{_cell(BY_NAME[name], mapping.formats.get(name), as_text)} AS {_name(header, as_text)}"
        for name, header in mapping.columns.items()
    ]
    made += [
        f"{_literal(escape_formula(value) if as_text else value)} AS {_name(header, as_text)}"
        for header, value in mapping.constants.items()
    ]
    return ", ".join(made)


def _cell(column: ListColumn, date_format: str | None, as_text: bool) -> str:
    if date_format is not None:
        return f"strftime({column.sql}, {_literal(date_format)})"
    if as_text and column.kind == "text":
        return (
            f"CASE WHEN regexp_matches({column.sql}, {_literal(FORMULA_PATTERN)}) "
            f"THEN '''' || {column.sql} ELSE {column.sql} END"
        )
    if as_text and column.kind == "money":  # two decimals, and those that sums to the cent need
        return rf"regexp_replace(CAST({column.sql} AS TEXT), '(\.\d\d\d*?)0*$', '\1')"
    return column.sql


def _name(header: str, as_text: bool) -> str:
    text = str(escape_formula(header)) if as_text else header
    return '"' + text.replace('"', '""') + '"'


def _literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def _batches(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[Sequence[Any]]:
    found = connection.execute(query)
    while batch := found.fetchmany(BATCH):
        yield from batch


NUMBERS: dict[Kind, str] = {
    "whole": "0",
    "ratio": "0.000",
    "rate": "0.00%",
    "fte": "0.00##",
    "date": "yyyy-mm-dd",
}
WIDTHS: Mapping[Kind, int] = {"text": 22, "whole": 10, "fte": 8}
WIDTH = 14
PEOPLE_SHEET, GROUPS_SHEET, CONTROL_SHEET = "Increases", "Budget by group", "Control"
# What each total is called, and the budget's figure that it equals.
CONTROLS = {
    "old_pay_at_fte": ("Base pay before, x FTE", "opening_payroll"),
    "increase_at_fte": ("Increase budget: COLA, merit and lump sums, x FTE", "increase_cost"),
    "lump_sum_at_fte": ("of it lump sums, x FTE", "lump_sum_cost"),
    "new_pay_at_fte": ("Base pay after, x FTE", None),
}


class _Sheets:
    """The workbook's three sheets; the first has the list, its header in the first row."""

    def __init__(self, book: Workbook, mapping: ListMapping, currency: str) -> None:
        self._mapping = mapping
        self._styles = styles_of(book, currency)
        numbers = NUMBERS | {"money": money_format(CENTS, currency)}
        self._formats = {kind: book.add_format({"num_format": text}) for kind, text in numbers.items()}
        self._pages = {
            name: SheetWriter(book.add_worksheet(name), self._styles)
            for name in (PEOPLE_SHEET, GROUPS_SHEET, CONTROL_SHEET)
        }

    def write_people(self, people: Iterator[Sequence[Any]], count: int) -> None:
        """Write the list, a row a person."""
        page, mapping = self._pages[PEOPLE_SHEET], self._mapping
        kinds: list[Kind] = ["text" if c in mapping.formats else BY_NAME[c].kind for c in mapping.columns]
        kinds += ["text"] * len(mapping.constants)
        for place, kind in enumerate(kinds):
            page.sheet.set_column(place, place, WIDTHS.get(kind, WIDTH))
        page.sheet.set_row(0, HEADER_HEIGHT)
        page.headers(0, mapping.headers, self._styles.header)
        for row, values in enumerate(people, start=1):
            for place, (kind, value) in enumerate(zip(kinds, values, strict=True)):
                self._write(page, row, place, kind, value)
        page.sheet.freeze_panes(1, 1)
        if count:
            page.sheet.autofilter(0, 0, count, len(kinds) - 1)

    def write_groups(self, groups: Sequence[Row]) -> None:
        """Write both budgets by level and department."""
        page = self._pages[GROUPS_SHEET]
        page.sheet.set_column(0, len(GROUP_COLUMNS) - 1, WIDTHS["text"])
        page.headers(0, GROUP_COLUMNS, self._styles.header)
        kinds: tuple[Kind, ...] = (
            *("text", "text", "whole", "money", "money", "money"),
            *("rate", "rate", "money", "rate"),
        )
        for row, group in enumerate(groups, start=1):
            for place, (kind, value) in enumerate(zip(kinds, group.values(), strict=True)):
                self._write(page, row, place, kind, value)
        page.text(len(groups) + 2, 0, PROMOTION_NOTE)

    def write_control(self, found: IncreaseList, totals: ListTotals) -> None:
        """Write the sums of the list beside the budget, with their difference."""
        page, budget = self._pages[CONTROL_SHEET], found.budget()
        money, names = self._formats["money"], list(self._mapping.columns)
        page.sheet.set_column(0, 0, 52)
        page.sheet.set_column(1, 3, 20)
        page.headers(0, ("figure", "sum of the list", "budget", "difference"), self._styles.header)
        sums = (totals.old, totals.increase, totals.lump_sum, totals.new)
        for row, (name, value) in enumerate(zip(TOTALS, map(float, sums), strict=True), start=1):
            label, measure = CONTROLS[name]
            page.text(row, 0, label)
            if name in names and totals.rows:
                place = names.index(name)
                cells = f"'{PEOPLE_SHEET}'!{xl_range_abs(1, place, totals.rows, place)}"
                page.sheet.write_formula(row, 1, f"=SUM({cells})", money, value)
            else:
                page.number(row, 1, value, money)
            if measure is not None:
                page.number(row, 2, budget[measure], money)
                off = round(value - float(budget[measure]), 2)
                page.sheet.write_formula(row, 3, f"=ROUND(B{row + 1}-C{row + 1},2)", money, off)
        page.text(len(TOTALS) + 1, 0, "People on the list")
        page.number(len(TOTALS) + 1, 1, totals.rows, self._formats["whole"])
        result = found.publication
        notes = (
            f"Scenario {result.scenario}, raises of {found.year}; result {result.fingerprint}, published "
            f"{result.manifest['published_at']}.",
            LIST_NOTE,
            PROMOTION_NOTE,
        )
        for row, text in enumerate(notes, start=len(TOTALS) + 3):
            page.text(row, 0, text)

    def _write(self, page: SheetWriter, row: int, place: int, kind: Kind, value: Any) -> None:
        if value is None or value == "":
            return
        if kind == "text":
            page.text(row, place, value)
        elif kind == "date":
            page.sheet.write_datetime(row, place, value, self._formats[kind])
        else:
            page.number(row, place, value, self._formats[kind])
