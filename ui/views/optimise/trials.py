"""The iteration table with its filters: which trials, with their levers or not, only those chosen."""

from collections.abc import Callable
from typing import Any

import panel_material_ui as pmui

from ui.components import html
from ui.components.card import FRAME
from ui.components.file_button import FileButton
from ui.components.page import heading_row
from ui.components.paged import PagedTable
from ui.exports.csv import to_csv
from ui.values.searches import Search
from ui.views.optimise import trial_rows

SMALL: dict[str, Any] = {"size": "small", "margin": 0}
ANSWER, SO_FAR = "Open the answer", "Open the best so far"


class Trials:
    """Every trial of the study that is shown; ticks are shared with the charts."""

    def __init__(
        self, *, on_open: Callable[[Any], None], on_choose: Callable[[tuple[int, ...]], None]
    ) -> None:
        self._search: Search | None = None
        self._on_open, self._on_choose = on_open, on_choose
        self._best = pmui.Button(label=ANSWER, icon="flag", variant="text", visible=False, **SMALL)
        self._best.on_click(lambda _: self._open_best())
        self._which = pmui.Select(label="Show", options=trial_rows.SHOWS, value="all", width=190, **SMALL)
        self._levers = pmui.Switch(label="Levers", value=False, margin=0)
        self._only = pmui.Switch(label="Only the chosen", value=False, margin=0, visible=False)
        self._none = pmui.Button(label="Choose none", variant="text", visible=False, **SMALL)
        self._none.on_click(lambda _: self._took(()))
        for widget in (self._which, self._levers, self._only):
            widget.param.watch(lambda _: self._fill(), "value")
        self._heading = html.pane("", min_width=0)
        self._csv = FileButton(
            callback=self._file,
            filename="trials.csv",
            label="CSV",
            description="Download the trials shown as CSV",
            variant="text",
            **SMALL,
        )
        self.table = PagedTable(
            (),
            key="trial",
            caption="Trials of the study",
            noun="trial",
            opens="Open trial",
            on_open=on_open,
            on_choose=self._took,
        )
        self.layout = pmui.Paper(
            heading_row(
                self._heading,
                self._best,
                self._only,
                self._none,
                self._levers,
                self._which,
                self._csv,
            ),
            self.table.layout,
            **FRAME,
        )

    def show(self, search: Search, another: bool) -> None:
        """Show a study's trials; ticks stay unless it is another study."""
        self._search = search
        if another:
            self.table.chosen = ()
            self.table.open(None)
            self.table.layout.param.update(page=0, sort=["", False])
            self._levers.value = len(search.levers) <= 4
        self._heading.object = html.card_heading(
            "Trials",
            "One row a trial; open one to make a scenario of it, tick some to see them in the charts",
        )
        self._csv.filename = f"trials_{search.name}.csv"
        self._best.param.update(
            visible=search.best is not None, label=SO_FAR if search.outcome is None else ANSWER
        )
        self._fill()

    def choose(self, numbers: tuple[int, ...]) -> None:
        """Tick these trials, as a chart has chosen them."""
        self.table.chosen = numbers
        if numbers:
            self._only.value = True
        self._fill()

    def _open_best(self) -> None:
        """Open the answer, on whichever page of the table it is."""
        number = None if self._search is None else self._search.best
        if number is not None:
            self.table.open(number)
            self._on_open(number)

    def _took(self, numbers: tuple[Any, ...]) -> None:
        self.table.chosen = tuple(int(number) for number in numbers)
        self._fill()
        self._on_choose(self.table.chosen)

    def _fill(self) -> None:
        search = self._search
        if search is None:
            return
        chosen = self.table.chosen
        some = bool(chosen)
        self._only.visible = self._none.visible = some
        if not some and self._only.value:
            self._only.value = False
        frame = trial_rows.rows(search, self._which.value, chosen, only_chosen=self._only.value)
        kept = tuple(number for number in chosen if number in set(search.trials["trial"]))
        self.table.show(
            frame,
            columns=trial_rows.columns(search, levers=self._levers.value),
            tones=trial_rows.tones(search),
            marks=trial_rows.marks(search),
        )
        self.table.chosen = kept

    def _file(self) -> Any:
        assert self._search is not None
        return to_csv(
            trial_rows.rows(self._search, self._which.value, self.table.chosen, only_chosen=self._only.value)
        )
