"""A table of many rows, a page at a time: sorted by a heading, rows chosen by checkbox, one opened by name.

Only the rows of the page that is shown go to the browser.
"""

from collections.abc import Callable, Hashable, Sequence
from math import ceil
from typing import Any

import pandas as pd
import param

from planwise.formatting import with_unit
from ui.components.html import ASSETS, Component, TableColumn
from ui.components.page import UpdateGuard

ROWS = 12  # of a page


class PagedRows(Component):
    """What the browser shows; `PagedTable` fills it. Keys of rows are texts."""

    caption = param.String(default="")
    head = param.List(default=[], doc="name, heading, is_text, whole of each column")
    rows = param.List(default=[], doc="key, cells, tone, chosen, mark of each row")
    sort = param.List(default=["", False], doc="name of a column, and whether from the highest")
    page = param.Integer(default=0)
    pages = param.Integer(default=1)
    total = param.String(default="")
    choosable = param.Boolean(default=False)
    opens = param.String(default="", doc="what a button on the first cell does; none when empty")
    opened = param.String(default="", doc="key of the row that is open")

    _esm = ASSETS / "paged.js"
    _sheets = ("planwise", "paged")


class PagedTable:
    """Shows a frame by pages.

    `key` is the column that names a row; `chosen` are the keys with a tick, `opened` the one that was opened.
    The callbacks are called after a user changed either.
    """

    def __init__(
        self,
        columns: Sequence[TableColumn],
        *,
        key: str,
        caption: str,
        noun: str,
        plural: str = "",
        rows: int = ROWS,
        opens: str = "",
        on_open: Callable[[Any], None] | None = None,
        on_choose: Callable[[tuple[Any, ...]], None] | None = None,
    ) -> None:
        self._columns, self._key, self._size = columns, key, rows
        self._nouns = noun, plural or f"{noun}s"
        self._frame = pd.DataFrame(columns=[c.name for c in columns])
        self._tones: dict[Any, str] = {}
        self._marks: dict[Any, str] = {}
        self._on_open, self._on_choose = on_open, on_choose
        self._filling = UpdateGuard()
        self.chosen: tuple[Any, ...] = ()
        self.opened: Any = None
        self.layout = PagedRows(
            self._ticked,
            caption=caption,
            choosable=on_choose is not None,
            opens=opens,
            sizing_mode="stretch_width",
            margin=0,
        )
        self.layout.param.watch(self._turned, ["page", "sort"])
        self.layout.param.watch(self._was_opened, "opened")

    def show(
        self,
        frame: pd.DataFrame,
        *,
        columns: Sequence[TableColumn] | None = None,
        tones: dict[Any, str] | None = None,
        marks: dict[Any, str] | None = None,
    ) -> None:
        """Show other rows, on the page shown before; `tones` colour rows, `marks` put a word beside keys."""
        self._columns = columns or self._columns
        self._frame, self._tones, self._marks = frame, tones or {}, marks or {}
        self.chosen = tuple(key for key in self.chosen if key in set(frame[self._key]))
        self._fill()

    def choose(self, keys: Sequence[Hashable]) -> None:
        """Tick these rows and no others, without calling the callback."""
        self.chosen = tuple(keys)
        self._fill()

    def open(self, key: Any) -> None:
        """Mark a row as open, without calling the callback."""
        self.opened = key
        with self._filling:
            self.layout.opened = "" if key is None else str(key)

    def _fill(self) -> None:
        frame = self._sorted()
        pages = max(ceil(len(frame) / self._size), 1)
        page = min(self.layout.page, pages - 1)
        rows = [
            self._row(row)
            for row in frame.iloc[page * self._size : (page + 1) * self._size].to_dict("records")
        ]
        chosen = f"; {len(self.chosen):,} chosen" if self.chosen else ""
        with self._filling:
            self.layout.param.update(
                head=[
                    {"name": c.name, "heading": with_unit(c.heading), "is_text": c.is_text, "whole": c.whole}
                    for c in self._columns
                ],
                rows=rows,
                page=page,
                pages=pages,
                total=f"{len(frame):,} {self._nouns[len(frame) != 1]}{chosen}",
            )

    def _sorted(self) -> pd.DataFrame:
        name, descending = self.layout.sort
        if name not in self._frame:
            return self._frame
        return self._frame.sort_values(name, ascending=not descending, kind="stable", na_position="last")

    def _row(self, record: dict[Any, Any]) -> dict[str, Any]:
        key = record[self._key]
        return {
            "key": str(key),
            "cells": [column.write(record[column.name]) for column in self._columns],
            "tone": self._tones.get(key, ""),
            "mark": self._marks.get(key, ""),
            "chosen": key in self.chosen,
        }

    def _turned(self, *_: Any) -> None:
        if not self._filling:
            self._fill()

    def _was_opened(self, event: Any) -> None:
        if self._filling:
            return
        self.opened = self._known(event.new)
        if self._on_open is not None:
            self._on_open(self.opened)

    def _ticked(self, message: Any) -> None:
        """Tick or untick a row, or all of the page."""
        if not isinstance(message.get("keys"), list):
            return
        keys = [key for text in message["keys"] if (key := self._known(text)) is not None]
        others = [key for key in self.chosen if key not in keys]
        self.chosen = tuple([*others, *keys] if message.get("chosen") else others)
        self._fill()
        if self._on_choose is not None:
            self._on_choose(self.chosen)

    def _known(self, text: str) -> Any:
        """Return the key that a browser names, None when no row has it."""
        return next((key for key in self._frame[self._key] if str(key) == text), None)
