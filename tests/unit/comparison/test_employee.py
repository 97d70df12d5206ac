"""One person's timeline: what decided each event, and whether the events give the pay."""

import json
from datetime import date
from decimal import Decimal

import pytest
from comparison_worlds import Person, publish, staff
from rich.console import Console

from planwise.cli.commands import run
from planwise.cli.employee import render_against, render_timeline
from planwise.comparison.employee import Behind, _market, find_people, timeline
from planwise.errors import InputError

# 50,000, then COLA 2.5 % and a promotion of 10 % in 2026, merit 3.1234 % in 2027
EVENTS = [
    ("E01", 2026, 1, "RAISE", "COLA", "2026-01-01", 1, 1, 50_000, 51_250, 0.025, None, None),
    ("E01", 2026, 2, "PROMOTION", "promotion", "2026-04-01", 1, 2, 51_250, 56_375, 0.1, 0.12, 0.07),
    ("E01", 2027, 1, "RAISE", "MERIT", "2027-07-01", 2, 2, 56_375, "58135.82", 0.031234, None, None),
    ("NEW-2027-1", 2027, 1, "HIRE", "growth", "2027-03-01", None, 1, None, 40_000, None, None, None),
]
PAY = (50_000, 56_375, "58135.82")


@pytest.fixture
def home(settings):
    people = [
        Person("E01", PAY, level=2),
        Person("NEW-2027-1", (None, None, 40_000), department="Legal", job="Counsel"),
    ]
    publish(settings, "base", people, events=EVENTS, overrides={"cola_rate@2026": 0.025})
    flat = [Person("E01", (50_000, 51_250, 51_250)), *staff(*[0] * 12)[2:]]
    publish(settings, "flat", flat, events=EVENTS[:1])
    return settings


def shown(renderable):
    console = Console(width=100, record=True, file=None, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_each_event_says_what_decided_it(home):
    found = timeline(home, "base", "E01")
    assert found.problems == ()
    assert [year.year for year in found.years] == [0, 2026, 2027]
    cola, promotion, merit = found.events
    assert cola.behind == (Behind("cola_rate", 0.025, "scenario"),)
    assert promotion.behind == (
        Behind("promotion_probability_level_1", 0.1, "default"),
        Behind("promotion_raise_level_1", 0.087, "default"),
    )
    assert (promotion.probability, promotion.draw) == (0.12, 0.07)
    assert (promotion.previous_level_id, promotion.level_id) == (1, 2)
    assert merit.behind == (Behind("merit_rate_level_2", 0.033, "default"),)
    assert (merit.effective_date, merit.compensation) == (date(2027, 7, 1), Decimal("58135.82"))
    text = shown(render_timeline(found))
    assert "1 → 2" in text
    assert "drew 0.0700, chance 0.1200" in text
    assert "3 events replayed" in text


def test_the_market_is_the_survey_s_and_never_a_midpoint():
    state = {"market_reference": 62_500.0, "market_ratio": None, "market_position": None}
    assert _market(state | {"market_reason": "review"}) == {"market_reason": "review"}
    assert _market({}) == {"market_reason": "no_survey"}  # of an earlier version
    known = {"market_reference": Decimal("62500"), "market_ratio": Decimal("0.8"), "market_position": 31}
    assert _market(known) == {"market_reference": 62_500.0, "market_ratio": 0.8, "market_position": 31.0}


def test_a_hire_begins_without_pay(home):
    found = timeline(home, "base", "NEW-2027-1")
    assert found.problems == ()
    assert [(year.year, year.opening_base_pay) for year in found.years] == [(2027, None)]
    assert found.events[0].behind == (Behind("new_hire_salary_adjustment", 1.15, "default"),)


@pytest.mark.parametrize(
    ("position", "field", "value", "problem"),
    [
        (1, 9, 56_376, "0.1 does not lead to 56,376"),
        (1, 8, 51_251, "begins with 51251.00, not 51250.00"),
        (2, 9, "58135.83", "2027 ends with 58,135.82, its events with 58135.83"),
    ],
)
def test_events_that_do_not_give_the_pay_are_named(settings, position, field, value, problem):
    events = [list(event) for event in EVENTS]
    events[position][field] = value
    publish(settings, "base", [Person("E01", PAY)], events=events[:3])
    found = timeline(settings, "base", "E01")
    assert any(problem in said for said in found.problems)
    assert problem in shown(render_timeline(found)).replace("\n", " ")


def test_a_gap_between_years_is_named(settings):
    """The snapshot opens 2027 with what 2026 closed with, and no event says how that came to be."""
    publish(settings, "base", [Person("E01", (50_000, 56_000, "58135.82"))], events=EVENTS[:3])
    problems = timeline(settings, "base", "E01").problems
    assert problems[0] == "2026 ends with 56,000.00, its events with 56375.00"
    assert "2027-07-01 MERIT begins with 56375.00, not 56000.00" in problems


def test_against_another_scenario(home):
    text = shown(render_against(timeline(home, "base", "E01"), timeline(home, "flat", "E01")))
    assert "+6,885.82" in text  # 58,135.82 - 51,250
    assert "Only in base: 2026-04-01 promotion 1 → 2" in text
    assert "Only in flat" not in text


def test_an_unknown_id_gets_the_nearest(home):
    with pytest.raises(InputError, match="There is no employee 'NEW-2027-2' in base") as error:
        timeline(home, "base", "NEW-2027-2")
    assert "The nearest IDs: NEW-2027-1" in error.value.remedy
    with pytest.raises(InputError, match="No result of scenario 'nowhere'"):
        timeline(home, "nowhere", "E01")


@pytest.mark.parametrize(("text", "ids"), [("new-", ["NEW-2027-1"]), ("LEGAL", ["NEW-2027-1"]), ("%", [])])
def test_people_are_found_by_text(home, text, ids):
    people, found = find_people(home, "base", text, limit=20)
    assert ([row["employee_id"] for row in people], found) == (ids, len(ids))


def test_the_command(home, capsys):
    where = ["--home", str(home.root)]
    assert run(["employee", "E01", "--scenario", "base", "--against", "flat", "--json", *where]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["replay"] == {"ok": True, "events": 3, "problems": []}
    assert answer["years"][1]["simulation_year"] == 2026
    assert answer["years"][1]["events"][1]["effective_date"] == "2026-04-01"
    assert answer["differences"][-1]["difference"] == 6_885.82
    assert answer["against"]["scenario"] == "flat"
    assert run(["employee", "--find", "counsel", "--scenario", "base", "--json", *where]) == 0
    assert json.loads(capsys.readouterr().out)["found"] == 1
    assert run(["employee", *where]) == 2
    assert "--find TEXT" in capsys.readouterr().err
    assert run(["employee", "E0", "--scenario", "base", *where]) == 2


def test_the_command_fails_when_the_replay_does(settings, capsys):
    publish(settings, "base", [Person("E01", (50_000, 50_001, 50_001))])
    assert run(["employee", "E01", "--scenario", "base", "--home", str(settings.root), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["replay"]["ok"] is False
