"""Policy against noise: the same scenarios drawn again and again, and what of the difference stays."""

import asyncio
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import InputError, PlanWiseError
from planwise.formatting import percent
from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import Figure, color_of, label
from ui.components.html import TableColumn
from ui.components.point_charts import intervals
from ui.pages.compare.tables import MONEY, PEOPLE, RATE, change, file_name
from ui.session import Session
from ui.values.comparison import Chance

METRICS = {
    "growth_compound": ("Annual growth (CAGR) since the census", RATE),
    "payroll": ("Payroll at year end", MONEY),
    "mean_base_pay": ("Mean base pay", MONEY),
    "headcount": ("Headcount", PEOPLE),
    "adjusted_gap_max": ("Largest adjusted pay gap", RATE),
}
DRAWS = (8, 16, 32)
EXPLAINED = (
    "Exits, hires and promotions are drawn at random. Here all scenarios are simulated again under the "
    "same seeds, every employee each time: what differs under every seed is policy, what scatters is random "
    "variation. The current definitions of the scenarios are used."
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
        self._start = pmui.Button(label="Estimate noise", variant="outlined", size="small", margin=0)
        self._cancel = pmui.Button(label="Stop", variant="text", size="small", margin=0, visible=False)
        self._bar = pmui.LinearProgress(
            value=0, variant="determinate", visible=False, sizing_mode="stretch_width", margin=0
        )
        self._status = html.pane(_quiet(EXPLAINED))
        self._card = Card(name="policy against noise")
        self._box = pn.Column(sizing_mode="stretch_width", margin=0)
        self._start.on_click(self._run)
        self._cancel.on_click(lambda _: setattr(self, "_stop", True))
        session.on_end(lambda: setattr(self, "_stop", True))
        self.layout = pn.Column(
            html.pane('<h2 class="card-title">Policy effect vs. random variation</h2>'),
            self._status,
            pn.Row(self._draws, self._start, self._cancel, styles={"gap": "12px", "align-items": "center"}),
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
            self._box.objects = []
            self._status.object = _quiet(EXPLAINED)

    async def _run(self, *_: Any) -> None:
        if self._running:
            return
        names, year = self._names, self._year
        self._running, self._stop = True, False
        self._start.disabled = True
        self._cancel.visible = self._bar.visible = True
        try:
            samples, done = await self._drawn(names, year)
            if (names, year) == (self._names, self._year):
                self._show(names, year, samples, done)
        except PlanWiseError as error:
            self._box.objects = [html.pane(html.error_notice(error))]
        finally:
            self._running = False
            self._start.disabled = False
            self._cancel.visible = self._bar.visible = False

    async def _drawn(self, names: Sequence[str], year: int) -> tuple[dict[str, dict[str, list[Any]]], int]:
        """Simulate seed by seed until there are enough or it is stopped."""
        session = self._session
        if session.previews is None:
            raise InputError(
                "This server was started without previews.", remedy="Ask who runs it to start it with them."
            )
        own = await session.offload(lambda: session.store.plans.effective(names[0]).seed)
        seeds = session.store.comparisons.seeds(own, int(self._draws.value))
        samples: dict[str, dict[str, list[Any]]] = {name: {m: [] for m in METRICS} for name in names}
        done = 0
        for number, seed in enumerate(seeds):
            self._bar.value = round(100 * number / len(seeds))
            self._status.object = _quiet(
                f"Draw {number + 1} of {len(seeds)}: {len(names)} scenarios, every employee of each."
            )
            if self._stop:
                break
            found = await asyncio.gather(
                *(session.previews.kpis(name, {"seed": seed}, purpose=f"chance {name}") for name in names)
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

    def _show(self, names: Sequence[str], year: int, samples: Any, done: int) -> None:
        self._status.object = _quiet(EXPLAINED)
        try:
            found = self._session.store.comparisons.chances(samples, names[0], list(METRICS))
        except PlanWiseError as error:
            self._box.objects = [html.pane(html.error_notice(error, "warn"))]
            return
        if not found:
            text = f"As they are defined now, they do not simulate {year} together."
            self._box.objects = [html.pane(html.notice(text, "Choose another year.", "warn"))]
            return
        self._card.show(chances(found, names, year, done, self._called))
        self._box.objects = [self._card.layout]


def chances(
    found: Sequence[Chance], names: Sequence[str], year: int, draws: int, called: Callable[[str], str] = str
) -> Content:
    """Return the differences that stay under every seed, with their interval and the share that is policy."""
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
        f"Difference from {base}, end of {year} · {draws} draws under the same seeds · policy's share is of "
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
            "value": chance.difference.mean,
            "low": chance.difference.low,
            "high": chance.difference.high,
            "text": f"{change(chance.difference.mean, RATE)}, {_share(chance)} policy",
            "color": color_of(chance.scenario, names),
        }
        for chance in found
        if chance.metric == "growth_compound"
    ]
    return intervals(
        rows, x_title=f"Annual growth minus {label(called(names[0]))}, 95% interval", x_format="+.2%"
    )


def _share(chance: Chance) -> str:
    share, error = chance.difference.policy_share, chance.difference.policy_share_standard_error
    if share is None:
        return "no difference"
    return percent(share) if error is None else f"{percent(share)} ± {percent(error)}"


def _quiet(text: str) -> str:
    return f'<p class="quiet">{escape(text)}</p>'
