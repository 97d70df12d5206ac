import math

import pytest

from ui.components.charts import HIDDEN, Series, bars, lines

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


def test_few_people_are_counted_in_whole_numbers():
    assert bars(YEARS, one(1, 2), y_format=",d", y_title="")["layout"]["yaxis"]["dtick"] == 1
    assert "dtick" not in bars(YEARS, one(100, 200), y_format=",d", y_title="")["layout"]["yaxis"]
