"""What the editor says about a parameter: what it is, where its value is from, its risk, its effect."""

from collections.abc import Sequence
from html import escape

from planwise.parameters import Lever, Risk, Value
from planwise.parameters.declaration import Direction
from ui.components import html
from ui.components.html import Tone
from ui.draft import Draft
from ui.values.parameter_text import allowed, recommended, written
from ui.views.levers.choice import LOOK_ONLY
from ui.views.levers.sheet import Declared, full_label, risk_in

TONES: dict[str, Tone] = {"OK": "good", "LOW": "good", "MEDIUM": "warn", "HIGH": "warn", "CRITICAL": "bad"}
CHIPS = "display:flex;flex-wrap:wrap;gap:6px;margin:8px 0 4px"
MARKS = {Direction.INCREASING: "growth rises with it", Direction.DECREASING: "growth falls as it rises"}


def heading(draft: Draft, parameter: Declared, years: Sequence[int], *, may_edit: bool) -> str:
    """Return name, description and state (edited, tier, risk, lock) as HTML."""
    lock = draft.lock_of(parameter.name)
    locked = "" if lock is None else f"Locked by {lock.by}" + (f": {lock.why}" if lock.why else ".")
    closed = locked if may_edit else LOOK_ONLY
    return (
        f'<h2 class="card-title">{escape(full_label(parameter))}</h2>'
        f'<p class="card-subtitle">{escape(parameter.description)}</p>'
        f'<p style="{CHIPS}">{"".join(_chips(draft, parameter, years))}</p>'
        + (f'<p class="card-subtitle">{escape(closed)}</p>' if closed else "")
    )


def facts(draft: Draft, parameter: Declared, years: Sequence[int], effect: str) -> dict[str, str]:
    """Return what is known about a parameter in these years, as names and texts."""
    known = {
        "Base": _told(parameter, [draft.current.value(parameter.name, year) for year in years]),
        "Proposed": _told(parameter, [draft.effective.value(parameter.name, year) for year in years]),
        "Default": f"{written(parameter, parameter.default)} · {parameter.source}",
    }
    if parameter.bounds is not None:
        known["Hard bounds"] = allowed(parameter)
    if isinstance(parameter, Lever):
        known["Recommended"] = recommended(parameter)
        known["Effect"] = f"{effect or '…'} ({MARKS[parameter.direction]})"
    return known | {"Name": parameter.name}


def _chips(draft: Draft, parameter: Declared, years: Sequence[int]) -> list[str]:
    changed = any(
        draft.effective.value(parameter.name, year) != draft.current.value(parameter.name, year)
        for year in years
    )
    tiers = dict.fromkeys(draft.current.tier(parameter.name, year) for year in years)
    risks = [risk_in(parameter, draft.effective.value(parameter.name, year)) for year in years]
    worst = max(risks, key=lambda risk: Risk(risk).rank if risk else -1)
    return [
        *([html.chip("edited, not saved", "warn")] if changed else []),
        html.chip(f"tier: {' and '.join(tiers)}", ""),
        *([html.chip(f"risk: {worst}", TONES[worst])] if worst else []),
    ]


def _told(parameter: Declared, values: list[Value]) -> str:
    """Return values by year as one text; one value when they are all the same."""
    texts = [written(parameter, value) for value in values]
    return texts[0] if len(set(texts)) == 1 else " · ".join(texts)
