"""Trial to scenario: what is refused before anything is stored."""

from types import SimpleNamespace

import pytest

from planwise.errors import InputError
from planwise.study import scenario_from_trial
from planwise.study.trial import GATE_FAILED, Evaluation, Trial, TrialPurpose


def trial(number, *, gate="passed", error=None):
    evaluation = Evaluation({}, [], 0.03, "real", gate_status=gate)
    return Trial(number, "real", TrialPurpose.STEP, 1, {}, "digest", None if error else evaluation, error)


@pytest.fixture
def study(monkeypatch):
    trials = (trial(0), trial(1, error="out of memory"), trial(2, gate=GATE_FAILED))
    view = SimpleNamespace(about={}, trials=trials)
    monkeypatch.setattr(scenario_from_trial, "load_view", lambda settings, name: view)
    return view


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (1, "Trial 1 of study s failed: out of memory"),
        (2, "Trial 2 of study s failed its gate"),
        (9, "has no finished trial 9; it has 0 to 2"),
    ],
)
def test_a_trial_that_gave_nothing_usable_is_refused(study, number, message):
    with pytest.raises(InputError, match=message) as error:
        scenario_from_trial.promote_trial(None, "s", number, "name")
    assert "planwise study show s" in error.value.remedy


def test_a_study_without_trials(study):
    study.trials = ()
    with pytest.raises(InputError, match="it has none"):
        scenario_from_trial.promote_trial(None, "s", 0, "name")


@pytest.mark.parametrize("text", ["study", "study:", ":3", "study:x", "study:-1"])
def test_what_names_no_trial(text):
    with pytest.raises(InputError, match="is not a trial"):
        scenario_from_trial.parse_trial(text)


def test_a_study_name_may_have_the_separator():
    assert scenario_from_trial.parse_trial("a:b:3") == ("a:b", 3)
