"""Waiting for other processes and threads."""

import time

WAIT_SECONDS = 120  # how busy the machine is must not decide


def wait_until(condition, seconds=WAIT_SECONDS):
    """Return the condition's value once it is true; fail after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still waiting after {seconds} seconds"
        time.sleep(0.01)
    return found
