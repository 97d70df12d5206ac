"""What is looked at before a study starts, as people read it."""

from html import escape

from ui.values.formatting import percent, points, seconds
from ui.values.studies import Check, Checked, Measured

MARKS = {
    "ok": ("✓", "good", "fine"),
    "warn": ("!", "warn", "to consider"),
    "bad": ("✕", "bad", "blocks the start"),
}
PLAN_SECONDS_PER_PREVIEW = 6.0  # a plan of ten thousand people takes about as long as six previews


def shown(checks: tuple[Check, ...]) -> str:
    """Return the checks as a list: what blocks first, then what to consider."""
    order = {"bad": 0, "warn": 1, "ok": 2}
    lines = []
    for check in sorted(checks, key=lambda one: order[one.tone]):
        mark, tone, word = MARKS[check.tone]
        remedy = f'<p class="remedy">{escape(check.remedy)}</p>' if check.remedy else ""
        lines.append(
            f'<li><span class="mark {tone}" role="img" aria-label="{word}">{mark}</span>'
            f"<div><strong>{escape(check.name)}</strong> <span>{escape(check.says)}</span>{remedy}</div></li>"
        )
    return f'<ul class="checks">{"".join(lines)}</ul>'


def verdict(checked: Checked) -> str:
    """Return in one line whether the study can start."""
    bad = sum(check.tone == "bad" for check in checked.checks)
    warn = sum(check.tone == "warn" for check in checked.checks)
    if bad:
        return f"{bad} check{'' if bad == 1 else 's'} block{'s' if bad == 1 else ''} the start."
    return f"Ready; {warn} to consider." if warn else "Ready to start."


def reach(checked: Checked, measured: Measured | None, target: float | None) -> str:
    """Return how the scenario grows as it is, and how far the levers tuned reach."""
    if measured is None:
        return '<p class="card-subtitle">Growth as it is and within reach: being measured …</p>'
    low, high = sorted((measured.lowest, measured.highest))
    gap = "" if target is None else f" ({points(target - measured.baseline)} to go)"
    return (
        f'<p class="card-subtitle">As it is: <b>{percent(measured.baseline, 2)}</b> a year{escape(gap)}.<br>'
        f"These {len(checked.levers)} levers reach {percent(low, 2)} to {percent(high, 2)}.</p>"
    )


def expected(checked: Checked, measured: Measured | None, trials: int | None, *, preview: bool) -> str:
    """Return how many evaluations to expect and how long they take, where it is known."""
    if checked.budget is None or measured is None:
        return ""
    low, recommended, high = checked.budget
    if not checked.takes_trials:
        return (
            "Some 20 to 60 previews" + ("" if preview else " and 1 to 3 plans, or a plan an iteration") + "."
        )
    count = trials or recommended
    each = measured.seconds * (1.0 if preview else PLAN_SECONDS_PER_PREVIEW)
    return (
        f"{count:,} trials, about {seconds(count * each)} on one worker "
        f"({checked.problem_class}: {low}, {recommended}, {high} at least, recommended, at most)."
    )
