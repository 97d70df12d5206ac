"""Names that a matching leaves to people: the list on the Census page, decisions that last, match quality."""

import asyncio
from contextlib import suppress
from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest

from planwise.app import job_process
from planwise.census import default_levels
from planwise.census.registry import register_census
from planwise.enrichment.decisions import MatchDecisions, find_titles, why_in_review
from planwise.enrichment.declarations import declared_matching
from planwise.errors import PlanWiseError
from planwise.governance import EventType, open_ledger
from planwise.jobs import JobKind, JobReader, JobWriter
from ui.jobs import routes
from ui.pages.census.page import CensusPage
from ui.pages.pipeline.page import PipelinePage
from ui.session import Services, Session
from ui.store import Store
from ui.values.matches import COMPANIES, DECIDED, SIMILAR, TITLES, TO_DECIDE
from ui.values.user import User

PEOPLE = {  # titles and how many have them; the two grades are one job
    "Registered Nurse": 30, "Software Developer": 25, "Accountant": 20, "Payroll Clerk": 8, "Electrician": 6,
    "Police Sergeant": 5, "Motor Pool Attendant II": 4, "Motor Pool Attendant I": 2, "Xqzw Wizard": 3,
    "Senior Registered Nurse": 2,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def jobs_here():
    """Run jobs in this process, at once."""

    def start(self, settings, folder, route):
        stored = folder.read("request.json")
        folder.write("route.json", {"by": "process", "how": route.how, "why": ""})
        with suppress(PlanWiseError):  # the outcome has it
            job_process._run_job(settings, JobWriter(folder), JobKind(stored["kind"]), stored["request"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(routes.Processes, "start", start)
        yield


def page_of(settings, role="analyst", page=CensusPage):
    return page(Session(Services(settings, Store(settings)), User("ann", role)))


class Desk:
    """The list of titles on the Census page."""

    def __init__(self, settings, role="analyst"):
        self.page = page_of(settings, role)
        self.card = self.page._titles
        self.form = self.card.decision
        self.read()

    def read(self):
        asyncio.run(self.page._read_titles())

    def match(self):
        asyncio.run(self.card._match())
        self.read()

    def rows(self, group=TO_DECIDE):
        self.card._list.value = group
        frame = self.card._table._frame
        return dict(zip(frame["name"], frame["rows"], strict=True))

    def open(self, name):
        key = next(one.key for one in self.card._found.names if one.name == name)
        self.card._open(key)

    def accept(self, place=0):
        asyncio.run(self.form._rows[place]._clicked())
        self.read()


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A census whose titles have been matched once, from the page."""
    from planwise.settings import Settings

    settings = Settings(home=tmp_path_factory.mktemp("titles"))
    titles = [title for title, people in PEOPLE.items() for _ in range(people)]
    rows = pd.DataFrame(
        {
            "employee_id": [f"E{n:03}" for n in range(len(titles))],
            "hire_date": date(2020, 1, 1),
            "base_pay": 60_000.0,
            "job_title": titles,
            "department": "All",
            "level_id": 2,
        }
    )
    register_census(settings, "clinic", rows, default_levels(), as_of=date(2025, 12, 31))
    desk = Desk(settings)
    assert (
        "No market reference yet" in desk.card._state.object and desk.card._button.label == "Match the titles"
    )
    desk.match()
    return settings


def test_titles_that_rules_cannot_decide_are_listed_by_how_many_employees_they_cover(home):
    desk = Desk(home)
    rows = desk.rows()
    assert list(rows.values()) == sorted(rows.values(), reverse=True)
    assert rows["Motor Pool Attendant II and 1 alike"] == 6  # one decision covers both grades
    assert rows["Xqzw Wizard"] == 3 and rows["Police Sergeant"] == 5
    assert "Registered Nurse" not in rows
    assert desk.rows(SIMILAR)["Senior Registered Nurse"] == 2
    desk.open("Motor Pool Attendant II")
    assert "6 employees" in desk.form._heading.object
    assert "also covers Motor Pool Attendant I." in desk.form._heading.object
    shown = [row for row in desk.form._rows if row.layout.visible]
    assert shown and all("score 0." in row._text.object for row in shown)
    assert "shares" in shown[0]._text.object and "pool" in shown[0]._text.object
    assert (
        shown[0]._button.description.startswith("Accept ")
        and "for Motor Pool" in shown[0]._button.description
    )


def test_matched_titles_lead_to_the_market_position(home):
    desk = Desk(home)
    shown = desk.page._market
    assert shown.visible and "BLS OEWS 2023 is the market of clinic" in shown.html
    assert "page=plan&amp;section=market" in shown.html and "once a scenario is run again" in shown.html
    assert shown in list(desk.card._body)


def test_a_decision_takes_one_click_lasts_and_is_applied_by_the_next_run(home):
    desk = Desk(home)
    desk.rows()
    desk.open("Police Sergeant")
    desk.accept()
    assert "Police Sergeant" not in desk.rows() and "Police Sergeant" in desk.rows(DECIDED)
    desk.rows()
    assert desk.form.key and desk.form._name.name != "Police Sergeant"  # the next one is open
    desk.open("Motor Pool Attendant II")
    desk.form._words.value_input = "parking attendant"
    asyncio.run(desk.form._find(lambda: True))
    assert ("53-6021", "Parking Attendant") in desk.form._results.options.values()
    desk.form._results.value = ("53-6021", "Parking Attendant")
    asyncio.run(desk.form._use_other())
    desk.read()
    desk.open("Xqzw Wizard")
    asyncio.run(desk.form._no_match())
    desk.read()
    assert "3 decisions since the last run" in desk.card._state.object
    again = Desk(home)  # another session
    assert set(again.rows(DECIDED)) >= {"Police Sergeant", "Xqzw Wizard"}
    again.match()
    assert "since the last run" not in again.card._state.object
    found = {name.name: name for name in again.card._found.names}
    assert found["Motor Pool Attendant II"].matched.endswith("(53-6021)")
    assert found["Motor Pool Attendant II"].status == "linked" and found["Xqzw Wizard"].status == "unmatched"
    assert not any(name.waits for name in found.values())
    assert not {"Police Sergeant", "Xqzw Wizard"} & set(again.rows())
    with open_ledger(home) as ledger:
        events = [event for event in ledger.events.list() if event.type is EventType.MATCH_DECISION]
        kept = MatchDecisions(ledger).list("market")
    assert [event.actor for event in events] == ["ann"] * 3
    assert {one.name: one.matched_id for one in kept}["Xqzw Wizard"] is None


def test_who_may_not_edit_sees_the_list_and_decides_nothing(home):
    desk = Desk(home, "auditor")
    assert desk.card._button.disabled
    desk.open(desk.card._found.names[0].name)
    assert desk.form._none.disabled and desk.form._use.disabled
    assert all(row._button.disabled for row in desk.form._rows if row.layout.visible)


def test_a_census_that_was_not_matched_is_not_shown_as_if_it_were(home):
    desk = Desk(home)
    desk.page._item = SimpleNamespace(name="other", content_hash="x")
    desk.read()
    assert "The last matching was of clinic; other is in use." in desk.card._state.object


def test_the_reference_is_searched_by_words_and_each_occupation_is_found_once():
    found = find_titles("payroll clerk")
    assert found[0].title == "Payroll Clerk" and found[0].soc == "43-3051"
    assert len({one.soc for one in found}) == len(found) <= 20
    assert find_titles("29-1141")[0].occupation == "Registered Nurses"
    assert find_titles("xqzw") == [] and find_titles("  ") == []


def test_the_pipeline_shows_the_quality_of_each_matching_and_companies_to_decide_on(home):
    session = Session(Services(home, Store(home)), User("ann", "operator"))
    job = session.actions.jobs.start(JobKind.RECIPIENTS.value, {"demo": True}, title="Match the companies")
    ended = JobReader(home).get(job.id)
    assert ended.result is not None and ended.result["gate"]["status"] == "passed"
    page = PipelinePage(session)
    asyncio.run(page._read())
    assert set(page._matching.options.values()) == {TITLES, COMPANIES}
    page._matching.value = COMPANIES
    frame = page._matches._content.frame
    methods = frame[frame["part"] == "Method"].set_index("group")["linked"]
    assert methods["uei-exact"] == 4 and methods["same name"] > 5 and methods["duns-exact"] >= 4
    assert frame[frame["part"] == "Score from"]["rows"].sum() == 24
    assert "Match rate 87" in page._matches._lead.object and "no run before" in page._matches._lead.object
    assert "name 0" in page._matches._lead.object
    review = page._review
    assert {"Photonics Inc."} <= {name.name for name in review._found.of(TO_DECIDE)}
    asyncio.run(review._match())  # the same files again
    assert JobReader(home).get(review._panel.job.id).result["match_rate"] == ended.result["match_rate"]


@pytest.mark.parametrize(
    "method, scores, why",
    [
        ("name-exact", (1.0, 1.0), "several have this very name"),
        ("name-fuzzy", (1.0, 0.95), "several are as near"),
        ("name-fuzzy", (1.0, 0.6), "near by name, the role may be another"),
        ("name-fuzzy", (0.5,), "only similar"),
    ],
)
def test_a_name_for_review_says_what_is_not_certain(method, scores, why):
    row = {"status": "review", "method": method, "choices": [{"score": score} for score in scores]}
    matching = declared_matching("market")
    assert why_in_review(matching, row) == why
    assert why_in_review(matching, row | {"status": "unmatched"}) == ""
