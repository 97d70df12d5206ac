"""What SQLMesh does for every plan that costs more than our models and gives them nothing.

It touches private parts of the pinned version. The tests that compare a plan with a fresh project and with a
preview guard it.
"""

import time
from functools import lru_cache
from typing import Any

from sqlmesh import Context
from sqlmesh.utils import cron as sqlmesh_cron

SCHEDULE: Any = vars(sqlmesh_cron)["croniter"]  # what SQLMesh imported, before anything stands in its place


class NoQueryCache:
    """Stands where SQLMesh keeps optimised queries of snapshots in files: ours are not optimised."""

    def put(self, model: Any) -> None:
        """Keep nothing; there is no entry to name."""

    def with_optimized_query(self, model: Any, name: str | None = None) -> bool:
        """Leave the model as it is."""
        return False


class NoSnapshotCache:
    """Stands where SQLMesh keeps snapshots in compressed files: ours are read from the state as quickly."""

    def exists(self, name: str) -> bool:
        """Know of no entry."""
        return False

    def get(self, name: str) -> None:
        """Have nothing."""

    def put(self, name: str, *, value: Any) -> None:
        """Keep nothing."""

    def clear(self) -> None:
        """Have nothing to clear."""


def without_file_caches(context: Context) -> None:
    """Make a context read and write its snapshots without files beside its state."""
    state: Any = context.state_sync
    cache = state.state_sync.snapshot_state._snapshot_cache
    cache._optimized_query_cache = NoQueryCache()
    cache._snapshot_cache = NoSnapshotCache()


class RememberedCron:
    """Stands where SQLMesh computes the next tick of a schedule, hundreds of times a plan, from few dates."""

    def __init__(self, cron: str, start: Any = None) -> None:
        self._cron, self._start = cron, start

    def get_next(self) -> float:
        """Return the first tick after the start, in seconds since 1970."""
        return _tick(self._cron, self._start or time.time(), 1)

    def get_prev(self) -> float:
        """Return the last tick before the start, in seconds since 1970."""
        return _tick(self._cron, self._start or time.time(), -1)


@lru_cache(maxsize=4096)
def _tick(cron: str, start: Any, direction: int) -> float:
    found = SCHEDULE(cron, start)
    return float(found.get_next() if direction > 0 else found.get_prev())


def remember_schedules() -> None:
    """Make SQLMesh remember what it computed of a schedule; a tick depends on nothing else."""
    module: Any = sqlmesh_cron
    module.croniter = RememberedCron
