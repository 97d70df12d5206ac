"""Files that a page offers or takes: CSV, Excel, files written off the event loop, a large upload."""

import base64
import binascii
import io
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, Protocol

import pandas as pd
import panel_material_ui as pmui
import param
from xlsxwriter import Workbook

from planwise.errors import InputError, PlanWiseError
from planwise.formatting import escape_formula
from ui.components.html import ASSETS, Component
from ui.session import session_here

Variant = Literal["contained", "outlined", "text"]


class FileButton(pmui.FileDownload):
    """Sends a file, after the ledger has recorded that; not if the callback has: then `is_recorded` is set.

    Panel's own button sends a file by changing a property: an unchanged file would not be sent again.
    """

    def __init__(self, *, variant: Variant = "text", is_recorded: bool = False, **params: Any) -> None:
        super().__init__(**params)
        self._is_recorded = is_recorded
        self.variant = variant  # given to the constructor, the libraries warn of each other's name for it

    def _sync_data(self, fileobj: Any) -> None:
        self.data = None
        session = session_here()
        if session is not None and not self._is_recorded:
            session.record_download(str(self.filename), fileobj.getvalue())
        super()._sync_data(fileobj)


Write = Callable[[], Awaitable[bytes]]


class Download(FileButton):
    """Gets the file from `write` when it is clicked; `on_error` is called when that fails.

    Most are written by a use-case that records them, with what they contain.
    """

    def __init__(
        self,
        write: Write,
        on_error: Callable[[PlanWiseError], None],
        *,
        label: str,
        busy: str,
        is_recorded: bool = True,
        **params: Any,
    ) -> None:
        self._write, self._report = write, on_error
        self._texts = label, busy
        super().__init__(
            callback=self._file, filename="planwise", label=label, is_recorded=is_recorded, **params
        )

    async def _file(self) -> io.BytesIO:
        return io.BytesIO(await self._write())

    async def _async_sync_data(self) -> None:
        label, busy = self._texts
        self.param.update(label=busy, disabled=True)
        try:
            self._sync_data(await self._file())
        except PlanWiseError as error:
            self._report(error)
        finally:
            self.param.update(label=label, disabled=False)


BOM = "\ufeff"  # without it Excel reads UTF-8 as the local code page


def to_csv(frame: pd.DataFrame) -> io.BytesIO:
    """Return the frame as a UTF-8 CSV file, formulas in headers and texts escaped."""
    safe = frame.map(escape_formula).rename(columns=lambda name: str(escape_formula(str(name))))
    return io.BytesIO((BOM + safe.to_csv(index=False, lineterminator="\r\n")).encode())


OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
WIDTH_MIN, WIDTH_MAX = 10, 60  # characters of a column
PADDING = 2
DAY = "yyyy-mm-dd"


def to_excel(sheets: Mapping[str, pd.DataFrame]) -> io.BytesIO:
    """Return a workbook with one sheet a table: heading and first column stay, a filter, missing is empty."""
    target = io.BytesIO()
    with Workbook(target, OPTIONS) as book:
        bold = book.add_format({"bold": True, "bottom": 1})
        day = book.add_format({"num_format": DAY})
        for name, frame in sheets.items():
            _fill(book.add_worksheet(name), frame, bold, day)
    target.seek(0)
    return target


def _fill(sheet: Any, frame: pd.DataFrame, bold: Any, day: Any) -> None:
    """Write one table, row by row: a row that is done is not kept in memory."""
    widths = []
    for column, heading in enumerate(frame.columns):
        sheet.write_string(0, column, str(heading), bold)
        widths.append(max(WIDTH_MIN, len(str(heading)) + PADDING))
    for row, values in enumerate(frame.itertuples(index=False, name=None), start=1):
        for column, value in enumerate(values):
            _write(sheet, row, column, value, day)
            if isinstance(value, str):
                widths[column] = max(widths[column], len(value) + PADDING)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, min(width, WIDTH_MAX))
    sheet.freeze_panes(1, 1)
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(widths) - 1)


def _write(sheet: Any, row: int, column: int, value: Any, day: Any) -> None:
    if value is None or value is pd.NA or value is pd.NaT or value == "":
        return
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    elif isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, pd.Timestamp):
        sheet.write_datetime(row, column, value.to_pydatetime(), day)
    elif math.isfinite(number := float(value)):
        sheet.write_number(row, column, number)


class Receiver(Protocol):
    """Takes the pieces of one file in order; raises PlanWiseError."""

    @property
    def is_complete(self) -> bool:
        """Whether every byte has arrived."""

    def add(self, piece: bytes) -> None:
        """Write the next piece."""

    def discard(self) -> None:
        """Remove what has arrived."""


class FilePicker(Component):
    """Lets a user choose or drop one file, which the browser sends piece by piece.

    `begin(name, size)` returns what takes the pieces; `done` is called with it when all have arrived.
    """

    lead = param.String(default="Choose a file, or drop it here")
    hint = param.String(default="")
    accept = param.String(default="")
    disabled = param.Boolean(default=False)
    state = param.Dict(default={}, doc="upload, received, more: what the server has of which upload")

    _esm = ASSETS / "file_picker.js"
    _sheets = ("planwise", "file_picker")

    def __init__(
        self,
        begin: Callable[[str, int], Receiver],
        done: Callable[[Any], None],
        on_error: Callable[[PlanWiseError], None],
        **params: Any,
    ) -> None:
        self._begin, self._done, self._report = begin, done, on_error
        self._receiver: Receiver | None = None
        self._upload = -1
        super().__init__(self._message, **({"sizing_mode": "stretch_width", "margin": 0} | params))

    def _message(self, message: Mapping[str, Any]) -> None:
        upload = message.get("upload")
        if not isinstance(upload, int) or self.disabled:
            return
        try:
            if isinstance(message.get("begin"), str) and isinstance(message.get("size"), int):
                self.stop()
                self._upload = upload
                self._receiver = self._begin(message["begin"], message["size"])
                self._next(0)
            elif self._receiver is not None and upload == self._upload:
                self._receive(self._receiver, message)
        except PlanWiseError as error:
            self.stop()
            self.state = {"upload": upload, "received": 0, "more": False}
            self._report(error)

    def _receive(self, receiver: Receiver, message: Mapping[str, Any]) -> None:
        if "piece" not in message:  # cancelled, or it cannot be read any more
            self.stop()
            if "failed" in message:
                what = f"The browser could not read the file: {str(message['failed'])[:200]}."
                raise InputError(what, remedy="Close it in other programs, and choose it again.")
            return
        if message.get("at") != self.state.get("received"):  # sent twice
            return
        try:
            piece = base64.b64decode(str(message["piece"]), validate=True)
        except binascii.Error as error:
            raise InputError("The upload was damaged.", remedy="Choose the file again.") from error
        receiver.add(piece)
        self._next(int(self.state["received"]) + len(piece))
        if receiver.is_complete:
            self._receiver = None
            self._done(receiver)

    def _next(self, received: int) -> None:
        assert self._receiver is not None
        more = not self._receiver.is_complete
        self.state = {"upload": self._upload, "received": received, "more": more}

    def stop(self) -> None:
        """Remove what has arrived of a file that is not complete."""
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.discard()
