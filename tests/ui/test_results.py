"""The Results page without a browser: what is asked for, what each section shows, who sees employees."""

import asyncio
import hashlib
import html
import io
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd
import param
import pytest
import weasyprint

from planwise.comparison.employee import Behind, Event, Timeline, Year
from planwise.equity.report import equity_report
from planwise.errors import InputError
from planwise.formatting import money_short
from planwise.governance import EventType, open_ledger
from planwise.papers.summary import summarise, write_summary
from tests.ui.published import COMMA, HOSTILE, equity, increases, market, people, publish_people
from ui.pages.results import employee as timeline
from ui.pages.results.equity import words
from ui.pages.results.page import ResultsPage
from ui.pages.results.request import ResultsRequest, load_view
from ui.selection import Selection, from_query, to_query
from ui.session import Services, Session
from ui.store import Store
from ui.values.people import Filter
from ui.values.results import PAY_OF_LEVEL, suppress_small_groups
from ui.values.user import User

SECTIONS = (
    "years",
    "increases",
    "groups",
    "bridge",
    "spreads",
    "ranges",
    "equity",
    "market",
    "events",
    "employee",
)
BUDGET = dict(exit_savings=5.0, cola_cost=1.0, merit_cost=1.0, promotion_cost=1.0, hire_cost=4.0)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    from planwise.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("results") / "home")
    publish_people(settings)
    publish_people(settings, "other")
    for scenario in ("baseline", "other"):
        file = settings.published_dir / scenario / ("f" * 32) / "fct_budget.parquet"
        pd.read_parquet(file).assign(**BUDGET).to_parquet(file)
    return settings


def session(settings, role="analyst"):
    made = Session(Services(settings, Store(settings)), User("somebody", role))
    made.selection.page = "results"
    return made


def figures(section):
    return [card._content for card in section._cards]


def test_every_section_shows_itself_and_is_read_when_it_is_shown(home):
    mine = session(home)
    mine.selection.section = SECTIONS[-1]
    page = ResultsPage(mine)
    assert "Results of baseline" in page._heading.object
    assert page._by_key["years"]._cards[0]._content is None
    for place, key in enumerate(SECTIONS):
        mine.selection.section = key
        assert page._tabs.active == place
        assert page._notices.visible is False
    assert page._by_key["years"]._cards[0]._content is not None


def test_a_filter_changes_the_figures_and_the_address_says_it(home):
    mine = session(home)
    page = ResultsPage(mine)
    everybody = page._strip.object
    mine.selection.param.update(departments=(COMMA,), gender="F", status="everyone", year=2026)
    assert page._strip.object != everybody
    assert "gender F · baseline" in figures(page._by_key["years"])[0].subtitle
    asked = Selection(**{k: v for k, v in from_query("?" + to_query(mine.selection)).items()})
    assert ResultsRequest.of(asked) == ResultsRequest.of(mine.selection)
    page._controls._reset.clicks += 1
    assert ResultsRequest.of(mine.selection) == ResultsRequest(year=2026)


def test_an_answer_to_an_earlier_choice_does_not_turn_the_tab_back(home, monkeypatch):
    mine = session(home)
    page = ResultsPage(mine)
    turned, offload = [], mine.offload
    page._tabs.param.watch(lambda event: turned.append(SECTIONS[event.new]), "active")

    async def read(work, *arguments):
        found = await offload(work, *arguments)
        if mine.selection.section == "employee":
            with param.discard_events(mine.selection):  # pressed while the other one is read
                mine.selection.section = "bridge"
        return found

    monkeypatch.setattr(mine, "offload", read)
    mine.selection.section = "employee"
    assert turned == []
    page.refresh()
    assert turned == ["bridge"]


def test_nothing_is_read_when_nothing_is_new(home, monkeypatch):
    mine = session(home)
    page = ResultsPage(mine)
    monkeypatch.setattr(page, "_read", lambda *given: pytest.fail("read again"))
    page.refresh()
    mine.selection.param.update(
        page="overview", level=2
    )  # of another page: not read before it is shown again


def test_what_is_not_there_is_said_and_left_out(home):
    wanted = ResultsRequest(
        scenario="gone", year=1999, status="asleep", level=9, departments=("Moon", "Sales"), gender="Z"
    )
    asked = load_view(Store(home), wanted)
    assert asked.scenario == "baseline"
    assert asked.year == 2026
    assert asked.people == Filter(departments=("Sales",))
    text = " ".join(asked.notices)
    for name in ("gone", "1999", "asleep", "9", "Moon", "Z"):
        assert name in text
    assert len(asked.notices) == 6  # what is shown instead stands with what is not there


def test_an_empty_home_says_what_to_do(settings):
    page = ResultsPage(session(settings))
    text, buttons = page.layout.objects[0]
    assert "Nothing is published yet" in text.object
    assert [button.label for button in buttons] == ["Go to Census", "Run"]


def test_a_filter_that_matches_nobody_is_shown_as_nobody(home):
    mine = session(home)
    mine.selection.param.update(departments=("Tiny",), level=1)
    page = ResultsPage(mine)
    for key in SECTIONS:
        mine.selection.section = key
    assert page._notices.visible is False
    mine.selection.section = "years"
    assert ">0<" in page._strip.object


def test_without_gender_the_filter_is_off_and_equity_says_why(settings):
    publish_people(settings, snapshot=people(gender=False), gaps=equity().head(0))
    mine = session(settings)
    mine.selection.section = "equity"
    page = ResultsPage(mine)
    section = page._by_key["equity"]
    assert page._controls._gender.disabled
    assert "cannot be measured: gender is not known" in section._words.object
    assert not section._of_year.visible and not section._by_year.visible


def test_the_merit_matrix_of_a_result_without_ranges_says_to_run_the_scenario_again(settings):
    publish_people(settings, snapshot=people().drop(columns=["range_minimum", "range_maximum"]))
    mine = session(settings)
    mine.selection.section = "ranges"
    section = ResultsPage(mine)._by_key["ranges"]
    assert "published by an earlier version" in section._cards[0]._content.lead
    assert "planwise simulate --scenario baseline" in section._cards[0]._content.lead
    assert len(section._cards[1]._content.frame) > 0


@pytest.mark.parametrize(("role", "sees"), [("analyst", True), ("auditor", True), ("approver", False)])
def test_single_employees_are_for_some_roles(home, role, sees):
    mine = session(home, role)
    mine.selection.section = "events"
    page = ResultsPage(mine)
    assert bool(page._by_key["events"]._rows.rows) is sees
    mine.selection.param.update(section="employee", employee="EMP-000001")
    assert (page._by_key["employee"]._pay._content is not None) is sees
    mine.selection.section = "ranges"
    assert (page._by_key["ranges"]._cards[1]._content.figure is not None) is sees


def test_events_are_paged_sorted_and_opened(home):
    mine = session(home)
    mine.selection.section = "events"
    page = ResultsPage(mine)
    events = page._by_key["events"]
    first = [row["key"] for row in events._rows.rows]
    events._rows.page = 1
    assert not set(first) & {row["key"] for row in events._rows.rows}
    events._rows.sort = ["employee_id", True]
    assert events._rows.page == 0
    assert events._rows.rows[0]["cells"][0] == "EMP-000419"
    mine.selection.event = "promotions"
    assert {row["cells"][2] for row in events._rows.rows} == {"Promotion"}
    events._id.value = "nobody"
    assert events._rows.rows == []
    assert events._rows.total == "0 events"
    events._id.value = ""
    events._rows.opened = events._rows.rows[0]["key"]
    assert mine.selection.section == "employee"
    assert mine.selection.employee == "EMP-000419" or mine.selection.employee.startswith("EMP-")


def test_an_unknown_employee_is_named_with_the_nearest(home):
    mine = session(home)
    mine.selection.param.update(section="employee", employee="EMP-00000x")
    page = ResultsPage(mine)
    assert "There is no employee" in page._by_key["employee"]._problem.object


def test_gaps_in_words(home):
    asked = load_view(Store(home), ResultsRequest(year=2027))
    text = words(asked, equity(), None)
    assert "against M: F (190 people): adjusted gap 2.00%" in text
    assert "X: the adjusted gap cannot be measured: fewer than 10 people of both groups" in text
    report = equity_report(pay_of(men=[100_000] * 20, women=[94_000] * 20), 2027)
    text = words(asked, equity(), report)
    assert "F (20 people) is paid on average 6.0% less than M (median: 6.0% less)" in text
    assert "with the same level, department and tenure 6.0% less (adjusted gap 6.19%" in text


def pay_of(men, women):
    """Return people of one level, department and tenure."""
    found = pd.DataFrame({"group": ["M"] * len(men) + ["F"] * len(women), "base_pay": [*men, *women]})
    found["employee_id"] = [f"E{n}" for n in found.index]
    return found.assign(level_id=1, department="Ops", tenure_years=4.0, fte=1.0)


@pytest.mark.parametrize(("role", "sees"), [("analyst", True), ("approver", False)])
def test_equity_shows_gaps_bands_categories_and_cost_and_whom_to_raise_to_some_roles(home, role, sees):
    mine = session(home, role)
    mine.selection.section = "equity"
    section = ResultsPage(mine)._by_key["equity"]
    assert section._of_year.visible and section._people.visible is sees
    gaps = section._gaps._content.frame
    assert list(gaps.gap) == ["mean", "median", "adjusted, by regression", "adjusted, within cells"]
    assert (gaps.low < gaps.value).all() and (gaps.value < gaps.high).all()
    assert section._bands._content.frame.groupby("band").share.sum().tolist() == pytest.approx([1] * 4)
    assert {"mean_gap", "flagged", "reason"} <= set(section._categories._content.frame)
    assert "a year" in section._closing._content.lead
    if sees:
        listed = pd.read_csv(section._file(section._view))
        assert {"employee_id", "new_pay", "increase"} <= set(listed) and len(listed) > 0
    else:
        with pytest.raises(InputError, match="pay"):
            section._file(section._view)


def test_a_timeline_says_rule_lever_value_and_tier_and_invents_no_approver(home):
    asked = load_view(Store(home), ResultsRequest())
    raised = Event(
        date(2026, 7, 1), "raise", "MERIT", 2, 2, Decimal("60000"), Decimal("61980.00"), 0.033, None, None,
        (Behind("merit_rate_level_2", 0.033, "scenario"),),
    )  # fmt: skip
    left = Event(
        date(2027, 3, 1), "termination", "voluntary", 2, 2, Decimal("61980"), Decimal("61980"),
        None, 0.12, 0.031,
        (Behind("termination_rate", 0.13, "default"),),
    )  # fmt: skip

    def year(number, status, base, paid, *events):
        return Year(number, status, None, events, Decimal(base), Decimal(paid), 2, 1.0, None)

    years = (
        year(0, "continuous_active", "60000", "60000"),
        year(2026, "continuous_active", "61980", "61000", raised),
        year(2027, "experienced_termination", "61980", "9000", left),
    )
    about = {"job_title": HOSTILE, "department": HOSTILE}
    person = Timeline("baseline", "f" * 32, "EMP-1", about, years, ())
    frame = timeline.events_frame(asked, person)
    assert frame["lever"].tolist() == ["merit_rate_level_2", "termination_rate"]
    assert frame["value"].tolist() == ["3.30%", "13.00%"]
    assert frame["tier"].tolist() == ["scenario", "default"]
    assert set(frame["approver"]) == {"not released"}
    assert frame["chance"].tolist() == ["", "0.0310 < 0.1200"]
    about = timeline.timeline_heading(asked, person)
    assert "<img" not in about
    assert "+3.3%" in about
    assert "n/a" in about and "Compa-ratio to market" in about
    matched = replace(years[-1], market_reference=70_000.0, market_ratio=0.886, market_position=31.0)
    assert "0.89, P31" in timeline.timeline_heading(asked, replace(person, years=(*years[:2], matched)))
    unmatched = replace(years[-1], market_reason="review")
    known = timeline.years_card(asked, replace(person, years=(matched,)))
    both = timeline.years_card(asked, replace(person, years=(matched, unmatched)))
    assert "Why none" not in [column.heading for column in known.columns]
    assert (both.columns[-1].heading, both.frame["market_reason"].iloc[1][:20]) == (
        "Why none",
        "a person has to deci",
    )
    assert timeline.pay_chart(asked, person).figure["data"][0]["x"] == [
        "2025-12-31",
        "2026-07-01",
        "2027-03-01",
    ]


def test_the_increase_list_is_found_by_text_and_its_files_sum_to_the_tile(home):
    mine = session(home)
    mine.selection.section = "increases"
    section = ResultsPage(mine)._by_key["increases"]
    listed = increases(people())
    cost = ((listed["cola"] + listed["merit"]) * listed["fte"]).sum()

    assert money_short(cost) in section._totals.object and "4.00%" in section._totals.object
    assert section._rows.total == f"{len(listed)} people" and len(section._rows.rows) == 25
    one = listed["employee_id"].iloc[5]
    section._text.value = one.lower()
    assert [row["key"] for row in section._rows.rows] == [one]
    assert f"with {one.lower()!r}" in html.unescape(section._heading.object)
    content = asyncio.run(section._file("csv")).getvalue()
    file = pd.read_csv(io.BytesIO(content))
    assert file["increase_at_fte"].sum() == pytest.approx(cost, abs=1e-6) and len(file) == len(listed)
    with open_ledger(home) as ledger:
        export = ledger.events.list(kind=EventType.EXPORT, limit=1)[0]
    assert (export.subject, export.actor) == ("increase list", mine.user.name)
    assert export.payload["sha256"] == hashlib.sha256(content).hexdigest()
    assert export.payload["rows"] == len(listed)
    assert float(export.payload["total_increase"]) == pytest.approx(cost)
    groups = section._groups._content.frame
    assert list(groups["group"])[:2] == ["Level 2", "smaller groups"]
    assert groups.loc[groups["attribute"] == "level", "list_cost"].sum() == pytest.approx(cost)


def test_increases_by_group_are_for_every_role_the_list_is_not(home):
    mine = session(home, "approver")
    mine.selection.section = "increases"
    section = ResultsPage(mine)._by_key["increases"]

    assert section._totals.object and len(section._groups._content.frame) > 2
    assert section._rows.rows == [] and "analysts, auditors" in section.layout[1].object


def test_the_summary_is_one_page_for_every_role(home):
    mine = session(home, "approver")
    ResultsPage(mine)
    pages = {kind: mine.store.comparisons.summary(("other", "baseline"), kind) for kind in ("html", "pdf")}
    text = pages["html"].decode()

    assert pages["pdf"].startswith(b"%PDF")
    assert text.count("4.00%") >= 3 and "baseline against other" in text
    assert "cannot be measured on this census" in text  # no adjusted gap is known
    assert "EMP-0" not in text and "<img" not in text and "Tiny" not in text
    assert len(weasyprint.HTML(string=text).render().pages) == 1


def test_without_pango_a_pdf_says_what_to_install(home, monkeypatch, tmp_path):
    found = summarise(home, "baseline")
    monkeypatch.setitem(sys.modules, "weasyprint", None)  # as an import that fails
    with pytest.raises(InputError, match="Pango") as refused:
        write_summary(found, tmp_path / "plan.pdf")

    assert "apt-get install libpango" in refused.value.remedy and not list(tmp_path.iterdir())
    write_summary(found, tmp_path / "plan.html")
    assert (tmp_path / "plan.html").stat().st_mode & 0o777 == 0o600
    with pytest.raises(InputError, match=r"neither \.html nor \.pdf"):
        write_summary(found, tmp_path / "plan.docx")


def test_the_market_shows_levels_and_jobs_and_no_pay_of_small_groups(home):
    mine = session(home)
    mine.selection.section = "market"
    section = ResultsPage(mine)._by_key["market"]

    assert "1.02 times the market's median, at P53" in html.unescape(section._words.object)
    assert "400 of 420 people (95%)" in section._words.object
    levels = section._level._content
    assert list(levels.frame["mean_market_position"]) == [41.0, 75.0]
    assert levels.figure["data"][0]["y"] == [41.0, 75.0]
    jobs = section._group._content.frame.set_index("group")
    figures_of = ["mean_base_pay", "mean_market_ratio", "mean_market_position"]
    assert jobs.loc["Chief", figures_of].isna().all()  # five people
    assert jobs.loc["Chief", "why"] == "not shown: the pay of fewer than 10 people would follow from it"
    assert jobs.loc["Wizard", "why"] == "a person has to decide which occupation it is"
    assert jobs.loc["Analyst", figures_of].isna().all()  # that of five is all less theirs
    assert section._match.visible is False
    section._attribute.value = "department"
    assert list(section._group._content.frame["group"]) == ["Ops"]


def test_without_a_survey_the_market_says_what_to_run(settings):
    publish_people(settings)
    market("no_survey").to_parquet(
        settings.published_dir / "baseline" / ("f" * 32) / "fct_market_position.parquet"
    )
    mine = session(settings)
    mine.selection.section = "market"
    section = ResultsPage(mine)._by_key["market"]

    assert "match the job titles (<code>planwise enrich market</code>" in section._words.object
    assert section._figures.visible is False and section._match.visible is True


def test_a_result_of_an_earlier_version_has_no_market_and_says_to_run_it_again(settings):
    publish_people(settings)
    (settings.published_dir / "baseline" / ("f" * 32) / "fct_market_position.parquet").unlink()
    mine = session(settings)
    mine.selection.section = "market"
    section = ResultsPage(mine)._by_key["market"]
    assert "published by an earlier version" in section._words.object
    assert "planwise simulate --scenario baseline" in section._words.object


def test_a_result_of_an_earlier_version_has_no_increase_list(settings):
    """Its rows show who is promoted and who leaves."""
    publish_people(settings)
    (settings.published_dir / "baseline" / ("f" * 32) / "fct_increase_bridge.parquet").unlink()
    mine = session(settings)
    mine.selection.section = "increases"
    section = ResultsPage(mine)._by_key["increases"]

    assert "planwise simulate --scenario baseline" in section._totals.object
    assert section._people.visible is False and section._groups.layout.visible is False


def test_the_market_of_a_level_with_few_matched_people_is_not_shown():
    """Their titles' median is public: the ratio would be their pay."""
    levels = pd.DataFrame({"headcount": [200, 300, 400], "market_people": [5, 190, 300]})
    levels = levels.assign(simulation_year=2026, level_id=[1, 2, 3], mean_base_pay=1.0)
    figures = ["mean_market_ratio", "mean_market_position"]
    shown = suppress_small_groups(levels.assign(**dict.fromkeys((*PAY_OF_LEVEL, *figures), 1.0)))
    assert shown[figures].isna().all(axis=1).tolist() == [True, True, False]
    assert shown["mean_base_pay"].tolist() == [1.0, 1.0, 1.0]
