"""A preview worker: answers requests in a process of its own, and keeps what the next ones need.

What takes long to import is imported when a request needs it, never in the server.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planwise.census import Census, market_key
from planwise.parameters import Chain, EffectiveParameters
from planwise.settings import Settings
from planwise.workers import Location, Worker

if TYPE_CHECKING:
    from planwise.engine.preview import Preview
    from ui.live_preview.people import Summary

CENSUSES_KEPT = 2  # one preview each: a database with the census and its dynamics
SUMMARIES_KEPT = 4  # pay before the changes, which every impact is compared with


@dataclass(frozen=True)
class KpisRequest:
    """Simulate every employee; answered by Kpis."""

    census: Census
    effective: EffectiveParameters


@dataclass(frozen=True)
class ImpactRequest:
    """Compare two simulations person by person; answered by an Impact with this key."""

    census: Census
    before: EffectiveParameters
    after: EffectiveParameters
    key: str


@dataclass(frozen=True)
class DetailRequest:
    """Say what the raises are made of; answered by a PlanDetail with this key."""

    census: Census
    effective: EffectiveParameters
    key: str


@dataclass(frozen=True)
class Kpis:
    """One dictionary per simulated year; `seconds` of evaluation."""

    kpis: list[dict[str, Any]]
    seconds: float


def people_of(census: Census) -> str:
    """Return the key of a census with the market of its job titles; it begins with the content hash."""
    return f"{census.content_hash}:{market_key(census)}"


def location_of(census: Census, effective: EffectiveParameters) -> Location:
    """Return where parameters are simulated soonest: by a worker with the census and these dynamics."""
    return people_of(census), effective.digest_of(Chain.DYNAMICS)


def key_of(census: Census, effective: EffectiveParameters) -> str:
    """Return what a simulation's figures depend on: census and parameters, but no target or budget."""
    return f"{people_of(census)}:{effective.digest_of(Chain.DYNAMICS, Chain.PAY)}"


class PreviewWorker(Worker):
    """Keeps previews of the last censuses, and pay summaries of the last parameters compared with."""

    def __init__(self, settings: Settings, index: int = 0) -> None:
        self._settings = settings
        self._previews: OrderedDict[str, Preview] = OrderedDict()
        self._locations: dict[str, Location] = {}
        self._summaries: OrderedDict[tuple[str, str], Summary] = OrderedDict()

    @property
    def holds(self) -> tuple[Location, ...]:
        """The censuses, each with the dynamics simulated last."""
        return tuple(self._locations.values())

    @property
    def can_prepare(self) -> bool:
        """Whether a preview has something to prepare."""
        return any(preview.can_prepare for preview in self._previews.values())

    def prepare(self) -> None:
        """Prepare one thing, for the census used last before the others."""
        for preview in reversed(self._previews.values()):
            if preview.can_prepare:
                preview.prepare()
                return

    def answer(self, request: KpisRequest | ImpactRequest | DetailRequest) -> object:
        """Answer a request; raises what the engine raises."""
        if isinstance(request, KpisRequest):
            return self._kpis(request.census, request.effective)
        if isinstance(request, DetailRequest):
            from ui.live_preview.people import detail_of

            rows = self._preview(request.census).detail(request.effective)
            self._locations[people_of(request.census)] = location_of(request.census, request.effective)
            return detail_of(rows, request.key)
        from ui.live_preview.people import compare

        before = self._summary(request.census, request.before)
        return compare(before, self._summary(request.census, request.after, keep=False), request.key)

    def close(self) -> None:
        """Close the previews' databases."""
        for preview in self._previews.values():
            preview.close()

    def _kpis(self, census: Census, effective: EffectiveParameters) -> Kpis:
        outcome = self._preview(census).evaluate(effective)
        if outcome.dynamics_kept:
            self._locations[people_of(census)] = location_of(census, effective)
        return Kpis(outcome.kpis, outcome.seconds)

    def _summary(self, census: Census, effective: EffectiveParameters, *, keep: bool = True) -> "Summary":
        from ui.live_preview.people import summarize

        key = (people_of(census), effective.digest)
        if key not in self._summaries:
            summary = summarize(self._preview(census).pay(effective), census)
            self._locations[people_of(census)] = location_of(census, effective)
            if not keep:
                return summary
            self._summaries[key] = summary
            while len(self._summaries) > SUMMARIES_KEPT:
                self._summaries.popitem(last=False)
        self._summaries.move_to_end(key)
        return self._summaries[key]

    def _preview(self, census: Census) -> "Preview":
        from planwise.engine.preview import Preview

        key = people_of(census)
        if key not in self._previews:
            while len(self._previews) >= CENSUSES_KEPT:
                oldest, preview = self._previews.popitem(last=False)
                self._locations.pop(oldest, None)
                preview.close()
            self._previews[key] = Preview(self._settings, census)
        self._previews.move_to_end(key)
        return self._previews[key]
