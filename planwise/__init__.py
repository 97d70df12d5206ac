"""PlanWise: a compensation-planning workbench."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from planwise.api import Home, Mart, open

    __version__: str

__all__ = ["Home", "Mart", "__version__", "open"]


def __getattr__(name: str) -> Any:
    """Return a name of the Python API, which is imported when it is first used."""
    if name == "__version__":
        from importlib.metadata import version

        return version("planwise")
    if name in __all__:
        from planwise import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
