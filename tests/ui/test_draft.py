"""The draft: edits, locks, undo; by examples and by any sequence of steps."""

import time
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.errors import InputError
from planwise.parameters import catalogue, parse_assignments, resolve, simulated_years
from ui.draft import STEPS_KEPT, Draft, effective_of, normalised
from ui.shell.address import _text as spelled

YEARS = (2026, 2027, 2028, 2029, 2030)
SCENARIOS = {
    "baseline": {},
    "higher_cola": {"cola_rate": 0.035, "merit_rate_level_1@2028": 0.04},
    "short": {"years": 2},
}
DYNAMIC = {"promotion_raise_level_1": 0.09}


def resolved(name):
    if name not in SCENARIOS:
        raise InputError(f"Unknown scenario {name!r}.", remedy="Choose another.")
    overrides = SCENARIOS[name]
    return resolve(simulated_years(overrides.get("years", 5), 2026), scenario=overrides, dynamic=DYNAMIC)


@pytest.fixture
def draft():
    return Draft(resolved)


def cola(draft):
    return [draft.effective.value("cola_rate", year) for year in draft.effective.years]


def test_a_draft_starts_as_the_baseline(draft):
    assert (draft.scenario, draft.changes, draft.locks, draft.is_empty) == ("baseline", {}, (), True)
    assert draft.effective == draft.base
    assert draft.effective.tier("promotion_raise_level_1", 2026) == "dynamic"


def test_values_are_kept_as_they_are_spelled_canonically(draft):
    draft.set("cola_rate", "3.5%")
    draft.set("cola_rate@2028", "0.0400000001")
    assert draft.changes == {"cola_rate": 0.035, "cola_rate@2028": 0.04}
    assert cola(draft) == [0.035, 0.035, 0.04, 0.035, 0.035]
    assert draft.effective.tier("cola_rate", 2028) == "scenario"


def test_an_all_years_edit_drops_the_years_own(draft):
    draft.set("cola_rate@2028", 0.04)
    draft.set("merit_rate_level_1@2028", 0.04)
    draft.set("cola_rate", 0.03)
    assert draft.changes == {"cola_rate": 0.03, "merit_rate_level_1@2028": 0.04}


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("cola_rate", 0.2, "outside its hard bounds"),
        ("cola_rate", "a lot", "not a number"),
        ("cola_rate", None, "cannot be null"),
        ("cola_rate@2035", 0.03, "not a simulated year"),
        ("cola_rates", 0.03, "Unknown parameter"),
        ("seed@2027", 1, "one value for all years"),
        ("cola_rate'; drop table", 0.03, "not a parameter name"),
        ("new_hire_level_share_1", 0.5, "1 of 5 are set"),
        ("years", 11, "outside"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(draft, key, value, what):
    draft.set("cola_rate@2027", 0.03)
    with pytest.raises(InputError, match=what) as refused:
        draft.set(key, value)
    assert refused.value.remedy
    assert draft.changes == {"cola_rate@2027": 0.03}
    draft.undo()
    assert draft.is_empty


def test_several_edits_are_all_or_none(draft):
    with pytest.raises(InputError):
        draft.update({"cola_rate": 0.03, "merit_rate_level_1": 9})
    assert draft.is_empty
    draft.update({f"new_hire_level_share_{level}": 0.2 for level in range(1, 6)})
    assert len(draft.changes) == 5


def test_changes_that_equal_the_base_vanish(draft):
    draft.start_from("higher_cola")
    draft.set("cola_rate", 0.035)
    draft.set("merit_rate_level_1@2028", "4 %")
    assert (draft.is_empty and not draft.can_undo) or draft.changes == {}
    draft.set("cola_rate@2028", 0.04)
    draft.set("cola_rate@2028", 0.035)
    assert draft.is_empty
    draft.set("merit_rate_level_1", 0.033)  # not the base's: it has 4 % in 2028
    assert draft.changes == {"merit_rate_level_1": 0.033}
    draft.set("merit_rate_level_1@2028", 0.04)
    assert draft.is_empty


def test_a_year_back_to_the_base_under_an_all_years_edit_stays_said(draft):
    draft.set("cola_rate", 0.04)
    draft.unset("cola_rate@2028")
    assert draft.changes == {"cola_rate": 0.04, "cola_rate@2028": 0.0}
    draft.unset("cola_rate")
    assert draft.is_empty


def test_undo_and_redo_step_through_edits_locks_and_bases(draft):
    draft.set("cola_rate", 0.03)
    draft.lock(["cola_rate"], by="ana", why="agreed")
    draft.start_from("higher_cola")
    assert (draft.scenario, draft.locks) == ("higher_cola", ())
    draft.undo()
    assert (draft.scenario, draft.changes, draft.locks) == ("baseline", {"cola_rate": 0.03}, ("cola_rate",))
    assert draft.lock_of("cola_rate").why == "agreed"
    draft.undo()
    draft.undo()
    assert (draft.is_empty, draft.can_undo, draft.can_redo) == (True, False, True)
    draft.undo()
    draft.redo()
    draft.redo()
    draft.redo()
    draft.redo()
    assert (draft.scenario, draft.is_empty, draft.can_redo) == ("higher_cola", True, False)
    draft.undo()
    draft.unlock("cola_rate")
    draft.set("cola_rate", 0.031)
    assert not draft.can_redo


def test_undo_is_bounded(draft):
    for step in range(STEPS_KEPT + 20):
        draft.set("cola_rate", 0.03 + step / 10_000)
    steps = 0
    while draft.can_undo:
        draft.undo()
        steps += 1
    assert steps == STEPS_KEPT
    assert draft.changes == {"cola_rate": 0.0319}


def test_a_locked_lever_refuses_every_way_to_change_it(draft):
    draft.set("cola_rate@2027", 0.03)
    draft.lock(["cola_rate"], by="ana", why="agreed with the board")
    for change in (
        lambda: draft.set("cola_rate", 0.04),
        lambda: draft.unset("cola_rate"),
        lambda: draft.replace({}),
        lambda: draft.update({"merit_rate_level_1": 0.04, "cola_rate@2026": 0.03}),
        lambda: draft.start_from("baseline", {"cola_rate": 0.04}),
    ):
        with pytest.raises(InputError, match=r"locked by ana: agreed with the board") as refused:
            change()
        assert "Unlock" in refused.value.remedy
    assert draft.changes == {"cola_rate@2027": 0.03}
    draft.set("cola_rate@2027", 0.03)  # what it is already is no change
    draft.set("merit_rate_level_1", 0.04)
    draft.clear()
    assert draft.changes == {"cola_rate@2027": 0.03}
    draft.unlock("cola_rate")
    draft.clear()
    assert draft.is_empty


def test_only_levers_are_locked(draft):
    with pytest.raises(InputError, match="not a lever"):
        draft.lock(["seed"], by="ana")
    assert draft.locks == ()


def test_saved_edits_are_the_base_and_locks_hold(draft):
    draft.set("cola_rate", 0.035)
    draft.lock(["cola_rate"], by="ana")
    draft.saved_as("higher_cola")
    assert (draft.scenario, draft.changes, draft.locks) == ("higher_cola", {}, ("cola_rate",))
    assert cola(draft) == [0.035] * 5


def test_where_a_session_begins_is_no_step(draft):
    draft.start_from("higher_cola", {"cola_rate": 0.04})
    assert not draft.can_undo
    draft.start_from("baseline")
    draft.undo()
    assert (draft.scenario, draft.changes) == ("higher_cola", {"cola_rate": 0.04})


def test_a_scenario_that_is_not_there_is_refused(draft):
    draft.set("cola_rate", 0.03)
    with pytest.raises(InputError, match="Unknown scenario 'gone'"):
        draft.start_from("gone")
    assert (draft.scenario, draft.changes) == ("baseline", {"cola_rate": 0.03})


def test_other_years_are_compared_with_the_base_of_these_years(draft):
    draft.set("years", 7)
    assert draft.effective.years == tuple(range(2026, 2033))
    assert draft.current.years == draft.effective.years
    assert (draft.current.value("years"), draft.effective.value("years")) == (5, 7)
    draft.set("cola_rate@2032", 0.04)
    draft.set("cola_rate@2032", 0)
    assert draft.changes == {"years": 7}
    draft.set("cola_rate@2032", 0.04)
    with pytest.raises(InputError, match="cola_rate@2032"):
        draft.set("years", 3)
    draft.unset("cola_rate", "years")
    assert draft.is_empty
    draft.set("years", "2026-2028")
    draft.set("years", 5)
    assert draft.is_empty


def test_what_others_do_to_the_base_is_seen_on_refresh(draft, monkeypatch):
    draft.start_from("higher_cola")
    draft.set("cola_rate", 0.04)
    monkeypatch.setitem(SCENARIOS, "higher_cola", {"cola_rate": 0.04})
    assert draft.refresh() == ""
    assert (draft.is_empty, cola(draft)) == (True, [0.04] * 5)
    draft.set("cola_rate@2030", 0.05)
    monkeypatch.setitem(SCENARIOS, "higher_cola", {"years": 2})
    assert "cola_rate@2030" in draft.refresh()
    assert (draft.scenario, draft.is_empty) == ("higher_cola", True)
    monkeypatch.delitem(SCENARIOS, "higher_cola")
    assert "Unknown scenario" in draft.refresh()
    assert (draft.scenario, draft.changes) == ("baseline", {"years": 2})


def test_a_scenario_that_somebody_deletes_lives_on_as_edits(draft, monkeypatch):
    draft.start_from("higher_cola")
    draft.set("cola_rate@2028", 0.05)
    draft.lock(["cola_rate"], by="ana")
    shown = draft.effective.cells
    monkeypatch.delitem(SCENARIOS, "higher_cola")
    told = draft.refresh()
    assert "Unknown scenario 'higher_cola'" in told and "kept as edits on the baseline" in told
    assert (draft.scenario, draft.locks) == ("baseline", ("cola_rate",))
    assert draft.changes == {"cola_rate": 0.035, "cola_rate@2028": 0.05, "merit_rate_level_1@2028": 0.04}
    assert draft.effective.cells == shown
    assert draft.refresh() == ""


def test_edits_of_a_deleted_scenario_that_the_baseline_cannot_have_are_told_as_gone(draft, monkeypatch):
    draft.start_from("short")
    monkeypatch.delitem(SCENARIOS, "short")
    monkeypatch.setattr("ui.draft.merged_overrides", lambda *_: {"cola_rate@2040": 0.03})
    assert "the edits are gone" in draft.refresh()
    assert (draft.scenario, draft.is_empty) == ("baseline", True)


def test_findings_are_of_the_edits(draft):
    draft.set("cola_rate@2027", 0.06)
    (worst, *_) = draft.findings
    assert (worst.parameter, worst.year, worst.risk) == ("market_budget", 2027, "CRITICAL")
    assert draft.findings is draft.findings
    draft.clear()
    assert draft.findings == []


def test_nobody_sets_the_changes_past_the_checks(draft):
    with pytest.raises(TypeError):
        draft.changes = {"cola_rate": 9}


def test_watchers_hear_a_change_once(draft):
    heard = []
    draft.param.watch(
        lambda *events: heard.append([e.name for e in events]), ["scenario", "changes", "locks"]
    )
    draft.set("cola_rate", 0.03)
    draft.set("cola_rate", 0.03)
    draft.start_from("higher_cola", {"cola_rate": 0.02})
    assert heard == [["changes"], ["scenario", "changes"]]


@pytest.mark.timing
def test_an_edit_takes_less_than_two_milliseconds(draft):
    seconds = []
    for step in range(200):
        start = time.process_time()
        draft.set("cola_rate", 0.03 + step / 10_000)
        seconds.append(time.process_time() - start)
    assert sorted(seconds)[100] < 0.002


THREE_YEARS = (2026, 2027, 2028)
BASES = {"baseline": {}, "other": {"cola_rate": 0.035, "merit_rate_level_1@2027": 0.04}}
NAMES = ("cola_rate", "merit_rate_level_1", "termination_rate")
VALUES = (0.025, 0.033, 0.035, 0.04, 0.14, 0.9)  # defaults, the other base's, and one out of bounds
KEYS = [str(name) if year is None else f"{name}@{year}" for name in NAMES for year in (None, *THREE_YEARS)]

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from(KEYS), st.sampled_from(VALUES)),
        st.tuples(st.just("unset"), st.sampled_from(KEYS)),
        st.tuples(st.sampled_from(["undo", "redo", "clear"])),
        st.tuples(st.just("start_from"), st.sampled_from(sorted(BASES))),
    ),
    max_size=25,
)


def base(name):
    return resolve(THREE_YEARS, scenario=BASES[name])


class Plain:
    """The same by hand: a value by name and year, and a list of all states there were."""

    def __init__(self):
        self.states, self.at = [("baseline", self.of("baseline"))], 0

    @staticmethod
    def of(name):
        return {(n, year): base(name).value(n, year) for n in NAMES for year in THREE_YEARS}

    def step(self, scenario, values):
        if (scenario, values) != self.states[self.at]:
            self.states = [*self.states[: self.at + 1], (scenario, values)]
            self.at += 1

    def do(self, action, *arguments):
        scenario, values = self.states[self.at]
        if action in ("undo", "redo"):
            self.at = min(max(self.at + (1 if action == "redo" else -1), 0), len(self.states) - 1)
        elif action == "start_from" and len(self.states) == 1:  # nothing to take back yet
            self.states = [(arguments[0], self.of(arguments[0]))]
        elif action in ("clear", "start_from"):
            name = arguments[0] if arguments else scenario
            self.step(name, self.of(name))
        else:
            name, _, year = arguments[0].partition("@")
            years = (int(year),) if year else THREE_YEARS
            low, high = catalogue().parameters[name].bounds
            if action == "set" and not low <= arguments[1] <= high:
                return
            new = {(name, y): arguments[1] if action == "set" else self.of(scenario)[name, y] for y in years}
            self.step(scenario, values | new)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_any_sequence_is_the_same_as_by_hand(steps):
    draft, plain = Draft(base), Plain()
    for action, *arguments in steps:
        plain.do(action, *arguments)
        try:
            getattr(draft, action)(*arguments)
        except InputError:
            assert action == "set" and arguments[1] > 0.1  # out of bounds
        scenario, values = plain.states[plain.at]
        assert draft.scenario == scenario
        assert {key: draft.effective.value(*key) for key in values} == values
        scratch = resolve(THREE_YEARS, scenario=dict(draft.effective.scenario))
        assert draft.effective == scratch == effective_of(base(scenario), draft.changes)
        assert normalised(base(scenario), draft.changes) == draft.changes
        assert draft.is_empty == (values == plain.of(scenario))


LEVERS = sorted(catalogue().levers)


@st.composite
def changes(draw):
    names = draw(st.lists(st.sampled_from(LEVERS), unique=True, max_size=6))
    found = {}
    for name in names:
        low, high = catalogue().levers[name].bounds
        for year in draw(st.lists(st.sampled_from((None, *THREE_YEARS)), unique=True, min_size=1)):
            found[name if year is None else f"{name}@{year}"] = draw(st.floats(low, high))
    return found


@settings(max_examples=60, deadline=None)
@given(changes())
def test_an_address_brings_the_same_edits_back_exactly(wanted):
    draft, other = Draft(base), Draft(base)
    draft.replace(wanted)
    query = urlencode([("set", f"{key}={spelled(value)}") for key, value in draft.changes.items()])
    other.start_from("baseline", parse_assignments(parse_qs(query).get("set", [])))
    assert other.changes == draft.changes
    assert other.effective.digest == draft.effective.digest
