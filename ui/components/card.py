"""A card: a chart with the table behind it and its download, in a frame with a heading."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import panel_material_ui as pmui
import param
import plotly

from ui.components import html
from ui.components.charts import TEMPLATE, Figure
from ui.components.downloads import FileButton, to_csv

LIBRARY = {"plotly": str(Path(plotly.__file__).parent / "package_data")}  # served as a static folder


class Plot(html.Component):
    """Shows `figure`, a dictionary of Plotly's `data` and `layout`; `description` is what a reader hears.

    Marks that have `customdata` can be chosen where `layout.dragmode` is `select` or `lasso`: `selected` has
    the values of those within what was drawn, None while nothing is. Written from here, it marks them.
    """

    figure = param.Dict(default={"data": [], "layout": {}})
    template = param.Dict(default=TEMPLATE)
    description = param.String(default="")
    selected = param.List(default=None, allow_None=True)

    _esm = html.ASSETS / "plot.js"
    _sheets = ("plot",)


FRAME: dict[str, Any] = {
    "elevation": 0,
    "variant": "outlined",
    "sizing_mode": "stretch_width",
    "margin": 0,
    "sx": {"p": "14px 16px 12px", "borderRadius": "8px", "height": "100%"},
    "stylesheets": [".paper { height: 100%; }"],
}
CHART, TABLE = "Chart", "Table"
HEIGHT = 320
SMALL: dict[str, Any] = {"variant": "text", "size": "small", "margin": 0}


@dataclass(frozen=True)
class Content:
    """What a card shows; the download is the frame, the table the frame with formatted values.

    `table` is HTML to be shown in the table's place, where rows and columns are other than the frame's.
    """

    title: str
    subtitle: str
    frame: pd.DataFrame
    columns: Sequence[html.TableColumn]
    file_name: str
    figure: Figure | None = None
    chosen: Any = None
    lead: str = ""
    table: str = ""


class Card:
    """A card whose content can be replaced while it stays where it is on the page."""

    def __init__(
        self, *, name: str, with_chart: bool = True, height: int = HEIGHT, control: Any = None
    ) -> None:
        self._content: Content | None = None
        self._heading = html.pane(html.card_heading(name.capitalize(), "Reading …"), min_width=0)
        self._lead = html.pane("")  # empty rather than hidden: to show it before it is drawn is an error
        self._table = html.pane("", visible=not with_chart, styles={"--table-height": f"{height}px"})
        self._chart = Plot(sizing_mode="stretch_width", visible=with_chart, margin=0)
        self._download = FileButton(
            callback=self._file,
            filename="planwise.csv",
            label="CSV",
            description=f"Download the table of {name} as CSV",
            disabled=True,  # until there is a table
            **SMALL,
        )
        self._switch = pmui.Button(label=TABLE, description=f"Show {name} as a table or a chart", **SMALL)
        self._switch.on_click(self._turn)
        header = pmui.Row(
            self._heading,
            *([self._switch] if with_chart else []),
            self._download,
            sizing_mode="stretch_width",
            margin=(0, 0, 6, 0),
        )
        self.layout = pmui.Paper(
            header,
            *([] if control is None else [control]),
            self._lead,
            *([self._chart] if with_chart else []),
            self._table,
            **FRAME,
        )

    @property
    def plot(self) -> Plot:
        """The chart, for what people choose on it."""
        return self._chart

    def show(self, content: Content) -> None:
        """Show new content."""
        self._content = content
        self._heading.object = html.card_heading(content.title, content.subtitle)
        self._lead.object = content.lead
        caption = f"{content.title}. {content.subtitle}"
        self._fill_table()
        if content.figure is not None:
            self._chart.param.update(figure=content.figure, description=caption)
        self._download.param.update(filename=content.file_name, disabled=False)

    def _fill_table(self) -> None:
        """Write the table unless it is hidden."""
        if self._content is not None and self._table.visible:
            caption = f"{self._content.title}. {self._content.subtitle}"
            self._table.object = self._content.table or html.table(
                self._content.frame, self._content.columns, caption, self._content.chosen
            )

    def _turn(self, *_: Any) -> None:
        as_table = self._chart.visible
        self._chart.visible, self._table.visible = not as_table, as_table
        self._switch.label = CHART if as_table else TABLE
        self._fill_table()

    def _file(self) -> Any:
        assert self._content is not None
        return to_csv(self._content.frame)
