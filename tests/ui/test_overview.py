"""The overview: figures, charts, what is new and what is to do."""

import asyncio
import json
import re
from dataclasses import dataclass, replace

import pytest

from planwise.census import generate_census
from planwise.formatting import written_for
from planwise.governance import open_ledger
from planwise.storage import hold_lock
from planwise.study.spec import OptimizeRequest
from tests.ui.published import publish_by_hand
from ui.components import html
from ui.components.card import growth_bridge
from ui.components.charts import label
from ui.pages.overview import charts, to_do
from ui.pages.overview.changes import between, news, since
from ui.pages.overview.page import OverviewPage, headline
from ui.pages.overview.to_do import latest, list_items, waiting
from ui.queries.scenario_status import StatusReader, SweepReader, saved_as
from ui.queries.studies import StudyReader
from ui.session import Services, Session
from ui.store import Store
from ui.values.results import StoredSweep, StoredSweepRow, Sweeps
from ui.values.user import User


@pytest.fixture
def result(settings):
    publish_by_hand(settings, "baseline", growth=0.0317)
    return Store(settings).result("baseline")


def test_the_first_tiles_are_the_years_budgets_in_the_currency_of_the_census(settings):
    publish_by_hand(settings, "baseline", currency="GBP", market=0.035, budget=25_000_000.0)
    result = Store(settings).result("baseline")
    with written_for(result.local):
        tiles = headline(result, 2026)
    budget, promotions, payroll = tiles[:3]
    assert (budget.label, budget.figure) == ("Increase budget 2026", "4.00%")
    assert budget.note == "£1.0\u00a0M a year; £600,000 in 2026"
    assert budget.verdict == "+0.50\u00a0pp to the market's 3.5%" and budget.tone == ""
    assert promotions.figure == "0.40%"
    assert payroll.figure == "£25.6\u00a0M" and payroll.tone == "bad"
    assert (tiles[-1].figure, tiles[-1].tone) == ("not measured", "")
    assert "simulate the scenario again" in tiles[-1].note  # no reason was published


def test_a_levers_risk_is_on_a_tile_and_the_bounds_of_another_version_are_not_judged(settings):
    lever = {"parameter": "cola_rate", "level_id": None, "year": None, "tier": "scenario"}
    high = [lever | {"value": 0.079}, lever | {"parameter": "promotion_raise_level_1", "value": 0.299}]
    publish_by_hand(settings, "baseline", levers=high)  # its COLA is judged by the increase that it gave
    publish_by_hand(settings, "old", levers=[lever | {"parameter": "gone", "value": 1}])
    store = Store(settings)
    risk = {name: headline(store.result(name), 2026)[-2] for name in ("baseline", "old")}
    assert (risk["baseline"].figure, risk["baseline"].tone) == ("CRITICAL", "bad")
    assert "Promotion raise" in risk["baseline"].note and "more" not in risk["baseline"].note
    assert risk["old"].figure == "n/a" and risk["old"].tone == ""


def test_without_a_target_no_line_is_drawn(settings):
    publish_by_hand(settings, "baseline", target=None)
    result = Store(settings).result("baseline")
    assert charts.growth([result], result).figure["layout"]["shapes"] == []


def test_archived_scenarios_leave_the_lists_and_titles_stand_for_names(settings):
    generate_census(settings, employees=40, name="staff")
    for name in ("baseline", "lean", "old", "gone"):
        publish_by_hand(settings, name)
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("lean", {}, title="Lean <b>2026</b>")
        ledger.scenarios.create("old", {}, title="Lean <b>2026</b>", census="staff")
        ledger.scenarios.archive("old")
    store = Store(settings)
    assert store.scenarios() == ("baseline", "lean", "gone")
    assert store.scenarios(archived=True) == ("baseline", "lean", "gone", "old")
    assert store.labels().options(store.scenarios(archived=True)) == {
        "baseline": "baseline",
        "Lean <b>2026</b>": "lean",
        "gone (deleted)": "gone",
        "Lean <b>2026</b> (archived)": "old",
    }
    assert (
        "Lean &lt;b&gt;2026&lt;/b&gt;"
        in charts.comparison(store.results()[0], store.result("lean"), 2026).table
    )


def test_a_scenarios_title_is_changed_and_taken_away_on_the_overview(settings):
    generate_census(settings, employees=40)
    publish_by_hand(settings, "lean")
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("lean", {"cola_rate": 0.01}, title="Lean")
    page = OverviewPage(Session(Services(settings, Store(settings)), User("ann", "analyst")))
    menu = page._menu
    for title, heading in (("  Hiring\nfreeze ", "Hiring freeze"), ("", "lean")):
        menu._open(copy=False)
        menu._title.value_input = title
        asyncio.run(menu._saved())
        assert not menu._dialog.open and heading in page._heading.object
        assert page._scenario.options == {heading: "lean"}
    said = [one.text for one in page._session.notices]
    assert said == ["lean has no title.", "lean is titled Hiring freeze."]
    menu._open(copy=False)
    menu._title.value_input = "x" * 201
    asyncio.run(menu._saved())
    assert menu._dialog.open and "at most 200 characters" in menu._failed.object
    assert Store(settings).labels().stored["lean"].overrides == {"cola_rate": 0.01}


def test_the_bridge_ends_at_growth(result):
    content = growth_bridge(result, 2027)
    (trace,) = content.figure["data"]
    assert sum(trace["y"]) == pytest.approx(result.kpi(2027)["growth_all"])
    assert trace["measure"][-1] == "total"


def test_payroll_starts_with_the_census(result):
    content = charts.payroll([result], result)
    assert content.frame["year_end"].tolist() == [2025, 2026, 2027]
    assert content.figure["data"][0]["y"] == [24e6, 24.8e6, 25.6e6]


def test_small_levels_are_said_to_be_hidden(result):
    assert "under 10 people" in charts.levels(result, 2027).subtitle
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


def shown_text(page):
    """Return the heading of an empty page and its buttons."""
    text, buttons = page.layout[0]
    return re.search(r"<h2>(.*?)</h2>", text.object)[1], [button.label for button in buttons]


def test_figures_of_another_census_are_not_marked_good(settings):
    publish_by_hand(settings, "baseline", budget=30_000_000.0)
    generate_census(settings, employees=40, name="swapped")
    with open_ledger(settings):
        page = OverviewPage(Session(Services(settings, Store(settings)), User("ann", "analyst")))
    asyncio.run(page._read_news())
    assert "would now run on swapped" in page._out_of_date.object and page._out_of_date.visible
    assert "of the budget" in page._kpis.object and 'class="good"' not in page._kpis.object
    for unknown in (None, (((), (), (), ()), "other censuses")):
        page._open = unknown
        page._mark(*page._figures)
        assert 'class="good"' not in page._kpis.object
    page._open = (((), (), (), ()), page._store.censuses.version())
    page._mark(*page._figures)
    assert 'class="good"' in page._kpis.object and not page._out_of_date.visible


def test_the_page_of_an_empty_home_turns_into_figures_when_something_is_published(settings):
    store = Store(settings)
    page = OverviewPage(Session(Services(settings, store), User("ann", "analyst")))
    assert shown_text(page) == ("Nothing is published yet", ["Go to Census", "Learn how"])
    generate_census(settings, employees=40)
    page.refresh()
    assert shown_text(page) == ("Nothing is published yet", ["Go to Run", "Census"])
    publish_by_hand(settings, "baseline")
    page.refresh()
    assert len(page.layout) == 1
    assert page.layout[0] is not None
    assert "Nothing is published yet" not in str(getattr(page.layout[0], "object", ""))


def row(scenario, growth=0.031, payroll=25_600_000.0, *, gate="passed", variant="as it is", feasible=True):
    reasons = () if feasible else ("payroll over the budget",)
    return StoredSweepRow(scenario, variant, feasible, reasons, growth, payroll, 320, "f" * 32, gate)


def sweep(*rows, at="2026-11-20T02:00:00+00:00", asked="{}", complete=True):
    return StoredSweep(at, asked, complete, rows)


@pytest.fixture
def results(settings):
    publish_by_hand(settings, "baseline", growth=0.031)
    publish_by_hand(settings, "lean", growth=0.020)
    return Store(settings).results()[0]


def test_what_moved_since_the_sweep_is_the_published_figure_minus_the_sweeps(results):
    found = since(sweep(row("baseline"), row("lean", growth=0.0254, payroll=26_000_000.0)), results)
    assert [(move.name, round(move.growth, 6), move.payroll) for move in found] == [
        ("lean", -0.0054, -400_000.0)
    ]


def test_rounding_is_no_change_and_a_gate_is(results):
    hair = sweep(row("baseline", growth=0.031 + 1e-9, payroll=25_600_000.2))
    assert since(hair, results) == []
    (move,) = since(sweep(row("baseline", gate="passed with warnings")), results)
    assert (move.before.gate, move.now.gate, move.growth) == ("passed with warnings", "passed", 0.0)


def test_from_one_sweep_to_the_next_the_most_moved_come_first_and_what_broke_before_them():
    before = sweep(row("a"), row("b"), row("c"), row("d"), row("a", variant="seed 2", growth=0.04))
    now = sweep(
        row("a", growth=0.0311),
        row("b", growth=0.025),
        replace(row("c", feasible=False), growth=None, payroll=None, gate=None),
        row("d"),
        row("a", variant="seed 2", growth=0.045),
    )
    assert [move.name for move in between(now, before)] == ["c", "b", "a (seed 2)", "a"]


def test_the_last_sweep_is_compared_with_the_complete_one_before_it_that_was_asked_the_same(settings):
    folder = settings.root / "sweeps"
    folder.mkdir(parents=True)

    def write(name, *, asked="{}", complete=True, growth=0.03):
        rows = [vars(row("baseline", growth=growth))]
        data = {"at": name, "asked": asked, "complete": complete, "rows": rows, "previous_at": None}
        (folder / f"{name}.json").write_text(json.dumps(data))

    reader = SweepReader(settings)
    assert reader.latest() == Sweeps(None, None)
    write("20261117")
    write("20261118", complete=False)
    write("20261119", asked='{"seeds":[1]}')
    write("20261120", growth=0.04)
    (folder / "20261121.json").write_text('{"at": ')
    found = reader.latest()
    assert (found.last.at, found.before.at) == ("20261120", "20261117")
    assert found.last.published["baseline"].growth == 0.04
    assert [item.name for item in found.unreadable] == ["20261121.json"]
    assert "sweep all scenarios again" in found.unreadable[0].remedy


def test_the_news_say_by_how_much_and_since_when_or_how_to_get_some(results):
    assert "No sweep has run" in news(Sweeps(None, None), results)
    told = news(Sweeps(sweep(row("baseline"), row("lean", growth=0.0254)), None), results)
    assert "Since the sweep of 2026-11-20\u00a002:00\u00a0UTC" in told
    assert "−0.54\u00a0pp" in told
    assert "annual growth 2.54% → 2.00%" in told
    assert "The first sweep of its kind" in told
    assert "No published figure has moved" in news(Sweeps(sweep(row("baseline")), None), results)


@dataclass
class Job:
    id: str
    title: str
    state: str
    share: float | None = None
    scenario: str = "baseline"
    kind: str = "simulate"


def test_unsaved_edits_come_first_then_what_broke_what_runs_and_what_is_to_be_run(settings):
    now = 100.0
    reader = StatusReader(settings, clock=lambda: now)
    assert reader.scenarios() == ()
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("fresh", {"cola_rate": 0.02})
    now += 16  # the ledger is read again every 15 s
    standings = reader.scenarios()
    assert [(item.scenario, item.state) for item in standings] == [("baseline", "never"), ("fresh", "never")]
    jobs = [Job("1", "Simulate a", "running", 0.4), Job("2", "Simulate b", "failed"), Job("3", "Old", "done")]
    found = waiting("fresh", 2, jobs, standings, ())
    assert [item.what for item in found] == [
        "2 unsaved edits on fresh",
        "Simulate b",
        "Simulate a",
        "baseline",
        "fresh",
    ]
    assert "40% done" in found[2].why
    told = list_items(found)
    assert 'href="?page=plan"' in told and 'href="?page=run&amp;scenario=fresh"' in told
    assert "Nothing to do" in list_items(waiting("fresh", 0, [Job("3", "Old", "done")], (), ()))


def test_actuals_off_the_plan_come_before_what_broke_with_a_link_to_the_release():
    fired = {"trigger": "turnover", "severity": "MEDIUM", "on": "2026-06-30", "deviation": 0.21}
    fired["recommended"] = "review"
    worse = fired | {"trigger": "budget <overrun>", "severity": "HIGH", "recommended": "rollback"}
    found = waiting("baseline", 0, [Job("2", "Simulate b", "failed")], (), (), fired=(fired, worse))
    assert [item.what for item in found] == [
        "Actuals are off the released plan: budget <overrun> and 1 more",
        "Simulate b",
    ]
    assert (found[0].tone, found[0].why) == (
        "bad",
        "+21.0% from the plan on 2026-06-30; rollback recommended",
    )
    told = list_items(found)
    assert 'href="?page=release"' in told and "budget &lt;overrun&gt;" in told
    assert waiting("baseline", 0, (), (), (), fired=(fired,))[0].tone == "warn"


def test_a_failure_that_was_made_good_does_not_wait():
    again = [Job("2", "Simulate a", "done"), Job("1", "Simulate a", "failed")]  # the newest first
    assert waiting("baseline", 0, again, (), ()) == []
    other = [Job("2", "Simulate b", "done", scenario="b"), Job("1", "Simulate a", "failed")]
    assert [item.what for item in waiting("baseline", 0, other, (), ())] == ["Simulate a"]
    (failed,) = waiting(
        "baseline", 0, [Job("7", "Import p.csv", "failed", scenario="", kind="import")], (), ()
    )
    assert (failed.page, failed.chosen) == ("run", {"job": "7"})


def test_without_a_ledger_nothing_is_made_and_nothing_waits(settings):
    reader = StatusReader(settings)
    assert (reader.scenarios(), reader.unsaved_studies(())) == ((), ())
    assert not settings.root.exists()


def write_study(settings, name, *, levers, objectives=(), converged=True, growth=0.0305, **summary):
    folder = settings.studies_dir / name
    folder.mkdir(parents=True)
    question = {"strategy": "solve", "target_growth": 0.03, "objectives": list(objectives)}
    about = {"study": name, "question": question, "scenario": "baseline", "kind": "real"}
    (folder / "study.json").write_text(json.dumps(about | {"created_at": "2026-11-20T10:00:00+00:00"}))
    stands = {"state": "converged", "trials": 9, "levers": levers, "growth": growth, "converged": converged}
    stands["gap_pp"] = 100 * (0.03 - growth)
    (folder / "summary.json").write_text(json.dumps(stands | summary))
    (folder / "lock").touch()
    return folder


def test_a_study_waits_until_a_scenario_has_the_levers_of_its_best_trial(settings):
    write_study(settings, "kept", levers={"cola_rate": 0.02}, updated_at="2026-11-20T11:00:00+00:00")
    write_study(settings, "told", levers={"cola_rate": 0.01}, updated_at="2026-11-20T12:00:00+00:00")
    write_study(settings, "open", levers={"cola_rate": 0.03}, updated_at="2026-11-20T13:00:00+00:00")
    running = write_study(settings, "under way", levers={"cola_rate": 0.04})
    look = write_study(settings, "looked", levers={"cola_rate": 0.05}) / "study.json"
    request = OptimizeRequest(
        publish=False
    ).model_dump_json()  # as the demo's, which shows what policy allows
    look.write_text(json.dumps(json.loads(look.read_text()) | {"request": request}))
    with open_ledger(settings) as ledger:
        ledger.scenarios.create("mine", {"cola_rate": 0.02, "merit_rate_level_1": 0.02})
        ledger.scenarios.create("other", {}, description="Trial 3 of study told: growth 3%.")
    with hold_lock(running / "lock", "study under way", timeout_seconds=0):
        studies = {study.name: study for study in StudyReader(settings, plans=None).list()}
        with open_ledger(settings) as ledger:
            stored = {scenario.name: scenario for scenario in ledger.scenarios.list()}
        unsaved = StatusReader(settings).unsaved_studies(studies.values())
    assert {name: saved_as(study, stored) for name, study in studies.items()} == {
        "kept": "mine",
        "told": "other",
        "open": None,
        "under way": None,
        "looked": None,
    }
    assert studies["under way"].state == "running" and not studies["under way"].has_answer
    found = waiting("baseline", 0, (), (), unsaved)
    assert [dict(item.chosen) for item in found] == [{"study": "open"}]
    assert found[0].what.startswith("Study on baseline, target ")
    assert "best 3.05%, −0.05\u00a0pp to go" in found[0].why


def test_the_latest_study_says_how_it_stands_with_a_link(settings):
    write_study(settings, "s1", levers={"cola_rate": 0.02}, converged=False, reachable=True, seconds=12.0)
    (study,) = StudyReader(settings, plans=None).list()
    told = latest(study)
    assert "Target not met" in told and "3.05%" in told and "?page=optimise&amp;study=s1" in told
    write_study(settings, "s2", levers=None, objectives=[("cost", None), ("equity", None)])
    (two,) = (one for one in StudyReader(settings, plans=None).list() if one.name == "s2")
    assert "trade-offs, no target" in latest(two)


def test_gates_are_listed_the_worst_first(settings):
    for name in ("baseline", "warned", "wrong"):
        folder = publish_by_hand(settings, name)
        manifest = json.loads((folder / "manifest.json").read_text())
        (check,) = manifest["gate"]["results"]
        severity = {"baseline": "critical", "warned": "warning", "wrong": "critical"}[name]
        manifest["gate"]["results"] = [check | {"severity": severity, "success": name == "baseline"}]
        (folder / "manifest.json").write_text(json.dumps(manifest))
    results, _ = Store(settings).results()
    assert [result.scenario for result, _ in to_do.gates(results)] == ["wrong", "warned", "baseline"]
    assert "not met: kpi_years" in to_do.list_gates(results)
