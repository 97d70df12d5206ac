"""What moves growth most: each lever's slope, live from simulations of every employee."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import panel as pn
import panel_material_ui as pmui

from planwise.errors import PlanWiseError
from planwise.parameters import EffectiveParameters, Lever
from planwise.parameters.declaration import Unit
from ui.components import html
from ui.components.card import Card, Content
from ui.components.charts import PALETTE, ranked
from ui.components.layout import show
from ui.session import Session
from ui.values.formatting import points
from ui.views.levers.differences import counted
from ui.views.levers.sheet import full_label

STEP_TEXTS = {Unit.RATE: "+1 pp", Unit.MULTIPLIER: "+0.01×"}
PP = 100
BUSY = (
    '<p class="card-subtitle" role="status">What moves growth most: simulating every employee once for '
    "each lever …</p>"
)


def told(slopes: Mapping[str, float], effective: EffectiveParameters) -> dict[str, str]:
    """Return each lever's effect as a text: +0.10 pp of growth a year per +1 pp."""
    levers = effective.declared.levers
    return {
        name: f"{points(slope / PP)} of growth a year per {STEP_TEXTS[levers[name].unit]}"
        for name, slope in slopes.items()
        if name in levers
    }


def content(slopes: Mapping[str, float], effective: EffectiveParameters, scenario: str) -> Content:
    """Return the levers by what they move, the strongest first; slopes are in points a step."""
    levers: list[Lever] = sorted(
        (effective.declared.levers[name] for name in slopes), key=lambda lever: -abs(slopes[lever.name])
    )
    frame = pd.DataFrame(
        [
            {
                "lever": lever.name,
                "label": full_label(lever),
                "step": STEP_TEXTS[lever.unit],
                "growth_pp_per_step": slopes[lever.name],
            }
            for lever in levers
        ]
    )
    columns = (
        html.Column("label", "Lever", is_text=True),
        html.Column("step", "Step", is_text=True),
        html.Column("growth_pp_per_step", "Growth a year, pp per step", lambda pp: points(pp / PP, 3)),
    )
    values = [slopes[lever.name] for lever in levers]
    names = [full_label(lever).replace(" rate", "").replace("Promotion", "Prom.") for lever in levers]
    return Content(
        "What moves growth most",
        f"Growth of mean base pay a year, pp per +1 pp of a rate or +0.01× of a multiplier in all years · "
        f"{effective.years[0]}–{effective.years[-1]} · {scenario} · every employee simulated",
        frame,
        columns,
        "lever_effects.csv",
        ranked(names, values, [points(value / PP) for value in values], PALETTE[0], x_format=".2f"),
    )


class Effects:
    """The card, and the question behind it: asked when shown, and when the user asks again."""

    def __init__(self, session: Session, tell: Callable[[dict[str, str]], None]) -> None:
        self._session = session
        self._tell = tell
        self._asked: Any = None
        self._status = html.pane("")
        self._again = pmui.Button(label="Compute with the edits", variant="text", size="small", margin=0)
        self._again.on_click(lambda _: self.ask())
        self._card = Card(name="effects")
        self._top = pn.Row(self._status, self._again, sizing_mode="stretch_width")
        self.layout = pn.Column(self._top, sizing_mode="stretch_width")

    def refresh(self) -> None:
        """Ask when nothing was asked for this scenario yet; else offer to ask for the edits."""
        draft = self._session.draft
        if self._asked is None or self._asked[0] != (draft.scenario, draft.base.digest):
            self.ask()
        self._again.visible = self._asked is not None and self._asked[1] != draft.effective.digest

    def ask(self) -> None:
        """Compute the slopes for the draft as it is, beside everything else."""
        if self._session.previews is None:
            self._status.object = html.notice("Live simulation is not available here.", tone="warn")
            return
        draft = self._session.draft
        self._asked = ((draft.scenario, draft.base.digest), draft.effective.digest)
        self._status.object = BUSY
        self._again.param.update(visible=False, disabled=True)
        pn.state.execute(self._compute)

    async def _compute(self) -> None:
        previews, draft, asked = self._session.previews, self._session.draft, self._asked
        if previews is None:
            return
        effective, scenario, changes = draft.effective, draft.scenario, dict(draft.changes)
        try:
            slopes = await previews.slopes(scenario, effective)
        except PlanWiseError as error:
            self._status.object = html.notice(error.what, error.remedy or "", "bad")
            self._again.param.update(visible=True, disabled=False)
            return
        if slopes is None or asked != self._asked:
            return
        edits = f" with {counted(len(changes), 'edit')}" if changes else ""
        self._card.show(content(slopes, effective, scenario + edits))
        show(self.layout, self._top, self._card.layout)
        self._tell(told(slopes, effective))
        self._status.object = ""
        self._again.disabled = False
