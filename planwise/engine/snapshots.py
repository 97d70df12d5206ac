"""Leave out SQLMesh's file cache of optimised queries.

Our queries are not optimised at load, and reading that cache costs more than all else an unchanged plan does.
"""

from typing import Any

from sqlmesh import Context


class NoQueryCache:
    """Stands where SQLMesh keeps optimised queries of snapshots; keeps none."""

    def put(self, model: Any) -> None:
        """Keep nothing; there is no entry to name."""

    def with_optimized_query(self, model: Any, name: str | None = None) -> bool:
        """Leave the model as it is."""
        return False


def without_query_cache(context: Context) -> None:
    """Make a context read and write its snapshots without the cache."""
    state: Any = context.state_sync
    cache = state.state_sync.snapshot_state._snapshot_cache
    cache._optimized_query_cache = NoQueryCache()
