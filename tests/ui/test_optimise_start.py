"""A study is started with what the form says at that moment, not with what was looked at last."""

import asyncio
from types import SimpleNamespace

import pytest

from ui.draft import Draft
from ui.pages.optimise.ask import Ask
from ui.selection import Selection
from ui.values.studies import Checked, PreflightCheck


@pytest.fixture
def asked():
    """A form whose questions above 9 % are not ready; what was started, in order."""
    started = []

    def check(request, measured=None):
        tone = "bad" if request.target_growth > 0.09 else "ok"
        return Checked((PreflightCheck("Target", tone, "…", ""),), "", "")

    async def offload(work, *args):
        return work(*args)

    def start(kind, request, *, title):
        started.append((request["target_growth"], title))

    plans = SimpleNamespace(list=lambda: [SimpleNamespace(name="baseline")], effective=None)
    session = SimpleNamespace(
        store=SimpleNamespace(plans=plans, searches=SimpleNamespace(check=check)),
        actions=SimpleNamespace(jobs=SimpleNamespace(start=start)),
        draft=Draft(lambda *_: None),
        selection=Selection(),
        previews=None,
        can_run=True,
        user=SimpleNamespace(role="analyst"),
        offload=offload,
        on_end=lambda _: None,
    )
    return Ask(session, lambda job: None), started


def test_a_target_typed_just_before_the_start_is_the_one_that_is_sought(asked):
    ask, started = asked
    ask.form.target.value = 5.0
    asyncio.run(ask._begin())
    assert started == [(0.05, "Study of baseline: 5.00% a year")]


def test_what_cannot_be_asked_is_not_started_though_the_question_before_could(asked):
    ask, started = asked
    ask.form.target.value = 12.0
    asyncio.run(ask._begin())
    assert started == []
    assert ask._failure.visible and "Nothing was started" in ask._failure.object
