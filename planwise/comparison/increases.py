"""The increase list: what COLA and merit do to each incumbent in the first planned year, as CSV or Excel.

Rows follow from the levers and the census alone, so none shows who is drawn to be promoted or to leave. What
the draws change is a budget: by level and department for promotions, one figure for exits. List and budgets
sum to the increase budget of the year.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from xlsxwriter import Workbook
from xlsxwriter.utility import xl_range_abs

from planwise.comparison.increase_columns import BY_NAME, Kind, ListMapping, selected_columns
from planwise.comparison.sources import (
    Row,
    census_of,
    damage_named,
    level_names,
    mart_rows,
    path,
    reader,
    require_mart,
    rows,
)
from planwise.comparison.workbook_cells import CENTS, HEADER_HEIGHT, SheetWriter, money_format, styles_of
from planwise.errors import InputError
from planwise.governance.publications import Publication, load_publication
from planwise.settings import Settings
from planwise.small_groups import small_groups
from planwise.storage import replace_file

MART, BRIDGE = "fct_increases", "fct_increase_bridge"
FEWEST_PROMOTIONS = 3  # of a group: the raise of one or two would show who they are, on the list beside it
CSV, EXCEL = ".csv", ".xlsx"
SHEET_ROWS_MAX = 1_048_576  # Excel's
BATCH = 10_000  # rows in memory while a workbook is written
SMALL_GROUPS = "smaller groups"
WORKBOOK_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
LIST_NOTE = (
    "Base pay, COLA, merit and lump sum are full-time amounts; those at FTE are what is paid. A row follows "
    "from the levers and from level and pay in the census: the list knows nothing that chance decides. What "
    "promotions and exits change is added to its sum, up to the increase budget."
)
PROMOTION_NOTE = (
    "Promotions are drawn: a budget by the level and department left, never a list of people. It has their "
    "raises and, apart, the merit and COLA that come with a promotion: on the pay and at the rate of the "
    "next level, beyond those on the list."
)
TOTALS = ("old_pay_at_fte", "increase_at_fte", "lump_sum_at_fte", "new_pay_at_fte")
GROUPED_BY = ("level", "department", "job_family", "location")
GROUP_SUMS = ("headcount", "opening_payroll", "list_cost", "promotion_cost", "with_promotions_cost")
GROUP_COLUMNS = (
    *("attribute", "group", *GROUP_SUMS, "list_share", "promotion_share"),
    *("drift_cost", "drift_share"),
)


@dataclass(frozen=True)
class ListTotals:
    """Sums over the list, in pay x FTE; `increase` has COLA, merit and lump sums."""

    rows: int
    old: Decimal
    increase: Decimal
    lump_sum: Decimal
    new: Decimal


@dataclass(frozen=True)
class ListBridge:
    """From the list's increases to the increase budget, in pay x FTE: what the draws change, by cause.

    `promotions` is the merit and COLA that come with a promotion, `exits` what people who leave before a date
    do not get (negative), `draws` the rest: the merit of those who are paid shares out the level's rate
    among them alone, and is on pay that may have drifted.
    """

    listed: Decimal
    promotions: Decimal
    exits: Decimal
    draws: Decimal

    @property
    def budget(self) -> Decimal:
        """The increase budget."""
        return self.listed + self.promotions + self.exits + self.draws


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

    def bridge(self) -> ListBridge:
        """Return what leads from the list to the increase budget; raises InputError for an old result."""
        found = {row["part"]: row["increase_cost"] for row in self._parts() if row["attribute"] == "all"}
        parts = ("list", "promotions", "exits", "draws")
        return ListBridge(*(Decimal(found.get(part, 0)) for part in parts))

    def groups(self) -> list[Row]:
        """Return the list and the promotion budget by the groups of each attribute.

        Groups of few people or few promotions are one row. Raises InputError for an old result.
        """
        parts = {(r["attribute"], r["group"], r["part"]): r["increase_cost"] for r in self._parts()}
        with reader() as connection:
            found = mart_rows(connection, self.publication, "fct_increase_budget")
        listed = []
        for attribute in GROUPED_BY:
            own = [
                row
                | {"list_cost": parts.get((attribute, row["group"], "list"), 0)}
                | {"with_promotions_cost": parts.get((attribute, row["group"], "promotions"), 0)}
                for row in found
                if row["simulation_year"] == self.year and row["attribute"] == attribute
            ]
            hidden = {
                *small_groups({row["group"]: row["headcount"] for row in own}),
                *small_groups({row["group"]: row["promotions"] for row in own}, FEWEST_PROMOTIONS),
            }
            own.sort(key=lambda row: str(row["group"]))
            listed += [_group(attribute, row["group"], [row]) for row in own if row["group"] not in hidden]
            if pooled := [row for row in own if row["group"] in hidden]:
                listed.append(_group(attribute, SMALL_GROUPS, pooled))
        return listed

    def _parts(self) -> list[Row]:
        require_mart(self.publication, BRIDGE)
        with reader() as connection:
            return mart_rows(connection, self.publication, BRIDGE)

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
            query = f"SELECT {selected_columns(ListMapping())} FROM people WHERE {where} ORDER BY {order}"
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
                f"SELECT {selected_columns(mapping, as_text=True)} FROM people ORDER BY employee_id"
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
                query = f"SELECT {selected_columns(mapping)} FROM people ORDER BY employee_id"
                sheets.write_people(_batches(connection, query), totals.rows)
            sheets.write_groups(self.groups())
            sheets.write_control(self, totals)

    @contextmanager
    def _people(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a connection with the table `people`: the mart, with names of levels."""
        require_mart(self.publication, BRIDGE)  # lists of earlier versions show what was drawn
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


def _group(attribute: str, group: str, found: Sequence[Row]) -> Row:
    """Return a group's budgets, and its drift: None in results published before it was counted by group."""
    sums = {name: sum(row[name] for row in found) for name in GROUP_SUMS}
    payroll = float(sums["opening_payroll"])
    shares = [float(sums[f"{kind}_cost"]) / payroll if payroll else None for kind in ("list", "promotion")]
    drift = sum(row["drift_cost"] for row in found) if all("drift_cost" in row for row in found) else None
    drift_share = float(drift) / payroll if drift is not None and payroll else None
    values = (attribute, group, *sums.values(), *shares, drift, drift_share)
    return dict(zip(GROUP_COLUMNS, values, strict=True))


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
LABELS = {
    "old_pay_at_fte": "Base pay before, x FTE",
    "increase_at_fte": "The list: COLA, merit and lump sums, x FTE",
    "lump_sum_at_fte": "of it lump sums, x FTE",
    "new_pay_at_fte": "Base pay after, x FTE",
}
BRIDGE_LABELS = {
    "promotions": "+ merit and COLA that come with a promotion (by level and department: Budget by group)",
    "exits": "- raises of people who leave before their date (one figure, no one is named)",
    "draws": "+/- merit of all others: the rate is shared out among those who are paid",
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
            *("text", "text", "whole", "money", "money", "money", "money"),
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
        page.sheet.set_column(0, 0, 78)
        page.sheet.set_column(1, 3, 20)
        page.headers(0, ("figure", "sum", "budget of the simulation", "difference"), self._styles.header)
        bridge = found.bridge()

        def figure(row: int, label: str, value: float, formula: str = "", measure: str = "") -> None:
            page.text(row, 0, label)
            if formula:
                page.sheet.write_formula(row, 1, formula, money, value)
            else:
                page.number(row, 1, value, money)
            if measure:
                page.number(row, 2, budget[measure], money)
                off = round(value - float(budget[measure]), 2)
                page.sheet.write_formula(row, 3, f"=ROUND(B{row + 1}-C{row + 1},2)", money, off)

        listed = map(float, (totals.old, totals.increase, totals.lump_sum, totals.new))
        for row, (name, value) in enumerate(zip(TOTALS, listed, strict=True), start=1):
            formula = ""
            if name in names and totals.rows:
                place = names.index(name)
                formula = f"=SUM('{PEOPLE_SHEET}'!{xl_range_abs(1, place, totals.rows, place)})"
            figure(row, LABELS[name], value, formula, "opening_payroll" if name == "old_pay_at_fte" else "")
        for row, (part, label) in enumerate(BRIDGE_LABELS.items(), start=len(TOTALS) + 1):
            figure(row, label, float(getattr(bridge, part)))
        whole = float(totals.increase + bridge.promotions + bridge.exits + bridge.draws)
        figure(8, "Increase budget: the list and these three", whole, "=B3+SUM(B6:B8)", "increase_cost")
        own = float(budget["promotion_cost"])
        figure(9, "Promotion raises, a budget of their own", own)
        promoted = own + float(bridge.promotions)
        figure(
            10, "Promotion budget: raises, and the merit and COLA that come with them", promoted, "=B6+B10"
        )
        page.text(11, 0, "People on the list")
        page.number(11, 1, totals.rows, self._formats["whole"])
        result = found.publication
        notes = (
            f"Scenario {result.scenario}, raises of {found.year}; result {result.fingerprint}, published "
            f"{result.manifest['published_at']}.",
            LIST_NOTE,
            PROMOTION_NOTE,
        )
        for row, text in enumerate(notes, start=13):
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
