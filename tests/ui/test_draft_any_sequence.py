"""Whatever is done to a draft, it is what the last state says: checked against plain values by year."""

from urllib.parse import parse_qs, urlencode

from hypothesis import given, settings
from hypothesis import strategies as st

from planwise.errors import InputError
from planwise.parameters import catalogue, parse_assignments, resolve
from ui.draft import Draft, effective_of, normalised
from ui.shell.address import _text as spelled

YEARS = (2026, 2027, 2028)
BASES = {"baseline": {}, "other": {"cola_rate": 0.035, "merit_rate_level_1@2027": 0.04}}
NAMES = ("cola_rate", "merit_rate_level_1", "termination_rate")
VALUES = (0.025, 0.033, 0.035, 0.04, 0.14, 0.9)  # defaults, the other base's, and one out of bounds
KEYS = [str(name) if year is None else f"{name}@{year}" for name in NAMES for year in (None, *YEARS)]

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
    return resolve(YEARS, scenario=BASES[name])


class Plain:
    """The same by hand: a value by name and year, and a list of all states there were."""

    def __init__(self):
        self.states, self.at = [("baseline", self.of("baseline"))], 0

    @staticmethod
    def of(name):
        return {(n, year): base(name).value(n, year) for n in NAMES for year in YEARS}

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
            years = (int(year),) if year else YEARS
            low, high = catalogue().parameters[name].bounds
            if action == "set" and not low <= arguments[1] <= high:
                return
            new = {(name, y): arguments[1] if action == "set" else self.of(scenario)[name, y] for y in years}
            self.step(scenario, values | new)


@settings(max_examples=80, deadline=None)
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
        scratch = resolve(YEARS, scenario=dict(draft.effective.scenario))
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
        for year in draw(st.lists(st.sampled_from((None, *YEARS)), unique=True, min_size=1)):
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
