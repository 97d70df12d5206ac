"""An edit of the session benchmark counts only when it was simulated for it."""

import asyncio
import json
import random
from types import SimpleNamespace

import pytest

from benchmarks import dashboard_sessions
from benchmarks.dashboard_sessions import Analyst

BEFORE = {"number": 1, "key": "old", "html": ""}


class Session:
    """Answers each edit with the next of what it is to show."""

    def __init__(self, *answers):
        self.shown, self.answers = BEFORE, list(answers)

    def values(self, component, attribute):
        return self.shown

    async def tell(self, component, **message):
        self.told = message

    async def until(self, holds):
        while not holds(self):
            self.shown = self.answers.pop(0)  # IndexError: it waits for ever
        return 0.1


def edited(*answers):
    return asyncio.run(Analyst(Session(*answers), random.Random(1)).edit())


def test_a_refused_edit_is_waited_for_until_it_is_simulated():
    refused, simulated = {**BEFORE, "number": 2}, {"number": 2, "key": "new", "html": "simulated in 9 ms"}
    assert edited(refused, simulated) == 0.1
    with pytest.raises(IndexError):
        edited(refused)


def test_an_answer_from_a_cache_measures_nothing():
    with pytest.raises(RuntimeError, match="from a cache"):
        edited({"number": 2, "key": "new", "html": "simulated before in 9 ms, from cache"})


def test_a_session_that_shows_the_figures_of_another_one_is_found(monkeypatch, tmp_path):
    kpi = {"growth_compound": 0.0523, "mean_base_pay": 108_732.4, "headcount": 11_593}
    told = []

    def run(command, **_):
        told.append(command)
        return SimpleNamespace(stdout=json.dumps({"kpis": [kpi]}))

    monkeypatch.setattr(dashboard_sessions.subprocess, "run", run)
    session = Session()
    analyst = Analyst(session, random.Random(1), {"cola_rate": 3.1})
    session.shown = {**BEFORE, "html": "5.23% $108,732 11,593"}
    analyst.compare(tmp_path)
    assert told[0][-2:] == ("--set", "cola_rate=3.1%")
    session.shown = {**BEFORE, "html": "5.23% $108,731 11,593"}
    with pytest.raises(RuntimeError, match="108,732"):
        analyst.compare(tmp_path)
