"""A table by pages: what of a frame goes to the browser, and what comes back."""

import pandas as pd
import pytest

from ui.components.html import TableColumn
from ui.components.table import PagedTable

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
