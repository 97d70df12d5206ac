"""What one browser session asks with: its newest question of a kind is the one that counts."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from planwise.parameters import EffectiveParameters
from planwise.parameters.horizon import HORIZON
from ui.previewing.jobs import Priority
from ui.previewing.messages import Kpis, key_of
from ui.previewing.slopes import growth_of, lever_slopes, moved_parameters
from ui.values.previewed import Impact, Previewed

if TYPE_CHECKING:
    from ui.previewing.service import PreviewService

Changes = Mapping[str, object]


class _Dropped(Exception):
    """A newer question was asked."""


class Previews:
    """Asks for one session. `purpose` tells kinds of questions apart that do not replace each other.

    An older question returns None once a newer one of its kind and purpose was asked or answered.
    """

    def __init__(self, service: "PreviewService") -> None:
        self._service = service
        self._asked: defaultdict[str, int] = defaultdict(int)
        self._shown: defaultdict[str, int] = defaultdict(int)
        self._pending: dict[str, set[Future[Any]]] = defaultdict(set)

    async def kpis(self, scenario: str, changes: Changes, *, purpose: str = "") -> Previewed | None:
        """Return the KPIs of every employee's simulation of a scenario with changes on top.

        Raises InputError for a value that cannot be, PreviewFailed when no worker answers.
        """
        started, kind = time.perf_counter(), f"kpis {purpose}"
        turn = self._turn(kind)
        census, effective = await self._service.resolve(scenario, changes)
        if turn != self._asked[kind]:
            self._dropped(started)
            return None
        asked = self._service.ask_kpis(census, effective)
        answer = await self._answer(kind, turn, asked)
        if answer is None:
            self._dropped(started)
            return None
        waited = time.perf_counter() - started
        known = isinstance(asked, Kpis)
        previewed = Previewed(
            answer.kpis, answer.seconds, census.rows, known, waited, key_of(census, effective)
        )
        self._service.count(previewed, waited)
        return previewed

    async def impact(self, scenario: str, changes: Changes, *, purpose: str = "") -> Impact | None:
        """Return what changes do to people and levels, against the scenario without them; see `kpis`."""
        started, kind = time.perf_counter(), f"impact {purpose}"
        turn = self._turn(kind)
        census, after = await self._service.resolve(scenario, changes)
        same_years = {key: value for key, value in changes.items() if key == HORIZON}
        _, before = await self._service.resolve(scenario, same_years)
        if turn != self._asked[kind]:
            self._dropped(started)
            return None
        impact: Impact | None = await self._answer(
            kind, turn, self._service.ask_impact(census, before, after)
        )
        self._service.count(impact, time.perf_counter() - started)
        return impact

    async def slopes(self, scenario: str, changes: Changes, *, purpose: str = "") -> dict[str, float] | None:
        """Return what each lever does to compound growth, in percentage points per step of the lever.

        A step is one percentage point of a rate, .01 of a multiplier. A lever that cannot move is left out.
        """
        kind = f"slopes {purpose}"
        turn = self._turn(kind)
        census, here = await self._service.resolve(scenario, changes)
        points = moved_parameters(here)

        async def growth(effective: EffectiveParameters) -> float | None:
            """Return growth over the horizon; None when nobody is left. Raises _Dropped."""
            if turn != self._asked[kind]:
                raise _Dropped
            answer = await self._wait(kind, self._service.ask_kpis(census, effective, Priority.BACKGROUND))
            if answer is None:
                raise _Dropped
            return growth_of(answer.kpis)

        names = list(points)
        found = await asyncio.gather(
            growth(here), *(growth(points[name][1]) for name in names), return_exceptions=True
        )
        if turn != self._asked[kind]:
            return None
        for value in found:
            if isinstance(value, BaseException):
                raise value
        growths = [None if isinstance(value, BaseException) else value for value in found]
        if growths[0] is None:
            return {}
        values = {name: value for name, value in zip(names, growths[1:], strict=True) if value is not None}
        return lever_slopes(growths[0], values, {name: points[name][0] for name in values})

    def _turn(self, kind: str) -> int:
        """Begin a question: what was asked before and has not started is not wanted any more."""
        self._asked[kind] += 1
        for older in list(self._pending[kind]):
            older.cancel()
        self._pending[kind].clear()
        return self._asked[kind]

    async def _answer(self, kind: str, turn: int, asked: Any) -> Any:
        """Return an answer, None when it was dropped or a newer one was returned meanwhile."""
        answer = await self._wait(kind, asked)
        if answer is None or turn < self._shown[kind]:
            return None
        self._shown[kind] = turn
        return answer

    async def _wait(self, kind: str, asked: Any) -> Any:
        """Return an answer, None when it was dropped before its simulation began."""
        if isinstance(asked, Future):
            self._pending[kind].add(asked)
            asked.add_done_callback(self._pending[kind].discard)
        return await _result(asked)

    def _dropped(self, started: float) -> None:
        self._service.count(None, time.perf_counter() - started)


async def _result(asked: Any) -> Any:
    """Return what was asked for once it is there, None when it was dropped."""
    if not isinstance(asked, Future):
        return asked
    done = asyncio.get_running_loop().create_future()

    def settle() -> None:
        if not done.done():
            done.set_result(None)

    def tell(_: "Future[Any]") -> None:
        loop = done.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle)

    asked.add_done_callback(tell)
    try:
        await done
    except asyncio.CancelledError:
        asked.cancel()
        raise
    return None if asked.cancelled() else asked.result()
