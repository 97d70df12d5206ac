"""Which software gave a result, for whoever wants to have it again."""

import platform
from importlib.metadata import version

PACKAGES = ("planwise", "sqlmesh", "duckdb", "optuna", "scipy", "numpy")


def versions() -> dict[str, str]:
    """Return the versions of what figures depend on, Python's first."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
