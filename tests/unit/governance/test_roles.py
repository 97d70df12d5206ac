"""Roles: the table of role and action, who has which, and what every act records."""

import pytest

from planwise.errors import InputError
from planwise.governance import Action, EventType, open_ledger
from planwise.governance.permissions import ALLOWED, Forbidden, Role
from planwise.governance.roles import acting_as
from planwise.settings import Settings


def give(settings, name, role, by="root"):
    with open_ledger(settings, actor=by) as ledger:
        ledger.roles.give(name, role, lambda *_: None)


TABLE = """
                analyst approver operator auditor admin
READ            x       x        x        x       x
EDIT            x       -        -        -       x
RUN             x       -        x        -       x
PROPOSE         x       -        -        -       x
APPROVE         -       x        -        -       x
RELEASE         -       -        x        -       x
MONITOR         x       -        x        -       x
MAINTAIN        -       -        x        -       x
SEE_PAY         x       -        -        x       x
AUDIT           -       x        -        x       x
MANAGE_USERS    -       -        -        -       x
"""


def cells():
    header, *rows = (line.split() for line in TABLE.strip().splitlines())
    return [
        (Action[row[0]], role, mark == "x")
        for row in rows
        for role, mark in zip(header, row[1:], strict=True)
    ]


def test_the_table_is_complete():
    assert {action for action, _, _ in cells()} == set(Action) == set(ALLOWED)
    assert {role for _, role, _ in cells()} == set(Role)


@pytest.mark.parametrize(("action", "role", "allowed"), cells())
def test_each_role_does_what_the_table_says(tmp_path, action, role, allowed):
    settings = Settings(home=tmp_path)
    give(settings, "mia", role)
    with open_ledger(settings, actor="mia") as ledger:
        if allowed:
            ledger.require(action)
        else:
            with pytest.raises(Forbidden, match=rf"mia \({role}\) may not"):
                ledger.require(action)


def test_until_someone_has_a_role_everyone_has_every_role(tmp_path):
    settings = Settings(home=tmp_path)
    with open_ledger(settings, actor="root") as ledger:
        for action in Action:
            ledger.require(action)
    give(settings, "mia", "admin")
    with open_ledger(settings, actor="root") as ledger, pytest.raises(Forbidden, match="who has no role"):
        ledger.require(Action.READ)
    with open_ledger(settings, actor="root", role="auditor") as ledger:  # a sign-in gave it
        ledger.require(Action.AUDIT)
        with pytest.raises(Forbidden, match="Ask a user with the role admin or analyst"):
            ledger.scenarios.create("a")


def test_only_an_admin_gives_roles_and_one_remains(tmp_path):
    settings = Settings(home=tmp_path)
    give(settings, "ana", "analyst")
    give(settings, "mia", "admin")
    with pytest.raises(Forbidden, match="give people roles"):
        give(settings, "ana", "admin", by="ana")
    with pytest.raises(InputError, match="only admin"):
        give(settings, "mia", "analyst", by="mia")
    with pytest.raises(InputError, match="Unknown role"):
        give(settings, "ana", "boss", by="mia")
    give(settings, "ana", "admin", by="mia")
    give(settings, "mia", None, by="ana")
    with open_ledger(settings) as ledger:
        assert ledger.roles.all() == {"ana": "admin"}


def test_changes_of_scenarios_are_events_of_the_person(tmp_path):
    settings = Settings(home=tmp_path)
    with acting_as("mia"), open_ledger(settings) as ledger:
        ledger.scenarios.create("a", {"cola_rate": 0.02}, census="c", title="Plan A")
        ledger.scenarios.clone("a", "b", {"merit_rate_level_2@2027": 0.04})
        ledger.scenarios.set("a", {"cola_rate": 0.03}, reason="inflation", title="Plan B")
        ledger.scenarios.set("b", unset=["merit_rate_level_2@2027"])
        ledger.scenarios.archive("a")
        ledger.scenarios.delete("a")
        ledger.scenarios.create("found", {"cola_rate": 0.01}, study="s1", parent="baseline")
        ledger.dynamic_levers.replace({"cola_rate": 0.03}, reason="released")
        events = list(reversed(ledger.events.list()))
    assert {event.actor for event in events} == {"mia"}
    assert [(str(event.type), event.scenario) for event in events] == [
        ("SCENARIO_CREATED", "a"),
        ("SCENARIO_CLONED", "b"),
        ("PARAMETER_CHANGE", "a"),
        ("SCENARIO_CHANGED", "a"),
        ("PARAMETER_CHANGE", "b"),
        ("SCENARIO_CHANGED", "a"),
        ("SCENARIO_CHANGED", "a"),
        ("SCENARIO_CLONED", "found"),
        ("PARAMETER_CHANGE", None),
    ]
    changed = events[2].payload
    assert changed == {
        "key": "cola_rate",
        "parameter": "cola_rate",
        "level": None,
        "year": None,
        "old": 0.02,
        "new": 0.03,
        "change": 0.01,
        "change_percent": 50.0,
        "reason": "inflation",
    }
    taken = events[4].payload
    assert (taken["level"], taken["year"], taken["old"], taken["new"]) == (2, 2027, 0.04, None)
    assert events[7].payload["created_by"] == "optimization_engine"
    assert (events[7].payload["started_by"], events[7].payload["study"]) == ("mia", "s1")


def test_events_are_filtered(tmp_path):
    with open_ledger(Settings(home=tmp_path), actor="mia") as ledger:
        for number in range(3):
            ledger.events.record(EventType.EXPORT, scenario=f"s{number}")
        first = ledger.events.list()[-1]
        assert [event.scenario for event in ledger.events.list(scenario="s1")] == ["s1"]
        assert len(ledger.events.list(since=first.at, until=first.at)) == 1
        assert ledger.events.list(actor="eve") == [] == ledger.events.list(kind=EventType.LOGIN)
        assert [event.scenario for event in ledger.events.list(limit=2)] == ["s2", "s1"]
