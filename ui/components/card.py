"""A card: a chart with the table behind it and its download, in a frame; those that several pages have."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import panel_material_ui as pmui
import param
import plotly

from planwise.equity.reasons import MARKET_REASONS
from planwise.formatting import (
    count,
    exact_percent,
    is_missing,
    money,
    percent,
    points,
    ratio,
    shortened,
)
from ui.components import html
from ui.components.charts import (
    PALETTE,
    TEMPLATE,
    TOTAL,
    Figure,
    Series,
    bars,
    ranked,
    waterfall,
    with_reference,
)
from ui.components.downloads import FileButton, to_csv
from ui.components.html import TableColumn, Tone
from ui.values.results import SUPPRESSED_UNDER, Result, parts_of_growth

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


MARKET_MEDIAN = 50.0  # the percentile
MARKET_TICKS = (10, 25, 50, 75, 90)  # what surveys publish
MARKET_GROUPS: Mapping[str, str] = {
    "job_title": "Job",
    "department": "Department",
    "job_family": "Job family",
    "gender": "Gender",
}
MARKET_BARS = 20  # the table has every group
MARKET_ROOM = 0.22  # of the axis
MARKET_HIDDEN = f"not shown: the pay of fewer than {SUPPRESSED_UNDER} people would follow from it"
MARKET_MEANING = (
    "The market reference is what the market pays for the job title: the median (P50) of its occupation in "
    "the matched survey, aged to the census date and moved by each year's market movement. The compa-ratio "
    "to market is base pay over it; the position is the percentile of base pay in that market, interpolated "
    "between P10 and P90, which are also its ends. People whose title is not matched are in no mean."
)


def place(percentile: Any) -> str:
    """Return a percentile: P47."""
    return "n/a" if is_missing(percentile) else f"P{ratio(percentile, 0)}"


def why_no_market(row: Mapping[Any, Any]) -> str:
    """Return why a group has no market position; nothing where it has one."""
    if not is_missing(row["mean_market_ratio"]):
        return ""
    reason = row["market_reason"]
    return MARKET_REASONS.get(reason, MARKET_HIDDEN) if isinstance(reason, str) else MARKET_HIDDEN


MARKET_COLUMNS = (
    TableColumn("headcount", "People", count),
    TableColumn("market_people", "Matched", count),
    TableColumn("mean_base_pay", "Mean base pay, $", money),
    TableColumn("mean_market_reference", "Market median, $", money),
    TableColumn("mean_market_ratio", "Compa-ratio to market", ratio),
    TableColumn("mean_market_position", "Position", place),
    TableColumn("why", "Why none", str, is_text=True),
)


def market_by_level(
    frame: pd.DataFrame, name_of: Callable[[Any], str], *, subtitle: str, file_name: str
) -> Content:
    """Return the mean percentile by level, the lowest first, each bar with percentile and compa-ratio."""
    frame = frame.sort_values("group", key=lambda groups: groups.astype(int)).reset_index(drop=True)
    levels = frame.assign(name=[name_of(int(group)) for group in frame["group"]])
    places = list(levels["name"])
    values = [None if is_missing(value) else float(value) for value in levels["mean_market_position"]]
    hover = [f"{level}: {place(value)}" for level, value in zip(places, values, strict=True)]
    figure = bars(
        places, [Series("Position", values, hover, PALETTE[0])], y_format=",d", y_title="Percentile"
    )
    ratios = levels["mean_market_ratio"]
    for drawn in figure["data"]:
        texts = [
            "" if p is None else f"{place(p)}<br>{ratio(r)}" for p, r in zip(values, ratios, strict=True)
        ]
        drawn |= {"text": texts, "textposition": "auto", "textangle": 0, "cliponaxis": False}
        drawn |= {
            "insidetextanchor": "start",
            "insidetextfont": {"color": "#ffffff"},
        }  # below the line at P50
    missing = levels[levels["why"] != ""].groupby("why", sort=False)["name"]
    why = "".join(f" · {listed(list(names))}: {reason}" for reason, names in missing)
    return Content(
        "Market position by level",
        f"{subtitle} · {covered(frame)} · on the bars: position, compa-ratio to market{why}",
        frame,
        (TableColumn("group", "Level", lambda v: name_of(int(v)), is_text=True), *MARKET_COLUMNS),
        file_name,
        with_percentiles(figure),
    )


def listed(names: Sequence[str]) -> str:
    """Return names as text: a, b and c."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def covered(frame: pd.DataFrame) -> str:
    """Return how many of the people of all groups have a matched job title."""
    return f"{count(frame['market_people'].sum())} of {count(frame['headcount'].sum())} people matched"


def with_percentiles(figure: Figure) -> Figure:
    """Give a figure of percentiles the same axis wherever pay is, with a line at the market's median."""
    if not figure["data"]:  # it says why
        return figure
    ticks = {"tickmode": "array", "tickvals": list(MARKET_TICKS), "ticktext": list(map(place, MARKET_TICKS))}
    figure["layout"]["yaxis"] |= {"range": [0, 100], **ticks}
    return with_reference(figure, place(MARKET_MEDIAN), MARKET_MEDIAN)


def market_by_group(frame: pd.DataFrame, attribute: str, *, subtitle: str, file_name: str) -> Content:
    """Return pay against the market's median by group, the largest groups on the chart."""
    known = frame[frame["mean_market_ratio"].notna()].sort_values("headcount", ascending=False)
    shown = known.head(MARKET_BARS).sort_values("mean_market_ratio")
    differences = [float(value) - 1 for value in shown["mean_market_ratio"]]
    name = MARKET_GROUPS[attribute]
    return Content(
        f"Compa-ratio to market by {name.lower()}",
        f"{subtitle} · {covered(frame)} · chart: the {count(len(shown))} largest of {count(len(frame))}",
        frame,
        (TableColumn("group", name, str, is_text=True), *MARKET_COLUMNS),
        file_name,
        _ranked(list(shown["group"]), differences),
    )


def _ranked(names: Sequence[str], differences: Sequence[float]) -> Figure:
    texts = [percent(value, 1, sign=True) for value in differences]
    title = "Base pay against the market's median"
    low, high = min([0, *differences]), max([0, *differences])
    room = low - MARKET_ROOM * (high - low)  # for the text at the left of the longest bar
    reach = (room, high) if low < 0 else None
    return ranked(names, differences, texts, TOTAL, x_format="+.0%", x_title=title, x_range=reach)
