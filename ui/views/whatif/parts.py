"""The parts of the page, made once: editors at the side, figures and cards beside them."""

from collections.abc import Callable, Mapping
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.components.card import FRAME, Card
from ui.components.layout import GAP, STACK
from ui.views.whatif.board import Board, Figures
from ui.views.whatif.people import DIMENSIONS

SIDE_WIDTH = 420  # pixels: a name, a slider, a number, the base value and a way back in one line
NARROW = 940  # pixels of the window, under which the editors stand above the figures
CHART_WIDTH_MIN = 370  # pixels, under which charts stand below each other
SPLIT = f"""
:host {{
  display: grid; grid-template-columns: {SIDE_WIDTH}px minmax(0, 1fr); gap: {GAP}px; align-items: start;
}}
@media (max-width: {NARROW}px) {{ :host {{ grid-template-columns: minmax(0, 1fr); }} }}
"""
CHARTS = f"""
:host {{
  display: grid; gap: {GAP}px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min({CHART_WIDTH_MIN}px, 100%), 1fr));
}}
"""
STICKY = {"position": "sticky", "top": f"{GAP}px", "max-height": "calc(100vh - 100px)", "overflow-y": "auto"}
FINDINGS = """
.findings { margin: 0; padding: 0; list-style: none; display: grid; gap: 7px; font-size: 13px; }
.findings li { display: grid; grid-template-columns: 78px 1fr; gap: 10px; line-height: 1.45; }
.findings .chip { justify-self: start; align-self: start; }
"""


class Parts:
    """Widgets, cards and the layout that holds them; what they show is the page's business."""

    def __init__(self, on_message: Callable[[Mapping[str, Any]], None]) -> None:
        self.heading = html.pane("", min_width=0)
        self.notices = html.pane("")
        self.base = pmui.Select(label="Base scenario", options=[], size="small", width=260, margin=0)
        self.year = pmui.Select(label="Figures of", options=[], size="small", width=112, margin=0)
        self.save = pmui.Button(
            label="Save as scenario and run", color="primary", variant="contained", size="small", margin=0
        )
        self.board = Board(on_message, sizing_mode="stretch_width", margin=0)
        self.figures = Figures(sizing_mode="stretch_width", margin=0)
        self.growth = Card(name="growth by year")
        self.payroll = Card(name="annual payroll")
        self.bridge = Card(name="growth bridge")
        self.levels = Card(name="levels")
        self.dimension = pmui.Select(
            label="Group by",
            options={text: name for name, text in DIMENSIONS.items()},
            value=next(iter(DIMENSIONS)),
            size="small",
            width=180,
            margin=(6, 0, 8, 0),
        )
        self.affected = Card(name="who is affected", control=self.dimension)
        self.findings_heading = html.pane("", margin=(0, 0, 8, 0))
        self.findings = html.pane("")
        self.findings.stylesheets = [*self.findings.stylesheets, FINDINGS]
        self.findings_box = pmui.Paper(self.findings_heading, self.findings, **FRAME, visible=False)
        self.layout = pn.Column(
            pn.FlexBox(
                pn.Column(self.heading, min_width=260, styles={"flex": "1 1 300px"}),
                pn.FlexBox(
                    *(self.base, self.year, self.save),
                    gap="12px",
                    align_items="center",
                    styles={"flex": "0 1 auto"},
                ),
                justify_content="space-between",
                align_items="center",
                gap=f"{GAP}px",
            ),
            self.notices,
            pn.Column(
                pmui.Paper(self.board, **FRAME, styles=STICKY),
                pn.Column(
                    self.figures,
                    self.findings_box,
                    _pair(self.growth, self.payroll),
                    self.bridge.layout,
                    _pair(self.levels, self.affected),
                    **STACK,
                ),
                sizing_mode="stretch_width",
                stylesheets=[SPLIT],
            ),
            **STACK,
            margin=GAP,
        )


def _pair(*cards: Card) -> pn.Column:
    """Return cards side by side where there is room."""
    layouts = (card.layout for card in cards)
    return pn.Column(*layouts, sizing_mode="stretch_width", stylesheets=[CHARTS])
