"""Live previews: what sessions request, the workers they share, the answers that are kept, and metrics."""

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from planwise.census import Census, load_census
from planwise.errors import PlanWiseError
from planwise.governance import Ledger, effective_parameters, open_ledger
from planwise.parameters import BASELINE, Chain, EffectiveParameters, Lever
from planwise.parameters.values import HORIZON
from planwise.risk.finite_differences import inward, step_widths
from planwise.settings import Settings
from planwise.workers import PoolStopped, Priority, RequestFailed, WorkerDied, WorkerPool
from ui.cache import BoundedCache
from ui.live_preview.values import Impact, PlanDetail, Previewed
from ui.live_preview.worker import (
    DetailRequest,
    ImpactRequest,
    Kpis,
    KpisRequest,
    PreviewWorker,
    key_of,
    location_of,
)

ATTEMPTS = 2  # a request whose worker died is sent once more
ANSWER_SECONDS_MAX = 300.0  # a million employees take a tenth of it
KPIS_KEPT = 2000  # some 10 kB each
IMPACTS_KEPT = 128  # some 50 kB each
THREADS = 2  # that read the ledger
LOG = logging.getLogger("planwise.ui.live_preview")
GROWTH = "growth_compound"  # yearly, since the census; the last year's is over the horizon
Parameters = EffectiveParameters | Mapping[str, object]
"""Resolved parameters, as a draft has them, or changes on top of a scenario, which are resolved here."""


class PreviewFailed(PlanWiseError):
    """A preview could not be computed: its worker died twice, failed, or the server is stopping."""


class _Superseded(Exception):
    """A newer request of the same kind was made."""


class Previews:
    """Requests of one session. `purpose` separates requests that do not replace each other.

    An older request returns None once a newer one of its kind and purpose was made or answered.
    """

    def __init__(self, service: "PreviewService") -> None:
        self._service = service
        self._requested: defaultdict[str, int] = defaultdict(int)
        self._shown: defaultdict[str, int] = defaultdict(int)
        self._pending: dict[str, set[Future[Any]]] = defaultdict(set)

    async def kpis(self, scenario: str, parameters: Parameters, *, purpose: str = "") -> Previewed | None:
        """Return the KPIs of every employee's simulation, on the scenario's census.

        Raises InputError for an invalid value, PreviewFailed when no worker answers.
        """
        started, kind = time.perf_counter(), f"kpis {purpose}"
        turn = self._turn(kind)
        census, effective = await self._service.inputs(scenario, parameters)
        if turn != self._requested[kind]:
            self._dropped(started)
            return None
        found = self._service.kpis(census, effective)
        answer = await self._answer(kind, turn, found)
        if answer is None:
            self._dropped(started)
            return None
        waited = time.perf_counter() - started
        previewed = Previewed(
            answer.kpis,
            answer.seconds,
            census.rows,
            isinstance(found, Kpis),
            waited,
            key_of(census, effective),
        )
        self._service.count(previewed, waited)
        return previewed

    async def impact(
        self,
        scenario: str,
        parameters: Parameters,
        *,
        base: EffectiveParameters | None = None,
        purpose: str = "",
    ) -> Impact | None:
        """Return what changes do to people and levels, compared with `base` over the same years.

        Without `base` the scenario itself is resolved; see `kpis` for what is raised.
        """
        started, kind = time.perf_counter(), f"impact {purpose}"
        turn = self._turn(kind)
        census, after = await self._service.inputs(scenario, parameters)
        if base is None:
            _, base = await self._service.inputs(scenario, {HORIZON: after.value(HORIZON)})
        if turn != self._requested[kind]:
            self._dropped(started)
            return None
        impact: Impact | None = await self._answer(kind, turn, self._service.impact(census, base, after))
        self._service.count(impact, time.perf_counter() - started)
        return impact

    async def detail(self, scenario: str, parameters: Parameters, *, purpose: str = "") -> PlanDetail | None:
        """Return what the raises are made of: groups, merit matrix, ranges; see `kpis` for what is raised."""
        started, kind = time.perf_counter(), f"detail {purpose}"
        turn = self._turn(kind)
        census, effective = await self._service.inputs(scenario, parameters)
        if turn != self._requested[kind]:
            self._dropped(started)
            return None
        detail: PlanDetail | None = await self._answer(kind, turn, self._service.detail(census, effective))
        self._service.count(detail, time.perf_counter() - started)
        return detail

    async def slopes(
        self, scenario: str, parameters: Parameters, *, purpose: str = ""
    ) -> dict[str, float] | None:
        """Return what each lever does to compound growth, in percentage points per step of the lever.

        A step is one percentage point of a rate, .01 of a multiplier. A lever that cannot move is left out.
        """
        kind = f"slopes {purpose}"
        turn = self._turn(kind)
        census, here = await self._service.inputs(scenario, parameters)
        points = moved_parameters(here)

        async def growth(effective: EffectiveParameters) -> float | None:
            """Return growth over the horizon; None when no employees are left. Raises _Superseded."""
            if turn != self._requested[kind]:
                raise _Superseded
            answer = await self._wait(kind, self._service.kpis(census, effective, Priority.BACKGROUND))
            if answer is None:
                raise _Superseded
            return growth_of(answer.kpis)

        names = list(points)
        found = await asyncio.gather(
            growth(here), *(growth(points[name][1]) for name in names), return_exceptions=True
        )
        if turn != self._requested[kind]:
            return None
        for value in found:
            if isinstance(value, BaseException):
                raise value
        growths = [None if isinstance(value, BaseException) else value for value in found]
        if growths[0] is None:
            return {}
        values = {name: value for name, value in zip(names, growths[1:], strict=True) if value is not None}
        return {name: (value - growths[0]) / points[name][0] for name, value in values.items()}

    def _turn(self, kind: str) -> int:
        """Begin a request; older ones that no worker has begun are cancelled."""
        self._requested[kind] += 1
        for older in list(self._pending[kind]):
            older.cancel()
        self._pending[kind].clear()
        return self._requested[kind]

    async def _answer(self, kind: str, turn: int, found: Any) -> Any:
        """Return an answer; None when it was cancelled, or a newer one was returned meanwhile."""
        answer = await self._wait(kind, found)
        if answer is None or turn < self._shown[kind]:
            return None
        self._shown[kind] = turn
        return answer

    async def _wait(self, kind: str, found: Any) -> Any:
        """Return an answer; None when it was cancelled before its simulation began."""
        if isinstance(found, Future):
            self._pending[kind].add(found)
            found.add_done_callback(self._pending[kind].discard)
        return await _result(found)

    def _dropped(self, started: float) -> None:
        self._service.count(None, time.perf_counter() - started)


def moved_parameters(here: EffectiveParameters) -> dict[str, tuple[float, EffectiveParameters]]:
    """Return the parameters with each lever one step away in every year, and the mean step.

    Steps are those of `planwise.risk.finite_differences`, towards the middle of the bounds. Levers that
    change who is promoted come first: the last ones leave a worker with the dynamics of `here`.
    """
    levers = [lever for lever in here.declared.levers.values() if not lever.locked]
    points = {}
    for lever in sorted(levers, key=lambda lever: lever.chain is not Chain.DYNAMICS):
        old = {year: here.number(lever.name, year) for year in here.years}
        new = {year: _moved(lever, value) for year, value in old.items()}
        step = sum(new[year] - old[year] for year in old) / len(old)
        if step:
            changes = {f"{lever.name}@{year}": value for year, value in new.items()}
            points[lever.name] = (step, here.with_levers(changes))
    return points


def growth_of(kpis: Sequence[Mapping[str, Any]]) -> float | None:
    """Return compound growth over the horizon; None when no employees are left."""
    value = kpis[-1][GROWTH]
    return None if value is None else float(value)


def _moved(lever: Lever, value: float) -> float:
    low, high = lever.bounds
    width = lever.recommended[1] - lever.recommended[0]
    size = width * step_widths(dynamics=lever.chain is Chain.DYNAMICS)
    return min(max(value + inward(value, low, high, size), low), high)


async def _result(found: Any) -> Any:
    """Return the answer once it is there, None when it was cancelled; raises PreviewFailed."""
    if not isinstance(found, Future):
        return found
    done = asyncio.get_running_loop().create_future()

    def settle() -> None:
        if not done.done():
            done.set_result(None)

    def wake(_: "Future[Any]") -> None:
        loop = done.get_loop()
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle)

    found.add_done_callback(wake)
    try:
        await done
    except asyncio.CancelledError:
        found.cancel()
        raise
    try:
        return None if found.cancelled() else found.result()
    except WorkerDied as error:
        raise PreviewFailed(
            f"The process that simulates live previews ended twice on this request ({error.what}).",
            remedy="Memory may be short: close other work or set PLANWISE_PREVIEW_WORKERS=1 and start the "
            "dashboard again. To get the figures meanwhile, save the scenario and run it.",
        ) from error
    except RequestFailed as error:
        raise PreviewFailed(
            f"The simulation failed: {error.what}.",
            remedy="Save the scenario and run it; the run's log has the details.",
        ) from error
    except PoolStopped as error:
        raise PreviewFailed(
            "The dashboard is stopping.", remedy="Start it again: `planwise serve`."
        ) from error


@dataclass(frozen=True)
class Metrics:
    """What the service did since it started."""

    requests: int = 0
    from_cache: int = 0
    dropped: int = 0
    failed: int = 0
    restarts: int = 0
    evaluation_seconds: float = 0.0
    waited_seconds: float = 0.0


class PreviewService:
    """Answers the live previews of all sessions; `session()` makes what one session requests with."""

    def __init__(self, settings: Settings, *, workers: int) -> None:
        self._settings = settings
        self.pool = WorkerPool(
            partial(PreviewWorker, settings),
            workers,
            name="preview worker",
            attempts=ATTEMPTS,
            timeout_seconds=ANSWER_SECONDS_MAX,
        )
        self._ledger: Ledger | None = None
        self._opening = threading.Lock()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="preview inputs")
        self._kpis: BoundedCache[Kpis] = BoundedCache(KPIS_KEPT)
        self._impacts: BoundedCache[Impact] = BoundedCache(IMPACTS_KEPT)
        self._details: BoundedCache[PlanDetail] = BoundedCache(IMPACTS_KEPT)
        self._counting = threading.Lock()
        self._metrics = Metrics()

    def session(self) -> Previews:
        """Return the live previews of one browser session."""
        return Previews(self)

    @property
    def metrics(self) -> Metrics:
        """What was requested and how long it took."""
        return replace(self._metrics, restarts=self.pool.restarts)

    def prewarm(self) -> None:
        """Prepare every worker for the baseline on the census in use, in the background."""
        self._threads.submit(self._prewarm)

    def close(self) -> None:
        """Kill the workers; requests that are not answered raise PreviewFailed."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.pool.stop()
        if self._ledger is not None:
            self._ledger.close()

    async def inputs(self, scenario: str, parameters: Parameters) -> tuple[Census, EffectiveParameters]:
        """Return a scenario's census and the effective parameters, read on a thread.

        Changes are resolved on top of the stored scenario; resolved parameters are returned unchanged.
        Raises InputError for an unknown scenario or census, or an invalid change.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._inputs, scenario, parameters)

    def kpis(
        self, census: Census, effective: EffectiveParameters, priority: Priority = Priority.URGENT
    ) -> "Future[Kpis] | Kpis":
        """Return the KPIs if they are known, else a future of them."""
        key = key_of(census, effective)
        known = self._kpis.known(key)
        if known is not None:
            return known
        future = self.pool.submit(
            KpisRequest(census, effective),
            key=("kpis", key),
            location=location_of(census, effective),
            priority=priority,
        )
        return self._remembering(future, self._kpis, key)

    def impact(
        self, census: Census, before: EffectiveParameters, after: EffectiveParameters
    ) -> "Future[Impact] | Impact":
        """Return the impact if it is known, else a future of it."""
        key = f"{key_of(census, before)}:{key_of(census, after)}"
        known = self._impacts.known(key)
        if known is not None:
            return replace(known, from_cache=True)
        future = self.pool.submit(
            ImpactRequest(census, before, after, key_of(census, after)),
            key=("impact", key),
            location=location_of(census, after),
            priority=Priority.NORMAL,
        )
        return self._remembering(future, self._impacts, key)

    def detail(self, census: Census, effective: EffectiveParameters) -> "Future[PlanDetail] | PlanDetail":
        """Return the detail if it is known, else a future of it."""
        key = key_of(census, effective)
        known = self._details.known(key)
        if known is not None:
            return replace(known, from_cache=True)
        future = self.pool.submit(
            DetailRequest(census, effective, key),
            key=("detail", key),
            location=location_of(census, effective),
            priority=Priority.NORMAL,
        )
        return self._remembering(future, self._details, key)

    def count(self, answer: Previewed | Impact | PlanDetail | None, waited_seconds: float) -> None:
        """Count an answer; None is one that was dropped for a newer request."""
        with self._counting:
            m = self._metrics
            fresh = answer is not None and not answer.from_cache
            self._metrics = replace(
                m,
                requests=m.requests + 1,
                dropped=m.dropped + (answer is None),
                from_cache=m.from_cache + (answer is not None and answer.from_cache),
                evaluation_seconds=m.evaluation_seconds + (answer.seconds if answer and fresh else 0.0),
                waited_seconds=m.waited_seconds + waited_seconds,
            )

    def _inputs(self, scenario: str, parameters: Parameters) -> tuple[Census, EffectiveParameters]:
        with self._opening:
            ledger = self._ledger = self._ledger or open_ledger(self._settings)
        found = ledger.scenarios.get(scenario)
        census = load_census(self._settings, found.census)
        if isinstance(parameters, EffectiveParameters):
            return census, parameters
        return census, effective_parameters(ledger, found, census.first_year, parameters)

    def _prewarm(self) -> None:
        started = time.monotonic()
        try:
            census, effective = self._inputs(BASELINE, {})
        except PlanWiseError as error:  # there is no census yet; the first request reports it
            LOG.info("No census to prepare live previews for: %s", error.what)
            return
        except Exception:  # the first request reports it
            LOG.exception("Live previews cannot be prepared")
            return
        self.pool.warm(KpisRequest(census, effective), location_of(census, effective))
        LOG.info("Live previews are being prepared (%.1f s)", time.monotonic() - started)

    @staticmethod
    def _remembering(future: "Future[Any]", memory: BoundedCache[Any], key: Hashable) -> "Future[Any]":
        def keep(done: "Future[Any]") -> None:
            if not done.cancelled() and done.exception() is None and done.result() is not None:
                memory.keep(key, done.result())

        future.add_done_callback(keep)
        return future


def open_previews(settings: Settings) -> PreviewService:
    """Return the live preview service; its worker processes start with the first request."""
    return PreviewService(settings, workers=settings.preview_workers)
