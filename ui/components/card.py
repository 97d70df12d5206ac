"""A card: a chart with the table behind it and its download, in a frame; those that several pages have."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import panel_material_ui as pmui
import param
import plotly

from planwise.formatting import count, exact_percent, percent, points, shortened
from ui.components import html
from ui.components.charts import TEMPLATE, Figure, waterfall
from ui.components.downloads import FileButton, to_csv
from ui.components.html import TableColumn, Tone
from ui.values.results import Result, parts_of_growth

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


ZERO_WIDTH_SPACE = "\u200b"
LONG_NUMBER = re.compile(r"\d+\.\d{5,}")
GATE_TONES: Mapping[str, Tone] = {"passed": "good", "passed with warnings": "warn", "failed": "bad"}
OF_ALL_PEOPLE = frozenset(
    {"fct_scenario_kpis", "fct_compensation_growth", "fct_budget", "pay_drift", "import"}
)
NOT_SHOWN = "not shown"
GATE_COLUMNS = (
    TableColumn("expectation", "Expectation", lambda v: breakable(v), is_text=True),
    TableColumn("outcome", "Outcome", is_text=True),
    TableColumn("where", "Table and column", lambda v: breakable(v), is_text=True),
    TableColumn("observed", "Observed", shortened, is_text=True),
    TableColumn("threshold", "Allowed", shortened, is_text=True),
    TableColumn("offending rows", "Rows outside", count),
    TableColumn("sample", "Examples", lambda v: shortened(_rounded(v)), is_text=True),
)


def bridge_frame(result: Result) -> pd.DataFrame:
    """Return the parts of growth of mean pay, a row a year."""
    parts = parts_of_growth(result.kpis)
    frame = result.kpis[["simulation_year", *parts, "growth_all"]].reset_index(drop=True)
    return frame.assign(scenario=result.scenario)


def bridge_columns(result: Result) -> tuple[TableColumn, ...]:
    """Return the columns of `bridge_frame` as a table shows them."""
    return (
        TableColumn("simulation_year", "Year"),
        *(TableColumn(name, f"{text}, pp", points) for name, text in parts_of_growth(result.kpis).items()),
        TableColumn("growth_all", "Growth", lambda v: percent(v, 2)),
    )


def growth_bridge(result: Result, year: int, *, scope: str = "") -> Content:
    """Return the parts that growth of mean pay has in one year; they sum to it exactly."""
    kpi = result.kpi(year)
    steps = [(text, float(kpi[name])) for name, text in parts_of_growth(result.kpis).items()]
    target = result.target
    figure = waterfall(
        steps,
        "Growth",
        [*(points(value) for _, value in steps), percent(kpi["growth_all"], 2)],
        target=None if target is None else (f"Target {exact_percent(target)}", target),
    )
    return Content(
        f"Growth bridge {year}",
        f"What moved mean base pay, percentage points · {scope}{result.label or result.scenario}",
        bridge_frame(result),
        bridge_columns(result),
        f"growth_bridge_{result.scenario}.csv",
        figure,
        year,
    )


def quality_gate(
    rows: Sequence[Mapping[str, Any]], scenario: str, consequence: str, *, individual_pay: bool
) -> Content:
    """Return the expectations of a gate, failures first, as `GateResult.as_table` gives them.

    Values and examples of single people and small groups are left out without the right to `individual_pay`.
    """
    frame = pd.DataFrame([dict(row) for row in rows])
    if not individual_pay:
        frame.loc[~frame["table"].isin(OF_ALL_PEOPLE), ["observed", "sample"]] = NOT_SHOWN
    frame["outcome"] = [_outcome(row) for row in rows]
    frame["where"] = [".".join(filter(None, (row["table"], row["column"]))) for row in rows]
    status = gate_status(rows)
    return Content(
        "Quality gate",
        f"{frame['success'].sum()} of {len(frame)} expectations hold; {consequence} · {scenario}",
        frame,
        GATE_COLUMNS,
        f"gate_{scenario}.csv",
        lead=html.chip(status.capitalize(), GATE_TONES[status]),
    )


def gate_status(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the status of a gate from its rows."""
    failed = {row["severity"] for row in rows if not row["success"]}
    return "failed" if "critical" in failed else "passed with warnings" if "warning" in failed else "passed"


def _outcome(row: Mapping[str, Any]) -> str:
    if row["success"]:
        return "✓ passed"
    return {"critical": "✕ failed, blocks", "warning": "! warning"}.get(str(row["severity"]), "noted")


def breakable(name: str) -> str:
    """Return a name that may break after a dot or an underscore."""
    return re.sub(r"([._])", f"\\1{ZERO_WIDTH_SPACE}", name)


def _rounded(text: str) -> str:
    return LONG_NUMBER.sub(lambda found: f"{float(found[0]):.4g}", text)
