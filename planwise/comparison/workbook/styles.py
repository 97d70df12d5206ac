"""How the workbook looks: number formats by unit, headers, titles, paper."""

from collections.abc import Sequence
from dataclasses import dataclass

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from planwise.comparison.metrics import Kind
from planwise.parameters.declaration import Unit

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


def styles_of(workbook: Workbook) -> Styles:
    """Add the formats to a workbook."""

    def style(**properties: object) -> Format:
        return workbook.add_format({"font_name": "Calibri", "font_size": 10, "valign": "top", **properties})

    def total(numbers: str) -> Format:
        return style(num_format=numbers, bold=True, top=1, top_color=LINE)

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
        number={kind: style(num_format=numbers) for kind, numbers in NUMBERS.items()},
        change={kind: style(num_format=numbers, bg_color=PAPER) for kind, numbers in CHANGES.items()},
        total={kind: total(numbers) for kind, numbers in NUMBERS.items()},
        total_change={kind: total(numbers) for kind, numbers in CHANGES.items()},
        total_label=style(bold=True, top=1, top_color=LINE),
        share=style(num_format=SHARE_CHANGE, bg_color=PAPER),
        total_share=total(SHARE_CHANGE),
        cents=style(num_format=CENTS),
        cents_change=style(num_format=CENTS_CHANGE, bg_color=PAPER),
        total_cents=total(CENTS),
        total_cents_change=total(CENTS_CHANGE),
        parameter={u.value: style(num_format=PARAMETERS.get(u, OTHER_PARAMETER)) for u in Unit},
        parameter_change={
            u.value: style(num_format=PARAMETER_CHANGES.get(u, OTHER_PARAMETER_CHANGE), bg_color=PAPER)
            for u in Unit
        },
    )  # fmt: skip


def add_table(
    sheet: Worksheet, rows: tuple[int, int], headers: Sequence[str], name: str, styles: Styles
) -> None:
    """Make what is written from the header row to the last row a table that can be filtered and sorted."""
    first, last = rows
    columns = [{"header": header, "header_format": styles.header} for header in headers]
    options = {"columns": columns, "style": "Table Style Light 1", "name": name}
    sheet.add_table(first, 0, last, len(headers) - 1, options)
    sheet.set_row(first, HEADER_HEIGHT)


def set_paper(sheet: Worksheet, *, header_row: int, columns: int) -> None:
    """Landscape, as wide as one page, headers frozen and repeated on each."""
    sheet.set_landscape()
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    sheet.set_footer("&L&A&R&P / &N")
    sheet.repeat_rows(header_row)
    sheet.freeze_panes(header_row + 1, columns)
    sheet.hide_gridlines(2)
