"""Components without a browser: HTML, tables, charts, files and a job's panel."""

import csv
import io
import itertools
import math
from datetime import UTC, datetime

import openpyxl
import pandas as pd
import pytest
from bokeh.document import Document
from bokeh.models import ImportedStyleSheet
from panel.io.state import set_curdoc

from planwise.formatting import in_currency
from planwise.jobs import Job, JobKind, State
from ui.components import html
from ui.components.charts import (
    BAD,
    DOWN,
    GOOD,
    GREY,
    HIDDEN,
    TOTAL,
    UP,
    Series,
    bars,
    lines,
    ranked,
)
from ui.components.downloads import to_csv, to_excel
from ui.components.html import TableColumn
from ui.components.job_panel import shown
from ui.components.point_charts import heat_map
from ui.components.scenario_lines import scenario_lines
from ui.components.table import PagedTable
from ui.values.axes import axis

LOCAL = "static/extensions/panel/"


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", " =1", "%0A=1"])
def test_a_download_calculates_nothing(cell):
    text = to_csv(pd.DataFrame({cell: [cell, "x"]})).getvalue().decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows == [[f"'{cell}"], [f"'{cell}"], ["x"]]


def test_a_pane_that_changes_while_it_is_not_on_the_page_takes_its_styles_from_this_server():
    document = Document()
    document.template_variables["dist_url"] = LOCAL  # what a page is rendered with
    with set_curdoc(document):
        pane = html.pane("before")
        model = pane.get_root(document)
        assert model.document is None  # it is on no page
        pane.object = "after"
    assert "after" in model.text
    urls = [sheet.url for sheet in model.stylesheets if isinstance(sheet, ImportedStyleSheet)]
    assert urls
    assert all(url.startswith(LOCAL) for url in urls)


def test_commands_in_a_notice_are_shown_as_code_and_stay_text():
    told = html.notice("Gone.", "Run `planwise scenario list <b>`.")
    assert "Run <code>planwise scenario list &lt;b&gt;</code>." in told
    assert html.link("Go to Overview", "overview") in told
    told = html.notice("Damaged.", "Run `planwise simulate --scenario lean`.")
    assert html.link("Go to Run", "run", scenario="lean") in told


def test_a_command_in_any_text_has_the_page_that_does_it():
    census, unknown = html.link("Go to Census", "census"), "`planwise doctor <b>`"
    told = html.with_code(f"None: `planwise enrich market`, {unknown}.")
    assert f"<code>planwise enrich market</code> ({census})" in told
    assert "<code>planwise doctor &lt;b&gt;</code>." in told
    tile = html.kpi_strip([html.Kpi("Market", "n/a", f"None: `planwise enrich market`, {unknown}.")])
    assert f"None: {census}, <code>planwise doctor" in tile


FRAME = pd.DataFrame({"n": range(30), "v": [float(-n) for n in range(30)], "t": ["<b>"] * 30})
COLUMNS = (
    TableColumn("n", "Number"),
    TableColumn("v", "Value", lambda v: f"{v:.1f}"),
    TableColumn("t", "Text", is_text=True),
)


@pytest.fixture
def told():
    return []


@pytest.fixture
def table(told):
    made = PagedTable(
        COLUMNS,
        key="n",
        caption="Numbers",
        noun="number",
        rows=10,
        opens="Open",
        on_open=lambda key: told.append(("open", key)),
        on_choose=lambda keys: told.append(("choose", keys)),
    )
    made.show(FRAME, marks={3: "best"}, tones={4: "bad"})
    return made


def keys(table):
    return [row["key"] for row in table.layout.rows]


def test_only_the_rows_of_a_page_are_sent(table):
    assert keys(table) == [str(n) for n in range(10)]
    assert (table.layout.pages, table.layout.total) == (3, "30 numbers")
    table.layout.page = 2
    assert keys(table) == [str(n) for n in range(20, 30)]
    assert table.layout.rows[0]["cells"] == ["20", "-20.0", "<b>"]  # text, which the browser shows as text


def test_a_heading_sorts_by_the_values_not_by_their_texts(table):
    table.layout.sort = ["v", False]
    assert keys(table)[0] == "29"
    table.layout.sort = ["v", True]
    assert keys(table)[0] == "0"


def test_marks_and_tones_are_of_their_rows(table):
    by_key = {row["key"]: row for row in table.layout.rows}
    assert (by_key["3"]["mark"], by_key["4"]["tone"], by_key["5"]["mark"]) == ("best", "bad", "")


def test_rows_are_chosen_over_pages_and_kept_while_they_are_there(table, told):
    table.layout._handle_msg({"keys": ["1", "2"], "chosen": True})
    table.layout.page = 1
    table.layout._handle_msg({"keys": ["11", "nobody"], "chosen": True})
    assert told == [("choose", (1, 2)), ("choose", (1, 2, 11))]
    assert table.layout.total == "30 numbers; 3 chosen"
    table.layout._handle_msg({"keys": ["2"], "chosen": False})
    table.show(FRAME.loc[FRAME["n"] < 5])
    assert table.chosen == (1,)
    assert table.layout.page == 0


def test_a_row_is_opened_by_its_key_and_an_unknown_one_is_none(table, told):
    table.layout.opened = "7"
    table.layout.opened = "nobody"
    assert told == [("open", 7), ("open", None)]
    table.open(3)
    assert len(told) == 2
    assert table.layout.opened == "3"


def test_nothing_new_is_not_sent_again(table):
    sent = []
    table.layout.param.watch(sent.append, ["rows", "head", "page", "pages", "total"])
    table.show(FRAME, marks={3: "best"}, tones={4: "bad"})
    assert sent == []


YEARS = ["2026", "2027"]


def one(*values):
    return [Series("Pay", values, ["" for _ in values], "#3b82d6")]


@pytest.mark.parametrize("draw", [bars, lines])
def test_a_chart_whose_figures_are_all_hidden_says_so(draw):
    figure = draw(YEARS, one(math.nan, math.nan), y_format="$,~s", y_title="")
    assert figure["data"] == []
    assert figure["layout"]["annotations"][0]["text"] == HIDDEN


def test_one_figure_is_enough_for_a_chart():
    figure = bars(YEARS, one(math.nan, 3.0), y_format="$,~s", y_title="")
    assert len(figure["data"]) == 1
    assert not figure["layout"]["annotations"]


M = "\u00a0M"


@pytest.mark.parametrize(
    ("values", "form", "texts"),
    [
        ((0.0331, 0.0334), ".1%", ["3.31%", "3.32%", "3.33%", "3.34%"]),
        ((0.01, 0.05), ".1%", ["1%", "2%", "3%", "4%", "5%"]),
        ((-0.02, 0.01), "+.1%", ["−2%", "−1%", "0%", "+1%"]),
        ((1, 2), ",d", ["1", "2"]),
        ((239e6, 246e6), "$", [f"€{n}{M}" for n in (240, 242, 244, 246)]),
        ((58_000, 181_000), "$", [f"€{n}\u00a0k" for n in (75, 100, 125, 150, 175)]),
        ((-7e6, 0), "$", [f"−€6{M}", f"−€4{M}", f"−€2{M}", "€0"]),
        ((0.5, 0.5), ".2f", None),
        ((), "$", ["€0"]),
        ((0, 0), "$", ["€0"]),
    ],
)
def test_ticks_are_equal_round_steps_whose_texts_never_repeat(values, form, texts):
    with in_currency("EUR"):
        found = axis(values, form)
    assert len(set(found["ticktext"])) == len(found["ticktext"])
    steps = {round(b - a, 9) for a, b in itertools.pairwise(found["tickvals"])}
    assert len(steps) == 1 or found["ticktext"] == texts == ["€0"]
    low, high = found["range"]
    assert low <= min(values, default=0) and high >= max(values, default=0)
    assert texts is None or found["ticktext"] == texts


def test_of_many_scenarios_one_is_coloured_and_names_at_line_ends_do_not_overlap():
    series = {f"s{n:02}": ((2026, 2027), (0.03, 0.031 + n / 10_000)) for n in range(21)}
    long = {name: name + "Rechtsschutzversicherungsgesellschaftenverwaltungszentrale" for name in series}
    figure = scenario_lines(
        series, chosen="s10", y_format=".1%", y_title="", labels=long, reference=("Target 3.2%", 0.0321)
    )
    assert {trace["line"]["color"] for trace in figure["data"]} == {GREY, TOTAL}
    assert figure["data"][-1]["name"] == long["s10"]  # drawn over the others
    found = figure["layout"]
    (low, high), names = found["yaxis"]["range"], found["annotations"]
    assert f"<b>{long['s10'][:19]}…</b>" in [one["text"] for one in names]
    room = found["height"] - found["margin"]["t"] - found["margin"]["b"]
    heights = sorted((one["y"] - low) / (high - low) * room for one in names)
    assert min(b - a for a, b in itertools.pairwise(heights)) >= 15
    few = scenario_lines(
        {"a": ((2026,), (0.03,)), "b": ((2026,), (0.03,))}, chosen="a", y_format=".1%", y_title=""
    )
    shifts = [one["yshift"] for one in few["layout"]["annotations"]]
    assert shifts == [0, -15]  # both are named
    assert (
        len(
            {
                trace["line"]["color"]
                for trace in scenario_lines(
                    dict(list(series.items())[:3]), chosen="s00", y_format=".1%", y_title=""
                )["data"]
            }
        )
        == 3
    )


def test_a_line_across_bars_crosses_no_text():
    figure = ranked(["a", "b"], [0.05, 0.0], ["5%", "0%"], x_format=".1%", line=("Market 3.5%", 0.035))
    assert figure["data"][0]["textposition"] == ["inside", "outside"]


def test_rounding_noise_has_one_colour_on_a_heat_map():
    cells = [[0.0330, 0.0331]]
    figure = heat_map(["x", "y"], ["r"], cells, [["", ""]], [["", ""]], scale=(0, 0.08), y_title="")
    trace = figure["data"][0]
    assert (trace["zmin"], trace["zmax"]) == (0, 0.08)


def test_direction_and_judgement_have_colours_of_their_own():
    assert len({UP, DOWN, GOOD, BAD, TOTAL}) == 5


def rows_of(frame):
    return list(csv.reader(io.StringIO(to_csv(frame).getvalue().decode("utf-8-sig"))))


@pytest.mark.parametrize(
    "attack",
    ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "\t=1", "  =1+1", "|calc", "%0A=1", "\r=1"],
)
def test_what_a_spreadsheet_would_calculate_is_text(attack):
    header, row = rows_of(pd.DataFrame({attack: [attack]}))
    assert header == [f"'{attack}"]
    assert row == [f"'{attack}"]


def test_numbers_keep_their_sign_and_full_precision():
    _, row = rows_of(pd.DataFrame({"name": ["plain"], "value": [-0.027403771950327695], "year": [2030]}))
    assert row == ["plain", "-0.027403771950327695", "2030"]


def test_missing_values_are_empty():
    _, row = rows_of(pd.DataFrame({"a": [float("nan")], "b": ["x"]}))
    assert row == ["", "x"]


def test_excel_has_texts_numbers_days_and_flags_and_calculates_nothing():
    frame = pd.DataFrame(
        {
            "=a": ["=1+1", None],
            "link": ["http://x.test", "4"],
            "n": [0.035, float("nan")],
            "day": pd.to_datetime(["2026-01-02", None]),
            "flag": [True, False],
        }
    )
    book = openpyxl.load_workbook(to_excel({"Found": frame, "None": frame.head(0)}))
    sheet = book["Found"]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [
        ["=a", "link", "n", "day", "flag"],
        ["=1+1", "http://x.test", 0.035, datetime(2026, 1, 2), True],
        [None, "4", None, None, False],
    ]
    assert {sheet[name].data_type for name in ("A1", "A2", "B2", "B3")} == {"s"}
    assert sheet["B2"].hyperlink is None
    assert [len(list(book[name].iter_rows())) for name in book.sheetnames] == [3, 1]


AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def a_job(state, **more):
    return Job("id", JobKind.SIMULATE, "Simulate lean", "lean", "ana", AT, {}, state, **more)


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (a_job(State.RUNNING), False),
        (a_job(State.RUNNING, cancelling=True, cancelled_by="<bob>"), True),
        (a_job(State.CANCELLED, cancelled_by="<bob>"), True),
        (a_job(State.DONE, cancelled_by="<bob>"), False),  # it was over before it heard
    ],
)
def test_who_asked_for_the_stop_is_said_where_it_stopped(job, said):
    by = shown(job, may_cancel=True, now=AT)["by"]
    assert by.startswith("started by ana, 2026-11-20")
    assert by.endswith("; cancellation requested by <bob>") is said
