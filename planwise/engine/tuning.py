"""Two things SQLMesh does for every plan that cost more than our models and give them nothing.

Both touch private parts of the pinned version. The tests that compare a plan with a fresh project and with a
preview guard them.
"""

from typing import Any

from sqlglot import exp
from sqlmesh import Context
from sqlmesh.core.renderer import BaseExpressionRenderer

EXPANDED = "planwise_expanded"


class NoQueryCache:
    """Stands where SQLMesh keeps optimised queries of snapshots in files: ours are not optimised."""

    def put(self, model: Any) -> None:
        """Keep nothing; there is no entry to name."""

    def with_optimized_query(self, model: Any, name: str | None = None) -> bool:
        """Leave the model as it is."""
        return False


def without_query_cache(context: Context) -> None:
    """Make a context read and write its snapshots without the cache of optimised queries."""
    state: Any = context.state_sync
    state.state_sync.snapshot_state._snapshot_cache._optimized_query_cache = NoQueryCache()


def mark_expanded(query: exp.Query) -> exp.Query:
    """Say of a query that no macro is left in it, so that rendering it looks for none."""
    query.meta[EXPANDED] = True
    return query


def render_expanded_as_they_are() -> None:
    """Make SQLMesh take marked queries as they are, instead of walking them in search of macros."""
    renderer: Any = BaseExpressionRenderer
    original = renderer._render
    if getattr(original, EXPANDED, False):
        return

    def render(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._expression.meta.get(EXPANDED):
            return [self._expression]
        return original(self, *args, **kwargs)

    setattr(render, EXPANDED, True)
    renderer._render = render
