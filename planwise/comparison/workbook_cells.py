"""Cells, live formulas and formats of the workbook."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from planwise.comparison.differences import Kind
from planwise.formatting import currency_mark
from planwise.parameters.catalogue import Unit

PP = 100


@dataclass(frozen=True)
class Ref:
    """A written cell: its sheet's name, row and column (from 0), and its value; None is an empty cell."""

    sheet: str
    row: int
    column: int
    value: float | None

    def address(self, sheet: str) -> str:
        """Return the address as a formula on `sheet` names it."""
        cell = xl_rowcol_to_cell(self.row, self.column)
        return cell if sheet == self.sheet else f"'{self.sheet}'!{cell}"


@dataclass(frozen=True)
class Formula:
    """What a cell computes: its text, given the sheet it is on, and the value.

    Without a value the cell is empty: a `guarded` formula gives "", another is not written.
    """

    text: Callable[[str], str]
    value: float | None
    guarded: bool = False


def same(ref: Ref) -> Formula:
    """Return the cell itself."""
    return Formula(ref.address, ref.value)


def total(refs: Sequence[Ref]) -> Formula:
    """Return the sum of neighbouring cells, as a range."""
    value = sum(ref.value for ref in refs if ref.value is not None)
    return Formula(lambda sheet: f"SUM({_range(refs, sheet)})", value)


def minus(ref: Ref, base: Ref, factor: int = 1) -> Formula:
    """Return the difference of two cells; with factor PP, of two rates in percentage points."""
    value = None if ref.value is None or base.value is None else (ref.value - base.value) * factor

    def text(sheet: str) -> str:
        difference = f"{ref.address(sheet)}-{base.address(sheet)}"
        return difference if factor == 1 else f"({difference})*{factor}"

    return Formula(text, value)


def share_of_change(ref: Ref, base: Ref) -> Formula:
    """Return the difference as a share of the base; nothing where the base is 0."""
    value = None
    if ref.value is not None and base.value:
        value = (ref.value - base.value) / abs(base.value)

    def text(sheet: str) -> str:
        own, of = ref.address(sheet), base.address(sheet)
        return f'IF({of}=0,"",({own}-{of})/ABS({of}))'

    return Formula(text, value, guarded=ref.value is not None)


def ratio(ref: Ref, base: Ref) -> Formula:
    """Return one cell divided by another; nothing where that is 0."""
    value = None if ref.value is None or not base.value else ref.value / base.value

    def text(sheet: str) -> str:
        own, of = ref.address(sheet), base.address(sheet)
        return f'IF({of}=0,"",{own}/{of})'

    return Formula(text, value, guarded=ref.value is not None)


def growth(ref: Ref, before: Ref, years: int = 1) -> Formula:
    """Return the growth from one cell to another, a year; nothing where that is 0."""
    value = None
    if ref.value is not None and before.value:
        value = (ref.value / before.value) ** (1 / years) - 1

    def text(sheet: str) -> str:
        own, of = ref.address(sheet), before.address(sheet)
        power = f"({own}/{of})^(1/{years})" if years > 1 else f"{own}/{of}"
        return f'IF({of}=0,"",{power}-1)'

    return Formula(text, value, guarded=ref.value is not None)


def weighted_mean(values: Sequence[Ref], weights: Sequence[Ref]) -> Formula:
    """Return the mean of neighbouring cells, weighted by others beside them; nothing without weight."""
    pairs = [(v.value, w.value) for v, w in zip(values, weights, strict=True) if v.value is not None]
    weight = sum(ref.value or 0 for ref in weights)
    value = sum(v * (w or 0) for v, w in pairs) / weight if weight else None

    def text(sheet: str) -> str:
        own, of = _range(values, sheet), _range(weights, sheet)
        return f'IF(SUM({of})=0,"",SUMPRODUCT({own},{of})/SUM({of}))'

    return Formula(text, value, guarded=True)


def plus_minus(added: Sequence[Ref], subtracted: Sequence[Ref]) -> Formula:
    """Return cells added, others subtracted."""
    value = sum(ref.value or 0 for ref in added) - sum(ref.value or 0 for ref in subtracted)

    def text(sheet: str) -> str:
        return "+".join(ref.address(sheet) for ref in added) + "".join(
            f"-{ref.address(sheet)}" for ref in subtracted
        )

    return Formula(text, value)


class SheetWriter:
    """A sheet that is being written; what it writes as text stays text, whatever it begins with."""

    def __init__(self, sheet: Worksheet, styles: "Styles") -> None:
        self.sheet, self.styles = sheet, styles
        self.name = str(sheet.get_name())

    def title(self, title: str, subtitle: str = "") -> None:
        """Write the sheet's title, and a line below it."""
        self.text(0, 0, title, self.styles.title)
        if subtitle:
            self.text(1, 0, subtitle, self.styles.subtitle)

    def text(self, row: int, column: int, text: object, style: Format | None = None) -> None:
        """Write text."""
        self.sheet.write_string(row, column, str(text), style)

    def headers(self, row: int, headers: Iterable[object], style: Format, column: int = 0) -> None:
        """Write a row of headers, from a column on."""
        for offset, header in enumerate(headers):
            self.text(row, column + offset, header, style)

    def number(self, row: int, column: int, value: Any, style: Format | None = None) -> Ref:
        """Write a number; nothing for None."""
        figure = None if value is None else float(value) if isinstance(value, Decimal | float) else value
        if figure is None:
            self.sheet.write_blank(row, column, None, style)
        else:
            self.sheet.write_number(row, column, figure, style)
        return Ref(self.name, row, column, figure)

    def formula(self, row: int, column: int, formula: Formula, style: Format | None = None) -> Ref:
        """Write a formula with its value; an empty cell where it has none."""
        if formula.value is None and not formula.guarded:
            self.sheet.write_blank(row, column, None, style)
        else:
            value = "" if formula.value is None else formula.value
            self.sheet.write_formula(row, column, f"={formula.text(self.name)}", style, value)
        return Ref(self.name, row, column, formula.value)

    def table(self, rows: tuple[int, int], headers: Sequence[str], name: str) -> None:
        """Make the cells from the header row to the last row a table that can be filtered and sorted."""
        first, last = rows
        columns = [{"header": header, "header_format": self.styles.header} for header in headers]
        options = {"columns": columns, "style": "Table Style Light 1", "name": name}
        self.sheet.add_table(first, 0, last, len(headers) - 1, options)
        self.sheet.set_row(first, HEADER_HEIGHT)

    def paper(self, *, header_row: int, columns: int, widths: Sequence[int], last: int) -> None:
        """Set widths (the last one up to column `last`) and landscape pages with fixed headers."""
        sheet = self.sheet
        for column, width in enumerate(widths):
            sheet.set_column(column, column if column < len(widths) - 1 else last, width)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
        sheet.set_footer("&L&A&R&P / &N")
        sheet.repeat_rows(header_row)
        sheet.freeze_panes(header_row + 1, columns)
        sheet.hide_gridlines(2)


def headings(fixed: Sequence[str], scenarios: Sequence[str]) -> list[str]:
    """Return a table's headers; a scenario with the name of a fixed header is marked as a scenario.

    Excel refuses a table with two equal headers.
    """
    return [*fixed, *(f"scenario {name}" if name in fixed else name for name in scenarios)]


def _range(refs: Sequence[Ref], sheet: str) -> str:
    first, last = refs[0], refs[-1]
    end = xl_rowcol_to_cell(last.row, last.column)
    return first.address(sheet) if first == last else f"{first.address(sheet)}:{end}"


INK, PAPER, LINE = "#1F3864", "#F2F5FA", "#BFC9DA"
A4 = 9
HEADER_HEIGHT = 30  # two lines
NUMBERS = {
    Kind.COUNT: "#,##0",
    Kind.MONEY: "#,##0",
    Kind.RATE: "0.00%",
    Kind.RATIO: "0.000",
}
CHANGES = {
    Kind.COUNT: "+#,##0;-#,##0;0",
    Kind.MONEY: "+#,##0;-#,##0;0",
    Kind.RATE: '+0.00" pp";-0.00" pp";0.00" pp"',
    Kind.RATIO: "+0.000;-0.000;0.000",
}
PARAMETERS = {Unit.RATE: "0.00##%", Unit.MONEY: "#,##0", Unit.COUNT: "0", Unit.HORIZON: "0"}
PARAMETER_CHANGES = {
    Unit.RATE: '+0.00##" pp";-0.00##" pp";0" pp"',
    Unit.MONEY: "+#,##0;-#,##0;0",
    Unit.COUNT: "+0;-0;0",
}
OTHER_PARAMETER, OTHER_PARAMETER_CHANGE = "0.0#####", "+0.0#####;-0.0#####;0"
CENTS = "#,##0.00"
CENTS_CHANGE = "+#,##0.00;-#,##0.00;0.00"
SHARE_CHANGE = "+0.0%;-0.0%;0.0%"


@dataclass(frozen=True)
class Styles:
    """The workbook's cell formats, made once."""

    title: Format
    subtitle: Format
    section: Format
    header: Format
    label: Format
    wrapped: Format
    warning: Format
    plain: Format
    number: dict[Kind, Format]
    change: dict[Kind, Format]
    total: dict[Kind, Format]
    total_change: dict[Kind, Format]
    total_label: Format
    share: Format
    total_share: Format
    cents: Format
    cents_change: Format
    total_cents: Format
    total_cents_change: Format
    parameter: dict[str, Format]
    parameter_change: dict[str, Format]


def money_format(numbers: str, currency: str | None) -> str:
    """Return a number format of amounts with the currency's mark before their digits."""
    mark = currency_mark(currency)
    return re.sub(r"(#,##)?0(\.0+)?", lambda digits: f'"{mark}"{digits[0]}', numbers) if mark else numbers


def styles_of(workbook: Workbook, currency: str | None) -> Styles:
    """Add the formats to a workbook whose amounts are in a currency; None for several."""

    def marked(formats: Mapping[Any, str]) -> dict[Any, str]:
        amounts = (Kind.MONEY, Unit.MONEY)
        return {kind: money(text) if kind in amounts else text for kind, text in formats.items()}

    def money(numbers: str) -> str:
        return money_format(numbers, currency)

    def style(**properties: object) -> Format:
        return workbook.add_format({"font_name": "Calibri", "font_size": 10, "valign": "top", **properties})

    def total(numbers: str) -> Format:
        return style(num_format=numbers, bold=True, top=1, top_color=LINE)

    parameters, changes = marked(PARAMETERS), marked(PARAMETER_CHANGES)
    return Styles(
        title=style(bold=True, font_size=16, font_color=INK),
        subtitle=style(font_color="#595959"),
        section=style(bold=True, font_size=12, font_color=INK),
        header=style(
            bold=True, font_color="#FFFFFF", bg_color=INK, text_wrap=True, valign="vcenter", align="center",
            border=1, border_color=LINE,
        ),
        label=style(),
        wrapped=style(text_wrap=True),
        warning=style(text_wrap=True, font_color="#9C5700", bg_color="#FFF4DC"),
        plain=style(num_format="0"),
        number={kind: style(num_format=numbers) for kind, numbers in marked(NUMBERS).items()},
        change={kind: style(num_format=numbers, bg_color=PAPER) for kind, numbers in marked(CHANGES).items()},
        total={kind: total(numbers) for kind, numbers in marked(NUMBERS).items()},
        total_change={kind: total(numbers) for kind, numbers in marked(CHANGES).items()},
        total_label=style(bold=True, top=1, top_color=LINE),
        share=style(num_format=SHARE_CHANGE, bg_color=PAPER),
        total_share=total(SHARE_CHANGE),
        cents=style(num_format=money(CENTS)),
        cents_change=style(num_format=money(CENTS_CHANGE), bg_color=PAPER),
        total_cents=total(money(CENTS)),
        total_cents_change=total(money(CENTS_CHANGE)),
        parameter={u.value: style(num_format=parameters.get(u, OTHER_PARAMETER)) for u in Unit},
        parameter_change={
            u.value: style(num_format=changes.get(u, OTHER_PARAMETER_CHANGE), bg_color=PAPER)
            for u in Unit
        },
    )  # fmt: skip
