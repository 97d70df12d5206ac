"""Live simulation of one server: its workers, what it has answered already, and how it fares."""

import asyncio
import logging
import threading
import time
from collections.abc import Hashable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from planwise.census import Census
from planwise.errors import PlanWiseError
from planwise.governance.scenario import BASELINE
from planwise.parameters import EffectiveParameters
from planwise.settings import Settings
from ui.cache import BoundedCache
from ui.previewing.jobs import Priority
from ui.previewing.messages import AskImpact, AskKpis, Kpis, Parameters, Warm, key_of, place_of
from ui.previewing.pool import Pool
from ui.previewing.previews import Previews
from ui.previewing.resolving import LedgerResolver, Resolve
from ui.values.previewed import Impact, Previewed

KPIS_KEPT = 2000  # some 10 kB each
IMPACTS_KEPT = 128  # some 50 kB each
THREADS = 2  # that read the ledger
LOG = logging.getLogger("planwise.ui.previewing")


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
    """Answers what-ifs of all sessions; `session()` makes what one session asks with."""

    def __init__(self, settings: Settings, *, workers: int, resolve: Resolve | None = None) -> None:
        self._resolver = None if resolve else LedgerResolver(settings)
        self._resolve: Resolve = resolve or self._resolver  # type: ignore[assignment]
        self.pool = Pool(settings, workers)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="resolve")
        self._kpis: BoundedCache[Kpis] = BoundedCache(KPIS_KEPT)
        self._impacts: BoundedCache[Impact] = BoundedCache(IMPACTS_KEPT)
        self._counting = threading.Lock()
        self._metrics = Metrics()

    def session(self) -> Previews:
        """Return what one browser session asks with; its newer questions replace its older ones."""
        return Previews(self)

    @property
    def metrics(self) -> Metrics:
        """What was asked and how long it took."""
        return replace(self._metrics, restarts=self.pool.restarts)

    def prewarm(self) -> None:
        """Make every worker ready for the baseline on the census in use, in the background."""
        self._threads.submit(self._prewarm)

    def close(self) -> None:
        """End the workers; whoever waits is told."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.pool.close()
        if self._resolver is not None:
            self._resolver.close()

    async def resolve(
        self, scenario: str, changes: Mapping[str, object]
    ) -> tuple[Census, EffectiveParameters]:
        """Return what is simulated, read on a thread; raises InputError."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._resolve, scenario, dict(changes))

    def ask_kpis(
        self, census: Census, effective: EffectiveParameters, priority: Priority = Priority.KPIS
    ) -> "Future[Kpis] | Kpis":
        """Return the KPIs if they are known, else what will have them."""
        key = key_of(census, effective)
        known = self._kpis.known(key)
        if known is not None:
            return known
        ask = AskKpis(census, Parameters.of(effective))
        future = self.pool.submit(
            ask, key=("kpis", key), place=place_of(census, effective), priority=priority
        )
        return self._remembering(future, self._kpis, key)

    def ask_impact(
        self, census: Census, before: EffectiveParameters, after: EffectiveParameters
    ) -> "Future[Impact] | Impact":
        """Return the impact if it is known, else what will have it."""
        key = f"{key_of(census, before)}:{key_of(census, after)}"
        known = self._impacts.known(key)
        if known is not None:
            return replace(known, from_cache=True)
        ask = AskImpact(census, Parameters.of(before), Parameters.of(after), key_of(census, after))
        future = self.pool.submit(
            ask, key=("impact", key), place=place_of(census, after), priority=Priority.IMPACT
        )
        return self._remembering(future, self._impacts, key)

    def count(self, answer: Previewed | Impact | None, waited_seconds: float) -> None:
        """Count an answer; None is one that nobody wanted any more."""
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

    def _prewarm(self) -> None:
        started = time.monotonic()
        try:
            census, effective = self._resolve(BASELINE, {})
        except PlanWiseError as error:  # nothing to be ready for yet; the first question says it to its asker
            LOG.info("Nothing to prepare previews for: %s", error.what)
            return
        except Exception:  # nobody waits for this; what is wrong shows with the first question
            LOG.exception("Previews cannot be prepared")
            return
        self.pool.warm(Warm(census, Parameters.of(effective)), place_of(census, effective))
        LOG.info("Previews are being prepared (%.1f s)", time.monotonic() - started)

    @staticmethod
    def _remembering(future: "Future[Any]", memory: BoundedCache[Any], key: Hashable) -> "Future[Any]":
        def keep(done: "Future[Any]") -> None:
            if not done.cancelled() and done.exception() is None and done.result() is not None:
                memory.keep(key, done.result())

        future.add_done_callback(keep)
        return future


def open_previews(settings: Settings) -> PreviewService:
    """Return live simulation as the settings want it; its processes start with the first question."""
    return PreviewService(settings, workers=settings.preview_workers)
