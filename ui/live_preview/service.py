"""Live preview of one server: its workers, the answers it keeps, and its metrics."""

import asyncio
import logging
import threading
import time
from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from planwise.census import Census, load_census
from planwise.errors import PlanWiseError
from planwise.governance import Ledger, effective_parameters, open_ledger
from planwise.parameters import BASELINE, EffectiveParameters
from planwise.settings import Settings
from planwise.workers import Priority, WorkerPool
from ui.cache import BoundedCache
from ui.live_preview.session import Parameters, Previews
from ui.live_preview.values import Impact, Previewed
from ui.live_preview.worker import ImpactRequest, Kpis, KpisRequest, PreviewWorker, key_of, location_of

ATTEMPTS = 2  # a request whose worker died is sent once more
ANSWER_SECONDS_MAX = 300.0  # a million employees take a tenth of it
KPIS_KEPT = 2000  # some 10 kB each
IMPACTS_KEPT = 128  # some 50 kB each
THREADS = 2  # that read the ledger
LOG = logging.getLogger("planwise.ui.live_preview")


@dataclass(frozen=True)
class Metrics:
    """What the service did since it started."""

    asked: int = 0
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

        Changes are resolved on top of the scenario as it is defined now; parameters that a draft has
        resolved are returned. Raises InputError for an unknown scenario or census, or an invalid change.
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

    def count(self, answer: Previewed | Impact | None, waited_seconds: float) -> None:
        """Count an answer; None is one that was dropped for a newer request."""
        with self._counting:
            m = self._metrics
            fresh = answer is not None and not answer.from_cache
            self._metrics = replace(
                m,
                asked=m.asked + 1,
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
            LOG.info("There is nothing to prepare live previews for: %s", error.what)
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
