"""Policy against noise: the same scenarios drawn again and again, and what of the difference stays."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError, PlanWiseError
from planwise.formatting import counted, percent
from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import Figure, color_of, label
from ui.components.html import TableColumn
from ui.components.point_charts import intervals
from ui.pages.compare.tables import MONEY, PEOPLE, RATE, change, figure, file_name
from ui.session import Session
from ui.values.comparison import DRAWN, Chance, Reach
from ui.values.studies import PP

METRICS = {
    "growth_compound": ("Change in average pay a year since the census", RATE),
    "payroll": ("Payroll at year end", MONEY),
    "mean_base_pay": ("Mean base pay", MONEY),
    "headcount": ("Headcount", PEOPLE),
    "adjusted_gap_max": ("Largest adjusted pay gap", RATE),
}
DRAWS = (8, 16, 32)
AMOUNTS = "$"
NOT_DRAWN = "not drawn yet"
EXPLAINED = (
    "All scenarios are simulated again with the same draws, every employee each time: what differs in every "
    "draw is policy, what scatters is random variation. {} What one of the scenarios decides, as a stated "
    "headcount growth, is not drawn. The current definitions of the scenarios are used."
)


class ChanceSection:
    """Draws on request, with progress and a button that stops it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names: tuple[str, ...] = ()
        self._year = 0
        self._called: Callable[[str], str] = str
        self._running = False
        self._stop = False
        self._draws = pmui.Select(
            label="Draws", options=list(DRAWS), value=DRAWS[0], size="small", width=96, margin=0
        )
        self._drawn = pmui.Select(
            label="Drawn",
            options={name.capitalize(): name for name in DRAWN},
            value=next(iter(DRAWN)),
            size="small",
            width=176,
            margin=0,
        )
        self._reaches: dict[str, tuple[Reach, ...]] = {}
        self._start = pmui.Button(label="Estimate noise", variant="outlined", size="small", margin=0)
        self._cancel = pmui.Button(label="Stop", variant="text", size="small", margin=0, visible=False)
        self._bar = pmui.LinearProgress(
            value=0, variant="determinate", visible=False, sizing_mode="stretch_width", margin=0
        )
        self._status = html.pane(self._explained())
        self._card = Card(name="policy against noise")
        self._reach_card = Card(name="range of each scenario")
        self._box = pn.Column(sizing_mode="stretch_width", margin=0, styles={"gap": "16px"})
        self._start.on_click(self._run)
        self._drawn.param.watch(lambda _: setattr(self._status, "object", self._explained()), "value")
        self._cancel.on_click(lambda _: setattr(self, "_stop", True))
        session.on_end(lambda: setattr(self, "_stop", True))
        self.layout = pn.Column(
            html.pane('<h2 class="card-title">Policy effect vs. random variation</h2>'),
            self._status,
            pn.Row(
                *(self._drawn, self._draws, self._start, self._cancel),
                styles={"gap": "12px", "align-items": "center", "flex-wrap": "wrap"},
            ),
            self._bar,
            self._box,
            sizing_mode="stretch_width",
            styles={"gap": "8px"},
        )

    def about(self, names: Sequence[str], year: int, called: Callable[[str], str] = str) -> None:
        """Say what would be drawn; what was drawn of other scenarios or another year goes."""
        self._called = called
        if (tuple(names), year) != (self._names, self._year):
            self._stop = True
            self._names, self._year = tuple(names), year
            self._box.objects, self._reaches = [], {}
            self._status.object = self._explained()

    def _explained(self) -> str:
        return _quiet(EXPLAINED.format(DRAWN[self._drawn.value]))

    async def _run(self, *_: Any) -> None:
        if self._running:
            return
        names, year, drawn = self._names, self._year, str(self._drawn.value)
        self._running, self._stop = True, False
        self._start.disabled = self._drawn.disabled = True
        self._cancel.visible = self._bar.visible = True
        try:
            samples, done = await self._samples(names, year, drawn)
            if (names, year) == (self._names, self._year):
                self._show(names, year, samples, done, drawn)
        except PlanWiseError as error:
            self._box.objects = [html.pane(html.error_notice(error))]
        finally:
            self._running = False
            self._start.disabled = self._drawn.disabled = False
            self._cancel.visible = self._bar.visible = False

    async def _samples(
        self, names: Sequence[str], year: int, drawn: str
    ) -> tuple[dict[str, dict[str, list[Any]]], int]:
        """Simulate draw by draw until there are enough or it is stopped."""
        session = self._session
        if session.previews is None:
            raise InputError(
                "This server was started without previews.", remedy="Ask who runs it to start it with them."
            )
        store, count = session.store, int(self._draws.value)

        def draws() -> list[dict[str, Any]]:
            return store.comparisons.worlds(
                {name: store.plans.effective(name) for name in names}, count, drawn
            )

        worlds = await session.offload(draws)
        samples: dict[str, dict[str, list[Any]]] = {name: {m: [] for m in METRICS} for name in names}
        done = 0
        for number, world in enumerate(worlds):
            self._bar.value = round(100 * number / count)
            self._status.object = _quiet(
                f"Draw {number + 1} of {count}: {counted(len(names), 'scenario')}, every employee of each."
            )
            if self._stop:
                break
            found = await asyncio.gather(
                *(session.previews.kpis(name, world[name], purpose=f"chance {name}") for name in names)
            )
            answers = [answer for answer in found if answer is not None]
            if len(answers) < len(names):
                continue  # another tab's newer question went before
            for name, answer in zip(names, answers, strict=True):
                row = next((kpi for kpi in answer.kpis if kpi["simulation_year"] == year), {})
                for metric in METRICS:
                    samples[name][metric].append(row.get(metric))
            done += 1
        return samples, done

    def _show(self, names: Sequence[str], year: int, samples: Any, done: int, drawn: str) -> None:
        self._status.object = self._explained()
        comparisons = self._session.store.comparisons
        try:
            found = comparisons.chances(samples, names[0], list(METRICS))
        except PlanWiseError as error:
            self._box.objects = [html.pane(html.error_notice(error, "warn"))]
            return
        if not found:
            text = f"As they are defined now, they do not simulate {year} together."
            self._box.objects = [html.pane(html.notice(text, "Choose another year.", "warn"))]
            return
        self._reaches[drawn] = comparisons.reaches(samples, list(METRICS), drawn)
        self._card.show(chances(found, names, year, done, self._called, drawn=drawn))
        self._reach_card.show(reaches(self._reaches, names, year, self._called))
        self._box.objects = [self._card.layout, self._reach_card.layout]


def reaches(
    found: Mapping[str, Sequence[Reach]], names: Sequence[str], year: int, called: Callable[[str], str] = str
) -> Content:
    """Return between which figures each scenario may come to lie, apart by what was drawn."""
    every = [reach for drawn in DRAWN for reach in found.get(drawn, ())]
    by_key = {(reach.metric, reach.scenario, reach.drawn): reach for reach in every}
    rows = [
        {
            "scenario": called(scenario),
            "label": METRICS[metric][0],
            **{drawn: _between(by_key.get((metric, scenario, drawn)), METRICS[metric][1]) for drawn in DRAWN},
        }
        for metric in METRICS
        for scenario in names
        if any((metric, scenario, drawn) in by_key for drawn in DRAWN)
    ]
    columns = (
        TableColumn("scenario", "Scenario", is_text=True),
        TableColumn("label", "Figure", is_text=True),
        *(TableColumn(drawn, f"P10 to P90, {drawn}") for drawn in DRAWN),
    )
    title = "What each scenario may come to"
    subtitle = f"End of {year} · eight of ten draws lie between P10 and P90"
    marks = [
        {
            "name": f"{called(reach.scenario)}, {reach.drawn}",
            "value": reach.p50,
            "low": reach.p10,
            "high": reach.p90,
            "text": f"{reach.drawn}: {_between(reach, MONEY)}",
            "color": color_of(reach.scenario, names),
        }
        for scenario in names
        for reach in every
        if (reach.metric, reach.scenario) == ("payroll", scenario)
    ]
    return Content(
        title,
        subtitle,
        pd.DataFrame([asdict(reach) for reach in every]),
        (),
        file_name("ranges", names, "csv"),
        intervals(
            marks, x_title=f"Payroll at the end of {year}, P10 to P90 with the median", x_format=AMOUNTS
        ),
        table=html.table(pd.DataFrame(rows), columns, f"{title}. {subtitle}"),
    )


def _between(reach: Reach | None, unit: str) -> str:
    return NOT_DRAWN if reach is None else f"{figure(reach.p10, unit)} to {figure(reach.p90, unit)}"


def chances(
    found: Sequence[Chance],
    names: Sequence[str],
    year: int,
    draws: int,
    called: Callable[[str], str] = str,
    *,
    drawn: str = next(iter(DRAWN)),
) -> Content:
    """Return the differences that stay in every draw, with their interval and the share that is policy."""
    base = called(names[0])
    rows = [_row(chance) for chance in found]
    shown = pd.DataFrame(
        [
            {
                "scenario": called(row["scenario"]),
                "label": METRICS[row["metric"]][0],
                "mean": change(row["mean"], row["unit"]),
                "interval": f"{change(row['low'], row['unit'])} to {change(row['high'], row['unit'])}",
                "sd": change(row["sd"], row["unit"]).lstrip("+"),
                "share": _share(chance),
            }
            for chance, row in zip(found, rows, strict=True)
        ]
    )
    columns = (
        TableColumn("scenario", "Scenario", is_text=True),
        TableColumn("label", "Figure", is_text=True),
        TableColumn("mean", "Difference"),
        TableColumn("interval", "95% interval"),
        TableColumn("sd", "Noise of one run (SD)"),
        TableColumn("share", "Policy share"),
    )
    title = "Policy effect vs. random variation"
    subtitle = (
        f"Difference from {base}, end of {year} · {draws} common draws of {drawn} · policy's share is of "
        "what one pair of runs shows"
    )
    caption = f"{title}. {subtitle}"
    return Content(
        title,
        subtitle,
        pd.DataFrame(rows),
        (),
        file_name("policy_and_luck", names, "csv"),
        _intervals(found, names, called),
        table=html.table(shown, columns, caption),
    )


def _row(chance: Chance) -> dict[str, Any]:
    """Return a row of the downloaded file."""
    found = chance.difference
    return {
        "scenario": chance.scenario,
        "metric": chance.metric,
        "mean": found.mean,
        "low": found.low,
        "high": found.high,
        "sd": found.sd,
        "policy_share": found.policy_share,
        "policy_share_error": found.policy_share_standard_error,
        "share_without_pairs": found.policy_share_without_crn,
        "n": found.n,
        "unit": METRICS[chance.metric][1],
    }


def _intervals(found: Sequence[Chance], names: Sequence[str], called: Callable[[str], str]) -> Figure:
    rows = [
        {
            "name": called(chance.scenario),
            "value": chance.difference.mean * PP,
            "low": chance.difference.low * PP,
            "high": chance.difference.high * PP,
            "text": f"{change(chance.difference.mean, RATE)}, {_share(chance)} policy",
            "color": color_of(chance.scenario, names),
        }
        for chance in found
        if chance.metric == "growth_compound"
    ]
    title = f"Change in average pay a year, minus {label(called(names[0]))}: pp, 95% interval"
    return intervals(rows, x_title=title, x_format="+.2f")


def _share(chance: Chance) -> str:
    share, error = chance.difference.policy_share, chance.difference.policy_share_standard_error
    if share is None:
        return "no difference"
    return percent(share) if error is None else f"{percent(share)} ± {percent(error)}"


def _quiet(text: str) -> str:
    return f'<p class="quiet">{escape(text)}</p>'
