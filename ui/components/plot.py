"""A Plotly chart that takes its colours from the page by CSS and its library from this server.

Panel's own pane loads Plotly.js before the page shows anything, and panel-material-ui writes its theme over
each figure's margins and legend; here a figure is drawn as it is declared.
"""

from pathlib import Path
from typing import Any

import param
import plotly
from panel.custom import JSComponent

from ui.components.charts import TEMPLATE

ASSETS = Path(__file__).parent.parent / "assets"
LIBRARY = {"plotly": str(Path(plotly.__file__).parent / "package_data")}  # served as a static folder


class Plot(JSComponent):
    """Shows `figure`, a dictionary of Plotly's `data` and `layout`; `description` is what a reader hears.

    Marks that have `customdata` can be chosen where `layout.dragmode` is `select` or `lasso`: `selected` has
    the values of those within what was drawn, None while nothing is. Written from here, it marks them.
    """

    figure = param.Dict(default={"data": [], "layout": {}})
    template = param.Dict(default=TEMPLATE)
    description = param.String(default="")
    selected = param.List(default=None, allow_None=True)

    _esm = ASSETS / "plot.js"

    def __init__(self, **params: Any) -> None:
        style = (ASSETS / "plot.css").read_text(encoding="utf-8")
        super().__init__(stylesheets=[style], **params)
