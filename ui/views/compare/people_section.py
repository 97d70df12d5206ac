"""Winners and losers: one scenario at a time against the base, read when the figures stand."""

from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui

from ui.components import html
from ui.components.card import Card
from ui.components.layout import PAIR, STACK
from ui.values.compared import PeopleCompared
from ui.views.compare.people_parts import distribution, groups, payroll, strip

UNMATCHED = (
    '<p class="quiet">Winners and losers cannot be told: no other scenario began with the same census and '
    "simulates this year.</p>"
)


class PeopleSection:
    """Shows the pair that is chosen."""

    def __init__(self) -> None:
        self._pairs: dict[str, PeopleCompared] = {}
        self._which = pmui.Select(
            label="Winners and losers of", options=[], size="small", width=460, margin=0
        )
        self._which.param.watch(lambda _: self._fill(), "value")
        self._strip = html.pane("")
        self._nobody = html.pane(UNMATCHED, visible=False)
        self._spread = Card(name="spread of differences")
        self._payroll = Card(name="why payroll differs")
        self._groups = Card(name="winners and losers by group", with_chart=False, height=480)
        self._body = pn.Column(
            self._which,
            self._strip,
            pn.Column(self._spread.layout, self._payroll.layout, **PAIR),
            self._groups.layout,
            **STACK,
        )
        self.layout = pn.Column(
            html.pane('<h2 class="card-title">Winners and losers</h2>'), self._nobody, self._body, **STACK
        )

    def show(self, pairs: Sequence[PeopleCompared]) -> None:
        """Show other pairs; the scenario that was looked at stays where it can."""
        self._pairs = {pair.scenario: pair for pair in pairs}
        self._nobody.visible, self._body.visible = not pairs, bool(pairs)
        if not pairs:
            return
        kept = self._which.value if self._which.value in self._pairs else pairs[0].scenario
        self._which.param.update(options=list(self._pairs), value=kept)
        self._fill()

    def _fill(self) -> None:
        found: Any = self._pairs.get(self._which.value)
        if found is None:
            return
        self._strip.object = strip(found)
        self._spread.show(distribution(found))
        self._payroll.show(payroll(found))
        self._groups.show(groups(found))
