"""Open the SQLMesh project: one context on one database, with one scenario's variables."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlmesh import Context

from planwise.engine.config import sqlmesh_config
from planwise.engine.context import PlanContext
from planwise.engine.tuning import remember_schedules, without_file_caches
from planwise.settings import Settings

MEMORY = ":memory:"


def open_project(settings: Settings, variables: Mapping[str, Any], database: Path | str = MEMORY) -> Context:
    """Return a context with every model loaded; it owns a connection and must be closed."""
    config = sqlmesh_config(
        database, variables, cache_dir=settings.root / "cache" / "sqlmesh", threads=settings.threads
    )
    remember_schedules()
    context = PlanContext(paths=[settings.project], config=config, load=False)
    context.load(update_schemas=False)
    without_file_caches(context)
    return context
