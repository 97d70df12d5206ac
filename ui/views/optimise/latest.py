"""Work that takes a moment, of which only the latest counts."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import panel as pn

Current = Callable[[], bool]


class Latest:
    """Runs `work` a moment after the last time it was asked for.

    `work` is given what says whether it is still the latest; after each wait it should look.
    """

    def __init__(self, work: Callable[[Current], Awaitable[None]], wait_seconds: float = 0.0) -> None:
        self._work, self._wait_seconds, self._turn = work, wait_seconds, 0

    def ask(self) -> None:
        """Ask for the work; what was asked for before and is under way is not the latest any more."""
        self._turn += 1
        pn.state.execute(partial(self._run, self._turn))

    async def _run(self, turn: int) -> None:
        if self._wait_seconds:
            await asyncio.sleep(self._wait_seconds)
        if turn == self._turn:
            await self._work(lambda: turn == self._turn)
