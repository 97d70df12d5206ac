"""The tab Market without a browser: position by level and by job, and the tile of the key figures."""

import pandas as pd

from planwise.engine.plan_detail import COLUMNS
from tests.ui.plan_world import BASE, NEW, OLD, FakeSession, Scenarios, detail_of, detail_row, kpi
from ui.components.card import listed, market_by_level
from ui.pages.plan.page import TABS, PlanPage
from ui.pages.plan.tiles import Side, tiles


def market(session):
    page = PlanPage(session)
    page._tabs.active = TABS.index("Market")
    return page._market.part


def test_levels_and_jobs_are_shown_and_no_pay_of_few_people():
    tab = market(FakeSession(Scenarios(horizon=2)))

    assert "compa-ratio to market 1.02, at P53" in tab._words.object and tab._figures.visible
    levels = tab._level._content.frame
    assert list(levels["mean_market_position"]) == [41.0, 66.0]
    jobs = tab._job._content
    assert list(jobs.frame["group"]) == ["Clerk & <b>Cook</b>", "Sergeant", "Wizard", "Chief"]  # by size
    figures = jobs.frame.set_index("group")["mean_market_ratio"]
    assert figures[["Sergeant", "Chief"]].isna().all()  # four, and the next that would reveal them
    assert (
        jobs.frame.set_index("group").loc["Wizard", "why"] == "a person has to decide which occupation it is"
    )
    assert "<b>Cook" not in jobs.figure["layout"]["yaxis"]["ticktext"][0]


def test_without_a_survey_the_tab_says_what_to_run():
    rows = [detail_row("market", "all", "all", people=300, market_people=0, market_reason="no_survey")]
    tab = market(FakeSession(Scenarios(horizon=2)))
    tab.show_detail(detail_of(pd.DataFrame(rows, columns=COLUMNS), "people:k"), 2026)

    assert "match the job titles (<code>planwise enrich market</code>" in tab._words.object
    assert not tab._figures.visible
    tab.forget("Simulating …")
    tab.refresh()
    assert "Simulating" in tab._words.object


def tile(now):
    return next(one for one in tiles(OLD, now, BASE, 2026, None) if "to market" in one.label)


def test_the_tile_has_ratio_percentile_and_share_or_the_reason():
    assert (tile(NEW).figure, tile(NEW).note) == ("1.020", "P53 of the market; 90% matched")
    none = kpi(2026, mean_market_ratio=None, mean_market_position=None, market_reason="no_survey")
    assert "planwise enrich market" in tile(Side([none])).note


def test_default_rates_are_named_until_the_scenario_has_its_own():
    session = FakeSession(Scenarios(horizon=2, measured={"termination_rate": 0.1}))
    page = PlanPage(session)
    assert page._calibrate.visible
    session.draft.start_from("measured")
    page.refresh()
    assert not page._calibrate.visible  # whatever other scenarios of the home have


def test_levels_with_the_same_reason_are_named_together():
    rows = pd.DataFrame(
        [
            {"group": group, "headcount": 9, "market_people": 9, "mean_market_ratio": ratio,
             "mean_market_position": ratio and 40.0, "why": why}
            for group, ratio, why in zip(
                "1234", (0.9, None, None, None), ("", "few", "none", "few"), strict=True
            )
        ]
    )  # fmt: skip
    found = market_by_level(rows, lambda level: f"L{level}", subtitle="2026", file_name="f.csv")
    assert found.subtitle.endswith("· L2 and L4: few · L3: none")
    assert [listed(names) for names in ([], ["a"], ["a", "b", "c"])] == ["", "a", "a, b and c"]


def test_a_link_opens_the_tab_until_another_is_chosen():
    session = FakeSession(Scenarios(horizon=2))
    page = PlanPage(session)
    assert TABS[page._tabs.active] == "Levers"
    session.go("plan", section="market")
    assert TABS[page._tabs.active] == "Market"
    page._tabs.active = 0
    assert session.selection.section == ""
    session.go("plan", section="equity")  # of Results
    assert page._tabs.active == 0
