"""Widgets that the program sets tell their watchers, too; this says that nobody chose anything."""

from types import TracebackType


class Filling:
    """True inside `with`, also inside one within another; a watcher then looks away."""

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._depth -= 1

    def __bool__(self) -> bool:
        return self._depth > 0
