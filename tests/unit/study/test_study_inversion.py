"""A function that calls becomes a generator that yields, and leaves no thread behind."""

import threading

import pytest

from planwise.study.strategies.preview_objective import ask_tell
from planwise.study.trial import Proposal, Trial, TrialPurpose


def proposal(number):
    return Proposal({"cola_rate": number / 100}, "preview", TrialPurpose.POINT, number)


def trial(asked, number=0):
    return Trial(number, asked.kind, asked.purpose, asked.iteration, asked.levers, "", None)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "scipy-search"]


def counting(ask):
    seen = [ask((proposal(n), proposal(n + 1)))[1].iteration for n in (1, 3)]
    return f"saw {seen}"


def driven(search):
    try:
        batch = next(search)
        while True:
            batch = search.send(tuple(trial(asked) for asked in batch))
    except StopIteration as end:
        return end.value


def test_what_it_asks_is_yielded_and_what_it_returns_is_returned():
    search = ask_tell(counting)
    assert [asked.iteration for asked in next(search)] == [1, 2]
    search.close()
    assert driven(ask_tell(counting)) == "saw [2, 4]" and not threads()


def test_what_it_raises_is_raised():
    def broken(ask):
        ask((proposal(1),))
        raise ValueError("no direction of descent")

    with pytest.raises(ValueError, match="descent"):
        driven(ask_tell(broken))
    assert not threads()


def test_closing_ends_the_thread_and_runs_what_has_to_be_closed():
    closed = []

    def patient(ask):
        try:
            while True:
                ask((proposal(1),))
        except Exception:  # what SciPy may catch on the way
            return "swallowed"
        finally:
            closed.append(True)

    search = ask_tell(patient)
    next(search)
    assert len(threads()) == 1
    search.close()
    assert not threads() and closed == [True]


def test_a_search_that_is_never_begun_starts_no_thread():
    ask_tell(counting).close()
    assert not threads()
