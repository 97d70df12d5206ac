"""Ctrl-C: the first asks, the second insists, and afterwards it is what it was."""

import signal

import pytest

from planwise.cli.ensemble import stoppable
from planwise.processes import install_handlers


@pytest.fixture(autouse=True)
def forgotten():
    """What a signal asked for is remembered by the process, which has other tests to run."""
    yield
    install_handlers()


def test_the_first_asks_and_the_second_interrupts():
    before = signal.getsignal(signal.SIGINT)
    with stoppable() as asked_to_stop:
        assert not asked_to_stop()
        signal.raise_signal(signal.SIGINT)
        assert asked_to_stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
