"""A download that is written off the event loop: the button says so, and an error is told, not swallowed."""

import io
from collections.abc import Awaitable, Callable
from typing import Any

from planwise.errors import PlanWiseError
from ui.components.file_button import FileButton

Write = Callable[[], Awaitable[bytes]]


class Download(FileButton):
    """Asks `write` for the file when it is clicked; `on_error` is told why there is none."""

    def __init__(
        self, write: Write, on_error: Callable[[PlanWiseError], None], *, label: str, busy: str, **params: Any
    ) -> None:
        self._write, self._tell = write, on_error
        self._texts = label, busy
        super().__init__(callback=self._file, filename="planwise", label=label, **params)

    async def _file(self) -> io.BytesIO:
        return io.BytesIO(await self._write())

    async def _async_sync_data(self) -> None:
        label, busy = self._texts
        self.param.update(label=busy, disabled=True)
        try:
            self._sync_data(await self._file())
        except PlanWiseError as error:
            self._tell(error)
        finally:
            self.param.update(label=label, disabled=False)
