"""A preview worker: a process that answers one question after the other until the server hangs up.

What takes long to import is imported here, never in the server.
"""

from collections import OrderedDict
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from planwise.census import Census
from planwise.errors import PlanWiseError
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from ui.previewing.messages import Answered, Ask, AskImpact, AskKpis, Broke, Kpis, Place, Warm, place_of

if TYPE_CHECKING:
    from planwise.engine.preview import Preview
    from ui.previewing.people import Summary

CENSUSES_KEPT = 2  # one preview each: a database with the census and its dynamics
IDLE_SECONDS = 1.0  # without a question, before a worker prepares for what may come
SUMMARIES_KEPT = 4  # who earns what before the changes: what every impact compares with


class Worker:
    """Holds previews of the censuses used last, and summaries of the parameters compared with last."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._previews: OrderedDict[str, Preview] = OrderedDict()
        self._places: dict[str, Place] = {}
        self._summaries: OrderedDict[tuple[str, str], Summary] = OrderedDict()

    def answer(self, ask: Ask) -> Answered:
        """Answer a question; what breaks is an answer too."""
        try:
            answer = self._answer(ask)
        except PlanWiseError as error:
            answer = Broke(error)
        except Exception as error:  # the asker is told, and the worker lives on
            answer = Broke(f"{type(error).__name__}: {error}")
        return Answered(answer, tuple(self._places.values()))

    def _answer(self, ask: Ask) -> object:
        match ask:
            case Warm(census, parameters):
                self._kpis(census, parameters.resolved())
                return None
            case AskKpis(census, parameters):
                return self._kpis(census, parameters.resolved())
            case AskImpact(census, before, after, key):
                from ui.previewing.people import compare

                old = self._summary(census, before.resolved())
                return compare(old, self._summary(census, after.resolved(), keep=False), key)

    def _kpis(self, census: Census, effective: EffectiveParameters) -> Kpis:
        outcome = self._preview(census).evaluate(effective)
        if outcome.dynamics_kept:
            self._places[census.content_hash] = place_of(census, effective)
        return Kpis(outcome.kpis, outcome.seconds)

    def _summary(self, census: Census, effective: EffectiveParameters, *, keep: bool = True) -> "Summary":
        from ui.previewing.people import summarised

        key = (census.content_hash, effective.digest)
        if key not in self._summaries:
            summary = summarised(self._preview(census).pay(effective), census)
            self._places[census.content_hash] = place_of(census, effective)
            if not keep:
                return summary
            self._summaries[key] = summary
            while len(self._summaries) > SUMMARIES_KEPT:
                self._summaries.popitem(last=False)
        self._summaries.move_to_end(key)
        return self._summaries[key]

    @property
    def can_prepare(self) -> bool:
        """Whether there is something to do for questions that may come."""
        return any(preview.can_prepare for preview in self._previews.values())

    def prepare(self) -> None:
        """Do some of it, for the census asked about last before the others."""
        for preview in reversed(self._previews.values()):
            if preview.can_prepare:
                preview.prepare()
                return

    def _preview(self, census: Census) -> "Preview":
        from planwise.engine.preview import Preview

        key = census.content_hash
        if key not in self._previews:
            while len(self._previews) >= CENSUSES_KEPT:
                oldest, preview = self._previews.popitem(last=False)
                self._places.pop(oldest, None)
                preview.close()
            self._previews[key] = Preview(self._settings, census)
        self._previews.move_to_end(key)
        return self._previews[key]


def work(settings: Settings, line: Connection) -> None:
    """Answer until the other end is closed."""
    worker = Worker(settings)
    while True:
        try:
            while worker.can_prepare and not line.poll(IDLE_SECONDS):
                worker.prepare()
            ask = line.recv()
        except EOFError:
            return
        line.send(worker.answer(ask))
