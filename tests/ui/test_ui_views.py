import pytest

from tests.ui.published import publish_by_hand
from ui.components import html
from ui.components.charts import label
from ui.components.result_cards import growth_bridge
from ui.pages.overview import charts
from ui.pages.overview.page import OverviewPage, headline
from ui.session import Services, Session
from ui.store import Store
from ui.values.user import User


@pytest.fixture
def result(settings):
    publish_by_hand(settings, "baseline", growth=0.0317)
    return Store(settings).result("baseline")


def test_the_gap_to_the_target_is_in_points_and_judged_by_a_tenth(settings):
    for growth, verdict, tone in ((0.0317, "+0.17\u00a0pp", "warn"), (0.0291, "−0.09\u00a0pp", "good")):
        publish_by_hand(settings, "baseline", fingerprint=f"{growth:.4f}", growth=growth)
        first = headline(Store(settings).result("baseline"), 2027)[0]
        assert (first.verdict, first.tone) == (verdict, tone)


def test_without_a_target_nothing_is_judged(settings):
    publish_by_hand(settings, "baseline", target=None)
    result = Store(settings).result("baseline")
    first = headline(result, 2027)[0]
    assert (first.verdict, first.tone) == ("", "")
    assert "no target is set" in first.note
    assert charts.growth([result], result).figure["layout"]["shapes"] == []


def test_the_bridge_ends_at_growth(result):
    content = growth_bridge(result, 2027)
    (trace,) = content.figure["data"]
    assert sum(trace["y"]) == pytest.approx(result.kpi(2027)["growth_all"])
    assert trace["measure"][-1] == "total"


def test_payroll_starts_with_the_census(result):
    content = charts.payroll([result], result)
    assert content.frame["year_end"].tolist() == [2025, 2026, 2027]
    assert content.figure["data"][0]["y"] == [24.0, 24.8, 25.6]


def test_small_levels_are_said_to_be_hidden(result):
    assert "under 10 people are not shown" in charts.levels(result, 2027).subtitle
    assert "not shown" not in charts.levels(result, 2026).subtitle


def test_a_scenario_with_another_horizon_is_counted_not_dropped_silently(result):
    assert "do not simulate 2026" in charts.comparison([result, _later(result)], result, 2026).lead


def _later(result):
    from dataclasses import replace

    kpis = result.kpis.assign(simulation_year=result.kpis["simulation_year"] + 10)
    return replace(result, scenario="later", kpis=kpis)


def test_html_of_a_name_is_text_in_tables_headings_and_charts():
    name = "<script>alert(1)</script>"
    import pandas as pd

    table = html.table(pd.DataFrame({"a": [name]}), (html.TableColumn("a", name),), name)
    for text in (table, html.heading(name, name), html.notice(name, name), html.facts({name: name})):
        assert "<script" not in text
        assert "&lt;script&gt;" in text
    assert label("<b>%{y}</b>") == "&lt;b&gt;% {y}&lt;/b&gt;"


def test_the_page_of_an_empty_home_turns_into_figures_when_something_is_published(settings):
    store = Store(settings)
    page = OverviewPage(Session(Services(settings, store), User("ann", "analyst")))
    assert len(page.layout) == 1
    assert "Nothing is published yet" in page.layout[0].object
    publish_by_hand(settings, "baseline")
    page.refresh()
    assert len(page.layout) == 1
    assert page.layout[0] is not None
    assert "Nothing is published yet" not in str(getattr(page.layout[0], "object", ""))
